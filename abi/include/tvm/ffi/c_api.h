/*!
 * \file tvm/ffi/c_api.h
 * \brief The frozen C ABI: values, the object header, errors, functions, tensors and the type
 * table.
 *
 * Every struct here is read and written by compiled code of other parties. Sizes, offsets and
 * enumerator values never change; new functions may be added at the end. C11 and C++17, 64-bit
 * little-endian hosts.
 *
 * Conventions, unless a function says otherwise:
 *  - An `int` result is 0 on success. On failure it is nonzero and the calling thread's raised
 * error is set; take it with TVMFFIErrorMoveFromRaised. Output parameters then hold nothing.
 *  - Handles passed in are borrowed; handles passed out are new references that the caller releases
 * with TVMFFIObjectDecRef.
 *  - NULL where something is needed is refused: with an InternalError, or by ending the process
 * where the function has no way to report an error. The functions that accept NULL say so.
 *  - Every function may be called from any thread.
 */
#ifndef TVM_FFI_C_API_H_
#define TVM_FFI_C_API_H_

#include <dlpack/dlpack.h>
#include <stdint.h>

#if defined(_MSC_VER)
#define TVM_FFI_WEAK __declspec(selectany)
#else
#define TVM_FFI_WEAK __attribute__((weak))
#endif

#if !defined(TVM_FFI_DLL)
#if defined(__EMSCRIPTEN__)
#include <emscripten/emscripten.h>
#define TVM_FFI_DLL EMSCRIPTEN_KEEPALIVE
#define TVM_FFI_DLL_EXPORT EMSCRIPTEN_KEEPALIVE
#elif defined(_MSC_VER)
#ifdef TVM_FFI_EXPORTS
#define TVM_FFI_DLL __declspec(dllexport)
#else
#define TVM_FFI_DLL __declspec(dllimport)
#endif
#define TVM_FFI_DLL_EXPORT __declspec(dllexport)
#else
#define TVM_FFI_DLL __attribute__((visibility("default")))
#define TVM_FFI_DLL_EXPORT __attribute__((visibility("default")))
#endif
#endif
#if !defined(TVM_FFI_DLL_EXPORT)
#define TVM_FFI_DLL_EXPORT TVM_FFI_DLL
#endif

#if defined(_MSC_VER)
#define TVM_FFI_ATTRIBUTE_PURE
#else
#define TVM_FFI_ATTRIBUTE_PURE __attribute__((__pure__))
#endif

/*! \brief Version of this calling convention; TVMFFIGetVersion reports the loaded library's. */
#define TVM_FFI_VERSION_MAJOR 0
#define TVM_FFI_VERSION_MINOR 1
#define TVM_FFI_VERSION_PATCH 14

// Enumerators are int32_t in C++ and int in C.
// clang-format off
#ifdef __cplusplus
#define TVM_FFI_ENUM_(name) name : int32_t
#define TVM_FFI_ENUM_END_(name)
extern "C" {
#else
#define TVM_FFI_ENUM_(name) name
#define TVM_FFI_ENUM_END_(name) ; typedef enum name name
#endif
// clang-format on

/*! \brief A version triple. */
typedef struct {
  uint32_t major;
  uint32_t minor;
  uint32_t patch;
} TVMFFIVersion;

/*! \brief Address of a TVMFFIObject header. */
typedef void* TVMFFIObjectHandle;

/*! \brief What a TVMFFIAny holds. Below 64: no reference is owned. From 64 on: an object. From 128
 * on: dynamic types. */
enum TVM_FFI_ENUM_(TVMFFITypeIndex) {
  /*! \brief Only in annotations; no value has it. */
  kTVMFFIAny = -1,
  kTVMFFINone = 0,
  kTVMFFIInt = 1,
  /*! \brief v_int64 is 0 or 1. */
  kTVMFFIBool = 2,
  kTVMFFIFloat = 3,
  kTVMFFIOpaquePtr = 4,
  kTVMFFIDataType = 5,
  kTVMFFIDevice = 6,
  /*! \brief v_ptr is a borrowed DLTensor*. */
  kTVMFFIDLTensorPtr = 7,
  /*! \brief v_c_str is borrowed and NUL terminated. Views only. */
  kTVMFFIRawStr = 8,
  /*! \brief v_ptr is a borrowed TVMFFIByteArray*. Views only. */
  kTVMFFIByteArrayPtr = 9,
  /*! \brief v_ptr is the address of an owned object pointer the callee may take. Views only. */
  kTVMFFIObjectRValueRef = 10,
  /*! \brief Up to 7 bytes of text inside the value. */
  kTVMFFISmallStr = 11,
  /*! \brief Up to 7 bytes inside the value. */
  kTVMFFISmallBytes = 12,
  /*! \brief What a structural mutation answers for a value it keeps. Newer than the convention. */
  kTVMFFIUnchanged = 13,
  kTVMFFIStaticObjectBegin = 64,
  kTVMFFIObject = 64,
  kTVMFFIStr = 65,
  kTVMFFIBytes = 66,
  kTVMFFIError = 67,
  kTVMFFIFunction = 68,
  kTVMFFIShape = 69,
  kTVMFFITensor = 70,
  kTVMFFIArray = 71,
  kTVMFFIMap = 72,
  kTVMFFIModule = 73,
  kTVMFFIOpaquePyObject = 74,
  kTVMFFIList = 75,
  kTVMFFIDict = 76,
  kTVMFFIVisitInterrupt = 77,
  /*! \brief The end of the static types of the convention. */
  kTVMFFIStaticObjectEnd = 78,
  /*! \brief An integer beyond 64 bits. Newer than the convention: see TVMFFIBigIntFromByteArray. */
  kTVMFFIBigInt = 78,
  kTVMFFIDynObjectBegin = 128
} TVM_FFI_ENUM_END_(TVMFFITypeIndex);

/*! \brief What an object's deleter is asked to do. */
enum TVM_FFI_ENUM_(TVMFFIObjectDeleterFlagBitMask) {
  /*! \brief Run the destructor. */
  kTVMFFIObjectDeleterFlagBitMaskStrong = 1 << 0,
  /*! \brief Free the memory. */
  kTVMFFIObjectDeleterFlagBitMaskWeak = 1 << 1,
  kTVMFFIObjectDeleterFlagBitMaskBoth = (1 << 0) | (1 << 1)
} TVM_FFI_ENUM_END_(TVMFFIObjectDeleterFlagBitMask);

/*!
 * \brief Header of every object.
 *
 * `combined_ref_count` holds the strong count in its low and the weak count in its high 32 bits;
 * all strong references together own one weak one. A new object starts with one of each.
 */
typedef struct {
  uint64_t combined_ref_count;
  int32_t type_index;
  uint32_t __padding;
#if !defined(TVM_FFI_DOXYGEN_MODE)
  union {
#endif
    /*! \brief Belongs to the code that allocated the object; NULL: never destroyed. `self` is this
     * header. */
    void (*deleter)(void* self, int flags);
    int64_t __ensure_align;
#if !defined(TVM_FFI_DOXYGEN_MODE)
  };
#endif
} TVMFFIObject;

/*!
 * \brief One value, 16 bytes: a borrowed view or an owned value, as the context says.
 *
 * All bytes that a kind does not use are zero: equality and hashing read both words.
 */
typedef struct {
  int32_t type_index;
#if !defined(TVM_FFI_DOXYGEN_MODE)
  union {
#endif
    uint32_t zero_padding;
    /*! \brief Length of a SmallStr or SmallBytes, 0 to 7. */
    uint32_t small_str_len;
#if !defined(TVM_FFI_DOXYGEN_MODE)
  };
  union {
#endif
    int64_t v_int64;
    double v_float64;
    void* v_ptr;
    const char* v_c_str;
    TVMFFIObject* v_obj;
    DLDataType v_dtype;
    DLDevice v_device;
    char v_bytes[8];
    uint64_t v_uint64;
#if !defined(TVM_FFI_DOXYGEN_MODE)
  };
#endif
} TVMFFIAny;

/*! \brief Bytes owned by somebody else. */
typedef struct {
  const char* data;
  size_t size;
} TVMFFIByteArray;

/*! \brief Follows the header of ffi.Shape. */
typedef struct {
  const int64_t* data;
  size_t size;
} TVMFFIShapeCell;

/*! \brief Follows the header of ffi.Array and ffi.List. `data` points at `size` TVMFFIAny. */
#ifdef __cplusplus
struct TVMFFISeqCell {
#else
typedef struct {
#endif
  void* data;
  int64_t size;
  int64_t capacity;
  /*! \brief NULL: the elements lie behind the object itself. */
  void (*data_deleter)(void*);
#ifdef __cplusplus
};
#else
} TVMFFISeqCell;
#endif

/*! \brief How TVMFFIErrorCell::update_backtrace treats the lines already there. */
enum TVM_FFI_ENUM_(TVMFFIBacktraceUpdateMode) {
  kTVMFFIBacktraceUpdateModeReplace = 0,
  kTVMFFIBacktraceUpdateModeAppend = 1
} TVM_FFI_ENUM_END_(TVMFFIBacktraceUpdateMode);

/*! \brief Follows the header of ffi.Error. */
typedef struct {
  /*! \brief Such as "ValueError". */
  TVMFFIByteArray kind;
  TVMFFIByteArray message;
  /*! \brief Lines `  File "f", line n, in g`, innermost frame first. */
  TVMFFIByteArray backtrace;
  void (*update_backtrace)(TVMFFIObjectHandle self, const TVMFFIByteArray* backtrace,
                           int32_t update_mode);
  /*! \brief NULL or an owned Error. Absent from errors made by code older than 0.1.8 (then it
   * equals kind.data). */
  TVMFFIObjectHandle cause_chain;
  /*! \brief NULL or any owned object. */
  TVMFFIObjectHandle extra_context;
} TVMFFIErrorCell;

/*!
 * \brief A packed function.
 * \param handle The Function object, or NULL when a library symbol is called directly.
 * \param args `num_args` borrowed values, valid during the call.
 * \param num_args How many.
 * \param result Set to None by the caller; receives an owned value.
 * \return 0, or nonzero with the raised error set. No C++ exception leaves it.
 */
typedef int (*TVMFFISafeCallType)(void* handle, const TVMFFIAny* args, int32_t num_args,
                                  TVMFFIAny* result);

/*! \brief Follows the header of ffi.Function. */
typedef struct {
  /*! \brief Never NULL. */
  TVMFFISafeCallType safe_call;
  /*! \brief NULL, or a function that throws tvm::ffi::Error instead of returning a code. Only for
   * C++ callers. */
  void* cpp_call;
} TVMFFIFunctionCell;

/*! \brief Follows the header of ffi.OpaquePyObject. */
typedef struct {
  void* handle;
} TVMFFIOpaqueObjectCell;

/*! \brief Stands in the 8 bytes before an object that a custom allocator made. */
typedef struct {
  void (*delete_space)(void* ptr);
} TVMFFIObjectAllocHeader;

/*! \brief A process-wide source of object memory, used by code built with version 0.1.13. */
typedef struct {
  /*! \brief Uninitialised memory with a filled TVMFFIObjectAllocHeader before it; NULL with a
   * raised error. */
  void* (*allocate)(size_t size, size_t alignment, int32_t type_index, void* context);
  void* context;
} TVMFFICustomAllocator;

/*! \brief Bits of TVMFFIFieldInfo::flags and TVMFFIMethodInfo::flags. */
enum TVM_FFI_ENUM_(TVMFFIFieldFlagBitMask) {
  kTVMFFIFieldFlagBitMaskWritable = 1 << 0,
  kTVMFFIFieldFlagBitMaskHasDefault = 1 << 1,
  kTVMFFIFieldFlagBitMaskIsStaticMethod = 1 << 2,
  kTVMFFIFieldFlagBitMaskSEqHashIgnore = 1 << 3,
  kTVMFFIFieldFlagBitMaskSEqHashDefRecursive = 1 << 4,
  kTVMFFIFieldFlagBitMaskDefaultFromFactory = 1 << 5,
  kTVMFFIFieldFlagBitMaskReprOff = 1 << 6,
  kTVMFFIFieldFlagBitMaskCompareOff = 1 << 7,
  kTVMFFIFieldFlagBitMaskHashOff = 1 << 8,
  kTVMFFIFieldFlagBitMaskInitOff = 1 << 9,
  kTVMFFIFieldFlagBitMaskKwOnly = 1 << 10,
  /*! \brief `setter` is a Function handle, called with (field address, value). */
  kTVMFFIFieldFlagBitSetterIsFunctionObj = 1 << 11,
  kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive = 1 << 12
} TVM_FFI_ENUM_END_(TVMFFIFieldFlagBitMask);

/*! \brief How structural equality and hashing treat instances of a type. */
enum TVM_FFI_ENUM_(TVMFFISEqHashKind) {
  kTVMFFISEqHashKindUnsupported = 0,
  kTVMFFISEqHashKindTreeNode = 1,
  kTVMFFISEqHashKindFreeVar = 2,
  kTVMFFISEqHashKindDAGNode = 3,
  kTVMFFISEqHashKindConstTreeNode = 4,
  kTVMFFISEqHashKindUniqueInstance = 5
} TVM_FFI_ENUM_END_(TVMFFISEqHashKind);

/*! \brief Whether variables met in a field are being defined there. */
enum TVM_FFI_ENUM_(TVMFFIDefRegionKind) {
  kTVMFFIDefRegionKindNone = 0,
  kTVMFFIDefRegionKindRecursive = 1,
  kTVMFFIDefRegionKindNonRecursive = 2
} TVM_FFI_ENUM_END_(TVMFFIDefRegionKind);

/*! \brief Read a field at `field` into an owned `result`. */
typedef int (*TVMFFIFieldGetter)(void* field, TVMFFIAny* result);
/*! \brief Write a borrowed `value` into the field at `field`. */
typedef int (*TVMFFIFieldSetter)(void* field, const TVMFFIAny* value);
/*! \brief Make an object with default field values. */
typedef int (*TVMFFIObjectCreator)(TVMFFIObjectHandle* result);

/*! \brief A reflected field. */
typedef struct {
  TVMFFIByteArray name;
  TVMFFIByteArray doc;
  /*! \brief JSON text. */
  TVMFFIByteArray metadata;
  /*! \brief Bits of TVMFFIFieldFlagBitMask. */
  int64_t flags;
  int64_t size;
  int64_t alignment;
  /*! \brief From the object's header. */
  int64_t offset;
  TVMFFIFieldGetter getter;
  /*! \brief A TVMFFIFieldSetter; with kTVMFFIFieldFlagBitSetterIsFunctionObj a Function. */
  void* setter;
  TVMFFIAny default_value_or_factory;
  /*! \brief A hint; kTVMFFIAny when unknown. */
  int32_t field_static_type_index;
} TVMFFIFieldInfo;

/*! \brief A reflected method. */
typedef struct {
  TVMFFIByteArray name;
  TVMFFIByteArray doc;
  /*! \brief JSON text. */
  TVMFFIByteArray metadata;
  int64_t flags;
  /*! \brief A Function; its first argument is self unless the method is static. */
  TVMFFIAny method;
} TVMFFIMethodInfo;

/*! \brief What a type says of itself, registered at most once. */
typedef struct {
  TVMFFIByteArray doc;
  /*! \brief May be NULL. */
  TVMFFIObjectCreator creator;
  /*! \brief sizeof the object; 0 when unknown. */
  int32_t total_size;
  TVMFFISEqHashKind structural_eq_hash_kind;
} TVMFFITypeMetadata;

/*! \brief One attribute of all types: entry of type t is data[t - begin_index] if that is in range
 * and not None. */
typedef struct {
  const TVMFFIAny* data;
  int32_t size;
  int32_t begin_index;
} TVMFFITypeAttrColumn;

/*! \brief What the process knows of a type. The address is stable for the life of the process. */
#ifdef __cplusplus
struct TVMFFITypeInfo {
#else
typedef struct TVMFFITypeInfo {
#endif
  int32_t type_index;
  /*! \brief Number of ancestors. */
  int32_t type_depth;
  TVMFFIByteArray type_key;
  /*! \brief The root first, the direct parent last. */
  const struct TVMFFITypeInfo** type_ancestors;
  uint64_t type_key_hash;
  /*! \brief Own fields, not inherited ones. */
  int32_t num_fields;
  int32_t num_methods;
  const TVMFFIFieldInfo* fields;
  const TVMFFIMethodInfo* methods;
  /*! \brief NULL until registered. */
  const TVMFFITypeMetadata* metadata;
#ifdef __cplusplus
};
#else
} TVMFFITypeInfo;
#endif

// ---------------------------------------------------------------------------------------------------------------
// Version and objects

/*! \brief The version of the loaded library. Never fails, and keeps this signature in every
 * version. NULL is ignored. */
TVM_FFI_DLL void TVMFFIGetVersion(TVMFFIVersion* out_version);

/*! \brief Add a strong reference. NULL is accepted and ignored. */
TVM_FFI_DLL int TVMFFIObjectIncRef(TVMFFIObjectHandle obj);

/*! \brief Drop a strong reference; the last runs the deleter on this thread. NULL is accepted. */
TVM_FFI_DLL int TVMFFIObjectDecRef(TVMFFIObjectHandle obj);

/*!
 * \brief Wrap a foreign pointer in an object.
 * \param handle The pointer, owned by the object on success.
 * \param type_index Only kTVMFFIOpaquePyObject.
 * \param deleter Called once with `handle` when the last strong reference goes; may be NULL.
 * \param out The new object.
 */
TVM_FFI_DLL int TVMFFIObjectCreateOpaque(void* handle, int32_t type_index,
                                         void (*deleter)(void* handle), TVMFFIObjectHandle* out);

/*! \brief The allocator in force; never NULL. */
TVM_FFI_DLL TVMFFICustomAllocator* TVMFFIGetCustomAllocator(void);

/*! \brief Replace the allocator; NULL restores the built-in one. `allocator` must stay valid for
 * ever. */
TVM_FFI_DLL int TVMFFISetCustomAllocator(TVMFFICustomAllocator* allocator);

// ---------------------------------------------------------------------------------------------------------------
// Types and reflection

/*! \brief The index of a registered type key. */
TVM_FFI_DLL int TVMFFITypeKeyToIndex(const TVMFFIByteArray* type_key, int32_t* out_tindex);

/*!
 * \brief Register a type, or find the index it already has. Ends the process when that is
 * impossible. \param type_key Copied. \param static_type_index The index to claim, or -1 to be
 * given one. \param type_depth Number of ancestors. \param num_child_slots Indices to reserve
 * directly behind this one for subtypes. \param child_slots_can_overflow Nonzero lets further
 * subtypes have any index. \param parent_type_index The parent; -1 for none; -2 only asks: the
 * index, or -2 when the key is unknown.
 */
TVM_FFI_DLL int32_t TVMFFITypeGetOrAllocIndex(const TVMFFIByteArray* type_key,
                                              int32_t static_type_index, int32_t type_depth,
                                              int32_t num_child_slots,
                                              int32_t child_slots_can_overflow,
                                              int32_t parent_type_index);

/*! \brief A type's record. Ends the process for an index nobody registered. */
TVM_FFI_DLL const TVMFFITypeInfo* TVMFFIGetTypeInfo(int32_t type_index) TVM_FFI_ATTRIBUTE_PURE;

/*! \brief Add a field; strings are copied, the default value is retained. */
TVM_FFI_DLL int TVMFFITypeRegisterField(int32_t type_index, const TVMFFIFieldInfo* info);

/*! \brief Add a method; strings are copied, the function is retained. */
TVM_FFI_DLL int TVMFFITypeRegisterMethod(int32_t type_index, const TVMFFIMethodInfo* info);

/*! \brief Set a type's metadata, once. */
TVM_FFI_DLL int TVMFFITypeRegisterMetadata(int32_t type_index, const TVMFFITypeMetadata* metadata);

/*! \brief Set one type's entry in an attribute column; type_index kTVMFFINone only creates the
 * column. */
TVM_FFI_DLL int TVMFFITypeRegisterAttr(int32_t type_index, const TVMFFIByteArray* attr_name,
                                       const TVMFFIAny* attr_value);

/*! \brief An attribute column, stable for the life of the process; NULL if never created. */
TVM_FFI_DLL const TVMFFITypeAttrColumn* TVMFFIGetTypeAttrColumn(const TVMFFIByteArray* attr_name);

// ---------------------------------------------------------------------------------------------------------------
// Functions

/*!
 * \brief Make a Function from a C callback.
 * \param self Passed to `safe_call`. With both `self` and `deleter` NULL the callback gets the
 * Function handle instead. \param safe_call The callback. \param deleter Called once with `self`
 * when the Function dies; may be NULL. \param out The new Function.
 */
TVM_FFI_DLL int TVMFFIFunctionCreate(void* self, TVMFFISafeCallType safe_call,
                                     void (*deleter)(void* self), TVMFFIObjectHandle* out);

/*! \brief Call a Function. The callee's code is returned unchanged. */
TVM_FFI_DLL int TVMFFIFunctionCall(TVMFFIObjectHandle func, TVMFFIAny* args, int32_t num_args,
                                   TVMFFIAny* result);

/*! \brief Publish a Function under a global name. */
TVM_FFI_DLL int TVMFFIFunctionSetGlobal(const TVMFFIByteArray* name, TVMFFIObjectHandle f,
                                        int allow_override);

/*! \brief The same, with documentation and metadata. */
TVM_FFI_DLL int TVMFFIFunctionSetGlobalFromMethodInfo(const TVMFFIMethodInfo* method_info,
                                                      int allow_override);

/*! \brief Look up a global Function; success with `*out` NULL when there is none of that name. */
TVM_FFI_DLL int TVMFFIFunctionGetGlobal(const TVMFFIByteArray* name, TVMFFIObjectHandle* out);

/*! \brief Turn a borrowed view into an owned value; raw strings and byte arrays are copied. `*out`
 * is overwritten. */
TVM_FFI_DLL int TVMFFIAnyViewToOwnedAny(const TVMFFIAny* any_view, TVMFFIAny* out);

// ---------------------------------------------------------------------------------------------------------------
// Errors: one slot per thread

/*! \brief Take the raised error; NULL when there is none. A NULL `result` leaves it raised. */
TVM_FFI_DLL void TVMFFIErrorMoveFromRaised(TVMFFIObjectHandle* result);

/*! \brief Raise `error` (+1 reference); NULL clears. */
TVM_FFI_DLL void TVMFFIErrorSetRaised(TVMFFIObjectHandle error);

/*! \brief Raise a new error with the backtrace of this point. A NULL kind is `InternalError`, a
 * NULL message empty. */
TVM_FFI_DLL void TVMFFIErrorSetRaisedFromCStr(const char* kind, const char* message);

/*! \brief The same with the message in parts; NULL parts are skipped. */
TVM_FFI_DLL void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** message_parts,
                                                   int32_t num_parts);

/*! \brief Make an error. Fails only for lack of memory, and then raises nothing. */
TVM_FFI_DLL int TVMFFIErrorCreate(const TVMFFIByteArray* kind, const TVMFFIByteArray* message,
                                  const TVMFFIByteArray* backtrace, TVMFFIObjectHandle* out);

/*! \brief Make an error with a cause (NULL or an Error) and a context object (NULL or any), both
 * retained. */
TVM_FFI_DLL int TVMFFIErrorCreateWithCauseAndExtraContext(
    const TVMFFIByteArray* kind, const TVMFFIByteArray* message, const TVMFFIByteArray* backtrace,
    TVMFFIObjectHandle cause_chain, TVMFFIObjectHandle extra_context, TVMFFIObjectHandle* out);

/*!
 * \brief The backtrace of the calling thread, innermost frame first.
 * \param filename File of the caller's own line, or NULL.
 * \param lineno Its number.
 * \param func Its function, or NULL.
 * \param cross_ffi_boundary Zero stops at the innermost call through this ABI.
 * \return Thread-local text, valid until the next call on this thread; never NULL.
 */
TVM_FFI_DLL const TVMFFIByteArray* TVMFFIBacktrace(const char* filename, int lineno,
                                                   const char* func, int cross_ffi_boundary);

// ---------------------------------------------------------------------------------------------------------------
// Tensors

/*!
 * \brief Make a Tensor that owns `from` and shares its memory.
 * \param from Taken on success; stays the caller's on failure.
 * \param require_alignment Bytes the data must be aligned to; 0 for any.
 * \param require_contiguous Nonzero refuses strided data.
 * \param out The new Tensor.
 */
TVM_FFI_DLL int TVMFFITensorFromDLPack(DLManagedTensor* from, int32_t require_alignment,
                                       int32_t require_contiguous, TVMFFIObjectHandle* out);

/*! \brief Export; the managed tensor holds a reference to `from`. */
TVM_FFI_DLL int TVMFFITensorToDLPack(TVMFFIObjectHandle from, DLManagedTensor** out);

/*! \brief TVMFFITensorFromDLPack for the versioned struct; padded sub-byte types are refused. */
TVM_FFI_DLL int TVMFFITensorFromDLPackVersioned(DLManagedTensorVersioned* from,
                                                int32_t require_alignment,
                                                int32_t require_contiguous,
                                                TVMFFIObjectHandle* out);

/*! \brief TVMFFITensorToDLPack for the versioned struct. */
TVM_FFI_DLL int TVMFFITensorToDLPackVersioned(TVMFFIObjectHandle from,
                                              DLManagedTensorVersioned** out);

/*! \brief Make a Tensor with the layout of `prototype` (strides not NULL, nothing checked) that
 * keeps `source` alive. */
TVM_FFI_DLL int TVMFFITensorCreateUnsafeView(TVMFFIObjectHandle source, const DLTensor* prototype,
                                             TVMFFIObjectHandle* out);

// ---------------------------------------------------------------------------------------------------------------
// Strings and dtypes

/*! \brief Make a string value; up to 7 bytes live inside it. `*out` is overwritten. */
TVM_FFI_DLL int TVMFFIStringFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out);

/*! \brief Make a bytes value; up to 7 bytes live inside it. `*out` is overwritten. */
TVM_FFI_DLL int TVMFFIBytesFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out);

/*!
 * \brief Make an integer of any size. Newer than the convention: an older library does not have it.
 * \param input Its two's complement in 64-bit words, the lowest first; no words are 0.
 * \param out Overwritten: an int when the value fits 64 bits, otherwise an object of type
 * kTVMFFIBigInt. \return 0, or -1: a ValueError when `input` is not whole words.
 */
TVM_FFI_DLL int TVMFFIBigIntFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out);

/*!
 * \brief The words of an integer, no more than needed and at least one. Newer than the convention.
 * \param value An int or a kTVMFFIBigInt; the result points into it. Of any other value the result
 * is NULL and 0.
 */
TVM_FFI_DLL TVMFFIByteArray TVMFFIBigIntGetContentByteArray(const TVMFFIAny* value);

/*! \brief Parse a dtype such as "float32", "bf16" or "int8x4". */
TVM_FFI_DLL int TVMFFIDataTypeFromString(const TVMFFIByteArray* str, DLDataType* out);

/*! \brief Print a dtype; the result is a string value. */
TVM_FFI_DLL int TVMFFIDataTypeToString(const DLDataType* dtype, TVMFFIAny* out);

// ---------------------------------------------------------------------------------------------------------------
// One-time handles

/*!
 * \brief Fill `*handle_addr` once, whichever thread comes first.
 * \param handle_addr NULL until filled.
 * \param init_func Makes the handle, not NULL; its nonzero result is returned and leaves the handle
 * NULL.
 */
TVM_FFI_DLL int TVMFFIHandleInitOnce(void** handle_addr, int (*init_func)(void** result));

/*! \brief Empty `*handle_addr` and pass what it held to `deinit_func`; nothing happens when it is
 * NULL. */
TVM_FFI_DLL int TVMFFIHandleDeinitOnce(void** handle_addr, int (*deinit_func)(void* handle));

#undef TVM_FFI_ENUM_
#undef TVM_FFI_ENUM_END_

#ifdef __cplusplus
}  // extern "C"

inline int32_t TVMFFIObjectGetTypeIndex(TVMFFIObjectHandle obj) {
  return static_cast<TVMFFIObject*>(obj)->type_index;
}

inline TVMFFIByteArray TVMFFISmallBytesGetContentByteArray(const TVMFFIAny* value) {
  return TVMFFIByteArray{value->v_bytes, static_cast<size_t>(value->small_str_len)};
}

inline TVMFFIByteArray* TVMFFIBytesGetByteArrayPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<TVMFFIByteArray*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline TVMFFIErrorCell* TVMFFIErrorGetCellPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<TVMFFIErrorCell*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline TVMFFIFunctionCell* TVMFFIFunctionGetCellPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<TVMFFIFunctionCell*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline TVMFFIOpaqueObjectCell* TVMFFIOpaqueObjectGetCellPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<TVMFFIOpaqueObjectCell*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline TVMFFIShapeCell* TVMFFIShapeGetCellPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<TVMFFIShapeCell*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline DLTensor* TVMFFITensorGetDLTensorPtr(TVMFFIObjectHandle obj) {
  return reinterpret_cast<DLTensor*>(static_cast<char*>(obj) + sizeof(TVMFFIObject));
}

inline DLDevice TVMFFIDLDeviceFromIntPair(int32_t device_type, int32_t device_id) {
  return DLDevice{static_cast<DLDeviceType>(device_type), device_id};
}
#endif  // __cplusplus

#endif  // TVM_FFI_C_API_H_
