/*!
 * \file tvmffi/host/library.h
 * \brief What libtvmffi_host.so exports: packed functions, for every language that speaks the ABI.
 *
 * A program that links the library calls them through client.h; any other loads it as a module,
 * where they go by the names behind `__tvm_ffi_`. `handle` is ignored.
 */
#ifndef TVMFFI_HOST_LIBRARY_H_
#define TVMFFI_HOST_LIBRARY_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/function.h>

#include <utility>

extern "C" {

/*! \brief load_module(path, options: Map or None) -> Module. The options are those of LoadOptions,
 * and `session`, `worker`. */
int __tvm_ffi_load_module(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief open_session(options: Map or None) -> Session: a private daemon, or with `socket` the one
 * listening there. */
int __tvm_ffi_open_session(void* handle, const TVMFFIAny* args, int32_t num_args,
                           TVMFFIAny* result);
/*! \brief close_session(Session): ends all its workers. */
int __tvm_ffi_close_session(void* handle, const TVMFFIAny* args, int32_t num_args,
                            TVMFFIAny* result);
/*! \brief session_info(Session) -> Map of what the daemon says of itself. */
int __tvm_ffi_session_info(void* handle, const TVMFFIAny* args, int32_t num_args,
                           TVMFFIAny* result);
/*! \brief default_socket_path() -> str: where a shared daemon listens. */
int __tvm_ffi_default_socket_path(void* handle, const TVMFFIAny* args, int32_t num_args,
                                  TVMFFIAny* result);
/*! \brief empty(shape, dtype, module) -> Tensor in shared memory, zeroed; in the pool of the hosted
 * module's worker unless that is None or left out. */
int __tvm_ffi_empty(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief as_input(Tensor) -> Tensor: a copy in sealed memory, which no worker can change. */
int __tvm_ffi_as_input(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief to_shared(Tensor) -> Tensor: a copy in shared memory. */
int __tvm_ffi_to_shared(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief is_shared(Tensor) -> bool: it crosses without a copy. */
int __tvm_ffi_is_shared(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief stats() -> Map of counters of all hosted calls of this process. */
int __tvm_ffi_stats(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief report(Error or id) -> Map or None. */
int __tvm_ffi_report(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief worker_info(Module) -> Map: pid, generation, alive, ... */
int __tvm_ffi_worker_info(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/*! \brief reset(Module): closes the circuit breaker of its worker. */
int __tvm_ffi_reset(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);

}  // extern "C"

namespace tvmffi::host::details {

template <typename... Args>
tvm::ffi::Any Invoke(TVMFFISafeCallType function, Args&&... args) {
  return tvm::ffi::Function::InvokeExternC(nullptr, function, std::forward<Args>(args)...);
}

}  // namespace tvmffi::host::details

#endif  // TVMFFI_HOST_LIBRARY_H_
