// Daemon and client in one test process: starts a real tvmffi-worker and speaks to it over its
// socket and its channel.
#ifndef TVMFFI_TESTS_HOSTD_WORKER_DRIVER_H_
#define TVMFFI_TESTS_HOSTD_WORKER_DRIVER_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/shm_segment.h"
#include "proto/channel/crash_page.h"
#include "proto/channel/lane.h"
#include "proto/codec/any.h"
#include "proto/codec/value.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// What the test process knows of the memory both sides share.
struct DriverMemory {
  std::map<uint32_t, ShmSegment> arenas;
};

// Answers a callback: fills the result or returns the error to raise.
using CallbackBody =
    std::function<bool(const std::vector<TVMFFIAny>& args, TVMFFIAny* result, ErrorText* error)>;

// Values of the test: tensors lie in arenas, handles are opaque objects that hold the id, functions
// are callbacks.
class DriverValues final : public ValueExporter, public ValueImporter {
 public:
  explicit DriverValues(DriverMemory* memory) : memory_(memory) {}

  Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                      int64_t* argument) override;
  Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                      TVMFFIByteArray* key) override;
  Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                      bool as_pointer, TVMFFIAny* out) override;
  Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                      TVMFFIAny* out) override;
  Status ImportArgument(uint64_t index, TVMFFIAny* out) override;

  // The block id given to exported tensors.
  uint64_t block_id = 77;
  // What the last imports said.
  TensorDesc last_tensor = {};
  std::string last_key;
  int32_t last_static_type_index = -1;
  int64_t last_argument = -1;

 private:
  DriverMemory* memory_;
  struct Deleter {
    void operator()(DLManagedTensorVersioned* tensor) const { tensor->deleter(tensor); }
  };
  // What DLTensor pointers point into.
  std::vector<std::unique_ptr<DLManagedTensorVersioned, Deleter>> borrowed_;
};

// An opaque object that stands for a handle of the worker.
OwnedAny MakeHandle(uint64_t id);
// One that stands for WorkerDriver::callbacks[index].
OwnedAny MakeCallback(uint64_t index);
uint64_t HandleId(const TVMFFIAny& value);

// How an exchange ended.
struct CallOutcome {
  WaitOutcome wait = WaitOutcome::kFrame;
  FrameOp op = FrameOp::kInvalid;
  OwnedAny result;
  ErrorText error;
  std::vector<Note> notes;
  int64_t last_argument = -1;
};

class WorkerDriver {
 public:
  WorkerDriver() = default;
  WorkerDriver(const WorkerDriver&) = delete;
  WorkerDriver& operator=(const WorkerDriver&) = delete;
  ~WorkerDriver();

  // Starts the program and waits for nothing.
  void Start(const wire::Limits& limits = {});
  // The same, after these messages.
  void StartAfter(const std::vector<wire::Message>& messages, const wire::WorkerStart& start);
  void SendControl(const wire::Message& message, std::vector<UniqueFd> fds = {});
  void OpenLane(uint32_t lane);
  // A new arena of the test, shared with the worker unless `share` is false.
  char* AddArena(uint32_t id, size_t size, bool share = true);
  void ShareArena(uint32_t id);

  void Lend(const std::string& path, UniqueFd copy);
  // Lends the file as it is now, then loads it.
  CallOutcome Load(const std::string& path);
  CallOutcome Call(uint64_t function, const std::vector<TVMFFIAny>& args, uint32_t lane = 0);
  CallOutcome CallGlobal(const std::string& name, const std::vector<TVMFFIAny>& args,
                         uint32_t lane = 0);
  // The handle of an exported function of the loaded probe module.
  uint64_t Function(const std::string& name);
  // Loads the probe module once.
  uint64_t Probe();

  // A frame as it is, answered or not.
  void SendRaw(const char* frame, size_t size, uint32_t lane = 0);
  CallOutcome Finish(uint32_t lane);
  // The number of the exchange that a raw frame opened on lane 0.
  void ExpectExchange(uint32_t number) { lane(0).exchange = number; }

  // Rides on the next request of lane 0.
  void Release(uint64_t handle) { lanes_[0]->writer.AddNote(NoteKind::kRelease, handle); }

  // Waits for the end of the process; the wait status.
  int Wait();
  void CloseSocket() { connection_ = ControlConnection(); }
  std::string Log() const;
  const CrashPage& crash_page() const;
  LaneMemory* lane_memory(uint32_t lane) const;
  DriverValues& values() { return values_; }
  pid_t pid() const { return pid_; }

  // Tests set these.
  std::vector<CallbackBody> callbacks;
  // Called for kNeedMemory; the arena granted, or 0 to refuse.
  std::function<uint32_t(uint64_t bytes)> grant;

 private:
  struct LaneState {
    SpinBudget spin{Side::kClient, 5000};
    Lane lane;
    FrameWriter writer;
    std::vector<char> frame;
    std::vector<char> spill;
    FrameReader reader;
    uint32_t exchange = 0;
  };

  LaneState& lane(uint32_t number);
  CallOutcome Exchange(FrameOp op, uint64_t target, const std::vector<TVMFFIAny>& args,
                       uint32_t lane_number);
  WaitOutcome Receive(LaneState* state);
  void AnswerCallback(LaneState* state);
  void AnswerMemory(LaneState* state);
  void Send(LaneState* state, FrameWriter* writer);
  CallOutcome Close(LaneState* state);

  pid_t pid_ = -1;
  int status_ = -1;
  UniqueFd log_;
  ControlConnection connection_;
  ShmSegment channel_;
  DriverMemory memory_;
  DriverValues values_{&memory_};
  std::vector<std::unique_ptr<LaneState>> lanes_ =
      std::vector<std::unique_ptr<LaneState>>(kMaxLanes);
  uint64_t probe_ = 0;
  std::map<std::string, uint64_t> functions_;
  uint64_t next_call_ = 1000;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_TESTS_HOSTD_WORKER_DRIVER_H_
