// What is known about the end of a worker, and the errors that carry it.
#ifndef TVMFFI_CLIENT_SRC_REPORT_H_
#define TVMFFI_CLIENT_SRC_REPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/src/abi.h"
#include "client/src/symbolize.h"
#include "proto/channel/crash_page.h"

namespace tvmffi::host {

// What ended a worker. Everything but `log_tail`, `crash` and `backtrace` is the kernel's word,
// passed on by the daemon.
struct WorkerEnd {
  // "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon" or "stuck";
  // of a worker that has not ended, "load" when its module was refused and "queue" when it was
  // busy.
  std::string cause;
  int signal = 0;
  int exit_status = -1;
  int pid = 0;
  double lifetime = 0;
  double user_time = 0;
  double system_time = 0;
  int64_t max_rss_kib = 0;
  // Why the daemon had nothing to say about it, if that is known.
  std::string unknown;
  std::vector<std::string> limits_hit;
  std::vector<std::string> log_tail;
  int64_t log_bytes = 0;
  // What the worker's own fault handler left, and what was made of it: a hint. Null without one.
  std::shared_ptr<const Crash> crash;
  Backtrace backtrace;
};

// A byte of a tensor argument, counted from its first element: negative before it, at or above its
// size behind it.
struct ArgumentByte {
  int32_t argument;
  int64_t offset;
};

// The call that saw it.
struct FailedCall {
  std::string function;
  std::string module;  // file name
  double elapsed = 0;  // seconds, callbacks left out
  double queued = 0;   // of these, before the call was sent
  uint64_t generation = 0;
  uint64_t call_id = 0;
  std::optional<ArgumentByte> fault;
  // The file the call was recorded in, if that was asked for; and what is missing of it, or why
  // there is none.
  std::string recording;
  std::string recording_note;
};

// "SIGSEGV", or "signal 42".
std::string SignalName(int signal);

// "died of SIGSEGV", "exited with status 3", ...
std::string Describe(const WorkerEnd& end);

// The same for deaths that look the same: a hash of how the worker ended and of the build-ids and
// names of the innermost functions.
std::string Bucket(const FailedCall& call, const WorkerEnd& end);

// The report as an ffi.Map, remembered under its "id" for a while.
OwnedAny MakeReport(const char* kind, const FailedCall& call, const WorkerEnd& end);

// An error of a host kind that carries `report`: as extra context where the library has that, else
// by "[report <id>]" at the end of the message.
Failure MakeHostError(const char* kind, const std::string& message, const OwnedAny& report);

// The report of an error made here, or of an id; None when there is none.
OwnedAny ReportOf(const TVMFFIAny& error_or_id);

// True when `error` is one of ours, whatever its kind says.
bool IsHostError(TVMFFIObjectHandle error);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_REPORT_H_
