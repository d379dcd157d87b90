// How a slot starts its workers and puts modules into them.
#include <algorithm>
#include <utility>

#include "client/src/exchange.h"
#include "client/src/process_state.h"
#include "client/src/remote.h"
#include "client/src/worker_slot.h"
#include "proto/elf/elf_file.h"
#include "proto/elf/run_path.h"

namespace tvmffi::host {
namespace {

// `worker` may be null: none was asked.
Failure LoadFailure(const ModuleSpec& spec, const std::string& why, const Worker* worker) {
  FailedCall failed;
  failed.function = "load";
  failed.module = spec.given_path;
  WorkerEnd end;
  end.cause = "load";
  if (worker != nullptr) {
    failed.generation = worker->generation();
    end.pid = worker->pid();
  }
  return MakeHostError(kLoadFailed, "cannot load '" + spec.given_path + "': " + why,
                       MakeReport(kLoadFailed, failed, end));
}

// As much of a label as the daemon takes, in whole characters.
std::string CutLabel(std::string label) {
  if (label.size() <= wire::kMaxName) return label;
  size_t size = wire::kMaxName;
  while (size > 0 && (static_cast<unsigned char>(label[size]) & 0xC0) == 0x80) --size;
  label.resize(size);
  return label;
}

// Folders that the linker would not get to, or that no path can be, are left out.
void AddRunPaths(const ModuleSpec& module, std::vector<std::string>* run_paths) {
  if (module.copy == nullptr) return;
  for (std::string& folder : elf::SearchFolders(module.copy->elf, module.path)) {
    if (folder.size() > wire::kMaxPath || run_paths->size() == wire::kMaxRunPaths) continue;
    if (std::find(run_paths->begin(), run_paths->end(), folder) != run_paths->end()) continue;
    run_paths->push_back(std::move(folder));
  }
}

// Everything that the worker starts ends with it, or the daemon says so.
bool EndsWhole(const Worker& worker) {
  return worker.HasLayer("pidns") || worker.HasLayer("orphans");
}

}  // namespace

size_t WorkerSlot::MaxModules() const {
  return wire::kMaxGrants - options_.worker.grants.modules.size();
}

WorkerOptions WorkerSlot::StartOptions() const {
  WorkerOptions options = options_.worker;
  options.label = CutLabel(Label());
  options.one_call = one_call_per_worker_;
  std::lock_guard<std::mutex> lock(lock_);
  for (const auto& module : modules_) {
    options.grants.modules.push_back(module->path);
    AddRunPaths(*module, &options.grants.run_paths);
  }
  return options;
}

Failure WorkerSlot::StartFailure(const Status& why) const {
  const char* kind = why.code == Code::kResourceExhausted ? kResourceExhausted : kUnavailable;
  return MakeError(kind, "cannot start a worker for '" + Label() + "': " + why.message);
}

std::shared_ptr<Worker> WorkerSlot::StartWorker(int64_t deadline, Failure* failure) {
  Result<std::shared_ptr<Connection>> connection = session_->Connect();
  if (!connection.ok()) {
    *failure = MakeError(connection.status());
    return nullptr;
  }
  const uint64_t generation = generation_.fetch_add(1, std::memory_order_relaxed) + 1;
  Result<std::shared_ptr<Worker>> worker =
      Worker::Start(*connection, StartOptions(), id_, generation);
  if (!worker.ok()) {
    *failure = StartFailure(worker.status());
    return nullptr;
  }
  ++ProcessTotals().workers_started;
  if (one_call_per_worker_ && !EndsWhole(**worker)) {
    *failure =
        MakeError(kUnavailable, "cannot start a worker for '" + Label() +
                                    "' with reuse \"never\": its daemon has neither layer " +
                                    "'pidns' nor 'orphans' to end what a call leaves behind");
    return nullptr;
  }
  auto lane = std::make_unique<CallLane>();
  if (Status bound = lane->Bind(*worker); !bound.ok()) {
    *failure = StartFailure(bound);
    return nullptr;
  }
  *failure = AwaitReady(lane.get(), deadline);
  for (uint32_t i = 0; !*failure; ++i) {
    {
      std::lock_guard<std::mutex> lock(lock_);
      if (i == modules_.size()) {
        (*worker)->SetAnswered();
        Adopt(*worker, std::move(lane));
        return *worker;
      }
    }
    *failure = LoadInto(lane.get(), i, deadline);
    if (!*failure) *failure = RunInit(lane.get(), i, deadline);
  }
  ProcessTotals().Add(lane->counters);
  (*worker)->Close();
  return nullptr;
}

Failure WorkerSlot::Preflight(ModuleSpec* spec) {
  if (!elf::HasLibraryName(spec->path)) {
    if (!spec->libraries) return {};
    return LoadFailure(
        *spec, "its policy has a list of 'libraries', and this is no library whose needs are known",
        nullptr);
  }
  if (Failure failure = TakeCopy(spec)) return failure;
  if (!spec->libraries) return {};
  const Status allowed = CheckLibraries(spec->copy->elf, *spec->libraries);
  return allowed.ok() ? Failure() : LoadFailure(*spec, allowed.message, nullptr);
}

Failure WorkerSlot::TakeCopy(ModuleSpec* spec) {
  {
    // A worker's linker knows a module by its path, and loads one only once.
    std::lock_guard<std::mutex> lock(lock_);
    for (const auto& module : modules_) {
      if (module->path == spec->path) spec->copy = module->copy;
    }
  }
  if (spec->copy != nullptr) return {};
  Result<std::shared_ptr<const ModuleCopy>> copy = CopyModule(spec->path);
  if (!copy.ok() && copy.status().code == Code::kResourceExhausted) {
    return MakeError(kResourceExhausted,
                     "cannot load '" + spec->given_path + "': " + copy.status().message);
  }
  if (!copy.ok()) return LoadFailure(*spec, copy.status().message, nullptr);
  spec->copy = std::move(*copy);
  return {};
}

Failure WorkerSlot::AwaitReady(CallLane* lane, int64_t deadline) {
  CallSpec call;
  call.op = FrameOp::kReady;
  call.module = module(0).given_path;
  call.deadline = deadline;
  call.time_limit = module(0).load_limit();
  OwnedAny none;
  return Exchange(this, lane, call).Run(none.out());
}

Failure WorkerSlot::LoadInto(CallLane* lane, uint32_t index, int64_t deadline) {
  const ModuleSpec& spec = module(index);
  const Status lent = lane->worker->LendModule(spec.path, spec.copy);
  // What a worker that died has to say is better.
  if (!lent.ok() && lane->worker->Alive()) {
    return MakeError(KindOf(lent.code), "cannot load '" + spec.given_path + "': " + lent.message);
  }
  uint64_t handle = 0;
  CallSpec call;
  call.op = FrameOp::kLoad;
  call.recorder = spec.recorder.get();
  call.text = spec.path;
  call.function = "load";
  call.module = spec.given_path;
  call.deadline = deadline;
  call.time_limit = spec.load_limit();
  call.take_handle = &handle;
  TVMFFIAny result;
  Failure failure = Exchange(this, lane, call).Run(&result);
  if (!failure && handle == 0) {
    ReleaseAny(&result);
    failure =
        MakeError(kPolicyViolation, "the worker answered a load with something that is no module");
  }
  if (failure && !lane->worker->ended()) {
    // The loader's own words; it names the absolute path or a library that is missing.
    return LoadFailure(spec, ReadError(failure.get()).message, lane->worker.get());
  }
  if (failure) return failure;
  lane->worker->SetModuleHandle(index, handle);
  lane->worker->SetLoaded(spec.path);
  return {};
}

Failure WorkerSlot::RunInit(CallLane* lane, uint32_t index, int64_t deadline) {
  const ModuleSpec& spec = module(index);
  for (const InitCall& init : spec.init) {
    uint64_t handle = 0;
    if (Failure failure = LookUpFunction(this, lane, *lane->worker->ModuleHandle(index),
                                         init.function, spec, deadline, &handle)) {
      return failure;
    }
    if (handle == 0) {
      return MakeError("AttributeError",
                       "init: module '" + spec.name + "' has no function '" + init.function + "'");
    }
    std::vector<TVMFFIAny> args;
    for (const OwnedAny& arg : init.args) args.push_back(arg.get());
    CallSpec call;
    call.target = handle;
    call.args = args.data();
    call.num_args = static_cast<int32_t>(args.size());
    call.function = init.function;
    call.module = spec.name;
    call.deadline = deadline;
    call.time_limit = spec.load_limit();
    call.callback_limit = spec.callback_deadline;
    OwnedAny result;
    Failure failure = Exchange(this, lane, call).Run(result.out());
    if (!lane->worker->ended()) lane->worker->Release(handle);
    if (failure) return failure;
  }
  return {};
}

Failure WorkerSlot::Load(std::unique_ptr<ModuleSpec> spec, uint32_t* index) {
  const int64_t deadline = DeadlineAfter(spec->load_limit());
  if (Failure failure = Preflight(spec.get())) return failure;
  bool first;
  {
    std::lock_guard<std::mutex> lock(lock_);
    first = modules_.empty();
    if (first) modules_.push_back(std::move(spec));
  }
  Failure failure;
  if (first) {
    *index = 0;
    EnsureWorker(deadline, &failure);
    std::lock_guard<std::mutex> lock(lock_);
    loaded_ = !failure;
    return failure;
  }
  Patience patience{deadline};
  CallLane* lane = Acquire(&patience, &failure);
  if (lane == nullptr) return failure;
  failure = LoadAnother(lane, std::move(spec), deadline, index);
  GiveBack(lane);
  return failure;
}

Failure WorkerSlot::LoadAnother(CallLane* lane, std::unique_ptr<ModuleSpec> spec, int64_t deadline,
                                uint32_t* index) {
  Failure failure;
  // No worker is started meanwhile, which would load it too.
  if (!LockStart(deadline, &failure)) return failure;
  std::lock_guard<std::mutex> start(start_lock_, std::adopt_lock);
  {
    std::lock_guard<std::mutex> lock(lock_);
    if (modules_.size() >= MaxModules()) {
      return MakeError(kResourceExhausted,
                       "cannot load '" + spec->given_path + "': its worker has " +
                           std::to_string(modules_.size()) + " modules, as many as one may");
    }
    *index = static_cast<uint32_t>(modules_.size());
    modules_.push_back(std::move(spec));
  }
  failure = LoadInto(lane, *index, deadline);
  if (!failure) failure = RunInit(lane, *index, deadline);
  if (failure) {
    std::lock_guard<std::mutex> lock(lock_);
    modules_.pop_back();
  }
  return failure;
}

}  // namespace tvmffi::host
