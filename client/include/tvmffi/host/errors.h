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

/*! \brief One function on the stack of a thread that died. */
struct Frame {
  /*! \brief Demangled; empty when the file has no symbol there. */
  std::string symbol;
  /*! \brief Source file; empty without debug information. */
  std::string file;
  /*! \brief 0 without debug information. */
  int line = 0;
  /*! \brief File name of the library; empty for code that is in none. */
  std::string module;
  /*! \brief In the library's file. */
  uint64_t offset = 0;
  uint64_t address = 0;
  /*! \brief Into the function of the next frame. */
  bool inlined = false;
};

/*! \brief What a worker used in its life, as the kernel counted it. */
struct ResourceUsage {
  /*! \brief Seconds. */
  double lifetime = 0;
  double user_time = 0;
  double system_time = 0;
  int64_t max_rss_kib = 0;
};

/*! \brief How a worker ended, and the call that saw it. The worker's own word are only `log_tail`,
 * the fault's fields and `frames`: hints. */
struct Report {
  int64_t id = 0;
  std::string kind;
  /*! \brief "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon",
   * "load", "queue", or "stuck": killed, but held by the kernel or a debugger. */
  std::string cause;
  int signal = 0;
  std::string signal_name;
  /*! \brief -1 unless the worker exited. */
  int exit_status = -1;
  std::string function;
  std::string module;
  /*! \brief Seconds into the call, time in callbacks left out. */
  double elapsed = 0;
  /*! \brief Of these, seconds before the call was sent: for its turn, for a worker to start. */
  double queued = 0;
  std::vector<std::string> log_tail;
  int worker_pid = 0;
  uint64_t generation = 0;
  ResourceUsage resource_usage;
  /*! \brief "memory", "address_space_bytes", "cpu_seconds", "file_size_bytes": what ended the
   * worker or was used up when it died. */
  std::vector<std::string> limits_hit;
  /*! \brief Equal for deaths that look the same. */
  std::string bucket;
  /*! \brief The file this call was recorded in, with option `record`; else empty. */
  std::string recording;
  /*! \brief What that file lacks, or why there is none. */
  std::string recording_note;
  /*! \brief Address of the instruction that died. */
  std::optional<uint64_t> instruction;
  std::optional<uint64_t> fault_address;
  /*! \brief The tensor argument that the fault's address lies in or beside. */
  std::optional<int> fault_argument;
  /*! \brief Bytes from the argument's first element; its size or more is behind it, negative before
   * it. */
  std::optional<int64_t> fault_offset;
  std::optional<bool> is_write;
  /*! \brief The fault was in the guard below the thread's stack. */
  bool stack_overflow = false;
  /*! \brief Innermost first. */
  std::vector<Frame> frames;
  /*! \brief Why names are missing from `frames`. */
  std::string frames_note;
};

namespace details {

inline Frame ReadFrame(const tvm::ffi::Map<tvm::ffi::String, tvm::ffi::Any>& fields) {
  using tvm::ffi::String;
  Frame frame;
  frame.symbol = std::string(fields["symbol"].cast<String>());
  frame.file = std::string(fields["file"].cast<String>());
  frame.line = static_cast<int>(fields["line"].cast<int64_t>());
  frame.module = std::string(fields["module"].cast<String>());
  frame.offset = static_cast<uint64_t>(fields["offset"].cast<int64_t>());
  frame.address = static_cast<uint64_t>(fields["address"].cast<int64_t>());
  frame.inlined = fields["inlined"].cast<bool>();
  return frame;
}

}  // namespace details

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
  report.queued = fields["queued"].cast<double>();
  report.log_tail = lines("log_tail");
  report.worker_pid = static_cast<int>(number("worker_pid"));
  report.generation = static_cast<uint64_t>(number("generation"));
  report.limits_hit = lines("limits_hit");
  report.bucket = text("bucket");
  report.recording = text("recording");
  report.recording_note = text("recording_note");
  const auto usage = fields["resource_usage"].cast<Map<String, Any>>();
  report.resource_usage = {usage["lifetime"].cast<double>(), usage["user_time"].cast<double>(),
                           usage["system_time"].cast<double>(),
                           usage["max_rss_kib"].cast<int64_t>()};
  const auto has = [&](const char* name) { return fields.count(name) != 0; };
  if (has("instruction")) report.instruction = static_cast<uint64_t>(number("instruction"));
  if (has("fault_address")) report.fault_address = static_cast<uint64_t>(number("fault_address"));
  if (has("fault_argument")) {
    report.fault_argument = static_cast<int>(number("fault_argument"));
    report.fault_offset = number("fault_offset");
  }
  if (has("is_write")) report.is_write = fields["is_write"].cast<bool>();
  if (has("stack_overflow")) report.stack_overflow = fields["stack_overflow"].cast<bool>();
  if (has("frames")) {
    for (const Map<String, Any>& frame : fields["frames"].cast<Array<Map<String, Any>>>()) {
      report.frames.push_back(details::ReadFrame(frame));
    }
    report.frames_note = text("frames_note");
  }
  return report;
}

}  // namespace tvmffi::host

#endif  // TVMFFI_HOST_ERRORS_H_
