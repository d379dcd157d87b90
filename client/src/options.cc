#include "client/src/options.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <utility>

#include "client/src/call_recorder.h"
#include "client/src/remote.h"
#include "client/src/session_object.h"
#include "proto/codec/map_view.h"

namespace tvmffi::host {
namespace {

Status Bad(const std::string& option, const char* expected) {
  return {Code::kInvalidArgument, "option '" + option + "' must be " + expected};
}

bool IsNone(const TVMFFIAny& value) { return value.type_index == kTVMFFINone; }

bool GetNumber(const TVMFFIAny& value, double* number) {
  if (value.type_index == kTVMFFIFloat) *number = value.v_float64;
  if (value.type_index == kTVMFFIInt) *number = static_cast<double>(value.v_int64);
  return value.type_index == kTVMFFIFloat || value.type_index == kTVMFFIInt;
}

bool IsMap(const TVMFFIAny& value) {
  return value.type_index == kTVMFFIMap || value.type_index == kTVMFFIDict;
}

bool IsSequence(const TVMFFIAny& value) {
  return value.type_index == kTVMFFIArray || value.type_index == kTVMFFIList;
}

struct Sequence {
  explicit Sequence(const TVMFFIAny& value)
      : cell(reinterpret_cast<const TVMFFISeqCell*>(reinterpret_cast<const char*>(value.v_obj) +
                                                    sizeof(TVMFFIObject))) {}
  int64_t size() const { return cell->size; }
  const TVMFFIAny& operator[](int64_t index) const {
    return static_cast<const TVMFFIAny*>(cell->data)[index];
  }
  const TVMFFISeqCell* cell;
};

// Seconds, 0 or more; None means without end.
Status ParseSeconds(const std::string& name, const TVMFFIAny& value, double none, double* seconds) {
  if (IsNone(value)) {
    *seconds = none;
    return OkStatus();
  }
  if (!GetNumber(value, seconds) || !(*seconds >= 0))
    return Bad(name, "a number of seconds, 0 or more, or None");
  return OkStatus();
}

Status ParseInit(const TVMFFIAny& value, std::vector<InitCall>* init) {
  constexpr const char* kExpected = "a sequence of (function name, sequence of arguments)";
  if (IsNone(value)) return OkStatus();
  if (!IsSequence(value)) return Bad("init", kExpected);
  const Sequence calls(value);
  for (int64_t i = 0; i < calls.size(); ++i) {
    InitCall call;
    if (!IsSequence(calls[i]) || Sequence(calls[i]).size() != 2) return Bad("init", kExpected);
    const Sequence pair(calls[i]);
    if (!GetText(pair[0], &call.function) || !IsSequence(pair[1])) return Bad("init", kExpected);
    const Sequence args(pair[1]);
    for (int64_t a = 0; a < args.size(); ++a) {
      OwnedAny arg;
      TVMFFIAnyViewToOwnedAny(&args[a], arg.out());
      call.args.push_back(std::move(arg));
    }
    init->push_back(std::move(call));
  }
  return OkStatus();
}

Status ParseReadOnly(const TVMFFIAny& value, ModuleSpec* spec) {
  constexpr const char* kExpected =
      "a bool, or a map from function names to True or to sequences of argument indices";
  if (IsNone(value)) return OkStatus();
  if (value.type_index == kTVMFFIBool) {
    spec->all_read_only = value.v_int64 != 0;
    return OkStatus();
  }
  if (!IsMap(value)) return Bad("readonly", kExpected);
  for (MapView entries(value.v_obj); entries.Next();) {
    std::string function;
    if (!GetText(entries.key(), &function)) return Bad("readonly", kExpected);
    ReadOnlyArguments& arguments = spec->read_only[function];
    if (entries.value().type_index == kTVMFFIBool) {
      arguments.all = entries.value().v_int64 != 0;
      continue;
    }
    if (!IsSequence(entries.value())) return Bad("readonly", kExpected);
    const Sequence indices(entries.value());
    for (int64_t i = 0; i < indices.size(); ++i) {
      if (indices[i].type_index != kTVMFFIInt) return Bad("readonly", kExpected);
      arguments.indices.push_back(indices[i].v_int64);
    }
  }
  return OkStatus();
}

Status ParseEnvironment(const TVMFFIAny& value, std::vector<std::string>* environment) {
  environment->clear();
  if (!IsMap(value)) return Bad("env", "a map from names to values");
  for (MapView entries(value.v_obj); entries.Next();) {
    std::string name;
    std::string text;
    if (!GetText(entries.key(), &name) || !GetText(entries.value(), &text) || name.empty() ||
        name.find('=') != std::string::npos) {
      return Bad("env", "a map from names to values");
    }
    environment->push_back(name + "=" + text);
  }
  return OkStatus();
}

Status ParseLimits(const TVMFFIAny& value, wire::Limits* limits) {
  constexpr const char* kExpected =
      "a map of address_space_bytes, file_size_bytes, open_files and cpu_seconds to numbers";
  if (IsNone(value)) return OkStatus();
  if (!IsMap(value)) return Bad("limits", kExpected);
  for (MapView entries(value.v_obj); entries.Next();) {
    std::string name;
    const TVMFFIAny& amount = entries.value();
    if (!GetText(entries.key(), &name) || amount.type_index != kTVMFFIInt || amount.v_int64 < 0) {
      return Bad("limits", kExpected);
    }
    const uint64_t number = amount.v_uint64;
    if (name == "address_space_bytes") {
      limits->address_space_bytes = number;
    } else if (name == "file_size_bytes") {
      limits->file_size_bytes = number;
    } else if (name == "open_files" && number <= UINT32_MAX) {
      limits->open_files = static_cast<uint32_t>(number);
    } else if (name == "cpu_seconds" && number <= UINT32_MAX) {
      limits->cpu_seconds = static_cast<uint32_t>(number);
    } else {
      return Bad("limits", kExpected);
    }
  }
  return OkStatus();
}

Status ParseWorker(const TVMFFIAny& value, LoadRequest* request) {
  if (IsNone(value)) return OkStatus();
  const RemoteReference* module =
      value.type_index == kTVMFFIModule ? FindRemoteReference(value.v_obj) : nullptr;
  if (module == nullptr) return Bad("worker", "a hosted module");
  request->worker = module->slot();
  return OkStatus();
}

Status ParseSession(const TVMFFIAny& value, LoadRequest* request) {
  if (IsNone(value)) return OkStatus();
  request->session = SessionOf(value);
  return request->session != nullptr ? OkStatus() : Bad("session", "a session");
}

Status ParseRespawn(const TVMFFIAny& value, SlotOptions* slot) {
  std::string text;
  if (!GetText(value, &text) || (text != "auto" && text != "never"))
    return Bad("respawn", "\"auto\" or \"never\"");
  slot->respawn = text == "auto";
  return OkStatus();
}

Status ParseReuse(const TVMFFIAny& value, SlotOptions* slot) {
  std::string text;
  if (!GetText(value, &text) || (text != "never" && text != "module" && text != "session"))
    return Bad("reuse", "\"never\", \"module\" or \"session\"");
  slot->reuse = text == "never"    ? Reuse::kNever
                : text == "module" ? Reuse::kModule
                                   : Reuse::kSession;
  return OkStatus();
}

Status ParseRecord(const TVMFFIAny& value, LoadRequest* request) {
  if (IsNone(value)) return OkStatus();
  std::string* folder = &request->record;
  if (!GetText(value, folder) || folder->empty() || folder->find('\0') != std::string::npos)
    return Bad("record", "the path of a folder, or None");
  return OkStatus();
}

Status ParsePoison(const TVMFFIAny& value, SlotOptions* slot) {
  if (value.type_index != kTVMFFIBool) return Bad("poison", "true or false");
  slot->worker.poison = value.v_int64 != 0;
  return OkStatus();
}

Status ParseLog(const TVMFFIAny& value, SlotOptions* slot) {
  std::string text;
  if (IsNone(value)) return OkStatus();
  if (!GetText(value, &text) || (text != "keep" && text != "forward"))
    return Bad("log", "\"keep\" or \"forward\"");
  slot->worker.log_forward = text == "forward";
  return OkStatus();
}

Status ParseNames(const std::string& option, const TVMFFIAny& value,
                  std::vector<std::string>* names) {
  if (IsNone(value)) return OkStatus();
  if (!IsSequence(value)) return Bad(option, "a sequence of names");
  const Sequence given(value);
  for (int64_t i = 0; i < given.size(); ++i) {
    std::string name;
    if (!GetText(given[i], &name)) return Bad(option, "a sequence of names");
    names->push_back(std::move(name));
  }
  return OkStatus();
}

Result<PolicyValue> ToPolicyValue(const std::string& key, const TVMFFIAny& value) {
  if (value.type_index == kTVMFFIBool) return PolicyValue(value.v_int64 != 0);
  if (value.type_index == kTVMFFIInt) return PolicyValue(value.v_int64);
  if (value.type_index == kTVMFFIFloat) return PolicyValue(value.v_float64);
  std::string text;
  if (GetText(value, &text)) return PolicyValue(std::move(text));
  std::vector<std::string> texts;
  TVMFFI_RETURN_IF_ERROR(ParseNames("policy." + key, value, &texts));
  return PolicyValue(std::move(texts));
}

// A path of TOML text, or a map with the same keys.
Status ParsePolicyOption(const TVMFFIAny& value, std::optional<Policy>* policy) {
  if (IsNone(value)) return OkStatus();
  std::string path;
  if (GetText(value, &path)) {
    Result<Policy> read = ReadPolicyFile(path);
    if (!read.ok()) return read.status();
    *policy = std::move(*read);
    return OkStatus();
  }
  if (!IsMap(value)) return Bad("policy", "the path of a policy, or a map of its keys");
  Policy given;
  for (MapView entries(value.v_obj); entries.Next();) {
    std::string key;
    if (!GetText(entries.key(), &key)) return Bad("policy", "a map with keys that are texts");
    Result<PolicyValue> entry = ToPolicyValue(key, entries.value());
    if (!entry.ok()) return entry.status();
    if (Status status = SetPolicyKey(key, *entry, &given); !status.ok()) {
      return {status.code, "policy: " + status.message};
    }
  }
  *policy = std::move(given);
  return OkStatus();
}

// Options of the same meaning go before the policy.
void ApplyPolicy(const Policy& policy, WorkerOptions* worker) {
  const wire::Limits given = worker->limits;
  auto either = [](auto option, auto policy_value) { return option != 0 ? option : policy_value; };
  worker->grants = policy.grants;
  worker->limits = policy.limits;
  wire::Limits* limits = &worker->limits;
  limits->address_space_bytes = either(given.address_space_bytes, limits->address_space_bytes);
  limits->file_size_bytes = either(given.file_size_bytes, limits->file_size_bytes);
  limits->open_files = either(given.open_files, limits->open_files);
  limits->cpu_seconds = either(given.cpu_seconds, limits->cpu_seconds);
  if (policy.library_path.empty()) return;
  std::string list = "LD_LIBRARY_PATH=";
  for (const std::string& folder : policy.library_path) {
    list += (list.back() == '=' ? "" : ":") + folder;
  }
  auto is_list = [](const std::string& entry) { return entry.rfind("LD_LIBRARY_PATH=", 0) == 0; };
  std::vector<std::string>* environment = &worker->environment;
  environment->erase(std::remove_if(environment->begin(), environment->end(), is_list),
                     environment->end());
  environment->push_back(std::move(list));
}

Status ParseOption(const std::string& name, const TVMFFIAny& value, LoadRequest* request) {
  ModuleSpec* spec = request->spec.get();
  SlotOptions* slot = &request->slot;
  if (name == "deadline") return ParseSeconds(name, value, 1e18, &spec->deadline);
  if (name == "queue_deadline") return ParseSeconds(name, value, -1, &spec->queue_deadline);
  if (name == "callback_deadline") return ParseSeconds(name, value, 1e18, &spec->callback_deadline);
  if (name == "load_deadline") return ParseSeconds(name, value, -1, &spec->load_deadline);
  if (name == "init") return ParseInit(value, &spec->init);
  if (name == "readonly") return ParseReadOnly(value, spec);
  if (name == "env") {
    request->has_environment = !IsNone(value);
    return IsNone(value) ? OkStatus() : ParseEnvironment(value, &slot->worker.environment);
  }
  if (name == "limits") return ParseLimits(value, &slot->worker.limits);
  if (name == "policy") return ParsePolicyOption(value, &request->policy);
  if (name == "require") return ParseNames(name, value, &slot->worker.require);
  if (name == "respawn") return ParseRespawn(value, slot);
  if (name == "reuse") return ParseReuse(value, slot);
  if (name == "poison") return ParsePoison(value, slot);
  if (name == "log") return ParseLog(value, slot);
  if (name == "record") return ParseRecord(value, request);
  if (name == "worker") return ParseWorker(value, request);
  if (name == "session") return ParseSession(value, request);
  if (name == "breaker_seconds") return ParseSeconds(name, value, 1e18, &slot->breaker_seconds);
  if (name == "breaker_deaths") {
    if (value.type_index != kTVMFFIInt || value.v_int64 < 1 || value.v_int64 > INT_MAX) {
      return Bad(name, "a number of deaths, 1 or more");
    }
    slot->breaker_deaths = static_cast<int>(value.v_int64);
    return OkStatus();
  }
  return {Code::kInvalidArgument, "there is no option '" + name + "'"};
}

Status ParseEach(const TVMFFIAny& options,
                 const std::function<Status(const std::string&, const TVMFFIAny&)>& parse) {
  if (IsNone(options)) return OkStatus();
  if (!IsMap(options)) return {Code::kInvalidArgument, "options must be a map or None"};
  for (MapView entries(options.v_obj); entries.Next();) {
    std::string name;
    if (!GetText(entries.key(), &name))
      return {Code::kInvalidArgument, "the names of options must be strings"};
    TVMFFI_RETURN_IF_ERROR(parse(name, entries.value()));
  }
  return OkStatus();
}

// The daemon has another working directory.
std::string Absolute(const std::string& path) {
  if (!path.empty() && path[0] == '/') return path;
  char folder[PATH_MAX];
  return ::getcwd(folder, sizeof(folder)) != nullptr ? std::string(folder) + "/" + path : path;
}

}  // namespace

bool GetText(const TVMFFIAny& value, std::string* text) {
  const bool is_string = value.type_index == kTVMFFIStr || value.type_index == kTVMFFISmallStr ||
                         value.type_index == kTVMFFIRawStr;
  TVMFFIByteArray bytes;
  if (!is_string || !ViewText(value, &bytes)) return false;
  text->assign(bytes.data, bytes.size);
  return true;
}

Status ParseLoadRequest(const TVMFFIAny& path, const TVMFFIAny& options, LoadRequest* request) {
  request->spec = std::make_unique<ModuleSpec>();
  ModuleSpec* spec = request->spec.get();
  if (!GetText(path, &spec->given_path) || spec->given_path.empty()) {
    return {Code::kInvalidArgument, "load_module needs a path"};
  }
  if (spec->given_path.find('\0') != std::string::npos) {
    return {Code::kInvalidArgument, "the path of a module contains a NUL byte"};
  }
  spec->path = Absolute(spec->given_path);
  spec->name = spec->path.substr(spec->path.rfind('/') + 1);
  TVMFFI_RETURN_IF_ERROR(ParseEach(options, [&](const std::string& name, const TVMFFIAny& value) {
    return ParseOption(name, value, request);
  }));
  if (request->slot.reuse == Reuse::kNever && !request->slot.respawn) {
    return {Code::kInvalidArgument,
            "options reuse=\"never\" and respawn=\"never\" exclude each other: each call needs a "
            "worker of its own"};
  }
  if (!request->has_environment) {
    request->slot.worker.environment = EnvironmentOf(request->policy.value_or(Policy()));
  }
  if (request->policy) {
    ApplyPolicy(*request->policy, &request->slot.worker);
    spec->libraries = std::move(request->policy->libraries);
  }
  if (!request->record.empty()) {
    auto recorder = CallRecorder::Make(Absolute(request->record), spec);
    if (!recorder.ok()) return recorder.status();
    spec->recorder = std::move(*recorder);
  }
  return OkStatus();
}

Status ParseSessionOptions(const TVMFFIAny& options, SessionOptions* parsed) {
  parsed->daemon = SessionOptions::Daemon::kPrivate;
  Status each = ParseEach(options, [&](const std::string& name, const TVMFFIAny& value) -> Status {
    if (name == "without") return ParseNames(name, value, &parsed->without_layers);
    if (name == "prepared") {
      if (value.type_index != kTVMFFIInt || value.v_int64 < 0 || value.v_int64 > 16) {
        return Bad(name, "a number of workers from 0 to 16");
      }
      parsed->prepared = static_cast<int>(value.v_int64);
      return OkStatus();
    }
    if (name != "socket") return {Code::kInvalidArgument, "there is no option '" + name + "'"};
    if (IsNone(value)) return OkStatus();
    if (!GetText(value, &parsed->socket) || parsed->socket.empty())
      return Bad(name, "a path or None");
    parsed->daemon = SessionOptions::Daemon::kShared;
    return OkStatus();
  });
  TVMFFI_RETURN_IF_ERROR(each);
  if (parsed->daemon == SessionOptions::Daemon::kShared && !parsed->without_layers.empty()) {
    return {Code::kInvalidArgument,
            "option 'without' is for a private daemon, not for one at a socket"};
  }
  if (parsed->daemon == SessionOptions::Daemon::kShared && parsed->prepared >= 0) {
    return {Code::kInvalidArgument,
            "option 'prepared' is for a private daemon, not for one at a socket"};
  }
  return OkStatus();
}

}  // namespace tvmffi::host
