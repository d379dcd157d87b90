// One request to a worker and everything until its answer: nested requests, the wait, the end of
// the worker.
#ifndef TVMFFI_CLIENT_SRC_EXCHANGE_H_
#define TVMFFI_CLIENT_SRC_EXCHANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/src/call_recorder.h"
#include "client/src/worker_slot.h"
#include "proto/channel/wakeup.h"

namespace tvmffi::host {

struct CallSpec {
  FrameOp op = FrameOp::kCall;
  uint64_t target = 0;
  // The path of kLoad, the function of kCallGlobal.
  std::string_view text;
  const TVMFFIAny* args = nullptr;
  int32_t num_args = 0;
  const ReadOnlyArguments* read_only = nullptr;
  // For messages.
  std::string_view function;
  std::string_view module;
  // MonotonicNanos() when the call began, and when it must end; the time callbacks take is added to
  // that.
  int64_t start = 0;
  int64_t begun = 0;  // when its turn had come; 0: at once
  int64_t deadline = kNever;
  // Seconds, for messages.
  double time_limit = 0;
  // Seconds that its callbacks may take together.
  double callback_limit = 0;
  CallAverage* average = nullptr;
  // Worker::RecordedName of the function; 0: looked up.
  uint32_t recorded_name = 0;
  // The worker is ended once it has answered, before the caller sees anything of it.
  bool last = false;
  // Set: the arguments are copied, and written down when the call ends its worker.
  const CallRecorder* recorder = nullptr;
  // Another call gave the function, which cannot be found by its name.
  bool returned_function = false;
  // Set: an object that comes back is not wrapped, its handle is stored here.
  uint64_t* take_handle = nullptr;
};

// The value in the frame the lane has received: true when it is nothing but the well-formed answer
// to the lane's exchange, a return of one plain value.
bool ReadPlainReturn(const CallLane& lane, TVMFFIAny* value);

// On a lane the caller holds.
class Exchange {
 public:
  Exchange(WorkerSlot* slot, CallLane* lane, const CallSpec& spec);

  // `result` receives an owned value. Empty when it went well; otherwise the error to raise. A
  // worker that is to blame, or that the call gave up, is ended and forgotten.
  Failure Run(TVMFFIAny* result);

  // The same from the middle on: the request, which lent nothing, has been sent, and the wait for
  // the first answer ended with `outcome`.
  Failure Resume(WaitOutcome outcome, TVMFFIAny* result);

  // WaitContext::on_slice of a wait for a Worker.
  static WaitOutcome OnSlice(void* worker);

 private:
  void Begin();
  Failure Finish(WaitOutcome outcome, TVMFFIAny* result);
  Failure End(Failure failure);
  Failure Encode();
  Failure Send();
  WaitOutcome Receive();
  // True when the exchange is over.
  bool Serve(TVMFFIAny* result, Failure* failure);
  Status OpenFrame();
  Status FetchSpilled(const SpillRef& ref);
  void TakeNotes();
  Failure EndWorker();
  Failure CopyBack();
  Failure TakeResult(TVMFFIAny* result);
  Failure TakePlain(const TVMFFIAny& value, TVMFFIAny* result);
  Failure TakeError();
  Failure ServeCallback();
  Failure EndOverdueCallbacks();
  Status CallLocal(TVMFFIObjectHandle function, TVMFFIAny* result, bool* raised);
  Failure AnswerCallback(const TVMFFIAny& value);
  Failure AnswerCallbackError(TVMFFIObjectHandle error);
  Failure ServeMemory();

  // The worker could not be given what a frame needs because it is dying.
  bool IsDeath(const Status& status) const;
  Failure Fail(WaitOutcome outcome);
  Failure Violation(const std::string& what);
  Failure GiveUp(std::optional<wire::KillCause> cause, const char* kind, const std::string& what);
  std::string Name() const;
  double Elapsed() const;
  uint32_t RecordedName() const;
  int64_t Took(const Failure& failure) const;
  // Of the user's making, and so noted and counted.
  bool IsCall() const { return spec_.op != FrameOp::kReady; }

  WorkerSlot* const slot_;
  CallLane* const lane_;
  const CallSpec& spec_;
  Worker* const worker_;  // the lane keeps it
  uint64_t call_id_ = 0;
  const uint32_t epoch_;
  const int64_t start_;
  const int64_t begun_;  // when its turn had come
  int64_t deadline_;
  int64_t in_callbacks_ = 0;
  bool sent_ = false;
  int waits_ = 0;
  RecordedOutcome outcome_ = RecordedOutcome::kFailed;
  StagingBlock spill_;
  // What the last failed callback raised: it comes back from the worker as a copy.
  Failure callback_error_;
  std::optional<ArgumentByte> overrun_;
  std::unique_ptr<const CallCopy> copy_;
  bool ended_worker_ = false;
  // Keeps results in reach when their worker was ended first.
  std::vector<std::shared_ptr<Arena>> results_;
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_EXCHANGE_H_
