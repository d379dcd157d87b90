#include "client/src/exchange.h"

#include <tvm/ffi/extra/c_env_api.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "client/src/function_call.h"
#include "client/src/process_state.h"
#include "client/src/worker_error.h"
#include "proto/base/clock.h"
#include "proto/base/peer_memory.h"
#include "proto/codec/plain.h"
#include "proto/codec/spill.h"

namespace tvmffi::host {
namespace {

// A process that was killed is gone long before, unless the kernel is stuck.
constexpr double kDeathSeconds = 5.0;

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), seconds < 0.01 ? "%.2g ms" : "%.0f ms", seconds * 1e3);
  return text;
}

std::string Seconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g s", seconds);
  return text;
}

std::string LastLine(const WorkerEnd& end) {
  return end.log_tail.empty() ? "" : "; last line of output: \"" + end.log_tail.back() + "\"";
}

}  // namespace

bool ReadPlainReturn(const CallLane& lane, TVMFFIAny* value) {
  FrameHeader header;
  TVMFFIAny values[kMaxPlainCells];
  if (!ReadPlainFrame(lane.frame.data(), lane.frame.size(), &header, values) ||
      header.op != FrameOp::kReturn || header.num_cells != 1 ||
      header.lane_call != lane.lane_call) {
    return false;
  }
  *value = values[0];
  return true;
}

Exchange::Exchange(WorkerSlot* slot, CallLane* lane, const CallSpec& spec)
    : slot_(slot),
      lane_(lane),
      spec_(spec),
      worker_(lane->worker.get()),
      epoch_(ForkEpoch()),
      start_(spec.start != 0 ? spec.start : MonotonicNanos()),
      begun_(spec.begun != 0 ? spec.begun : start_),
      deadline_(spec.deadline) {}

std::string Exchange::Name() const {
  switch (spec_.op) {
    case FrameOp::kLoad:
      return "the load of '" + std::string(spec_.module) + "'";
    case FrameOp::kReady:
      return "the start of the worker";
    default:
      return "'" + std::string(spec_.function) + "'";
  }
}

double Exchange::Elapsed() const {
  return static_cast<double>(MonotonicNanos() - start_ - in_callbacks_) * 1e-9;
}

WaitOutcome Exchange::OnSlice(void* worker) {
  if (!static_cast<Worker*>(worker)->Alive()) return WaitOutcome::kPeerDead;
  if (OnMainThread() && TVMFFIEnvCheckSignals() != 0) return WaitOutcome::kCancelled;
  return WaitOutcome::kFrame;
}

Failure Exchange::Run(TVMFFIAny* result) {
  *result = NoneAny();
  call_id_ = lane_->CallId(lane_->lane_call + 1);
  Begin();
  if (spec_.recorder != nullptr) copy_ = spec_.recorder->Copy(spec_, worker_);
  Failure failure = Encode();
  if (!failure) {
    ++lane_->lane_call;
    if (IsCall()) lane_->record->Begin(call_id_, RecordedName());
    failure = Send();
    if (IsCall() && sent_) lane_->record->Sent(start_);
    if (IsCall() && !sent_) lane_->record->Withdraw();
    if (!failure) failure = Finish(Receive(), result);
  }
  return End(std::move(failure));
}

Failure Exchange::Resume(WaitOutcome outcome, TVMFFIAny* result) {
  *result = NoneAny();
  call_id_ = lane_->CallId(lane_->lane_call);
  sent_ = true;
  waits_ = 1;
  Begin();
  return End(Finish(outcome, result));
}

void Exchange::Begin() {
  lane_->transfer.Begin(slot_, worker_, lane_->index, &lane_->counters);
  lane_->transfer.TakeHandle(spec_.take_handle);
}

Failure Exchange::Finish(WaitOutcome outcome, TVMFFIAny* result) {
  for (;; outcome = Receive()) {
    if (outcome != WaitOutcome::kFrame) return Fail(outcome);
    Failure failure;
    if (Serve(result, &failure)) return failure;
  }
}

Failure Exchange::End(Failure failure) {
  worker_->staging()->Free(std::move(spill_));
  lane_->transfer.End();
  if (IsCall()) lane_->counters.calls.Add(1);
  if (IsCall() && sent_) lane_->record->End(Took(failure), outcome_);
  // Unless what its answer held is held against it.
  if (ended_worker_) slot_->Forget(lane_->worker, /*blame=*/false, {});
  if (failure) {
    lane_->counters.errors.Add(1);
  } else if (spec_.average != nullptr) {
    spec_.average->Add(lane_->lane.last_wait());
  }
  return failure;
}

int64_t Exchange::Took(const Failure& failure) const {
  // Of one wait the lane knows it, without another look at the clock.
  if (!failure && waits_ <= 1) return lane_->lane.last_wait();
  return MonotonicNanos() - start_ - in_callbacks_;
}

uint32_t Exchange::RecordedName() const {
  if (spec_.recorded_name != 0) return spec_.recorded_name;
  switch (spec_.op) {
    case FrameOp::kLoad:
      return worker_->RecordedName("(load)");
    case FrameOp::kCallGlobal:
      return worker_->RecordedName("(" + std::string(spec_.text) + ")");
    default:
      return worker_->RecordedName(spec_.function);
  }
}

Failure Exchange::Encode() {
  const uint32_t first = spec_.op == FrameOp::kCall ? 0 : 1;
  const uint32_t num_cells = first + static_cast<uint32_t>(spec_.num_args);
  int32_t bad = 0;
  lane_->lane.Prefetch();
  do {
    lane_->writer.Start(spec_.op, spec_.target, call_id_, lane_->lane_call + 1, num_cells);
    if (first != 0) lane_->writer.PutString(0, spec_.text.data(), spec_.text.size());
    Status put = lane_->transfer.PutArguments(&lane_->writer, first, spec_.args, spec_.num_args,
                                              spec_.read_only, &bad);
    if (put.ok()) continue;
    if (IsDeath(put)) return Fail(WaitOutcome::kPeerDead);
    const std::string what =
        "cannot send argument " + std::to_string(bad) + " of " + Name() + " to its worker: ";
    return MakeError(put.code == Code::kInvalidArgument ? "TypeError" : KindOf(put.code),
                     what + put.message);
  } while (lane_->transfer.encode_again());
  return {};
}

Failure Exchange::Send() {
  lane_->transfer.StageIn();
  worker_->MoveReleasesTo(&lane_->writer);
  const char* frame = lane_->writer.Finish();
  const size_t size = lane_->writer.size();
  if (size <= kOverflowFrame) {
    sent_ = true;
    lane_->lane.Send(frame, size);
    return {};
  }
  worker_->staging()->Free(std::move(spill_));
  spill_ = {};
  Result<StagingBlock> block = worker_->staging()->Allocate(size);
  if (!block.ok()) {
    if (IsDeath(block.status())) return Fail(WaitOutcome::kPeerDead);
    const std::string what = "no memory for " + std::to_string(size) + " bytes of " + Name() +
                             ": " + block.status().message;
    if (sent_) return GiveUp(wire::KillCause::kCancelled, KindOf(block.status().code), what);
    --lane_->lane_call;
    return MakeError(KindOf(block.status().code), what);
  }
  spill_ = std::move(*block);
  std::memcpy(spill_.data(), frame, size);
  char stand_in[kSpillFrame];
  MakeSpillFrame(frame, SpillRef{spill_.arena->id(), 0, spill_.offset, size}, stand_in);
  sent_ = true;
  lane_->lane.Send(stand_in, sizeof(stand_in));
  return {};
}

WaitOutcome Exchange::Receive() {
  ++waits_;
  WaitContext context;
  context.deadline = deadline_;
  context.death = worker_->death_word();
  context.on_slice = &Exchange::OnSlice;
  context.self = worker_;
  context.expected = spec_.average != nullptr ? spec_.average->nanos() : 0;
  return lane_->lane.Receive(context, &lane_->frame);
}

Status Exchange::FetchSpilled(const SpillRef& ref) {
  std::shared_ptr<Arena> arena = worker_->FindLent(ref.arena_id);
  if (arena == nullptr || ref.offset > arena->size() || ref.size > arena->size() - ref.offset) {
    return {Code::kInvalidArgument, "a frame of " + std::to_string(ref.size) + " bytes in arena " +
                                        std::to_string(ref.arena_id) + " at byte " +
                                        std::to_string(ref.offset)};
  }
  CopyFromPeer(&lane_->frame, arena->data() + ref.offset, ref.size);
  return OkStatus();
}

Status Exchange::OpenFrame() {
  SpillRef ref;
  Result<bool> spilled = ReadSpillFrame(lane_->frame.data(), lane_->frame.size(), &ref);
  if (!spilled.ok()) return spilled.status();
  if (*spilled) TVMFFI_RETURN_IF_ERROR(FetchSpilled(ref));
  TVMFFI_RETURN_IF_ERROR(lane_->reader.Open(lane_->frame.data(), lane_->frame.size()));
  const uint32_t lane_call = lane_->reader.header().lane_call;
  if (lane_call != lane_->lane_call) {
    return {Code::kInvalidArgument, "an answer to exchange " + std::to_string(lane_call) +
                                        " inside exchange " + std::to_string(lane_->lane_call)};
  }
  return OkStatus();
}

void Exchange::TakeNotes() {
  for (uint32_t i = 0; i < lane_->reader.num_notes(); ++i) {
    const Note note = lane_->reader.note(i);
    if (note.kind == NoteKind::kRetained) lane_->transfer.Retain(note.id);
    if (note.kind == NoteKind::kDropped) worker_->Drop(note.id);
  }
}

bool Exchange::Serve(TVMFFIAny* result, Failure* failure) {
  TVMFFIAny value;
  if (ReadPlainReturn(*lane_, &value)) {
    *failure = TakePlain(value, result);
    return true;
  }
  if (Status status = OpenFrame(); !status.ok()) {
    *failure = Violation(status.message);
    return true;
  }
  if (lane_->reader.num_notes() != 0) TakeNotes();
  switch (lane_->reader.header().op) {
    case FrameOp::kReturn:
      *failure = TakeResult(result);
      return true;
    case FrameOp::kError:
      *failure = TakeError();
      return true;
    case FrameOp::kCallback:
      *failure = ServeCallback();
      return static_cast<bool>(*failure);
    case FrameOp::kNeedMemory:
      *failure = ServeMemory();
      return static_cast<bool>(*failure);
    default:
      *failure =
          Violation("operation " + std::to_string(static_cast<int>(lane_->reader.header().op)));
      return true;
  }
}

Failure Exchange::EndWorker() {
  results_ = worker_->results();
  const WorkerEnd end = worker_->End(wire::KillCause::kClosed);
  ended_worker_ = true;
  // Where the daemon did not say that everything has ended, only process 1 of a namespace can.
  const bool confirmed = end.cause != "stuck" && end.cause != "daemon";
  if ((confirmed || worker_->HasLayer("pidns")) && worker_->AwaitDeath(kDeathSeconds)) return {};
  return MakeError(kUnavailable, "the worker of '" + slot_->Label() + "' (pid " +
                                     std::to_string(worker_->pid()) + ") answered " + Name() +
                                     " but could not be ended, so its answer is not used");
}

Failure Exchange::CopyBack() {
  if (spec_.last) {
    if (Failure failure = EndWorker()) return failure;
  }
  const std::optional<ArgumentByte> overrun = lane_->transfer.CopyBack();
  if (!overrun) return {};
  overrun_ = overrun;
  return GiveUp(wire::KillCause::kViolation, kPolicyViolation,
                "the worker of '" + slot_->Label() + "' wrote " +
                    (overrun->offset < 0 ? "before the start" : "past the end") + " of argument " +
                    std::to_string(overrun->argument) + " of " + Name() + ", at byte " +
                    std::to_string(overrun->offset) + ", and was killed");
}

Failure Exchange::TakePlain(const TVMFFIAny& value, TVMFFIAny* result) {
  if (Failure failure = CopyBack()) return failure;
  outcome_ = RecordedOutcome::kOk;
  *result = value;
  if (spec_.op == FrameOp::kCall) slot_->Succeeded();
  return {};
}

Failure Exchange::TakeResult(TVMFFIAny* result) {
  if (Failure failure = CopyBack()) return failure;
  if (lane_->reader.num_cells() != 1) {
    return Violation(std::to_string(lane_->reader.num_cells()) + " results");
  }
  Status status = lane_->reader.GetOwned(0, &lane_->transfer, result);
  if (status.ok()) {
    outcome_ = RecordedOutcome::kOk;
    if (spec_.op == FrameOp::kCall) slot_->Succeeded();
    return {};
  }
  if (status.code == Code::kInvalidArgument) return Violation("a result with " + status.message);
  return MakeError(KindOf(status.code),
                   "cannot take the result of " + Name() + ": " + status.message);
}

Failure Exchange::TakeError() {
  if (Failure failure = CopyBack()) return failure;
  TVMFFIByteArray texts[3];
  for (uint32_t i = 0; i < 3; ++i) {
    Status status = lane_->reader.GetString(i, &texts[i]);
    if (!status.ok()) return Violation("an error with " + status.message);
  }
  outcome_ = RecordedOutcome::kError;
  if (spec_.op == FrameOp::kCall) slot_->Succeeded();
  return MakeWorkerError({texts[0].data, texts[0].size}, {texts[1].data, texts[1].size},
                         {texts[2].data, texts[2].size}, callback_error_.get());
}

Status Exchange::CallLocal(TVMFFIObjectHandle function, TVMFFIAny* result, bool* raised) {
  struct Arguments {
    std::vector<TVMFFIAny> values;
    ~Arguments() {
      for (TVMFFIAny& value : values) ReleaseAny(&value);
    }
  } args;
  args.values.reserve(lane_->reader.num_cells());
  for (uint32_t i = 0; i < lane_->reader.num_cells(); ++i) {
    TVMFFIAny value;
    TVMFFI_RETURN_IF_ERROR(lane_->reader.Get(i, &lane_->transfer, &value));
    args.values.push_back(value);
  }
  lane_->counters.callbacks.Add(1);
  lane_->in_callback.store(true, std::memory_order_release);
  const int64_t begin = MonotonicNanos();
  *raised = TVMFFIFunctionCallFromWorker(function, args.values.data(),
                                         static_cast<int32_t>(args.values.size()), result) != 0;
  const int64_t taken = MonotonicNanos() - begin;
  lane_->in_callback.store(false, std::memory_order_release);
  in_callbacks_ += taken;
  if (deadline_ != kNever) deadline_ += taken;
  return OkStatus();
}

Failure Exchange::ServeCallback() {
  TVMFFIObjectHandle function = lane_->transfer.Callback(lane_->reader.header().target);
  if (function == nullptr) {
    return Violation("a call of callback " + std::to_string(lane_->reader.header().target));
  }
  // None is cut short, that is the caller's own time; but the worker decides how many there are.
  if (static_cast<double>(in_callbacks_) * 1e-9 > spec_.callback_limit) {
    return EndOverdueCallbacks();
  }
  OwnedAny result;
  bool raised = false;
  Status status = CallLocal(function, result.out(), &raised);
  if (!status.ok()) return Violation("a callback with " + status.message);
  // A child that was forked in the callback must not answer for its parent.
  if (epoch_ != ForkEpoch()) {
    return MakeError(kUnavailable, "this process was forked inside a callback of " + Name());
  }
  if (!raised) return AnswerCallback(result.get());
  callback_error_ = TakeRaised();
  return AnswerCallbackError(callback_error_.get());
}

Failure Exchange::EndOverdueCallbacks() {
  return GiveUp(wire::KillCause::kDeadline, kDeadlineExceeded,
                "callbacks of " + Name() + " of '" + std::string(spec_.module) + "' took " +
                    Seconds(static_cast<double>(in_callbacks_) * 1e-9) + " together, limit is " +
                    Seconds(spec_.callback_limit) + "; its worker was killed");
}

Failure Exchange::AnswerCallback(const TVMFFIAny& value) {
  lane_->writer.Start(FrameOp::kCallbackReturn, 0, call_id_, lane_->lane_call, 1);
  Status put = lane_->transfer.PutCallbackResult(&lane_->writer, value);
  if (put.ok()) return Send();
  if (IsDeath(put)) return Fail(WaitOutcome::kPeerDead);
  callback_error_ = MakeError(
      put.code == Code::kInvalidArgument ? "TypeError" : KindOf(put.code),
      "cannot send the result of a callback of " + Name() + " to its worker: " + put.message);
  return AnswerCallbackError(callback_error_.get());
}

Failure Exchange::AnswerCallbackError(TVMFFIObjectHandle error) {
  const ErrorText text = ReadError(error);
  lane_->writer.Start(FrameOp::kCallbackError, 0, call_id_, lane_->lane_call, 3);
  lane_->writer.PutString(0, text.kind.data(), text.kind.size());
  lane_->writer.PutString(1, text.message.data(), text.message.size());
  lane_->writer.PutString(2, text.backtrace.data(), text.backtrace.size());
  return Send();
}

Failure Exchange::ServeMemory() {
  Result<std::shared_ptr<Arena>> arena = worker_->GrowResults(lane_->reader.header().target);
  if (!arena.ok() && IsDeath(arena.status())) return Fail(WaitOutcome::kPeerDead);
  const FrameOp op = arena.ok() ? FrameOp::kMemoryGranted : FrameOp::kMemoryRefused;
  lane_->writer.Start(op, arena.ok() ? (*arena)->id() : 0, call_id_, lane_->lane_call, 0);
  return Send();
}

Failure Exchange::Violation(const std::string& what) {
  return GiveUp(wire::KillCause::kViolation, kPolicyViolation,
                "the worker of '" + slot_->Label() + "' broke the protocol in " + Name() +
                    ": it sent " + what);
}

bool Exchange::IsDeath(const Status& status) const {
  return status.code == Code::kUnavailable && !worker_->Alive();
}

Failure Exchange::Fail(WaitOutcome outcome) {
  switch (outcome) {
    case WaitOutcome::kDeadline:
      return GiveUp(wire::KillCause::kDeadline, kDeadlineExceeded,
                    Name() + " of '" + std::string(spec_.module) + "' did not return within " +
                        Seconds(spec_.time_limit) + "; its worker was killed");
    case WaitOutcome::kCancelled:
      GiveUp(wire::KillCause::kCancelled, kEnvErrorAlreadySet, "");
      return MakeError(kEnvErrorAlreadySet, "");
    case WaitOutcome::kPeerDead:
      return GiveUp(std::nullopt, kWorkerCrashed, "");
    default:
      return Violation("an impossible sequence or size");
  }
}

Failure Exchange::GiveUp(std::optional<wire::KillCause> cause, const char* kind,
                         const std::string& what) {
  const double elapsed = Elapsed();
  WorkerEnd end = worker_->End(cause);
  // Its answer was looked at after its end.
  if (ended_worker_ && cause == wire::KillCause::kViolation) end.cause = "violation";
  // Killed by another call, or with its daemon, or before it had a module.
  const bool starting = spec_.op == FrameOp::kReady;
  const bool blame =
      !starting && end.cause != "closed" && end.cause != "daemon" && end.cause != "cancelled";
  FailedCall call;
  call.function = std::string(spec_.function);
  call.module = std::string(spec_.module);
  call.elapsed = elapsed;
  call.queued = static_cast<double>(begun_ - start_) * 1e-9;
  call.generation = worker_->generation();
  call.call_id = call_id_;
  call.fault = overrun_;
  // The address is that of this call's memory: a thread of the plug-in's own may have done it.
  if (end.crash != nullptr && end.crash->arena_id &&
      (end.crash->call_id == call_id_ || end.crash->call_id == 0)) {
    call.fault = lane_->transfer.Locate(*end.crash->arena_id, end.crash->arena_offset);
  }
  const bool crashed = kind == kWorkerCrashed;
  if (crashed && end.cause == "violation") kind = kPolicyViolation;
  if (crashed && spec_.op == FrameOp::kLoad) kind = kLoadFailed;
  if (crashed && starting) kind = kUnavailable;
  if (copy_ != nullptr) spec_.recorder->Write(*copy_, {kind, end, cause}, *slot_, *worker_, &call);
  OwnedAny report = MakeReport(kind, call, end);
  slot_->Forget(lane_->worker, blame, report);
  std::string message = what;
  if (crashed) {
    message = std::string(starting ? "cannot start a worker: the " : "") + "worker of '" +
              slot_->Label() + "' (pid " + std::to_string(worker_->pid()) + ") " + Describe(end) +
              " " + Milliseconds(elapsed) + " into " + Name() + LastLine(end);
  }
  return MakeHostError(kind, message, report);
}

}  // namespace tvmffi::host
