/*!
 * \file tvm/ffi/memory.h
 * \brief Making objects: make_object, make_arc, make_inplace_array_object.
 */
#ifndef TVM_FFI_MEMORY_H_
#define TVM_FFI_MEMORY_H_

#include <tvm/ffi/object.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace tvm {
namespace ffi {

/*! \brief An object's deleter: the header's address and TVMFFIObjectDeleterFlagBitMask bits. */
using FObjectDeleter = void (*)(void* obj, int flags);

namespace details {

/*! \brief Memory of the given alignment, or std::bad_alloc. */
template <size_t kAlignment>
TVM_FFI_INLINE void* AlignedAlloc(size_t size) {
  void* ptr = nullptr;
  if constexpr (kAlignment <= alignof(std::max_align_t)) {
    ptr = std::malloc(size);
  } else if (::posix_memalign(&ptr, kAlignment, size) != 0) {
    ptr = nullptr;
  }
  if (TVM_FFI_PREDICT_FALSE(ptr == nullptr)) {
    throw std::bad_alloc();
  }
  return ptr;
}

TVM_FFI_INLINE void AlignedFree(void* ptr) { std::free(ptr); }

/*! \brief Frees memory on scope exit unless released: for a constructor that throws. */
struct AllocationGuard {
  void* ptr;
  ~AllocationGuard() { AlignedFree(ptr); }
};

/*! \brief The deleter of objects made here. Runs T's own destructor, so none need be virtual. */
template <typename T>
TVM_FFI_HIDDEN_ inline void DeleteObject(void* header, int flags) {
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
    ObjectUnsafe::RawObjectPtrFromUnowned<T>(static_cast<TVMFFIObject*>(header))->T::~T();
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) {
    // Plain arithmetic: there is no T any more that a cast could be checked against.
    AlignedFree(static_cast<char*>(header) - ObjectUnsafe::GetObjectOffsetToSubclass<T>());
  }
}

/*! \brief Allocates objects with malloc. */
class SimpleObjAllocator {
 public:
  template <typename T, typename... Args>
  TVM_FFI_INLINE ObjectPtr<T> make_object(Args&&... args) {
    static_assert(std::is_base_of_v<Object, T>, "make_object makes subclasses of Object");
    return Construct<T>(AlignedAlloc<alignof(T)>(sizeof(T)), std::forward<Args>(args)...);
  }

  template <typename ArrayType, typename ElemType, typename... Args>
  TVM_FFI_INLINE ObjectPtr<ArrayType> make_inplace_array(size_t num_elems, Args&&... args) {
    static_assert(std::is_base_of_v<Object, ArrayType>, "the array is a subclass of Object");
    static_assert(
        alignof(ArrayType) % alignof(ElemType) == 0 && sizeof(ArrayType) % alignof(ElemType) == 0,
        "elements start directly behind the object and must be aligned there");
    constexpr size_t kMaxElems = (SIZE_MAX - sizeof(ArrayType)) / sizeof(ElemType);
    if (TVM_FFI_PREDICT_FALSE(num_elems > kMaxElems)) {
      throw std::bad_alloc();
    }
    void* data = AlignedAlloc<alignof(ArrayType)>(sizeof(ArrayType) + num_elems * sizeof(ElemType));
    return Construct<ArrayType>(data, std::forward<Args>(args)...);
  }

 private:
  template <typename T, typename... Args>
  TVM_FFI_INLINE static ObjectPtr<T> Construct(void* data, Args&&... args) {
    // Looked up first: behind a call the header would have to be filled in twice.
    const int32_t type_index = T::RuntimeTypeIndex();
    T* obj;
    if constexpr (std::is_nothrow_constructible_v<T, Args...>) {
      obj = new (data) T(std::forward<Args>(args)...);
    } else {
      AllocationGuard guard{data};
      obj = new (data) T(std::forward<Args>(args)...);
      guard.ptr = nullptr;
    }
    SetFirstReference(ObjectUnsafe::GetHeader(obj), type_index, DeleteObject<T>);
    return ObjectUnsafe::ObjectPtrFromOwned<T>(static_cast<Object*>(obj));
  }
};

}  // namespace details

/*!
 * \brief Make an object.
 * \return The only reference to it.
 * \note An exception of the constructor is passed on; std::bad_alloc when memory runs out.
 */
template <typename T, typename... Args>
inline ObjectPtr<T> make_object(Args&&... args) {
  return details::SimpleObjAllocator().make_object<T>(std::forward<Args>(args)...);
}

/*! \brief make_object for a pointer that is never null. */
template <typename T, typename... Args>
inline Arc<T> make_arc(Args&&... args) {
  return details::ObjectUnsafe::ArcFromObjectPtr<T>(make_object<T>(std::forward<Args>(args)...));
}

/*!
 * \brief Make an object with room for `num_elems` elements behind it.
 * \note The elements are uninitialised; constructing and destroying them is ArrayType's business.
 */
template <typename ArrayType, typename ElemType, typename... Args>
inline ObjectPtr<ArrayType> make_inplace_array_object(size_t num_elems, Args&&... args) {
  return details::SimpleObjAllocator().make_inplace_array<ArrayType, ElemType>(
      num_elems, std::forward<Args>(args)...);
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_MEMORY_H_
