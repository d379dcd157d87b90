/*!
 * \file tvmffi/host/options.h
 * \brief How a module is loaded into a worker.
 */
#ifndef TVMFFI_HOST_OPTIONS_H_
#define TVMFFI_HOST_OPTIONS_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/string.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tvmffi::host {

/*! \brief Every field has a default that suits most callers. */
struct LoadOptions {
  /*! \brief Seconds a call may take outside the caller's own callbacks, waiting for its turn
   * included; none: no limit. */
  std::optional<double> deadline = 30.0;
  /*! \brief Seconds that a call's callbacks may take together; none: no limit. No callback is
   * interrupted, but once they took longer the next one ends the call. */
  std::optional<double> callback_deadline = 30.0;
  /*! \brief Seconds a call may wait for its turn alone. */
  std::optional<double> queue_deadline;
  /*! \brief Seconds that starting a worker may take, loading and `init` included; it is no part of
   * the deadline of the call that needs one then. None: that call's deadline. */
  std::optional<double> load_deadline;
  /*! \brief Called, in order, after every start of the worker: (function, arguments). */
  std::vector<std::pair<std::string, std::vector<tvm::ffi::Any>>> init;
  /*! \brief For whom a worker is used again: "module"; "session": modules of one folder that were
   * loaded into one session with equal options share one; "never": each call has a worker of its
   * own, which has ended when the call returns, so that nothing is kept or written later; not with
   * `respawn` false, and "Unavailable" where the daemon cannot end what a call leaves behind. */
  std::string reuse = "module";
  /*! \brief Overwrites with 0xFF what a call leaves in memory that its worker has mapped. */
  bool poison = false;
  /*! \brief False: after the worker's death calls throw Unavailable instead of starting another. */
  bool respawn = true;
  /*! \brief Plain tensors are never copied back from any function. */
  bool readonly = false;
  /*! \brief Arguments, by function, whose plain tensors are never copied back. */
  std::map<std::string, std::vector<int64_t>> readonly_arguments;
  /*! \brief The worker's whole environment; none: a few variables of this process. */
  std::optional<std::map<std::string, std::string>> environment;
  /*! \brief The path of a policy (TOML, `proto/policy/policy.h` lists its keys): what the worker
   * may read and use. Empty: the default, which denies, and leaves it half of the daemon's memory
   * and 1024 processes. */
  std::string policy;
  /*! \brief Layers of the sandbox that the worker must have, else loading throws "Unavailable"
   * naming the one that is missing: "seccomp", "landlock", "userns", ... */
  std::vector<std::string> require;
  /*! \brief Copies what the plug-in prints to this process's stderr. */
  bool forward_log = false;
  /*! \brief A folder: a call, or a load, that ends its worker is written there, to be run again by
   * `tvmffi-hostctl replay`; the report's `recording` names the file. Costs a copy of all the bytes
   * of the arguments' tensors in every call, and keeps it until the call returns. Empty: nothing is
   * copied. */
  std::string record;
  /*! \brief After so many deaths in a row no worker is started for so many seconds. */
  int64_t breaker_deaths = 5;
  double breaker_seconds = 30.0;
};

/*! \brief The options as they cross the ABI. */
inline tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any> ToMap(const LoadOptions& options) {
  using tvm::ffi::Any;
  using tvm::ffi::Array;
  using tvm::ffi::Map;
  using tvm::ffi::String;
  Map<String, Any> map;
  map.Set("deadline", options.deadline ? Any(*options.deadline) : Any(nullptr));
  map.Set("callback_deadline",
          options.callback_deadline ? Any(*options.callback_deadline) : Any(nullptr));
  if (options.queue_deadline) map.Set("queue_deadline", *options.queue_deadline);
  if (options.load_deadline) map.Set("load_deadline", *options.load_deadline);
  Array<Any> init;
  for (const auto& [function, arguments] : options.init) {
    init.push_back(Array<Any>{String(function), Array<Any>(arguments.begin(), arguments.end())});
  }
  map.Set("init", init);
  map.Set("reuse", String(options.reuse));
  map.Set("poison", options.poison);
  map.Set("respawn", String(options.respawn ? "auto" : "never"));
  if (options.readonly_arguments.empty()) {
    map.Set("readonly", options.readonly);
  } else {
    Map<String, Any> readonly;
    for (const auto& [function, indices] : options.readonly_arguments) {
      readonly.Set(function, Array<int64_t>(indices.begin(), indices.end()));
    }
    map.Set("readonly", readonly);
  }
  if (options.environment) {
    Map<String, Any> environment;
    for (const auto& [name, value] : *options.environment) environment.Set(name, String(value));
    map.Set("env", environment);
  }
  if (!options.policy.empty()) map.Set("policy", String(options.policy));
  if (!options.record.empty()) map.Set("record", String(options.record));
  map.Set("require", Array<String>(options.require.begin(), options.require.end()));
  map.Set("log", String(options.forward_log ? "forward" : "keep"));
  map.Set("breaker_deaths", options.breaker_deaths);
  map.Set("breaker_seconds", options.breaker_seconds);
  return map;
}

}  // namespace tvmffi::host

#endif  // TVMFFI_HOST_OPTIONS_H_
