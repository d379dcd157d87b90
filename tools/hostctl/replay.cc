#include "tools/hostctl/replay.h"

#include <tvm/ffi/tvm_ffi.h>
#include <tvmffi/host/client.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "proto/base/sealed_file.h"
#include "proto/base/sha256.h"
#include "proto/policy/policy.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/policy_show.h"
#include "tools/hostctl/recorded_arguments.h"
#include "tools/hostctl/replay_text.h"
#include "tools/hostctl/run.h"
#include "tools/hostctl/text.h"
#include "tools/hostctl/values.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;
using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::Module;
using tvm::ffi::Tensor;

constexpr double kLoadSeconds = 30;

ReplayMemory Keep(const Tensor& tensor) {
  auto kept = std::make_shared<Tensor>(tensor);
  const DLTensor& dl = *tensor.GetDLTensorPtr();
  return {static_cast<char*>(dl.data) + dl.byte_offset, 0, std::move(kept)};
}

ReplayMemory Plain(size_t size, size_t misalignment) {
  void* block =
      std::aligned_alloc(kRecordedAlignment, (misalignment + size + kRecordedAlignment - 1) /
                                                 kRecordedAlignment * kRecordedAlignment);
  if (block == nullptr) throw std::bad_alloc();
  return {static_cast<char*>(block) + misalignment, 0, std::shared_ptr<void>(block, &std::free)};
}

// A copy of the bytes no worker can write; `plain` holds them.
ReplayMemory Input(const ReplayMemory& plain, size_t size) {
  int64_t extent = static_cast<int64_t>(size);
  DLTensor bytes = {};
  bytes.data = plain.data;
  bytes.device = {kDLCPU, 0};
  bytes.ndim = 1;
  bytes.dtype = {kDLUInt, 8, 1};
  bytes.shape = &extent;
  return Keep(host::details::Invoke(&__tvm_ffi_as_input, &bytes).cast<Tensor>());
}

// Memory of the recorded kind, with the recorded bytes. `module` is of the worker that will see it;
// null while there is none.
ReplayMemory Make(const SavedMemory& recorded, const Module* module) {
  const size_t size = recorded.bytes.size();
  const DLDataType bytes = {kDLUInt, 8, 1};
  const tvm::ffi::Shape shape({static_cast<int64_t>(size)});
  const auto guarded = [&](const char* side) {
    return Keep(
        host::details::Invoke(&__tvm_ffi_empty, shape, bytes, nullptr, tvm::ffi::String(side))
            .cast<Tensor>());
  };
  ReplayMemory memory;
  switch (recorded.place) {
    case SavedPlace::kGuardRight:
      memory = guarded("right");
      break;
    case SavedPlace::kGuardLeft:
      memory = guarded("left");
      break;
    case SavedPlace::kPool:
      memory = module != nullptr ? Keep(host::Empty(shape, bytes, *module)) : Plain(size, 0);
      break;
    case SavedPlace::kInput:
    case SavedPlace::kPlain:
      memory = Plain(size, recorded.misalignment);
      break;
  }
  std::memcpy(memory.data, recorded.bytes.data(), size);
  if (recorded.place == SavedPlace::kInput) memory = Input(memory, size);
  memory.size = size;
  return memory;
}

Status Restore(const SavedCall& call, const Module* module, RecordedArguments* arguments) {
  if (!call.values.refusal.empty()) {
    return {Code::kInvalidArgument,
            "the call of '" + call.function + "' cannot be replayed: " + call.values.refusal};
  }
  std::vector<ReplayMemory> memory;
  for (const SavedMemory& recorded : call.values.memory) memory.push_back(Make(recorded, module));
  return arguments->Read(call.values, std::move(memory));
}

// The values of calls that come before it; the options own them.
Status RestoreInit(const CallRecording& recording, host::LoadOptions* load) {
  for (const SavedCall& call : recording.init) {
    RecordedArguments arguments;
    TVMFFI_RETURN_IF_ERROR(Restore(call, nullptr, &arguments));
    std::vector<Any> values;
    for (const TVMFFIAny& value : arguments.values()) {
      if (value.type_index == kTVMFFIDLTensorPtr) {
        return {Code::kInvalidArgument,
                "an argument of init call '" + call.function + "' is a bare pointer to a tensor"};
      }
      values.emplace_back(AnyView::CopyFromTVMFFIAny(value));
    }
    load->init.emplace_back(call.function, std::move(values));
  }
  return OkStatus();
}

std::optional<double> Seconds(double recorded) {
  return recorded < 0 ? std::nullopt : std::optional<double>(recorded);
}

// `policy_file` is read by the client, in this process.
host::LoadOptions OptionsOf(const SavedSetting& setting, const std::string& policy_file) {
  host::LoadOptions load;
  load.deadline = Seconds(setting.deadline);
  load.queue_deadline = Seconds(setting.queue_deadline);
  // How fast this machine starts a worker is none of the recording's affair.
  load.load_deadline = std::max({setting.load_deadline, setting.deadline, kLoadSeconds});
  load.reuse = setting.reuse;
  load.poison = setting.poison;
  load.require = setting.require;
  load.policy = policy_file;
  std::map<std::string, std::string> environment;
  for (const std::string& entry : setting.environment) {
    const size_t equals = entry.find('=');
    environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  load.environment = std::move(environment);
  return load;
}

// A load that hung must end as it did; any other gets the time this machine needs.
std::optional<double> LoadDeadline(const CallRecording& recording) {
  const SavedSetting& setting = recording.setting;
  const double seconds = setting.load_deadline >= 0 ? setting.load_deadline : setting.deadline;
  if (recording.outcome.cause == "deadline") return Seconds(seconds);
  return std::max(seconds, kLoadSeconds);
}

// Which file is loaded. A failure says why it is not the recorded one.
Status ChooseModule(const SavedModule& recorded, const ReplayOptions& options, std::string* path) {
  *path = options.module.empty() ? recorded.path : options.module;
  if (!options.module.empty() || options.any_module) return OkStatus();
  const std::string advice = "; --any-module runs it all the same, --module FILE another one";
  if (recorded.sha256.empty()) {
    return {Code::kInvalidArgument,
            "the recording does not say what '" + *path + "' contained" + advice};
  }
  Result<SealedFile> file = SealedFile::Copy(*path);
  if (!file.ok()) return {file.status().code, file.status().message + advice};
  const std::string digest = Sha256(file->data(), file->size());
  if (digest == recorded.sha256) return OkStatus();
  return {Code::kInvalidArgument, "'" + *path + "' is not what was recorded: its SHA-256 is " +
                                      digest + ", recorded is " + recorded.sha256 + advice};
}

struct Ended {
  std::string kind;  // of the error; empty: it returned
  std::string message;
  std::optional<host::Report> report;
};

SavedOutcome OutcomeOf(const Ended& ended) {
  SavedOutcome outcome;
  outcome.kind = ended.kind;
  outcome.cause = ended.kind.empty() ? "returned" : "error";
  if (!ended.report) return outcome;
  const host::Report& report = *ended.report;
  outcome.cause = report.cause;
  outcome.signal = report.signal;
  outcome.exit_status = report.exit_status;
  outcome.fault_argument = report.fault_argument;
  outcome.fault_offset = report.fault_offset;
  outcome.is_write = report.is_write;
  outcome.stack_overflow = report.stack_overflow;
  outcome.bucket = report.bucket;
  return outcome;
}

class Replayer {
 public:
  Replayer(std::string path, const ReplayOptions& options, const CallRecording& recording)
      : path_(std::move(path)), options_(options), recording_(recording) {}

  int Run() {
    if (!options_.policy.empty()) {
      if (Result<Policy> given = ReadPolicyFile(options_.policy); !given.ok()) {
        return FailOfPolicy(given.status());
      }
    }
    std::string module_path;
    if (Status chosen = ChooseModule(recording_.module, options_, &module_path); !chosen.ok()) {
      return Fail(chosen.message, kFailed);
    }
    Result<SealedFile> policy =
        SealedFile::Make(recording_.setting.policy.data(), recording_.setting.policy.size());
    if (!policy.ok()) return Fail(policy.status().message, kFailed);
    host::LoadOptions load =
        OptionsOf(recording_.setting, !options_.policy.empty()
                                          ? options_.policy
                                          : "/proc/self/fd/" + std::to_string(policy->fd()));
    // What was recorded came before them.
    if (recording_.is_load) load.load_deadline = LoadDeadline(recording_);
    Status init = recording_.is_load ? OkStatus() : RestoreInit(recording_, &load);
    if (!init.ok()) return Fail(init.message, kFailed);
    if (!recording_.call.values.refusal.empty()) {
      return Fail("the call of '" + recording_.call.function +
                      "' cannot be replayed: " + recording_.call.values.refusal,
                  kFailed);
    }
    if (!options_.json) Print(HeadText(path_, module_path, recording_));
    return RunIn(module_path, load);
  }

 private:
  int RunIn(const std::string& module_path, const host::LoadOptions& load) {
    std::optional<host::Client> client;
    try {
      client.emplace(options_.socket.empty() ? host::Client::Private()
                                             : host::Client::Connect(options_.socket));
    } catch (const tvm::ffi::Error& error) {
      return Fail(error.message(), kNoDaemon);
    }
    if (recording_.is_load) return Judge(Load(&*client, module_path, load));
    const Module module = client->LoadModule(module_path, load);
    const tvm::ffi::Optional<Function> function =
        module->GetFunction(recording_.call.function, false);
    if (!function.has_value()) {
      return Fail("'" + module_path + "' has no function '" + recording_.call.function + "'",
                  kFailed);
    }
    RecordedArguments arguments;
    if (Status restored = Restore(recording_.call, &module, &arguments); !restored.ok()) {
      return Fail(restored.message, kFailed);
    }
    std::vector<AnyView> views;
    std::vector<std::string> descriptions;
    for (const TVMFFIAny& value : arguments.values()) {
      views.push_back(AnyView::CopyFromTVMFFIAny(value));
      descriptions.push_back(DescribeArgument(value));
    }
    if (!options_.json) Print(Layers(module) + ArgumentsText(descriptions));
    return Judge(Call(function.value(), views));
  }

  std::string Layers(const Module& module) const {
    std::string recorded;
    for (const std::string& layer : recording_.setting.layers) {
      recorded += (recorded.empty() ? "" : " ") + layer;
    }
    return LayersText(recorded,
                      std::string(host::WorkerInfo(module)["layers"].cast<tvm::ffi::String>()));
  }

  static std::string DescribeArgument(const TVMFFIAny& value) {
    if (value.type_index == kTVMFFIDLTensorPtr) return "a bare pointer to a tensor";
    return Describe(Any(AnyView::CopyFromTVMFFIAny(value)));
  }

  static Ended Load(host::Client* client, const std::string& path, const host::LoadOptions& load) {
    try {
      client->LoadModule(path, load);
      return {};
    } catch (const tvm::ffi::Error& error) {
      return {error.kind(), error.message(), host::GetReport(error)};
    }
  }

  static Ended Call(const Function& function, const std::vector<AnyView>& arguments) {
    try {
      Any result;
      function.CallPacked(arguments.data(), static_cast<int32_t>(arguments.size()), &result);
      return {};
    } catch (const tvm::ffi::Error& error) {
      return {error.kind(), error.message(), host::GetReport(error)};
    }
  }

  int Judge(const Ended& ended) const {
    const SavedOutcome outcome = OutcomeOf(ended);
    const std::vector<Difference> differences = Compare(recording_.outcome, outcome);
    if (options_.json) {
      Json json = ToJson(path_, recording_, outcome, differences);
      json["message"] = ended.message;
      if (ended.report) json["report"] = ReportJson(*ended.report);
      if (int code = Print(Dump(json)); code != kOk) return code;
    } else {
      std::string text = ended.kind.empty() ? "it returned\n"
                                            : Printable(ended.kind + ": " + ended.message) + "\n";
      if (ended.report) text += ReportText(*ended.report);
      if (int code = Print(text + "\n" + VerdictText(differences)); code != kOk) return code;
    }
    return differences.empty() ? kOk : kNotReproduced;
  }

  const std::string path_;
  const ReplayOptions& options_;
  const CallRecording& recording_;
};

}  // namespace

int Replay(const std::string& path, const ReplayOptions& options) {
  Result<std::string> bytes = ReadRecordingFile(path);
  if (!bytes.ok()) return Fail(bytes.status().message, kFailed);
  Result<CallRecording> recording = ReadRecording(bytes->data(), bytes->size());
  if (!recording.ok()) return Fail("'" + path + "': " + recording.status().message, kFailed);
  try {
    return Replayer(path, options, *recording).Run();
  } catch (const tvm::ffi::Error& error) {
    return Fail(error.kind() + ": " + error.message(), kHostError);
  } catch (const std::bad_alloc&) {
    return Fail("there is no memory for the recorded tensors", kFailed);
  }
}

}  // namespace tvmffi::hostctl
