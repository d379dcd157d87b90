/*!
 * \file tvm/ffi/extra/c_env_api.h
 * \brief What surrounds a call: the caller's stream, its tensor allocator, its pending signals, and
 * module symbols.
 *
 * Stream and allocator are thread-local: a host that runs a call on another thread sets them on
 * that thread.
 */
#ifndef TVM_FFI_EXTRA_C_ENV_API_H_
#define TVM_FFI_EXTRA_C_ENV_API_H_

#include <tvm/ffi/c_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*! \brief A device's native stream, for example a cudaStream_t. NULL is the default stream. */
typedef void* TVMFFIStreamHandle;

/*!
 * \brief Set the calling thread's current stream of one device.
 * \param device_type A DLDeviceType value.
 * \param device_id The ordinal, not negative.
 * \param stream The stream, borrowed.
 * \param opt_out_original_stream Receives the previous stream (NULL if never set); may be NULL.
 * \return 0, or nonzero with a raised ValueError for a negative type or id.
 */
TVM_FFI_DLL int TVMFFIEnvSetStream(int32_t device_type, int32_t device_id,
                                   TVMFFIStreamHandle stream,
                                   TVMFFIStreamHandle* opt_out_original_stream);

/*! \brief The calling thread's current stream of one device; NULL when unset or out of range.
 * Cannot fail. */
TVM_FFI_DLL TVMFFIStreamHandle TVMFFIEnvGetStream(int32_t device_type, int32_t device_id);

/*!
 * \brief Set the tensor allocator of the calling thread.
 * \param allocator The allocator, or NULL to clear.
 * \param write_to_global_context Nonzero also sets the fallback that threads without one of their
 * own use. \param opt_out_original_allocator Receives the thread's previous allocator; may be NULL.
 * \return 0.
 */
TVM_FFI_DLL int TVMFFIEnvSetDLPackManagedTensorAllocator(
    DLPackManagedTensorAllocator allocator, int write_to_global_context,
    DLPackManagedTensorAllocator* opt_out_original_allocator);

/*! \brief The thread's allocator, else the process-wide one, else NULL. */
TVM_FFI_DLL DLPackManagedTensorAllocator TVMFFIEnvGetDLPackManagedTensorAllocator(void);

/*!
 * \brief Allocate a tensor with the current allocator, so that the caller's framework owns the
 * memory. \param prototype dtype, ndim, shape and device are read; data and strides are not. \param
 * out A new reference to a Tensor with uninitialised content and row-major strides. \return 0, or
 * nonzero with a raised error: RuntimeError without an allocator, else the allocator's own.
 */
TVM_FFI_DLL int TVMFFIEnvTensorAlloc(DLTensor* prototype, TVMFFIObjectHandle* out);

/*!
 * \brief Ask the host language whether a signal (Ctrl-C) is pending; long-running code calls this
 * now and then. \return 0 to go on; nonzero to unwind. Then no error is raised here: the host
 * language holds it.
 */
TVM_FFI_DLL int TVMFFIEnvCheckSignals(void);

/*!
 * \brief Give the library a function of the host language: PyErr_CheckSignals, PyGILState_Ensure,
 * PyGILState_Release. \return 0, or nonzero with a raised ValueError for another name.
 */
TVM_FFI_DLL int TVMFFIEnvRegisterCAPI(const char* name, void* symbol);

/*!
 * \brief Find a function among a module's imports, then among the global functions.
 * \param library_ctx The value the loader stored in the library's `__tvm_ffi__library_ctx`.
 * \param func_name Its name.
 * \param out A borrowed Function, owned by the module from then on.
 * \return 0, or nonzero with a raised RuntimeError when there is none.
 */
TVM_FFI_DLL int TVMFFIEnvModLookupFromImports(TVMFFIObjectHandle library_ctx, const char* func_name,
                                              TVMFFIObjectHandle* out);

/*! \brief Every library loaded later that defines a `void*` variable of this name gets it set to
 * `symbol`. */
TVM_FFI_DLL int TVMFFIEnvModRegisterContextSymbol(const char* name, void* symbol);

/*! \brief Add a symbol to the process's system library (the global function `ffi.SystemLib`). */
TVM_FFI_DLL int TVMFFIEnvModRegisterSystemLibSymbol(const char* name, void* symbol);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TVM_FFI_EXTRA_C_ENV_API_H_
