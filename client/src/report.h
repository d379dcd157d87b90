// What is known about the end of a worker, and the errors that carry it.
#ifndef TVMFFI_CLIENT_SRC_REPORT_H_
#define TVMFFI_CLIENT_SRC_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/src/abi.h"
#include "proto/channel/layout.h"

namespace tvmffi::host {

// What ended a worker. Everything but `log_tail` and `fault` is the kernel's word, passed on by the
// daemon.
struct WorkerEnd {
  std::string
      cause;  // "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon"
  int signal = 0;
  int exit_status = -1;
  int pid = 0;
  double lifetime = 0;
  double user_time = 0;
  double system_time = 0;
  int64_t max_rss_kib = 0;
  std::vector<std::string> log_tail;
  int64_t log_bytes = 0;
  // The record of the worker's own fault handler: a hint.
  bool has_fault = false;
  uint64_t fault_address = 0;
  bool is_write = false;
  uint64_t fault_call = 0;
  std::vector<uint64_t> frames;
};

// The call that saw it.
struct FailedCall {
  std::string function;
  std::string module;  // file name
  double elapsed = 0;  // seconds, callbacks left out
  uint64_t generation = 0;
  uint64_t call_id = 0;
};

// "SIGSEGV", or "signal 42".
std::string SignalName(int signal);

// "died of SIGSEGV", "exited with status 3", ...
std::string Describe(const WorkerEnd& end);

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
