// Serves one lane: takes requests from the client, runs them, answers.
#ifndef TVMFFI_HOSTD_WORKER_LANE_SERVER_H_
#define TVMFFI_HOSTD_WORKER_LANE_SERVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hostd/worker/call_values.h"
#include "proto/channel/lane.h"

namespace tvmffi::hostd {

// Belongs to one thread, which must call Run. A client that breaks the protocol ends the process,
// with a line in the log.
class LaneServer final : public CallbackCarrier, public MemorySource {
 public:
  // `memory` lies in the channel. All pointers stay valid for ever.
  LaneServer(WorkerState* state, LaneMemory* memory, uint32_t lane, int64_t cold_wake);

  [[noreturn]] void Run();

  // Only while a call is served, on this thread.
  int CallBack(uint64_t id, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) override;
  Status RequestMemory(uint64_t bytes) override;

 private:
  // Receives a frame into `*frame`.
  void ReceiveFrame(std::vector<char>* frame);
  // Opens a received frame, once it has all of it.
  void Open(std::vector<char>* frame, FrameReader* reader);
  void FetchSpilled(const SpillRef& ref, std::vector<char>* frame);
  // The answer to a nested request.
  void ReceiveAnswer();
  void TakeNotes(const FrameReader& reader);

  void Serve();
  // A call of a function the lane knows with plain values, the short way. False, and nothing done,
  // when it is anything else.
  bool ServePlain();
  // Decodes the cells from `first_cell` on, calls `function` with them and answers.
  void Execute(TVMFFIObjectHandle function, uint32_t first_cell);
  void ExecuteGlobal();
  void Load();
  // Of a shared library, from its copy.
  void LoadCopy(const std::string& path);
  // Answers with what a function returned.
  void Finish(int code, TVMFFIAny* result);
  Status DecodeArguments(uint32_t first_cell);
  void ReleaseArguments();

  // Each sends the frame that closes the exchange.
  void Reply(TVMFFIAny* result);
  // False, and nothing sent, when the result is not plain or notes are to be sent.
  bool ReplyPlain(const TVMFFIAny& result);
  void ReplyRaised(int code);
  void ReplyStatus(const Status& status);
  void ReplyError(const ErrorText& error);
  // Ends the call's values and sends what `reply_` holds. Fails when a large frame finds no memory;
  // nothing is sent then.
  Status FinishReply();
  Status Send(FrameWriter* writer);

  int FinishCallback(TVMFFIAny* result);
  int RaiseCallbackError();
  [[noreturn]] void Die(const std::string& why) const;

  WorkerState* state_;
  uint32_t number_;
  std::atomic<uint32_t>* owner_word_;
  SpinBudget spin_;
  Lane lane_;
  FunctionCache functions_;
  CallValues values_;

  // The request stays as it is while it is served: arguments point into it.
  std::vector<char> request_;
  FrameReader request_reader_;
  std::vector<char> answer_;
  FrameReader answer_reader_;
  FrameWriter reply_;
  FrameWriter nested_;
  FrameWriter memory_request_;
  // The client has copied it before it sends anything.
  ResultBlock spilled_;

  std::vector<TVMFFIAny> args_;
  uint64_t call_id_ = 0;
  uint32_t lane_call_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_LANE_SERVER_H_
