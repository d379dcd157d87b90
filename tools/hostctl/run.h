// load and call: a plug-in in a worker, from the command line.
#ifndef TVMFFI_TOOLS_HOSTCTL_RUN_H_
#define TVMFFI_TOOLS_HOSTCTL_RUN_H_

#include <tvmffi/host/errors.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tvmffi::hostctl {

struct RunOptions {
  std::string socket;  // of a shared daemon; empty: a private one
  std::string policy;
  std::string record;  // the folder for what ends its worker
  std::vector<std::string> require;
  double deadline = 30.0;
  bool forward_log = false;
  bool json = false;
};

struct CallOptions {
  std::string function;
  std::vector<std::string> arguments;
  int repeat = 1;
  uint64_t seed = 0;
  // "N=FILE.npy": where tensor argument N, or the result ("result=FILE.npy"), is written.
  std::vector<std::string> out;
};

// How a worker ended, for people and for programs.
std::string ReportText(const host::Report& report);
nlohmann::ordered_json ReportJson(const host::Report& report);

// Each returns an ExitCode.
int Load(const std::string& path, const RunOptions& options);
int Call(const std::string& path, const CallOptions& call, const RunOptions& options);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_RUN_H_
