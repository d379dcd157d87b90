// Reference counting on the object header, and owners of one reference.
#ifndef TVMFFI_LIBFFI_CORE_OBJECT_HANDLE_H_
#define TVMFFI_LIBFFI_CORE_OBJECT_HANDLE_H_

#include <tvm/ffi/object.h>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace tvmffi::core {

inline void IncRef(TVMFFIObjectHandle handle) noexcept {
  tvm::ffi::details::IncStrongRef(static_cast<TVMFFIObject*>(handle));
}

// The last strong reference runs the deleter here. `handle` is not NULL.
void DecRef(TVMFFIObjectHandle handle) noexcept;

// One strong reference, or none.
class Handle {
 public:
  Handle() = default;
  static Handle Adopt(TVMFFIObjectHandle handle) { return Handle(handle); }
  static Handle Retain(TVMFFIObjectHandle handle) {
    if (handle != nullptr) IncRef(handle);
    return Handle(handle);
  }
  Handle(Handle&& other) noexcept : handle_(other.Release()) {}
  Handle& operator=(Handle&& other) noexcept {
    Handle old(std::exchange(handle_, other.Release()));
    return *this;
  }
  ~Handle() {
    if (handle_ != nullptr) DecRef(handle_);
  }

  TVMFFIObjectHandle get() const { return handle_; }
  TVMFFIObjectHandle Release() { return std::exchange(handle_, nullptr); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  explicit Handle(TVMFFIObjectHandle handle) : handle_(handle) {}
  TVMFFIObjectHandle handle_ = nullptr;
};

template <typename T>
void DeleteObject(void* self, int flags) {
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) static_cast<T*>(self)->~T();
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) ::operator delete(self);
}

// An object type of the library: standard layout, a TVMFFIObject named `header` first.
// `trailing_bytes` follow it.
template <typename T, typename... Args>
T* NewObject(int32_t type_index, size_t trailing_bytes, Args&&... args) {
  static_assert(std::is_standard_layout_v<T> && offsetof(T, header) == 0);
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  void* memory = ::operator new(sizeof(T) + trailing_bytes);
  T* object;
  try {
    object = new (memory) T{{}, std::forward<Args>(args)...};
  } catch (...) {
    ::operator delete(memory);
    throw;
  }
  tvm::ffi::details::SetFirstReference(&object->header, type_index, DeleteObject<T>);
  return object;
}

inline bool IsObject(const TVMFFIAny& value) {
  return value.type_index >= kTVMFFIStaticObjectBegin;
}

// The owned form of a borrowed value; throws Failure for a reference that was already moved.
TVMFFIAny OwnedFromView(const TVMFFIAny& view);

inline void DestroyOwned(const TVMFFIAny& value) noexcept {
  if (IsObject(value)) DecRef(value.v_obj);
}

inline TVMFFIAny NoneAny() {
  TVMFFIAny none;
  none.type_index = kTVMFFINone;
  none.zero_padding = 0;
  none.v_int64 = 0;
  return none;
}

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_OBJECT_HANDLE_H_
