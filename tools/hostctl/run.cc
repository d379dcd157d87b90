#include "tools/hostctl/run.h"

#include <tvm/ffi/tvm_ffi.h>
#include <tvmffi/host/client.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "proto/policy/policy.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/inspect.h"
#include "tools/hostctl/npy.h"
#include "tools/hostctl/policy_show.h"
#include "tools/hostctl/text.h"
#include "tools/hostctl/values.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;
using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::Module;
using tvm::ffi::String;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string FrameText(const host::Frame& frame) {
  std::string text = frame.symbol.empty() ? "?" : frame.symbol;
  if (!frame.file.empty()) text += " at " + frame.file + ":" + std::to_string(frame.line);
  return frame.module.empty() ? text : text + " in " + frame.module;
}

}  // namespace

std::string ReportText(const host::Report& report) {
  std::string text = "cause: " + report.cause;
  if (report.signal != 0) text += " (" + report.signal_name + ")";
  if (report.fault_address) {
    char address[32];
    std::snprintf(address, sizeof(address), "0x%llx",
                  static_cast<unsigned long long>(*report.fault_address));
    text += std::string("\nfault: ") +
            (report.is_write ? *report.is_write ? "write to " : "read of " : "access to ") +
            address;
    if (report.fault_argument) {
      text += ", byte " + std::to_string(*report.fault_offset) + " of argument " +
              std::to_string(*report.fault_argument);
    }
  }
  for (const host::Frame& frame : report.frames) text += "\n  " + Printable(FrameText(frame));
  for (const std::string& line : report.log_tail) text += "\nlog: " + Printable(line);
  if (!report.recording.empty()) {
    text += "\nrecorded: tvmffi-hostctl replay " + Printable(report.recording);
  }
  if (!report.recording_note.empty()) text += "\nrecording: " + Printable(report.recording_note);
  return text + "\n";
}

Json ReportJson(const host::Report& report) {
  Json frames = Json::array();
  for (const host::Frame& frame : report.frames) {
    frames.push_back({{"symbol", frame.symbol},
                      {"file", frame.file},
                      {"line", frame.line},
                      {"module", frame.module}});
  }
  Json json = {{"cause", report.cause},
               {"signal", report.signal},
               {"exit_status", report.exit_status},
               {"function", report.function},
               {"worker_pid", report.worker_pid},
               {"elapsed", report.elapsed},
               {"limits_hit", report.limits_hit},
               {"bucket", report.bucket},
               {"frames", std::move(frames)},
               {"log_tail", report.log_tail}};
  if (!report.recording.empty()) json["recording"] = report.recording;
  if (!report.recording_note.empty()) json["recording_note"] = report.recording_note;
  if (report.fault_address) json["fault_address"] = *report.fault_address;
  if (report.fault_argument) json["fault_argument"] = *report.fault_argument;
  if (report.fault_offset) json["fault_offset"] = *report.fault_offset;
  if (report.is_write) json["is_write"] = *report.is_write;
  return json;
}

namespace {

// Shows an error that the host made, a plug-in's own or a mistake in what it was asked.
void Show(const tvm::ffi::Error& error, bool json) {
  const std::optional<host::Report> report = host::GetReport(error);
  const std::string kind = error.kind();
  const std::string message = error.message();
  if (json) {
    Json shown = {{"error", {{"kind", kind}, {"message", message}}}};
    if (report) shown["report"] = ReportJson(*report);
    Print(Dump(shown));
    return;
  }
  std::fprintf(stderr, "%s: %s\n", Printable(kind).c_str(), Printable(message).c_str());
  if (report) std::fputs(ReportText(*report).c_str(), stderr);
}

bool IsOfHost(const tvm::ffi::Error& error) {
  const std::string kind = error.kind();
  return kind == host::kUnavailable || kind == host::kResourceExhausted ||
         host::GetReport(error).has_value();
}

// One step of a command. Its errors are shown and end the command: with `of_host` those of the
// host, with `otherwise` all others.
template <typename Step>
int Attempt(bool json, ExitCode of_host, ExitCode otherwise, Step step) {
  try {
    return step();
  } catch (const tvm::ffi::Error& error) {
    Show(error, json);
    return IsOfHost(error) ? of_host : otherwise;
  }
}

// The plug-in in a worker, or the code to end with.
int LoadInto(const std::string& path, const RunOptions& options, std::optional<Module>* module) {
  if (!options.policy.empty()) {
    if (Result<Policy> policy = ReadPolicyFile(options.policy); !policy.ok()) {
      return FailOfPolicy(policy.status());
    }
  }
  std::optional<host::Client> client;
  const int connected = Attempt(options.json, kNoDaemon, kFailed, [&] {
    client.emplace(options.socket.empty() ? host::Client::Private()
                                          : host::Client::Connect(options.socket));
    return kOk;
  });
  if (connected != kOk) return connected;
  host::LoadOptions load;
  load.deadline = options.deadline;
  load.policy = options.policy;
  load.record = options.record;
  load.require = options.require;
  load.forward_log = options.forward_log;
  return Attempt(options.json, kHostError, kFailed, [&] {
    module->emplace(client->LoadModule(path, load));
    return kOk;
  });
}

struct Output {
  int argument;  // -1: the result
  std::string file;
};

std::optional<Output> ParseOutput(const std::string& text, size_t num_arguments) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) return std::nullopt;
  const std::string which = text.substr(0, equals);
  if (which == "result") return Output{-1, text.substr(equals + 1)};
  const bool digits =
      !which.empty() && which.size() < 4 &&
      std::all_of(which.begin(), which.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || std::stoul(which) >= num_arguments) return std::nullopt;
  return Output{std::stoi(which), text.substr(equals + 1)};
}

Status Write(const Output& output, const std::vector<Any>& arguments, const Any& result) {
  const Any& value = output.argument < 0 ? result : arguments[static_cast<size_t>(output.argument)];
  const DLTensor* tensor = TensorIn(value);
  if (tensor == nullptr || !tvm::ffi::IsContiguous(*tensor)) {
    return {Code::kInvalidArgument,
            "nothing was written to '" + output.file + "': the value is no tensor without gaps"};
  }
  Result<std::string> bytes = MakeNpy(*tensor);
  if (!bytes.ok()) return bytes.status();
  std::ofstream file(output.file, std::ios::binary | std::ios::trunc);
  file << *bytes;
  file.flush();
  return file ? OkStatus() : ErrnoStatus(errno, "cannot write '" + output.file + "'");
}

struct Prepared {
  std::vector<Any> arguments;
  std::vector<Output> outputs;
};

Result<Prepared> Prepare(const CallOptions& call) {
  Prepared prepared;
  for (const std::string& text : call.arguments) {
    Result<Any> argument = ParseArgument(text, call.seed + prepared.arguments.size());
    if (!argument.ok()) return argument.status();
    prepared.arguments.push_back(std::move(*argument));
  }
  for (const std::string& text : call.out) {
    std::optional<Output> output = ParseOutput(text, call.arguments.size());
    if (!output) {
      return Status{Code::kInvalidArgument, "--out '" + text +
                                                "': expected the number of an argument, or " +
                                                "'result', then =FILE.npy"};
    }
    prepared.outputs.push_back(std::move(*output));
  }
  return prepared;
}

struct Timed {
  Any result;
  std::vector<double> seconds;
};

Timed Repeat(const Function& function, const std::vector<Any>& arguments, int repeat) {
  std::vector<AnyView> views(arguments.begin(), arguments.end());
  Timed timed;
  for (int i = 0; i < repeat; ++i) {
    timed.result = nullptr;
    const double begin = Now();
    function.CallPacked(views.data(), static_cast<int32_t>(views.size()), &timed.result);
    timed.seconds.push_back(Now() - begin);
  }
  std::sort(timed.seconds.begin(), timed.seconds.end());
  return timed;
}

int ShowCall(const Timed& timed, const std::vector<Any>& arguments, bool json) {
  const double median = timed.seconds[timed.seconds.size() / 2];
  if (json) {
    Json shown = {{"result", ToJson(timed.result)}, {"arguments", Json::array()}};
    for (const Any& argument : arguments) shown["arguments"].push_back(ToJson(argument));
    shown["seconds"] = {{"calls", timed.seconds.size()},
                        {"min", timed.seconds.front()},
                        {"median", median},
                        {"max", timed.seconds.back()}};
    return Print(Dump(shown));
  }
  std::string text = Describe(timed.result) + "\n";
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (TensorIn(arguments[i]) == nullptr) continue;
    text += "argument " + std::to_string(i) + ": " + Describe(arguments[i]) + "\n";
  }
  if (timed.seconds.size() > 1) {
    text += std::to_string(timed.seconds.size()) + " calls: min " +
            Duration(timed.seconds.front()) + ", median " + Duration(median) + ", max " +
            Duration(timed.seconds.back()) + "\n";
  }
  return Print(text);
}

std::vector<std::string> FunctionsOf(const std::string& path) {
  std::vector<std::string> names;
  Result<elf::ElfFile> file = elf::ReadElfFile(path);
  if (!file.ok()) return names;
  for (const PluginFunction& function : Summarize(path, std::move(*file)).functions) {
    names.push_back(function.name);
  }
  return names;
}

int ShowLoaded(const std::string& path, const Module& module, double seconds, bool json) {
  const auto info = host::WorkerInfo(module);
  const std::vector<std::string> functions = FunctionsOf(path);
  const std::string layers = std::string(info["layers"].cast<String>());
  if (json) {
    return Print(Dump({{"path", path},
                       {"worker_pid", info["pid"].cast<int64_t>()},
                       {"seconds", seconds},
                       {"layers", layers},
                       {"functions", functions}}));
  }
  std::string text = "loaded in " + Duration(seconds) + " by worker " +
                     std::to_string(info["pid"].cast<int64_t>()) +
                     "\nlayers: " + Printable(layers) + "\n";
  for (const std::string& function : functions) text += "  " + Printable(function) + "\n";
  return Print(text);
}

int WriteOutputs(const Prepared& prepared, const Any& result) {
  for (const Output& output : prepared.outputs) {
    if (Status status = Write(output, prepared.arguments, result); !status.ok()) {
      return Fail(status.message, kFailed);
    }
  }
  return kOk;
}

}  // namespace

int Load(const std::string& path, const RunOptions& options) {
  const double begin = Now();
  std::optional<Module> module;
  if (int code = LoadInto(path, options, &module); code != kOk) return code;
  const double seconds = Now() - begin;
  return Attempt(options.json, kHostError, kFailed,
                 [&] { return ShowLoaded(path, *module, seconds, options.json); });
}

int Call(const std::string& path, const CallOptions& call, const RunOptions& options) {
  Result<Prepared> prepared = Prepare(call);
  if (!prepared.ok()) return Fail(prepared.status().message, kBadUsage);
  std::optional<Module> module;
  if (int code = LoadInto(path, options, &module); code != kOk) return code;
  tvm::ffi::Optional<Function> function;
  const int found = Attempt(options.json, kHostError, kFailed, [&] {
    function = (*module)->GetFunction(call.function, false);
    return kOk;
  });
  if (found != kOk) return found;
  if (!function.has_value()) {
    return Fail("'" + path + "' has no function '" + call.function + "'", kBadUsage);
  }
  Timed timed;
  const int called = Attempt(options.json, kHostError, kPluginError, [&] {
    timed = Repeat(function.value(), prepared->arguments, call.repeat);
    return kOk;
  });
  if (called != kOk) return called;
  return Attempt(options.json, kHostError, kFailed, [&] {
    const int shown = ShowCall(timed, prepared->arguments, options.json);
    return shown == kOk ? WriteOutputs(*prepared, timed.result) : shown;
  });
}

}  // namespace tvmffi::hostctl
