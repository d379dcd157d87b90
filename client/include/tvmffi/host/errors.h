/*!
 * \file tvmffi/host/errors.h
 * \brief Errors of the host: tvm::ffi::Error of one of the kinds below, with a report.
 *
 * A plug-in cannot raise them: an error has a report only if the host made it.
 */
#ifndef TVMFFI_HOST_ERRORS_H_
#define TVMFFI_HOST_ERRORS_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/string.h>
#include <tvmffi/host/library.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tvmffi::host {

/*! \brief The worker died during the call. */
inline constexpr char kWorkerCrashed[] = "WorkerCrashed";
/*! \brief The call took longer than its deadline; its worker was killed. */
inline constexpr char kDeadlineExceeded[] = "DeadlineExceeded";
/*! \brief The module could not be loaded. */
inline constexpr char kLoadFailed[] = "LoadFailed";
/*! \brief The worker did what its policy or the protocol forbids; it was killed. */
inline constexpr char kPolicyViolation[] = "PolicyViolation";
/*! \brief There is no daemon, no worker can be started, or the circuit breaker is open. */
inline constexpr char kUnavailable[] = "Unavailable";
/*! \brief Memory, descriptors or lanes ran out. */
inline constexpr char kResourceExhausted[] = "ResourceExhausted";

/*! \brief How a worker ended, and the call that saw it. The worker's own word are only `log_tail`
 * and the fault's fields. */
struct Report {
  int64_t id = 0;
  std::string kind;
  /*! \brief "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon" or
   * "load". */
  std::string cause;
  int signal = 0;
  std::string signal_name;
  /*! \brief -1 unless the worker exited. */
  int exit_status = -1;
  std::string function;
  std::string module;
  /*! \brief Seconds into the call, time in callbacks left out. */
  double elapsed = 0;
  std::vector<std::string> log_tail;
  int worker_pid = 0;
  uint64_t generation = 0;
  std::optional<uint64_t> fault_address;
  bool is_write = false;
  std::vector<std::string> frames;
};

/*! \brief The report of an error that the host made; nothing for any other error. */
inline std::optional<Report> GetReport(const tvm::ffi::Error& error) {
  using tvm::ffi::Any;
  using tvm::ffi::Array;
  using tvm::ffi::Map;
  using tvm::ffi::String;
  const Any answer = details::Invoke(&__tvm_ffi_report, error);
  if (answer == nullptr) return std::nullopt;
  const Map<String, Any> fields = answer.cast<Map<String, Any>>();
  const auto text = [&](const char* name) { return std::string(fields[name].cast<String>()); };
  const auto number = [&](const char* name) { return fields[name].cast<int64_t>(); };
  const auto lines = [&](const char* name) {
    std::vector<std::string> all;
    for (const String& line : fields[name].cast<Array<String>>()) all.emplace_back(line);
    return all;
  };
  Report report;
  report.id = number("id");
  report.kind = text("kind");
  report.cause = text("cause");
  report.signal = static_cast<int>(number("signal"));
  report.signal_name = text("signal_name");
  report.exit_status = static_cast<int>(number("exit_status"));
  report.function = text("function");
  report.module = text("module");
  report.elapsed = fields["elapsed"].cast<double>();
  report.log_tail = lines("log_tail");
  report.worker_pid = static_cast<int>(number("worker_pid"));
  report.generation = static_cast<uint64_t>(number("generation"));
  if (fields.count("fault_address") != 0) {
    report.fault_address = static_cast<uint64_t>(number("fault_address"));
    report.is_write = fields["is_write"].cast<bool>();
    report.frames = lines("frames");
  }
  return report;
}

}  // namespace tvmffi::host

#endif  // TVMFFI_HOST_ERRORS_H_
