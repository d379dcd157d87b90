/*!
 * \file tvm/ffi/container/tensor.h
 * \brief Tensor, a counted reference to a DLPack tensor, and TensorView, a borrowed one.
 */
#ifndef TVM_FFI_CONTAINER_TENSOR_H_
#define TVM_FFI_CONTAINER_TENSOR_H_

#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function_details.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/type_traits.h>

#include <optional>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief Whether `data` on this kind of device is an address that offsets can be added to. */
inline bool IsDirectAddressDevice(const DLDevice& device) {
  return device.device_type <= kDLCUDAHost || device.device_type == kDLCUDAManaged ||
         device.device_type == kDLROCM || device.device_type == kDLROCMHost;
}

/*! \brief Whether the elements lie row-major without gaps. */
inline bool IsContiguous(const DLTensor& tensor) {
  if (tensor.strides == nullptr) {
    return true;
  }
  int64_t expected = 1;
  bool row_major = true;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] == 0) {
      return true;
    }
    if (tensor.shape[i] != 1) {
      row_major = row_major && tensor.strides[i] == expected;
      expected *= tensor.shape[i];
    }
  }
  return row_major;
}

/*! \brief Whether the first element's address, or on other devices its offset, is a multiple of
 * `alignment`. */
inline bool IsAligned(const DLTensor& tensor, size_t alignment) {
  uint64_t position = tensor.byte_offset;
  if (IsDirectAddressDevice(tensor.device)) {
    position += static_cast<uint64_t>(reinterpret_cast<uintptr_t>(tensor.data));
  }
  return position % alignment == 0;
}

/*! \brief Bytes that `numel` packed elements take. */
inline size_t GetDataSize(size_t numel, DLDataType dtype) {
  return (numel * dtype.bits * dtype.lanes + 7) / 8;
}

inline size_t GetDataSize(const DLTensor& tensor) {
  size_t numel = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    numel *= static_cast<size_t>(tensor.shape[i]);
  }
  return GetDataSize(numel, tensor.dtype);
}

/*! \brief The object behind Tensor: the DLTensor follows the header. */
class TensorObj : public Object, public DLTensor {
 public:
  TensorObj() {
    // Field by field: compilers drop what a subclass's constructor overwrites.
    this->data = nullptr;
    this->device = DLDevice{};
    this->ndim = 0;
    this->dtype = DLDataType{};
    this->shape = nullptr;
    this->strides = nullptr;
    this->byte_offset = 0;
  }
  TensorObj(const TensorObj&) = delete;
  TensorObj& operator=(const TensorObj&) = delete;

  static constexpr int32_t _type_index = kTVMFFITensor;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFITensor, TensorObj, Object);
};

namespace details {

/*! \brief A tensor whose memory comes from TNDAlloc; shape and strides follow the object. */
template <typename TNDAlloc>
class TensorObjFromNDAlloc : public TensorObj {
 public:
  template <typename... ExtraArgs>
  TensorObjFromNDAlloc(TNDAlloc alloc, ShapeView shape, const ShapeView* strides, DLDataType dtype,
                       DLDevice device, ExtraArgs&&... extra_args)
      : alloc_(std::move(alloc)) {
    this->device = device;
    this->ndim = static_cast<int32_t>(shape.size());
    this->dtype = dtype;
    this->shape =
        reinterpret_cast<int64_t*>(reinterpret_cast<char*>(this) + sizeof(TensorObjFromNDAlloc));
    this->strides = this->shape + shape.size();
    CopyExtents(shape, this->shape);
    if (strides != nullptr) {
      CopyExtents(*strides, this->strides);
    } else {
      FillStridesFromShape(shape, this->strides);
    }
    alloc_.AllocData(static_cast<DLTensor*>(this), std::forward<ExtraArgs>(extra_args)...);
  }
  ~TensorObjFromNDAlloc() { alloc_.FreeData(static_cast<DLTensor*>(this)); }

 private:
  TNDAlloc alloc_;
};

/*! \brief A tensor that owns a DLPack managed tensor. */
template <typename TDLPackManagedTensor>
class TensorObjFromDLPack : public TensorObj {
 public:
  explicit TensorObjFromDLPack(TDLPackManagedTensor* source) : source_(source) {
    *static_cast<DLTensor*>(this) = source->dl_tensor;
    if (this->strides == nullptr && this->ndim != 0) {
      this->strides =
          reinterpret_cast<int64_t*>(reinterpret_cast<char*>(this) + sizeof(TensorObjFromDLPack));
      FillStridesFromShape(ShapeView(this->shape, static_cast<size_t>(this->ndim)), this->strides);
    }
  }
  ~TensorObjFromDLPack() {
    if (source_->deleter != nullptr) {
      source_->deleter(source_);
    }
  }

 private:
  TDLPackManagedTensor* source_;
};

/*! \brief Deleter of what ToDLPack makes; manager_ctx is the Tensor's handle. */
template <typename TDLPackManagedTensor>
TVM_FFI_HIDDEN_ inline void DeleteExportedTensor(TDLPackManagedTensor* tensor) {
  ObjectUnsafe::DecRefObjectHandle(tensor->manager_ctx);
  delete tensor;
}

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowDimIndex(
    int64_t index, int32_t ndim) {
  TVM_FFI_THROW(IndexError) << "Index " << index << " out of bounds for tensor with " << ndim
                            << " dimensions";
  TVM_FFI_UNREACHABLE();
}

/*! \brief Element `index` of `ndim` extents or strides; negative ones count from the end. */
TVM_FFI_INLINE int64_t DimAt(const int64_t* values, int32_t ndim, int64_t index) {
  const int64_t i = index < 0 ? index + ndim : index;
  if (TVM_FFI_PREDICT_FALSE(i < 0 || i >= ndim)) {
    ThrowDimIndex(index, ndim);
  }
  return values[i];
}

/*! \brief `tensor` with another layout, its first element `element_offset` elements further on. */
inline DLTensor WithLayout(DLTensor tensor, ShapeView shape, ShapeView strides,
                           std::optional<int64_t> element_offset) {
  TVM_FFI_CHECK_EQ(shape.size(), strides.size(), ValueError)
      << "shape and strides must have the same size.";
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.shape = const_cast<int64_t*>(shape.data());
  tensor.strides = const_cast<int64_t*>(strides.data());
  const int64_t elem_offset_as_i64 = element_offset.value_or(0);
  TVM_FFI_ICHECK_GE(elem_offset_as_i64, 0);
  const size_t bytes = GetDataSize(static_cast<size_t>(elem_offset_as_i64), tensor.dtype);
  if (IsDirectAddressDevice(tensor.device)) {
    tensor.data = static_cast<char*>(tensor.data) + bytes;
  } else {
    tensor.byte_offset += bytes;
  }
  return tensor;
}

/*! \brief The accessors of Tensor and TensorView. Derived::dl() is the DLTensor. */
template <typename Derived>
class TensorAccessors {
 public:
  /*! \brief DLTensor::data, without byte_offset. */
  void* data_ptr() const { return dl().data; }
  DLDevice device() const { return dl().device; }
  int32_t ndim() const { return dl().ndim; }
  int32_t dim() const { return dl().ndim; }
  DLDataType dtype() const { return dl().dtype; }
  ShapeView shape() const { return ShapeView(dl().shape, static_cast<size_t>(dl().ndim)); }
  ShapeView sizes() const { return shape(); }
  ShapeView strides() const { return ShapeView(dl().strides, static_cast<size_t>(dl().ndim)); }
  /*! \brief Extent of a dimension; negative indices count from the end. Throws IndexError. */
  int64_t size(int64_t index) const { return DimAt(dl().shape, dl().ndim, index); }
  /*! \brief Stride of a dimension in elements; negative indices count from the end. Throws
   * IndexError. */
  int64_t stride(int64_t index) const { return DimAt(dl().strides, dl().ndim, index); }
  int64_t numel() const { return shape().Product(); }
  uint64_t byte_offset() const { return dl().byte_offset; }
  bool IsContiguous() const { return ::tvm::ffi::IsContiguous(dl()); }
  bool is_contiguous() const { return IsContiguous(); }
  bool IsAligned(size_t alignment) const { return ::tvm::ffi::IsAligned(dl(), alignment); }

 private:
  const DLTensor& dl() const { return static_cast<const Derived*>(this)->dl_tensor(); }
};
}  // namespace details

/*! \brief A counted reference to a tensor; may be null, and then only null checks are allowed. */
class Tensor : public ObjectRef, public details::TensorAccessors<Tensor> {
 public:
  Tensor() = default;
  explicit Tensor(ObjectPtr<TensorObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}
  explicit Tensor(UnsafeInit tag) : ObjectRef(tag) {}

  /*!
   * \brief Make a tensor with memory from `alloc`.
   * \param alloc Has AllocData(DLTensor*, extra_args...), which sets data, and FreeData(DLTensor*),
   * which runs once.
   */
  template <typename TNDAlloc, typename... ExtraArgs>
  static Tensor FromNDAlloc(TNDAlloc alloc, ShapeView shape, DLDataType dtype, DLDevice device,
                            ExtraArgs&&... extra_args) {
    return MakeFromNDAlloc(std::move(alloc), shape, nullptr, dtype, device,
                           std::forward<ExtraArgs>(extra_args)...);
  }
  /*! \brief FromNDAlloc with explicit strides. */
  template <typename TNDAlloc, typename... ExtraArgs>
  static Tensor FromNDAllocStrided(TNDAlloc alloc, ShapeView shape, ShapeView strides,
                                   DLDataType dtype, DLDevice device, ExtraArgs&&... extra_args) {
    TVM_FFI_CHECK_EQ(shape.size(), strides.size(), ValueError)
        << "shape and strides must have the same size.";
    return MakeFromNDAlloc(std::move(alloc), shape, &strides, dtype, device,
                           std::forward<ExtraArgs>(extra_args)...);
  }
  /*! \brief Make a tensor with the caller's allocator: pass TVMFFIEnvTensorAlloc of
   * extra/c_env_api.h. */
  static Tensor FromEnvAlloc(int (*env_alloc)(DLTensor*, TVMFFIObjectHandle*), ShapeView shape,
                             DLDataType dtype, DLDevice device) {
    DLTensor prototype{};
    prototype.device = device;
    prototype.dtype = dtype;
    prototype.shape = const_cast<int64_t*>(shape.data());
    prototype.ndim = static_cast<int32_t>(shape.size());
    TVMFFIObjectHandle handle = nullptr;
    if (env_alloc(&prototype, &handle) != 0) {
      throw details::MoveFromSafeCallRaised();
    }
    return FromOwnedHandle(handle);
  }
  /*! \brief Take over `tensor`. On failure it stays the caller's. */
  static Tensor FromDLPack(DLManagedTensor* tensor, size_t require_alignment = 0,
                           bool require_contiguous = false) {
    return MakeFromDLPack(tensor, require_alignment, require_contiguous);
  }
  /*! \brief Take over `tensor`. On failure it stays the caller's. Padded sub-byte types are
   * refused. */
  static Tensor FromDLPackVersioned(DLManagedTensorVersioned* tensor, size_t require_alignment = 0,
                                    bool require_contiguous = false) {
    TVM_FFI_CHECK_EQ(tensor->version.major, static_cast<uint32_t>(DLPACK_MAJOR_VERSION),
                     RuntimeError)
        << "FromDLPack: unknown DLPack major version";
    if ((tensor->flags & DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED) != 0) {
      TVM_FFI_THROW(RuntimeError) << "Subbyte type padded is not yet supported";
    }
    return MakeFromDLPack(tensor, require_alignment, require_contiguous);
  }
  /*! \brief Export; the result keeps this tensor alive until its deleter is called. */
  DLManagedTensor* ToDLPack() const { return Export<DLManagedTensor>(); }
  /*! \brief Export; the result keeps this tensor alive until its deleter is called. */
  DLManagedTensorVersioned* ToDLPackVersioned() const {
    DLManagedTensorVersioned* result = Export<DLManagedTensorVersioned>();
    result->version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    result->flags = 0;
    return result;
  }

  /*! \brief The same memory with another layout; nothing is checked against the memory's size. */
  Tensor as_strided(ShapeView shape, ShapeView strides,
                    std::optional<int64_t> element_offset = std::nullopt) const {
    // A view needs strides even for zero dimensions.
    int64_t none = 0;
    DLTensor prototype = details::WithLayout(dl_tensor(), shape, strides, element_offset);
    if (prototype.strides == nullptr) {
      prototype.strides = &none;
    }
    TVMFFIObjectHandle handle = nullptr;
    if (TVMFFITensorCreateUnsafeView(details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(*this),
                                     &prototype, &handle) != 0) {
      throw details::MoveFromSafeCallRaised();
    }
    return FromOwnedHandle(handle);
  }
  /*! \brief The DLTensor inside the object, borrowed. */
  const DLTensor* GetDLTensorPtr() const { return &dl_tensor(); }

  using ContainerType = TensorObj;
  static constexpr bool _type_is_nullable = true;

 protected:
  const TensorObj* get() const { return static_cast<const TensorObj*>(ObjectRef::get()); }

 private:
  friend class details::TensorAccessors<Tensor>;
  friend class TensorView;
  const DLTensor& dl_tensor() const { return *get(); }

  static Tensor FromOwnedHandle(TVMFFIObjectHandle handle) {
    return Tensor(
        details::ObjectUnsafe::ObjectPtrFromOwned<TensorObj>(static_cast<TVMFFIObject*>(handle)));
  }
  template <typename TNDAlloc, typename... ExtraArgs>
  static Tensor MakeFromNDAlloc(TNDAlloc alloc, ShapeView shape, const ShapeView* strides,
                                DLDataType dtype, DLDevice device, ExtraArgs&&... extra_args) {
    return Tensor(ObjectPtr<TensorObj>(
        make_inplace_array_object<details::TensorObjFromNDAlloc<TNDAlloc>, int64_t>(
            shape.size() * 2, std::move(alloc), shape, strides, dtype, device,
            std::forward<ExtraArgs>(extra_args)...)));
  }
  template <typename TManaged>
  static Tensor MakeFromDLPack(TManaged* tensor, size_t require_alignment,
                               bool require_contiguous) {
    const DLTensor& source = tensor->dl_tensor;
    if (require_alignment != 0 && !::tvm::ffi::IsAligned(source, require_alignment)) {
      TVM_FFI_THROW(RuntimeError) << "FromDLPack: Data is not aligned to " << require_alignment
                                  << " bytes.";
    }
    if (require_contiguous && !::tvm::ffi::IsContiguous(source)) {
      TVM_FFI_THROW(RuntimeError) << "FromDLPack: Tensor is not contiguous.";
    }
    const size_t strides = source.strides == nullptr ? static_cast<size_t>(source.ndim) : 0;
    return Tensor(ObjectPtr<TensorObj>(
        make_inplace_array_object<details::TensorObjFromDLPack<TManaged>, int64_t>(strides,
                                                                                   tensor)));
  }
  template <typename TManaged>
  TManaged* Export() const {
    TManaged* result = new TManaged();
    result->dl_tensor = dl_tensor();
    TVMFFIObject* handle = details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(*this);
    details::ObjectUnsafe::IncRefObjectHandle(handle);
    result->manager_ctx = handle;
    result->deleter = details::DeleteExportedTensor<TManaged>;
    return result;
  }
};

/*!
 * \brief A borrowed tensor: a copy of the DLTensor struct.
 *
 * Data, shape and strides stay the source's, which must live longer. The parameter type of choice
 * for kernels: it takes Tensor objects and bare DLTensor pointers, and never null.
 */
class TensorView : public details::TensorAccessors<TensorView> {
 public:
  TensorView(const Tensor& tensor) {  // NOLINT(google-explicit-constructor)
    TVM_FFI_ICHECK(tensor.defined());
    tensor_ = tensor.dl_tensor();
  }
  TensorView(const DLTensor* tensor) {  // NOLINT(google-explicit-constructor)
    TVM_FFI_ICHECK_NOTNULL(tensor);
    tensor_ = *tensor;
  }
  /*! \brief A view of a temporary would dangle. */
  TensorView(Tensor&& tensor) = delete;
  TensorView(const TensorView&) = default;
  TensorView& operator=(const TensorView&) = default;
  TensorView& operator=(const Tensor& tensor) { return *this = TensorView(tensor); }
  TensorView& operator=(Tensor&& tensor) = delete;

  /*! \brief The same memory with another layout; shape and strides are borrowed too. */
  TensorView as_strided(ShapeView shape, ShapeView strides,
                        std::optional<int64_t> element_offset = std::nullopt) const {
    return TensorView(details::WithLayout(tensor_, shape, strides, element_offset));
  }
  const DLTensor* GetDLTensorPtr() const { return &tensor_; }

 private:
  friend class details::TensorAccessors<TensorView>;
  friend struct TypeTraits<TensorView>;
  explicit TensorView(const DLTensor& tensor) : tensor_(tensor) {}
  const DLTensor& dl_tensor() const { return tensor_; }
  DLTensor tensor_;
};

static_assert(sizeof(TensorObj) == 72 && sizeof(Tensor) == 8 && sizeof(TensorView) == 48,
              "part of the ABI");

inline size_t GetDataSize(const Tensor& tensor) { return GetDataSize(*tensor.GetDLTensorPtr()); }
inline size_t GetDataSize(const TensorView& tensor) {
  return GetDataSize(*tensor.GetDLTensorPtr());
}

namespace details {
template <>
inline constexpr bool inline_arg_cast_v<TensorView> = true;
}  // namespace details

template <>
struct TypeTraits<TensorView> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;
  static constexpr int32_t field_static_type_index = kTVMFFIDLTensorPtr;

  TVM_FFI_INLINE static void CopyToAnyView(const TensorView& src, TVMFFIAny* result) {
    TypeTraits<DLTensor*>::CopyToAnyView(const_cast<DLTensor*>(&src.tensor_), result);
  }
  static void MoveToAny(TensorView src, TVMFFIAny* result) {
    TypeTraits<DLTensor*>::MoveToAny(&src.tensor_, result);
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIDLTensorPtr;
  }
  TVM_FFI_INLINE static TensorView CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return TensorView(*static_cast<const DLTensor*>(src->v_ptr));
  }
  TVM_FFI_INLINE static std::optional<TensorView> TryCastFromAnyView(const TVMFFIAny* src) {
    const DLTensor* tensor;
    if (src->type_index == kTVMFFIDLTensorPtr) {
      tensor = static_cast<const DLTensor*>(src->v_ptr);
    } else if (src->type_index == kTVMFFITensor) {
      tensor = TVMFFITensorGetDLTensorPtr(src->v_obj);
    } else {
      return std::nullopt;
    }
    return TensorView(*tensor);
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIDLTensorPtr; }
  static std::string TypeSchema() {
    return details::TypeSchemaOf(StaticTypeKey::kTVMFFIDLTensorPtr);
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_TENSOR_H_
