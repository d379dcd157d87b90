/*!
 * \file tvm/ffi/object.h
 * \brief Object header, intrusive pointers, references, and the macros that declare object types.
 *
 * Objects start with the 24-byte TVMFFIObject header and are destroyed by the deleter stored in it,
 * so they can cross library boundaries. Counting is atomic; everything else about an object is as
 * thread-safe as its own class says.
 */
#ifndef TVM_FFI_OBJECT_H_
#define TVM_FFI_OBJECT_H_

#include <tvm/ffi/base_details.h>
#include <tvm/ffi/endian.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tvm {
namespace ffi {

using TypeIndex = TVMFFITypeIndex;
using TypeInfo = TVMFFITypeInfo;

/*! \brief Tag: leaves a reference null although its class promises it is not. The caller fills it
 * in. */
struct UnsafeInit {};

/*! \brief Keys of the built-in types. */
struct StaticTypeKey {
  static constexpr const char* kTVMFFIAny = "Any";
  static constexpr const char* kTVMFFINone = "None";
  static constexpr const char* kTVMFFIBool = "bool";
  static constexpr const char* kTVMFFIInt = "int";
  static constexpr const char* kTVMFFIFloat = "float";
  static constexpr const char* kTVMFFIOpaquePtr = "void*";
  static constexpr const char* kTVMFFIDataType = "DataType";
  static constexpr const char* kTVMFFIDevice = "Device";
  static constexpr const char* kTVMFFIDLTensorPtr = "DLTensor*";
  static constexpr const char* kTVMFFIRawStr = "const char*";
  static constexpr const char* kTVMFFIByteArrayPtr = "TVMFFIByteArray*";
  static constexpr const char* kTVMFFIObjectRValueRef = "ObjectRValueRef";
  static constexpr const char* kTVMFFISmallStr = "ffi.SmallStr";
  static constexpr const char* kTVMFFISmallBytes = "ffi.SmallBytes";
  static constexpr const char* kTVMFFIUnchanged = "ffi.Unchanged";
  static constexpr const char* kTVMFFIObject = "ffi.Object";
  static constexpr const char* kTVMFFIStr = "ffi.String";
  static constexpr const char* kTVMFFIBytes = "ffi.Bytes";
  static constexpr const char* kTVMFFIError = "ffi.Error";
  static constexpr const char* kTVMFFIFunction = "ffi.Function";
  static constexpr const char* kTVMFFIShape = "ffi.Shape";
  static constexpr const char* kTVMFFITensor = "ffi.Tensor";
  static constexpr const char* kTVMFFIArray = "ffi.Array";
  static constexpr const char* kTVMFFIMap = "ffi.Map";
  static constexpr const char* kTVMFFIModule = "ffi.Module";
  static constexpr const char* kTVMFFIOpaquePyObject = "ffi.OpaquePyObject";
  static constexpr const char* kTVMFFIList = "ffi.List";
  static constexpr const char* kTVMFFIDict = "ffi.Dict";
  static constexpr const char* kTVMFFIVisitInterrupt = "ffi.VisitInterrupt";
  static constexpr const char* kTVMFFIBigInt = "ffi.BigInt";
};

/*! \brief The key of a registered type. An index nobody registered ends the process. */
inline std::string TypeIndexToTypeKey(int32_t type_index) {
  if (type_index == kTVMFFIAny) {
    return StaticTypeKey::kTVMFFIAny;
  }
  const TypeInfo* info = TVMFFIGetTypeInfo(type_index);
  return std::string(info->type_key.data, info->type_key.size);
}

class Object;
class ObjectRef;
template <typename T>
class ObjectPtr;
template <typename T>
class Arc;
template <typename T>
class WeakObjectPtr;
class Any;

namespace details {
struct ObjectUnsafe;

inline constexpr uint64_t kStrongCountOne = 1;
inline constexpr uint64_t kWeakCountOne = uint64_t{1} << 32;
inline constexpr uint64_t kStrongCountMask = kWeakCountOne - 1;
inline constexpr uint64_t kUniqueCount = kWeakCountOne | kStrongCountOne;

TVM_FFI_INLINE void IncStrongRef(TVMFFIObject* header) {
  __atomic_fetch_add(&header->combined_ref_count, kStrongCountOne, __ATOMIC_RELAXED);
}

TVM_FFI_INLINE void IncWeakRef(TVMFFIObject* header) {
  __atomic_fetch_add(&header->combined_ref_count, kWeakCountOne, __ATOMIC_RELAXED);
}

TVM_FFI_INLINE void CallDeleter(TVMFFIObject* header, int flags) {
  if (header->deleter != nullptr) {
    header->deleter(header, flags);
  }
}

TVM_FFI_INLINE void DecWeakRef(TVMFFIObject* header) {
  if (__atomic_fetch_sub(&header->combined_ref_count, kWeakCountOne, __ATOMIC_ACQ_REL) ==
      kWeakCountOne) {
    CallDeleter(header, kTVMFFIObjectDeleterFlagBitMaskWeak);
  }
}

/*! \brief What the last strong reference leaves to do; `before` is the count before it went. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void DropLastStrongRef(
    TVMFFIObject* header, uint64_t before) {
  if (before == kUniqueCount) {
    CallDeleter(header, kTVMFFIObjectDeleterFlagBitMaskBoth);
  } else {
    CallDeleter(header, kTVMFFIObjectDeleterFlagBitMaskStrong);
    DecWeakRef(header);
  }
}

TVM_FFI_INLINE void DecStrongRef(TVMFFIObject* header) {
  // Nobody can add a reference to an object that has only this one: no atomic update is needed.
  if (__atomic_load_n(&header->combined_ref_count, __ATOMIC_ACQUIRE) == kUniqueCount) {
    __atomic_store_n(&header->combined_ref_count, kWeakCountOne, __ATOMIC_RELAXED);
    CallDeleter(header, kTVMFFIObjectDeleterFlagBitMaskBoth);
    return;
  }
  const uint64_t before =
      __atomic_fetch_sub(&header->combined_ref_count, kStrongCountOne, __ATOMIC_ACQ_REL);
  if ((before & kStrongCountMask) == kStrongCountOne) {
    DropLastStrongRef(header, before);
  }
}

/*!
 * \brief The header of a new object: one reference, which the caller owns.
 *
 * Count, and type index with padding, are written as one word each: that is how they are read when
 * the object dies, the latter by free. A short-lived object would wait for narrower or wider writes
 * to leave the store buffer.
 */
TVM_FFI_INLINE void SetFirstReference(TVMFFIObject* header, int32_t type_index,
                                      void (*deleter)(void*, int)) {
  const uint64_t index_and_padding = TVM_FFI_LITTLE_ENDIAN
                                         ? uint64_t{static_cast<uint32_t>(type_index)}
                                         : uint64_t{static_cast<uint32_t>(type_index)} << 32;
  __atomic_store_n(&header->combined_ref_count, kUniqueCount, __ATOMIC_RELAXED);
  std::memcpy(reinterpret_cast<char*>(header) + offsetof(TVMFFIObject, type_index),
              &index_and_padding, sizeof(index_and_padding));
  header->deleter = deleter;
}

/*! \brief Takes a strong reference unless the last one is gone. */
inline bool TryPromoteWeakRef(TVMFFIObject* header) {
  uint64_t count = __atomic_load_n(&header->combined_ref_count, __ATOMIC_RELAXED);
  while ((count & kStrongCountMask) != 0) {
    if (__atomic_compare_exchange_n(&header->combined_ref_count, &count, count + kStrongCountOne,
                                    true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      return true;
    }
  }
  return false;
}

TVM_FFI_INLINE uint64_t StrongRefCount(const TVMFFIObject* header) {
  return __atomic_load_n(&header->combined_ref_count, __ATOMIC_RELAXED) & kStrongCountMask;
}

/*! \brief Whether a value of runtime type `object_type_index` is a TargetType. */
template <typename TargetType>
TVM_FFI_INLINE bool IsObjectInstance(int32_t object_type_index);

/*! \brief IsObjectInstance for a target known only at run time. */
inline bool RuntimeTypeIndexMatch(int32_t type_index, int32_t target_type_index) {
  if (type_index == target_type_index) {
    return true;
  }
  if (type_index < kTVMFFIStaticObjectBegin || target_type_index < kTVMFFIStaticObjectBegin) {
    return false;
  }
  if (target_type_index == kTVMFFIObject) {
    return true;
  }
  const TypeInfo* info = TVMFFIGetTypeInfo(type_index);
  const TypeInfo* target = TVMFFIGetTypeInfo(target_type_index);
  return info->type_depth > target->type_depth &&
         info->type_ancestors[target->type_depth]->type_index == target_type_index;
}

/*! \brief Registers a type, or finds the index it has. */
inline int32_t GetOrAllocTypeIndex(const char* type_key, int32_t static_type_index,
                                   int32_t type_depth, int32_t child_slots,
                                   bool child_slots_can_overflow, int32_t parent_type_index) {
  TVMFFIByteArray key{type_key, std::char_traits<char>::length(type_key)};
  return TVMFFITypeGetOrAllocIndex(&key, static_type_index, type_depth, child_slots,
                                   child_slots_can_overflow ? 1 : 0, parent_type_index);
}
}  // namespace details

/*!
 * \brief Base of all objects: the header.
 *
 * Not polymorphic. It need not be the first base of a class, so convert with static_cast only. Made
 * by make_object.
 */
class Object {
 protected:
  TVMFFIObject header_;

 public:
  Object() { SetEmptyHeader(); }
  /*! \brief A copy is a new object: it does not share the count. */
  Object(const Object&) { SetEmptyHeader(); }
  Object& operator=(const Object&) { return *this; }

  template <typename TargetType>
  bool IsInstance() const {
    return details::IsObjectInstance<TargetType>(header_.type_index);
  }
  int32_t type_index() const { return header_.type_index; }
  std::string GetTypeKey() const { return TypeIndexToTypeKey(header_.type_index); }
  uint64_t GetTypeKeyHash() const { return TVMFFIGetTypeInfo(header_.type_index)->type_key_hash; }
  static std::string TypeIndex2Key(int32_t type_index) { return TypeIndexToTypeKey(type_index); }
  /*! \brief Whether there is exactly one strong reference. */
  bool unique() const { return use_count() == 1; }
  uint64_t use_count() const { return details::StrongRefCount(&header_); }

  static constexpr const char* _type_key = StaticTypeKey::kTVMFFIObject;
  /*! \brief No subclasses; instance checks are one comparison. */
  static constexpr bool _type_final = false;
  /*! \brief References to it hand out non-const pointers. */
  static constexpr bool _type_mutable = false;
  /*! \brief Indices reserved behind this type's own for subclasses. */
  static constexpr uint32_t _type_child_slots = 0;
  /*! \brief Subclasses beyond the reserved ones are allowed. */
  static constexpr bool _type_child_slots_can_overflow = true;
  static constexpr int32_t _type_index = kTVMFFIObject;
  static constexpr int32_t _type_depth = 0;
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindUnsupported;

  static int32_t RuntimeTypeIndex() { return kTVMFFIObject; }
  static int32_t _GetOrAllocRuntimeTypeIndex() { return kTVMFFIObject; }

 private:
  /*! \brief Field by field: make_object writes the same fields, and compilers drop these then. */
  TVM_FFI_INLINE void SetEmptyHeader() {
    header_.combined_ref_count = 0;
    header_.type_index = 0;
    header_.__padding = 0;
    header_.deleter = nullptr;
  }
  friend struct details::ObjectUnsafe;
};

template <typename T>
inline constexpr bool is_object_subclass_v = std::is_base_of_v<Object, T>;

template <typename TargetType>
TVM_FFI_INLINE bool details::IsObjectInstance(int32_t object_type_index) {
  if constexpr (std::is_same_v<TargetType, Object>) {
    return object_type_index >= kTVMFFIStaticObjectBegin;
  } else if constexpr (TargetType::_type_final) {
    return object_type_index == TargetType::RuntimeTypeIndex();
  } else {
    const int32_t target = TargetType::RuntimeTypeIndex();
    if (object_type_index == target) {
      return true;
    }
    // Subclasses are registered after their parent and so have greater indices.
    if (object_type_index < target) {
      return false;
    }
    if constexpr (TargetType::_type_child_slots != 0) {
      if (object_type_index <= target + static_cast<int32_t>(TargetType::_type_child_slots)) {
        return true;
      }
    }
    if constexpr (!TargetType::_type_child_slots_can_overflow) {
      return false;
    } else {
      const TypeInfo* info = TVMFFIGetTypeInfo(object_type_index);
      return info->type_depth > TargetType::_type_depth &&
             info->type_ancestors[TargetType::_type_depth]->type_index == target;
    }
  }
}

/*! \brief Intrusive pointer: one strong reference, or null. */
template <typename T>
class ObjectPtr {
 public:
  ObjectPtr() = default;
  ObjectPtr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  ObjectPtr(const ObjectPtr& other) : ObjectPtr(other.data_) {}
  ObjectPtr(ObjectPtr&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  ObjectPtr(const ObjectPtr<U>& other) : ObjectPtr(other.data_) {}  // NOLINT
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  ObjectPtr(ObjectPtr<U>&& other) noexcept : data_(other.data_) {  // NOLINT
    other.data_ = nullptr;
  }
  ~ObjectPtr() {
    if (data_ != nullptr) {
      details::DecStrongRef(reinterpret_cast<TVMFFIObject*>(data_));
    }
  }

  ObjectPtr& operator=(const ObjectPtr& other) {
    ObjectPtr(other).swap(*this);
    return *this;
  }
  ObjectPtr& operator=(ObjectPtr&& other) noexcept {
    ObjectPtr(std::move(other)).swap(*this);
    return *this;
  }

  T* get() const { return static_cast<T*>(data_); }
  T* operator->() const { return get(); }
  T& operator*() const { return *get(); }
  explicit operator bool() const { return data_ != nullptr; }
  void swap(ObjectPtr& other) noexcept { std::swap(data_, other.data_); }
  void reset() {
    if (data_ != nullptr) {
      // Taken out first: the destructor may come back here.
      Object* old = data_;
      data_ = nullptr;
      details::DecStrongRef(reinterpret_cast<TVMFFIObject*>(old));
    }
  }
  int use_count() const { return data_ != nullptr ? static_cast<int>(data_->use_count()) : 0; }
  bool unique() const { return data_ != nullptr && data_->use_count() == 1; }
  bool operator==(const ObjectPtr& other) const { return data_ == other.data_; }
  bool operator!=(const ObjectPtr& other) const { return data_ != other.data_; }
  bool operator==(std::nullptr_t) const { return data_ == nullptr; }
  bool operator!=(std::nullptr_t) const { return data_ != nullptr; }

 private:
  /*! \brief Always the address of the header, whatever offset T has in its object. */
  Object* data_{nullptr};

  explicit ObjectPtr(Object* data) : data_(data) {
    if (data_ != nullptr) {
      details::IncStrongRef(reinterpret_cast<TVMFFIObject*>(data_));
    }
  }

  template <typename>
  friend class ObjectPtr;
  template <typename>
  friend class WeakObjectPtr;
  template <typename>
  friend class Arc;
  friend class ObjectRef;
  friend struct details::ObjectUnsafe;
};

/*! \brief An ObjectPtr that is never null, except after it was moved from. Made by make_arc. */
template <typename T>
class Arc : public ObjectPtr<T> {
 public:
  explicit Arc(UnsafeInit) {}
  Arc(const Arc&) = default;
  Arc(Arc&&) noexcept = default;
  Arc& operator=(const Arc&) = default;
  Arc& operator=(Arc&&) noexcept = default;
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  Arc(const Arc<U>& other) : ObjectPtr<T>(other) {}  // NOLINT
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  Arc(Arc<U>&& other) noexcept : ObjectPtr<T>(std::move(other)) {}  // NOLINT

 private:
  explicit Arc(ObjectPtr<T>&& ptr) : ObjectPtr<T>(std::move(ptr)) {}
  friend struct details::ObjectUnsafe;
};

/*! \brief Keeps an object's memory but not the object; lock() gives it back while it lives. */
template <typename T>
class WeakObjectPtr {
 public:
  WeakObjectPtr() = default;
  WeakObjectPtr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  WeakObjectPtr(const ObjectPtr<T>& other) : WeakObjectPtr(other.data_) {}  // NOLINT
  WeakObjectPtr(const WeakObjectPtr& other) : WeakObjectPtr(other.data_) {}
  WeakObjectPtr(WeakObjectPtr&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  WeakObjectPtr(const WeakObjectPtr<U>& other) : WeakObjectPtr(other.data_) {}  // NOLINT
  template <typename U, typename = std::enable_if_t<std::is_base_of_v<T, U>>>
  WeakObjectPtr(const ObjectPtr<U>& other) : WeakObjectPtr(other.data_) {}  // NOLINT
  ~WeakObjectPtr() { reset(); }

  WeakObjectPtr& operator=(const WeakObjectPtr& other) {
    WeakObjectPtr(other).swap(*this);
    return *this;
  }
  WeakObjectPtr& operator=(WeakObjectPtr&& other) noexcept {
    WeakObjectPtr(std::move(other)).swap(*this);
    return *this;
  }

  /*! \brief A strong reference, or null when the object is gone. */
  ObjectPtr<T> lock() const {
    ObjectPtr<T> result;
    if (data_ != nullptr && details::TryPromoteWeakRef(reinterpret_cast<TVMFFIObject*>(data_))) {
      result.data_ = data_;
    }
    return result;
  }
  void reset() {
    if (data_ != nullptr) {
      Object* old = data_;
      data_ = nullptr;
      details::DecWeakRef(reinterpret_cast<TVMFFIObject*>(old));
    }
  }
  void swap(WeakObjectPtr& other) noexcept { std::swap(data_, other.data_); }
  int use_count() const { return data_ != nullptr ? static_cast<int>(data_->use_count()) : 0; }
  bool expired() const { return use_count() == 0; }

 private:
  Object* data_{nullptr};

  explicit WeakObjectPtr(Object* data) : data_(data) {
    if (data_ != nullptr) {
      details::IncWeakRef(reinterpret_cast<TVMFFIObject*>(data_));
    }
  }
  template <typename>
  friend class WeakObjectPtr;
};

/*! \brief Base of all references: one strong reference to an object, or null. */
class ObjectRef {
 public:
  ObjectRef() = default;
  ObjectRef(const ObjectRef&) = default;
  ObjectRef(ObjectRef&&) noexcept = default;
  ObjectRef& operator=(const ObjectRef&) = default;
  ObjectRef& operator=(ObjectRef&&) noexcept = default;
  explicit ObjectRef(ObjectPtr<Object> data) : data_(std::move(data)) {}
  explicit ObjectRef(UnsafeInit) {}

  bool same_as(const ObjectRef& other) const { return data_ == other.data_; }
  /*! \brief Identity. */
  bool operator==(const ObjectRef& other) const { return data_ == other.data_; }
  bool operator!=(const ObjectRef& other) const { return data_ != other.data_; }
  bool operator<(const ObjectRef& other) const {
    return reinterpret_cast<uintptr_t>(data_.get()) <
           reinterpret_cast<uintptr_t>(other.data_.get());
  }
  bool defined() const { return data_ != nullptr; }
  const Object* get() const { return data_.get(); }
  const Object* operator->() const { return get(); }
  bool unique() const { return data_.unique(); }
  int use_count() const { return data_.use_count(); }
  int32_t type_index() const { return data_ != nullptr ? data_->type_index() : 0; }
  std::string GetTypeKey() const {
    return data_ != nullptr ? data_->GetTypeKey() : StaticTypeKey::kTVMFFINone;
  }

  /*! \brief The object as an ObjectType, or nullptr when it is null or something else. */
  template <typename ObjectType, typename = std::enable_if_t<std::is_base_of_v<Object, ObjectType>>>
  const ObjectType* as() const {
    if (data_ != nullptr && data_->IsInstance<ObjectType>()) {
      return static_cast<const ObjectType*>(data_.get());
    }
    return nullptr;
  }
  /*! \brief As a RefType. A null reference gives a null RefType if that is nullable, else nullopt.
   */
  template <typename RefType, typename = std::enable_if_t<std::is_base_of_v<ObjectRef, RefType>>>
  std::optional<RefType> as() const&;
  template <typename RefType, typename = std::enable_if_t<std::is_base_of_v<ObjectRef, RefType>>>
  std::optional<RefType> as() &&;
  /*! \brief As a RefType, or TypeError. */
  template <typename RefType, typename = std::enable_if_t<std::is_base_of_v<ObjectRef, RefType>>>
  RefType as_or_throw() const&;
  template <typename RefType, typename = std::enable_if_t<std::is_base_of_v<ObjectRef, RefType>>>
  RefType as_or_throw() &&;

  using ContainerType = Object;
  /*! \brief The container class alone decides what this reference can hold. */
  static constexpr bool _type_container_is_exact = true;
  static constexpr bool _type_is_nullable = true;

 protected:
  ObjectPtr<Object> data_;

  Object* get_mutable() const { return data_.get(); }

 private:
  friend struct details::ObjectUnsafe;
};

/*! \brief Whether a RefType may hold every object of class ObjectType. */
template <typename RefType, typename ObjectType>
inline constexpr bool object_ref_contains_v = RefType::_type_container_is_exact&&
    std::is_base_of_v<typename RefType::ContainerType, ObjectType>;

namespace details {

/*! \brief Moves references between the C++ classes and raw handles. The names say who owns what. */
struct ObjectUnsafe {
  TVM_FFI_INLINE static TVMFFIObject* GetHeader(const Object* src) {
    return const_cast<TVMFFIObject*>(&src->header_);
  }

  template <typename RefType>
  TVM_FFI_INLINE static RefType ObjectRefFromObjectPtr(const ObjectPtr<Object>& ptr) {
    RefType ref(UnsafeInit{});
    AsBase(&ref)->data_ = ptr;
    return ref;
  }
  template <typename RefType>
  TVM_FFI_INLINE static RefType ObjectRefFromObjectPtr(ObjectPtr<Object>&& ptr) {
    RefType ref(UnsafeInit{});
    AsBase(&ref)->data_.swap(ptr);
    return ref;
  }
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromObjectRef(const ObjectRef& ref) {
    return ObjectPtr<T>(ref.data_.data_);
  }
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromObjectRef(ObjectRef&& ref) {
    return Adopt<T>(Take(&ref.data_));
  }

  /*! \brief Takes over a reference the caller owns. */
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromOwned(Object* raw_ptr) {
    return Adopt<T>(raw_ptr);
  }
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromOwned(TVMFFIObject* obj_ptr) {
    return Adopt<T>(reinterpret_cast<Object*>(obj_ptr));
  }
  /*! \brief Adds a reference to what the caller only borrows. */
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromUnowned(Object* raw_ptr) {
    return ObjectPtr<T>(raw_ptr);
  }
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> ObjectPtrFromUnowned(TVMFFIObject* obj_ptr) {
    return ObjectPtr<T>(reinterpret_cast<Object*>(obj_ptr));
  }
  template <typename T>
  TVM_FFI_INLINE static T* RawObjectPtrFromUnowned(TVMFFIObject* obj_ptr) {
    return static_cast<T*>(reinterpret_cast<Object*>(obj_ptr));
  }
  template <typename T>
  TVM_FFI_INLINE static Arc<T> ArcFromObjectPtr(ObjectPtr<T> ptr) {
    return Arc<T>(std::move(ptr));
  }

  TVM_FFI_INLINE static void IncRefObjectHandle(TVMFFIObjectHandle handle) {
    if (handle != nullptr) {
      IncStrongRef(static_cast<TVMFFIObject*>(handle));
    }
  }
  TVM_FFI_INLINE static void DecRefObjectHandle(TVMFFIObjectHandle handle) {
    if (handle != nullptr) {
      DecStrongRef(static_cast<TVMFFIObject*>(handle));
    }
  }

  TVM_FFI_INLINE static Object* RawObjectPtrFromObjectRef(const ObjectRef& src) {
    return src.data_.data_;
  }
  TVM_FFI_INLINE static TVMFFIObject* TVMFFIObjectPtrFromObjectRef(const ObjectRef& src) {
    return reinterpret_cast<TVMFFIObject*>(src.data_.data_);
  }
  template <typename T>
  TVM_FFI_INLINE static TVMFFIObject* TVMFFIObjectPtrFromObjectPtr(const ObjectPtr<T>& src) {
    return reinterpret_cast<TVMFFIObject*>(src.data_);
  }
  template <typename T>
  TVM_FFI_INLINE static TVMFFIObject* MoveObjectPtrToTVMFFIObjectPtr(ObjectPtr<T>&& src) {
    return reinterpret_cast<TVMFFIObject*>(Take(&src));
  }
  TVM_FFI_INLINE static TVMFFIObject* MoveObjectRefToTVMFFIObjectPtr(ObjectRef&& src) {
    return reinterpret_cast<TVMFFIObject*>(Take(&src.data_));
  }

  /*! \brief Bytes from the start of a Class to its object header. */
  template <typename Class>
  TVM_FFI_INLINE static int64_t GetObjectOffsetToSubclass() {
    // Any nonzero address works; nothing is dereferenced.
    Class* self = reinterpret_cast<Class*>(uintptr_t{1} << 12);
    return reinterpret_cast<int64_t>(static_cast<Object*>(self)) - reinterpret_cast<int64_t>(self);
  }

  /*! \brief The allocation header in front of memory from a TVMFFICustomAllocator. */
  TVM_FFI_INLINE static TVMFFIObjectAllocHeader* GetObjectAllocHeaderFromPtr(void* ptr) {
    return static_cast<TVMFFIObjectAllocHeader*>(ptr) - 1;
  }

 private:
  TVM_FFI_INLINE static ObjectRef* AsBase(ObjectRef* ref) { return ref; }
  template <typename T>
  TVM_FFI_INLINE static ObjectPtr<T> Adopt(Object* raw_ptr) {
    ObjectPtr<T> result;
    result.data_ = raw_ptr;
    return result;
  }
  template <typename T>
  TVM_FFI_INLINE static Object* Take(ObjectPtr<T>* ptr) {
    Object* result = ptr->data_;
    ptr->data_ = nullptr;
    return result;
  }
};
}  // namespace details

/*! \brief Hash by identity, for unordered containers. */
struct ObjectPtrHash {
  size_t operator()(const ObjectRef& ref) const { return Hash(ref.get()); }
  template <typename T>
  size_t operator()(const ObjectPtr<T>& ptr) const {
    return Hash(ptr.get());
  }
  /*! \brief For a Variant whose alternatives are all objects. */
  template <typename TVariant, typename = std::enable_if_t<TVariant::_type_all_object_ref>>
  size_t operator()(const TVariant& value) const {
    return Hash(value.GetObjectPtrForHashEqual());
  }

 private:
  static size_t Hash(const Object* ptr) { return std::hash<const Object*>()(ptr); }
};

/*! \brief Equality by identity, for unordered containers. */
struct ObjectPtrEqual {
  bool operator()(const ObjectRef& a, const ObjectRef& b) const { return a.same_as(b); }
  template <typename T>
  bool operator()(const ObjectPtr<T>& a, const ObjectPtr<T>& b) const {
    return a == b;
  }
  template <typename TVariant, typename = std::enable_if_t<TVariant::_type_all_object_ref>>
  bool operator()(const TVariant& a, const TVariant& b) const {
    return a.GetObjectPtrForHashEqual() == b.GetObjectPtrForHashEqual();
  }
};

}  // namespace ffi
}  // namespace tvm

/*! \brief Index bookkeeping shared by the macros below. `_type_key` must be in scope. */
#define TVM_FFI_OBJECT_INFO_REGISTER_(TypeName, ParentType, StaticIndex)                         \
  static constexpr int32_t _type_depth = ParentType::_type_depth + 1;                            \
  static int32_t _GetOrAllocRuntimeTypeIndex() {                                                 \
    static_assert(!ParentType::_type_final, "the parent of an object type must not be final");   \
    static_assert(TypeName::_type_child_slots == 0 || ParentType::_type_child_slots == 0 ||      \
                      TypeName::_type_child_slots < ParentType::_type_child_slots,               \
                  "a type must reserve fewer child slots than its parent");                      \
    static_assert(                                                                               \
        !TypeName::_type_child_slots_can_overflow || ParentType::_type_child_slots_can_overflow, \
        "a type can only overflow its child slots if its parent can");                           \
    static const int32_t type_index = ::tvm::ffi::details::GetOrAllocTypeIndex(                  \
        TypeName::_type_key, StaticIndex, TypeName::_type_depth,                                 \
        static_cast<int32_t>(TypeName::_type_child_slots),                                       \
        TypeName::_type_child_slots_can_overflow, ParentType::_GetOrAllocRuntimeTypeIndex());    \
    return type_index;                                                                           \
  }

/*! \brief In the body of an object class: the type key is the existing member `_type_key`. */
#define TVM_FFI_DECLARE_OBJECT_INFO_PREDEFINED_TYPE_KEY(TypeName, ParentType) \
  TVM_FFI_OBJECT_INFO_REGISTER_(TypeName, ParentType, -1)                     \
  static int32_t RuntimeTypeIndex() {                                         \
    /* Zero until the library's initialisation has come here. */              \
    return TVM_FFI_PREDICT_TRUE(_type_index_at_load != 0)                     \
               ? _type_index_at_load                                          \
               : TypeName::_GetOrAllocRuntimeTypeIndex();                     \
  }                                                                           \
  static inline const int32_t _type_index_at_load = TypeName::_GetOrAllocRuntimeTypeIndex()

/*! \brief In the body of an object class: an index is allocated when the library is loaded. */
#define TVM_FFI_DECLARE_OBJECT_INFO(TypeKey, TypeName, ParentType) \
  static constexpr const char* _type_key = TypeKey;                \
  TVM_FFI_DECLARE_OBJECT_INFO_PREDEFINED_TYPE_KEY(TypeName, ParentType)

/*! \brief The same for a class without subclasses. */
#define TVM_FFI_DECLARE_OBJECT_INFO_FINAL(TypeKey, TypeName, ParentType) \
  static constexpr int32_t _type_child_slots = 0;                        \
  [[maybe_unused]] static constexpr bool _type_final = true;             \
  TVM_FFI_DECLARE_OBJECT_INFO(TypeKey, TypeName, ParentType)

/*! \brief The same with the index given by the class's own constant `_type_index`. */
#define TVM_FFI_DECLARE_OBJECT_INFO_STATIC(TypeKey, TypeName, ParentType)    \
  static constexpr const char* _type_key = TypeKey;                          \
  TVM_FFI_OBJECT_INFO_REGISTER_(TypeName, ParentType, TypeName::_type_index) \
  static int32_t RuntimeTypeIndex() { return TypeName::_type_index; }

#define TVM_FFI_OBJECT_REF_ACCESSORS_(TypeName, ObjectName)                                        \
  TypeName(const TypeName& other) = default;                                                       \
  TypeName(TypeName&& other) noexcept = default;                                                   \
  TypeName& operator=(const TypeName& other) = default;                                            \
  TypeName& operator=(TypeName&& other) noexcept = default;                                        \
  using __PtrType = std::conditional_t<ObjectName::_type_mutable, ObjectName*, const ObjectName*>; \
  __PtrType operator->() const { return static_cast<__PtrType>(this->data_.get()); }               \
  __PtrType get() const { return static_cast<__PtrType>(this->data_.get()); }                      \
  using ContainerType = ObjectName

/*! \brief In the body of a reference class that may be null. */
#define TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(TypeName, ParentType, ObjectName) \
  TypeName() = default;                                                              \
  explicit TypeName(::tvm::ffi::ObjectPtr<ObjectName> ptr)                           \
      : ParentType(::tvm::ffi::UnsafeInit{}) {                                       \
    this->data_ = std::move(ptr);                                                    \
  }                                                                                  \
  explicit TypeName(::tvm::ffi::UnsafeInit tag) : ParentType(tag) {}                 \
  static constexpr bool _type_is_nullable = true;                                    \
  TVM_FFI_OBJECT_REF_ACCESSORS_(TypeName, ObjectName)

/*! \brief In the body of a reference class that is never null. */
#define TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TypeName, ParentType, ObjectName) \
  explicit TypeName(::tvm::ffi::UnsafeInit tag) : ParentType(tag) {}                    \
  static constexpr bool _type_is_nullable = false;                                      \
  TVM_FFI_OBJECT_REF_ACCESSORS_(TypeName, ObjectName)

#endif  // TVM_FFI_OBJECT_H_
