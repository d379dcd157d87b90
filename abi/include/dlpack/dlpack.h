/*!
 * \file dlpack/dlpack.h
 * \brief The DLPack 1.3 in-memory tensor exchange ABI.
 *
 * Layouts, enumerator values and function types follow the public DLPack 1.3 specification, so a
 * tensor described here is understood by every framework that speaks it. Nothing in this file needs
 * a library; it is C11 and C++17. A test compares every size and offset with the copies that other
 * packages ship.
 */
#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_

#ifdef __cplusplus
#define DLPACK_EXTERN_C extern "C"
#else
#define DLPACK_EXTERN_C
#endif

/*! \brief Major version: structs of different majors are not layout compatible. */
#define DLPACK_MAJOR_VERSION 1
/*! \brief Minor version: enumerators and flags may have been added. */
#define DLPACK_MINOR_VERSION 3

#ifdef _WIN32
#ifdef DLPACK_EXPORTS
#define DLPACK_DLL __declspec(dllexport)
#else
#define DLPACK_DLL __declspec(dllimport)
#endif
#else
#define DLPACK_DLL
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*! \brief The DLPack version a struct was made with. */
typedef struct {
  uint32_t major;
  /*! \brief A consumer accepts any minor of a major it knows. */
  uint32_t minor;
} DLPackVersion;

/*! \brief Kind of device that owns a tensor's memory. */
#ifdef __cplusplus
typedef enum : int32_t {
#else
typedef enum {
#endif
  kDLCPU = 1,
  kDLCUDA = 2,
  /*! \brief Pinned host memory of the CUDA runtime. */
  kDLCUDAHost = 3,
  kDLOpenCL = 4,
  kDLVulkan = 7,
  kDLMetal = 8,
  kDLVPI = 9,
  kDLROCM = 10,
  /*! \brief Pinned host memory of ROCm. */
  kDLROCMHost = 11,
  /*! \brief Free for devices outside this list. */
  kDLExtDev = 12,
  /*! \brief CUDA unified memory. */
  kDLCUDAManaged = 13,
  kDLOneAPI = 14,
  kDLWebGPU = 15,
  kDLHexagon = 16,
  kDLMAIA = 17,
  kDLTrn = 18,
} DLDeviceType;

/*! \brief One device: its kind and its ordinal within the kind. */
typedef struct {
  DLDeviceType device_type;
  /*! \brief 0 for kDLCPU and other kinds with a single memory. */
  int32_t device_id;
} DLDevice;

/*! \brief Numeric family of an element; the width is DLDataType::bits. */
typedef enum {
  kDLInt = 0U,
  kDLUInt = 1U,
  kDLFloat = 2U,
  kDLOpaqueHandle = 3U,
  kDLBfloat = 4U,
  /*! \brief bits counts both parts. */
  kDLComplex = 5U,
  kDLBool = 6U,
  kDLFloat8_e3m4 = 7U,
  kDLFloat8_e4m3 = 8U,
  kDLFloat8_e4m3b11fnuz = 9U,
  kDLFloat8_e4m3fn = 10U,
  kDLFloat8_e4m3fnuz = 11U,
  kDLFloat8_e5m2 = 12U,
  kDLFloat8_e5m2fnuz = 13U,
  kDLFloat8_e8m0fnu = 14U,
  kDLFloat6_e2m3fn = 15U,
  kDLFloat6_e3m2fn = 16U,
  kDLFloat4_e2m1fn = 17U,
} DLDataTypeCode;

/*! \brief Element type: `lanes` values of family `code`, `bits` wide each, in native byte order. */
typedef struct {
  uint8_t code;
  uint8_t bits;
  /*! \brief 1 for scalars; a negative int16_t image means a scalable vector. */
  uint16_t lanes;
} DLDataType;

/*! \brief A borrowed view of a strided tensor. Owns nothing; valid as long as its source says. */
typedef struct {
  /*! \brief Base address; the first element lies `byte_offset` bytes behind it. Opaque on some
   * devices. */
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  /*! \brief `ndim` extents. */
  int64_t* shape;
  /*! \brief `ndim` strides counted in elements. NULL means compact row-major for producers older
   * than 1.2. */
  int64_t* strides;
  /*! \brief Bytes from `data` to the first element. */
  uint64_t byte_offset;
} DLTensor;

/*!
 * \brief A tensor with an owner, unversioned form.
 *
 * The consumer calls `deleter(self)` exactly once, from any thread, when it no longer needs the
 * memory.
 */
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  /*! \brief The producer's own state. */
  void* manager_ctx;
  /*! \brief May be NULL when nothing needs releasing. */
  void (*deleter)(struct DLManagedTensor* self);
} DLManagedTensor;

/*! \brief DLManagedTensorVersioned::flags: the memory must not be written. */
#define DLPACK_FLAG_BITMASK_READ_ONLY (1UL << 0UL)
/*! \brief The producer made a copy for this export. */
#define DLPACK_FLAG_BITMASK_IS_COPIED (1UL << 1UL)
/*! \brief Sub-byte elements take a whole byte each instead of being packed. */
#define DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED (1UL << 2UL)

/*! \brief A tensor with an owner and a version. With an unknown major only `deleter` is valid. */
typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  /*! \brief The producer's own state. */
  void* manager_ctx;
  /*! \brief May be NULL when nothing needs releasing. */
  void (*deleter)(struct DLManagedTensorVersioned* self);
  /*! \brief Bits of DLPACK_FLAG_BITMASK_*. */
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

/*!
 * \brief Allocate an uninitialised tensor like `prototype` (only dtype, ndim, shape and device are
 * read). \param prototype What to allocate. \param out Receives the tensor; the caller owns it.
 * \param error_ctx Passed to SetError.
 * \param SetError Called once with kind and message on failure.
 * \return 0, or -1 after SetError.
 */
typedef int (*DLPackManagedTensorAllocator)(DLTensor* prototype, DLManagedTensorVersioned** out,
                                            void* error_ctx,
                                            void (*SetError)(void* error_ctx, const char* kind,
                                                             const char* message));

/*! \brief Export a framework's Python tensor without stream synchronisation. -1 with a Python
 * exception on failure. */
typedef int (*DLPackManagedTensorFromPyObjectNoSync)(void* py_object,
                                                     DLManagedTensorVersioned** out);

/*! \brief Fill a view borrowed from the Python tensor. -1 with a Python exception on failure. */
typedef int (*DLPackDLTensorFromPyObjectNoSync)(void* py_object, DLTensor* out);

/*! \brief The stream the framework launches on now for that device. -1 with a Python exception on
 * failure. */
typedef int (*DLPackCurrentWorkStream)(DLDeviceType device_type, int32_t device_id,
                                       void** out_current_stream);

/*! \brief Make the framework's Python tensor; takes ownership of `tensor`. -1 with a Python
 * exception on failure. */
typedef int (*DLPackManagedTensorToPyObjectNoSync)(DLManagedTensorVersioned* tensor,
                                                   void** out_py_object);

/*! \brief First member of every exchange table: its version, and the table of the previous version
 * if one exists. */
typedef struct DLPackExchangeAPIHeader {
  DLPackVersion version;
  struct DLPackExchangeAPIHeader* prev_api;
} DLPackExchangeAPIHeader;

/*!
 * \brief A framework's function table for exchange at C speed.
 *
 * Found in a PyCapsule named "dlpack_exchange_api" in the attribute `__dlpack_c_exchange_api__` of
 * the tensor type. It lives as long as the process, so consumers may cache the pointer per type.
 */
typedef struct DLPackExchangeAPI {
  DLPackExchangeAPIHeader header;
  DLPackManagedTensorAllocator managed_tensor_allocator;
  DLPackManagedTensorFromPyObjectNoSync managed_tensor_from_py_object_no_sync;
  DLPackManagedTensorToPyObjectNoSync managed_tensor_to_py_object_no_sync;
  /*! \brief May be NULL. */
  DLPackDLTensorFromPyObjectNoSync dltensor_from_py_object_no_sync;
  DLPackCurrentWorkStream current_work_stream;
} DLPackExchangeAPI;

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DLPACK_DLPACK_H_
