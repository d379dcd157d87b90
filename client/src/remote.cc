#include "client/src/remote.h"

#include <map>
#include <utility>

#include "client/src/process_state.h"
#include "client/src/remote_module.h"
#include "client/src/remote_object.h"
#include "proto/base/clock.h"
#include "proto/codec/plain.h"

namespace tvmffi::host {
namespace {

// Function objects made here. Guarded by Locks().proxies. The library wraps what it is given, so an
// object does not show whose it is.
std::map<TVMFFIObjectHandle, RemoteFunction*>& AllFunctions() {
  static auto* functions = new std::map<TVMFFIObjectHandle, RemoteFunction*>;
  return *functions;
}

std::string PlaceOf(const std::string& label, int pid) {
  return "the worker of '" + label + "' (pid " + std::to_string(pid) + ")";
}

}  // namespace

RemoteReference::RemoteReference(std::shared_ptr<WorkerSlot> slot, uint32_t module)
    : slot_(std::move(slot)), module_(module), label_(slot_->module(module).name) {}

RemoteReference::RemoteReference(const std::shared_ptr<WorkerSlot>& slot,
                                 const std::shared_ptr<Worker>& worker, uint64_t handle)
    : weak_slot_(slot),
      worker_(worker),
      worker_id_(worker->id()),
      generation_(worker->generation()),
      pid_(worker->pid()),
      label_(slot->Label()),
      handle_(handle) {}

RemoteReference::~RemoteReference() {
  if (module_) return;
  if (std::shared_ptr<Worker> worker = worker_.lock()) worker->Release(handle_);
}

Result<uint64_t> RemoteReference::HandleIn(Worker& worker) const {
  if (!module_ && worker.id() == worker_id_) return handle_;
  const std::string here = PlaceOf(worker.label(), worker.pid());
  if (module_ && worker.slot_id() == slot_->id()) {
    if (std::optional<uint64_t> handle = worker.ModuleHandle(*module_)) return *handle;
  }
  std::shared_ptr<WorkerSlot> slot = this->slot();
  if (!module_ && slot != nullptr && worker.slot_id() == slot->id()) {
    return Status{Code::kUnavailable, "it was made by generation " + std::to_string(generation_) +
                                          " of the worker of '" + label_ + "' (pid " +
                                          std::to_string(pid_) +
                                          "), which has ended; this is generation " +
                                          std::to_string(worker.generation())};
  }
  return Status{Code::kInvalidArgument,
                "it lives in " + PlaceOf(label_, pid_) + ", not in " + here};
}

std::string RemoteReference::Describe() const { return PlaceOf(label_, pid_); }

const RemoteReference* FindRemoteReference(TVMFFIObjectHandle object) {
  if (const RemoteReference* module = ReferenceOfModule(object)) return module;
  return ReferenceOfObject(object);
}

RemoteFunction::RemoteFunction(std::shared_ptr<WorkerSlot> slot,
                               std::shared_ptr<RemoteReference> reference, std::string name)
    : slot_(std::move(slot)), reference_(std::move(reference)), name_(std::move(name)) {
  spec_ = &slot_->module(reference_->module().value_or(0));
  auto found = spec_->read_only.find(name_);
  static const ReadOnlyArguments all = {true, {}};
  read_only_ = found != spec_->read_only.end() ? &found->second
               : spec_->all_read_only          ? &all
                                               : nullptr;
  recorder_ = spec_->recorder.get();
}

RemoteFunction::~RemoteFunction() {
  const uint64_t known = known_worker_.load();
  if (known == 0 || !reference_->module()) return;
  std::shared_ptr<Worker> worker = slot_->current();
  if (worker != nullptr && worker->id() == known) worker->Release(known_handle_.load());
}

Status RemoteFunction::Make(RemoteFunction* function, TVMFFIAny* out) {
  if (TVMFFIFunctionCreate(function, &RemoteFunction::Call, &RemoteFunction::Delete,
                           &function->object_) != 0) {
    delete function;
    return RaisedStatus(Code::kInternal, "cannot make a function");
  }
  {
    std::lock_guard<std::mutex> lock(Locks().proxies);
    AllFunctions()[function->object_] = function;
  }
  *out = NoneAny();
  out->type_index = kTVMFFIFunction;
  out->v_obj = static_cast<TVMFFIObject*>(function->object_);
  return OkStatus();
}

Failure RemoteFunction::MakeFound(std::shared_ptr<RemoteReference> module, std::string name,
                                  const std::shared_ptr<Worker>& worker, uint64_t handle,
                                  TVMFFIAny* out) {
  std::shared_ptr<WorkerSlot> slot = module->slot();
  if (!module->module()) {
    module = std::make_shared<RemoteReference>(slot, worker, handle);
    module->KeepSlot(slot);
  }
  auto* function = new RemoteFunction(std::move(slot), std::move(module), std::move(name));
  function->known_handle_.store(handle);
  function->recorded_name_.store(worker->RecordedName(function->name_));
  function->known_worker_.store(worker->id());
  Status made = Make(function, out);
  return made.ok() ? Failure() : MakeError(made);
}

Status RemoteFunction::MakeReturned(const std::shared_ptr<WorkerSlot>& slot,
                                    std::shared_ptr<RemoteReference> reference, TVMFFIAny* out) {
  return Make(new RemoteFunction(slot, std::move(reference), "<function>"), out);
}

void RemoteFunction::Delete(void* self) {
  RemoteFunction* function = static_cast<RemoteFunction*>(self);
  {
    std::lock_guard<std::mutex> lock(Locks().proxies);
    AllFunctions().erase(function->object_);
  }
  delete function;
}

RemoteFunction* RemoteFunction::Find(TVMFFIObjectHandle function) {
  std::lock_guard<std::mutex> lock(Locks().proxies);
  auto found = AllFunctions().find(function);
  return found != AllFunctions().end() ? found->second : nullptr;
}

bool RemoteFunction::Known(const Worker& worker, uint64_t* handle) const {
  if (known_worker_.load(std::memory_order_acquire) != worker.id()) return false;
  *handle = known_handle_.load(std::memory_order_acquire);
  return known_worker_.load(std::memory_order_relaxed) == worker.id();
}

std::optional<uint64_t> RemoteFunction::HandleIn(Worker& worker) {
  uint64_t handle = 0;
  if (reference_->module())
    return Known(worker, &handle) ? std::optional<uint64_t>(handle) : std::nullopt;
  Result<uint64_t> found = reference_->HandleIn(worker);
  return found.ok() ? std::optional<uint64_t>(*found) : std::nullopt;
}

Failure RemoteFunction::Resolve(CallLane* lane, int64_t deadline, uint64_t* handle) {
  Result<uint64_t> found = reference_->HandleIn(*lane->worker);
  if (!found.ok())
    return MakeError(found.status().code == Code::kInvalidArgument ? "TypeError" : "RuntimeError",
                     "cannot call '" + name_ + "': " + found.status().message);
  if (!reference_->module()) {
    *handle = *found;
  } else {
    if (Failure failure =
            LookUpFunction(slot_.get(), lane, *found, name_, *spec_, deadline, handle))
      return failure;
    if (*handle == 0) {
      return MakeError("AttributeError",
                       "module '" + spec_->name + "' has no function '" + name_ + "'");
    }
  }
  known_worker_.store(0, std::memory_order_release);
  known_handle_.store(*handle, std::memory_order_release);
  recorded_name_.store(lane->worker->RecordedName(name_), std::memory_order_relaxed);
  known_worker_.store(lane->worker->id(), std::memory_order_release);
  return {};
}

CallSpec RemoteFunction::Spec(int64_t start) {
  CallSpec call;
  call.read_only = read_only_;
  call.function = name_;
  call.module = spec_->name;
  call.start = start;
  call.deadline = spec_->Deadline(start);
  call.time_limit = spec_->deadline;
  call.callback_limit = spec_->callback_deadline;
  call.average = &average_;
  call.recorded_name = recorded_name_.load(std::memory_order_relaxed);
  call.last = slot_->one_call_per_worker();
  call.recorder = recorder_;
  call.returned_function = !reference_->module();
  return call;
}

Failure RemoteFunction::CallOn(CallLane* lane, const TVMFFIAny* args, int32_t num_args,
                               CallSpec* call, TVMFFIAny* result) {
  if (!Known(*lane->worker, &call->target)) {
    if (Failure failure = Resolve(lane, call->deadline, &call->target)) return failure;
    call->recorded_name = recorded_name_.load(std::memory_order_relaxed);
  }
  call->args = args;
  call->num_args = num_args;
  return Exchange(slot_.get(), lane, *call).Run(result);
}

Failure RemoteFunction::NotInTime(int64_t start, Failure failure) const {
  const ErrorText text = ReadError(failure.get());
  if (text.kind != kDeadlineExceeded || ExtraContext(failure.get()) != nullptr) return failure;
  FailedCall call;
  call.function = name_;
  call.module = spec_->name;
  call.elapsed = call.queued = static_cast<double>(MonotonicNanos() - start) * 1e-9;
  call.generation = slot_->generation();
  WorkerEnd end;
  end.cause = "queue";
  if (std::shared_ptr<Worker> worker = slot_->current()) end.pid = worker->pid();
  return MakeHostError(kDeadlineExceeded, text.message, MakeReport(kDeadlineExceeded, call, end));
}

bool RemoteFunction::SendPlain(CallLane* lane, const TVMFFIAny* args, int32_t num_args) {
  FrameHeader header = {};
  // Releases must ride along.
  if (lane->worker->has_releases() || lane->writer.has_notes() ||
      !Known(*lane->worker, &header.target)) {
    return false;
  }
  header.op = FrameOp::kCall;
  header.num_cells = static_cast<uint32_t>(num_args);
  header.lane_call = lane->lane_call + 1;
  header.call_id = lane->CallId(header.lane_call);
  const size_t size = WritePlainFrame(header, args, lane->lane.place());
  if (size == 0) return false;
  ++lane->lane_call;
  lane->record->Begin(header.call_id, recorded_name_.load(std::memory_order_relaxed));
  lane->lane.SendPlaced(size);
  return true;
}

Failure RemoteFunction::FinishPlain(CallLane* lane, TVMFFIAny* result) {
  // While the worker works, reading the clock costs nothing.
  const int64_t start = MonotonicNanos();
  WaitContext context;
  context.deadline = spec_->Deadline(start);
  context.death = lane->worker->death_word();
  context.on_slice = &Exchange::OnSlice;
  context.self = lane->worker.get();
  context.expected = average_.nanos();
  lane->record->Sent(start);
  const WaitOutcome outcome = lane->lane.Receive(context, &lane->frame);
  TVMFFIAny value;
  if (outcome == WaitOutcome::kFrame && ReadPlainReturn(*lane, &value)) {
    *result = value;
    lane->counters.calls.Add(1);
    average_.Add(lane->lane.last_wait());
    lane->record->End(lane->lane.last_wait(), RecordedOutcome::kOk);
    slot_->Succeeded();
    return {};
  }
  return Exchange(slot_.get(), lane, Spec(start)).Resume(outcome, result);
}

int RemoteFunction::Call(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  RemoteFunction* function = static_cast<RemoteFunction*>(self);
  WorkerSlot* slot = function->slot_.get();
  Failure failure;
  CallLane* lane = slot->AcquireAgain();  // never one that a turn must be waited for
  if (lane != nullptr && function->recorder_ == nullptr &&
      function->SendPlain(lane, args, num_args)) {
    failure = function->FinishPlain(lane, result);
  } else {
    const int64_t start = MonotonicNanos();
    CallSpec call = function->Spec(start);
    if (lane == nullptr) {
      lane = slot->AcquireFor(*function->spec_, start, &call.deadline, &failure);
      if (lane == nullptr) return Raise(function->NotInTime(start, std::move(failure)));
      call.begun = MonotonicNanos();
    }
    failure = function->CallOn(lane, args, num_args, &call, result);
  }
  slot->GiveBack(lane);
  return failure ? Raise(std::move(failure)) : 0;
}

Status MakeRemote(const std::shared_ptr<WorkerSlot>& slot, const std::shared_ptr<Worker>& worker,
                  const ObjectDesc& desc, std::string_view key, TVMFFIAny* out) {
  auto reference = std::make_shared<RemoteReference>(slot, worker, desc.id);
  if (desc.static_type_index == kTVMFFIFunction) {
    reference->KeepSlot(slot);
    return RemoteFunction::MakeReturned(slot, std::move(reference), out);
  }
  if (desc.static_type_index == kTVMFFIModule) {
    reference->KeepSlot(slot);
    return MakeRemoteModule(std::move(reference), out);
  }
  return MakeRemoteObject(std::move(reference), key, out);
}

Failure LookUpFunction(WorkerSlot* slot, CallLane* lane, uint64_t module, const std::string& name,
                       const ModuleSpec& spec, int64_t deadline, uint64_t* handle) {
  const HandleView module_view(module);
  OwnedAny name_any = StringAny(name);
  const TVMFFIAny args[] = {module_view.any(), name_any.get(), BoolAny(false)};
  CallSpec call;
  call.op = FrameOp::kCallGlobal;
  call.text = "ffi.ModuleGetFunction";
  call.args = args;
  call.num_args = 3;
  call.function = name;
  call.module = spec.name;
  call.deadline = deadline;
  call.time_limit = spec.deadline;
  call.take_handle = handle;
  *handle = 0;
  OwnedAny result;
  return Exchange(slot, lane, call).Run(result.out());
}

}  // namespace tvmffi::host
