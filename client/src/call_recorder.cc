#include "client/src/call_recorder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "client/src/exchange.h"
#include "client/src/new_file.h"
#include "proto/base/sha256.h"
#include "proto/policy/policy.h"

namespace tvmffi::host {
namespace {

constexpr size_t kMaxNamePart = 64;
// Deadlines of that many seconds stand for none.
constexpr double kNoDeadline = 1e17;

std::atomic<uint64_t> next_file{1};

// Fit for a file's name, whatever a module or a function is called.
std::string NamePart(std::string text) {
  for (char& c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '_') c = '_';
  }
  return text.substr(0, kMaxNamePart);
}

std::string Stem(const std::string& name) { return name.substr(0, name.rfind('.')); }

double Seconds(double deadline) { return deadline < kNoDeadline ? deadline : -1; }

const char* NameOf(Reuse reuse) {
  switch (reuse) {
    case Reuse::kNever:
      return "never";
    case Reuse::kSession:
      return "session";
    case Reuse::kModule:
      break;
  }
  return "module";
}

SavedCall ToSaved(const CallCopy& copy) {
  SavedCall call = {copy.function, copy.values.View()};
  if (copy.refusal.empty()) return call;
  call.values = {};
  call.values.refusal = copy.refusal;
  return call;
}

// The worker's end was the doing of this call, as far as can be told: other calls that were in
// flight are its victims.
bool IsGuilty(const CallEnd& end, const WorkerOptions& options, uint64_t call_id) {
  if (end.cause) return *end.cause != wire::KillCause::kCancelled;
  const WorkerEnd& worker = end.end;
  if (worker.crash != nullptr)
    return worker.crash->call_id == call_id || worker.crash->call_id == 0;
  // Another call's deadline, unless the daemon's own clock ran out.
  if (worker.cause == "deadline") return options.limits.wall_seconds != 0;
  return worker.cause == "signal" || worker.cause == "exit" || worker.cause == "oom";
}

SavedSetting SettingOf(const WorkerSlot& slot, const Worker& worker, const ModuleSpec& spec) {
  const WorkerOptions& options = slot.options().worker;
  SavedSetting setting;
  // The environment has a place of its own.
  setting.policy = PolicyText(Policy{options.limits, options.grants, {}, spec.libraries, {}});
  setting.environment = options.environment;
  setting.require = options.require;
  setting.layers = worker.layers();
  setting.reuse = NameOf(slot.options().reuse);
  setting.poison = options.poison;
  setting.deadline = Seconds(spec.deadline);
  setting.queue_deadline = Seconds(spec.queue_deadline);
  setting.load_deadline = Seconds(spec.load_deadline);
  setting.worker_modules = slot.Label();
  return setting;
}

SavedOutcome OutcomeOf(const CallEnd& end, const FailedCall& failed) {
  const WorkerEnd& worker = end.end;
  SavedOutcome outcome;
  outcome.kind = end.kind;
  outcome.cause = worker.cause;
  outcome.signal = worker.signal;
  outcome.exit_status = worker.exit_status;
  if (failed.fault) {
    outcome.fault_argument = failed.fault->argument;
    outcome.fault_offset = failed.fault->offset;
    // As in the report: what was found beside an argument takes a store.
    if (worker.crash == nullptr) outcome.is_write = true;
  }
  if (worker.crash != nullptr) {
    outcome.is_write = worker.crash->is_write;
    outcome.stack_overflow = worker.crash->stack_overflow;
  }
  outcome.bucket = Bucket(failed, worker);
  return outcome;
}

Result<std::string> WriteTo(const std::string& folder, const std::string& name,
                            const CallRecording& recording) {
  Result<std::string> head = EncodeRecordingHead(recording);
  if (!head.ok()) return head.status();
  std::vector<std::string_view> content = {*head};
  for (const SavedMemory* memory : recording.AllMemory()) content.push_back(memory->bytes);
  return WriteNewFile(
      folder,
      [&] {
        return name + "-" + std::to_string(::getpid()) + "-" +
               std::to_string(next_file.fetch_add(1, std::memory_order_relaxed)) + kRecordingSuffix;
      },
      content);
}

}  // namespace

Result<std::shared_ptr<const CallRecorder>> CallRecorder::Make(std::string folder,
                                                               const ModuleSpec* spec) {
  struct stat info;
  if (::stat(folder.c_str(), &info) != 0) {
    return Status{Code::kInvalidArgument,
                  ErrnoStatus(errno, "option 'record': cannot use '" + folder + "'").message};
  }
  if (!S_ISDIR(info.st_mode)) {
    return Status{Code::kInvalidArgument, "option 'record': '" + folder + "' is no folder"};
  }
  std::shared_ptr<CallRecorder> recorder(new CallRecorder(std::move(folder), spec));
  for (const InitCall& init : spec->init) {
    std::vector<TVMFFIAny> args;
    for (const OwnedAny& arg : init.args) args.push_back(arg.get());
    recorder->init_.push_back({init.function, 0,
                               ValuesCopy(args.data(), static_cast<int32_t>(args.size()), nullptr),
                               "", false});
  }
  return std::shared_ptr<const CallRecorder>(std::move(recorder));
}

std::unique_ptr<const CallCopy> CallRecorder::Copy(const CallSpec& call, Worker* worker) const {
  const bool is_load = call.op == FrameOp::kLoad;
  const uint64_t number = is_load ? 0 : calls_.fetch_add(1, std::memory_order_relaxed) + 1;
  return std::unique_ptr<const CallCopy>(new CallCopy{
      std::string(call.function), number, ValuesCopy(call.args, call.num_args, worker),
      call.returned_function ? "the function was the result of another call and has no name" : "",
      is_load});
}

CallRecording CallRecorder::Describe(const CallCopy& copy, const CallEnd& end,
                                     const WorkerSlot& slot, const Worker& worker,
                                     const FailedCall& failed) const {
  CallRecording recording;
  recording.library_version = TVMFFI_PROJECT_VERSION;
  recording.call_number = copy.number;
  recording.is_load = copy.is_load;
  recording.module.path = spec_->path;
  if (spec_->copy != nullptr) {
    const SealedFile& file = spec_->copy->file;
    recording.module.sha256 = Sha256(file.data(), file.size());
    recording.module.size = file.size();
    recording.module.build_id = spec_->copy->elf.build_id;
  }
  recording.call = ToSaved(copy);
  for (const CallCopy& init : init_) recording.init.push_back(ToSaved(init));
  recording.setting = SettingOf(slot, worker, *spec_);
  recording.outcome = OutcomeOf(end, failed);
  return recording;
}

void CallRecorder::Write(const CallCopy& copy, const CallEnd& end, const WorkerSlot& slot,
                         const Worker& worker, FailedCall* failed) const {
  if (!IsGuilty(end, slot.options().worker, failed->call_id)) return;
  const std::string name = NamePart(Stem(spec_->name)) + "-" + NamePart(copy.function);
  try {
    const CallRecording recording = Describe(copy, end, slot, worker, *failed);
    Result<std::string> written = WriteTo(folder_, name, recording);
    if (written.ok()) {
      failed->recording = std::move(*written);
      failed->recording_note = recording.call.values.refusal;
    } else {
      failed->recording_note = "the call was not recorded: " + written.status().message;
    }
  } catch (const std::exception& error) {
    failed->recording_note = std::string("the call was not recorded: ") + error.what();
  }
}

}  // namespace tvmffi::host
