/*!
 * \file tvmffi/host/client.h
 * \brief Plug-ins in processes of their own, for C++ programs. Link `tvmffi::host` and a
 * libtvm_ffi.
 *
 * \code
 * auto client = tvmffi::host::Client::Private();
 * tvm::ffi::Module mod = client.LoadModule("build/softmax.so");
 * try {
 *   mod->GetFunction("softmax").value()(x, out);
 * } catch (const tvm::ffi::Error& error) {
 *   if (auto report = tvmffi::host::GetReport(error)) std::cerr << report->signal_name << "\n";
 * }
 * \endcode
 */
#ifndef TVMFFI_HOST_CLIENT_H_
#define TVMFFI_HOST_CLIENT_H_

#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/object.h>
#include <tvmffi/host/errors.h>
#include <tvmffi/host/library.h>
#include <tvmffi/host/options.h>

#include <string>
#include <utility>

namespace tvmffi::host {

/*! \brief $TVMFFI_HOSTD_SOCKET, else tvmffi-hostd/hostd.sock in $XDG_RUNTIME_DIR, else in a folder
 * of the user's own. */
inline std::string DefaultSocketPath() {
  return std::string(details::Invoke(&__tvm_ffi_default_socket_path).cast<tvm::ffi::String>());
}

/*!
 * \brief A session with tvmffi-hostd. Copies share it. Calls may come from any thread; a fork()ed
 * child must open its own.
 *
 * Modules keep their session alive: a Client may go out of scope while its modules are in use.
 */
class Client {
 public:
  /*! \brief Connect to a shared daemon, or throw Error of kind "Unavailable" naming the path and
   * the reason. */
  static Client Connect(const std::string& socket_path = DefaultSocketPath()) {
    tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any> options;
    options.Set("socket", tvm::ffi::String(socket_path));
    return Client(details::Invoke(&__tvm_ffi_open_session, options).cast<tvm::ffi::ObjectRef>());
  }

  /*! \brief Start a daemon of this process's own, which ends with it. Throws "Unavailable" when
   * there is none to start. */
  static Client Private() {
    return Client(details::Invoke(&__tvm_ffi_open_session, nullptr).cast<tvm::ffi::ObjectRef>());
  }

  /*!
   * \brief Load a plug-in into a fresh worker.
   * \param path  The shared library, made absolute here: the daemon has another working directory.
   * \param options  Deadlines, replay, limits.
   * \return A Module like any other. When its worker dies, calls in flight throw "WorkerCrashed";
   * nothing is retried silently, a kernel may not be idempotent; the next call runs on a fresh
   * worker.
   *
   * Throws "LoadFailed" naming the path, with the loader's own words.
   */
  tvm::ffi::Module LoadModule(const std::string& path, const LoadOptions& options = {}) const {
    tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any> map = ToMap(options);
    map.Set("session", session_);
    return details::Invoke(&__tvm_ffi_load_module, tvm::ffi::String(path), map)
        .cast<tvm::ffi::Module>();
  }

  /*! \brief The same, into the worker of a module of this session. One module's fault then costs
   * both. */
  tvm::ffi::Module LoadModuleBeside(const tvm::ffi::Module& neighbour, const std::string& path,
                                    const LoadOptions& options = {}) const {
    tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any> map = ToMap(options);
    map.Set("worker", neighbour);
    return details::Invoke(&__tvm_ffi_load_module, tvm::ffi::String(path), map)
        .cast<tvm::ffi::Module>();
  }

  /*! \brief End all workers of this session, for every copy of it. Their modules throw
   * "Unavailable" from now on. */
  void Close() const { details::Invoke(&__tvm_ffi_close_session, session_); }

 private:
  explicit Client(tvm::ffi::ObjectRef session) : session_(std::move(session)) {}
  tvm::ffi::ObjectRef session_;
};

/*! \brief A zeroed tensor in memory that crosses to any worker without a copy. */
inline tvm::ffi::Tensor Empty(const tvm::ffi::Shape& shape, DLDataType dtype) {
  return details::Invoke(&__tvm_ffi_empty, shape, dtype).cast<tvm::ffi::Tensor>();
}

/*! \brief A zeroed tensor in memory that the worker of `module`, and it alone, already has mapped:
 * made and passed fastest. Any other worker gets copies of it, the next one of `module` too. */
inline tvm::ffi::Tensor Empty(const tvm::ffi::Shape& shape, DLDataType dtype,
                              const tvm::ffi::Module& module) {
  return details::Invoke(&__tvm_ffi_empty, shape, dtype, module).cast<tvm::ffi::Tensor>();
}

/*! \brief A copy of `tensor` that no worker can change, whatever it does. */
inline tvm::ffi::Tensor AsInput(const tvm::ffi::Tensor& tensor) {
  return details::Invoke(&__tvm_ffi_as_input, tensor).cast<tvm::ffi::Tensor>();
}

/*! \brief The worker behind a hosted module: "pid" as this process sees it, 0 while there is none,
 * "generation", "alive", "layers" (of its sandbox, with spaces between), ... */
inline tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any> WorkerInfo(const tvm::ffi::Module& module) {
  return details::Invoke(&__tvm_ffi_worker_info, module)
      .cast<tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any>>();
}

/*! \brief Counters of all hosted calls of this process: "calls", "bytes_copied_in",
 * "zero_copy_tensors", ... */
inline tvm::ffi::Map<tvm::ffi::String, int64_t> Stats() {
  return details::Invoke(&__tvm_ffi_stats).cast<tvm::ffi::Map<tvm::ffi::String, int64_t>>();
}

}  // namespace tvmffi::host

#endif  // TVMFFI_HOST_CLIENT_H_
