// What a caller holds of things that live in a worker.
#ifndef TVMFFI_CLIENT_SRC_REMOTE_H_
#define TVMFFI_CLIENT_SRC_REMOTE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/src/exchange.h"
#include "client/src/worker_slot.h"
#include "proto/channel/wakeup.h"

namespace tvmffi::host {

// A module or another object of a worker. A module that was loaded here is found again in every
// worker of its slot; anything else ends with the worker that made it.
class RemoteReference {
 public:
  RemoteReference(std::shared_ptr<WorkerSlot> slot, uint32_t module);
  // Takes over one count of `handle`.
  RemoteReference(const std::shared_ptr<WorkerSlot>& slot, const std::shared_ptr<Worker>& worker,
                  uint64_t handle);
  ~RemoteReference();
  RemoteReference(const RemoteReference&) = delete;
  RemoteReference& operator=(const RemoteReference&) = delete;

  // Its handle in `worker`, or why it has none.
  Result<uint64_t> HandleIn(Worker& worker) const;
  // Null for an object whose slot is gone.
  std::shared_ptr<WorkerSlot> slot() const { return slot_ != nullptr ? slot_ : weak_slot_.lock(); }
  // Of a loaded module.
  std::optional<uint32_t> module() const { return module_; }
  // Names it in messages.
  std::string Describe() const;
  // Objects do not keep their worker running, functions and modules do.
  void KeepSlot(std::shared_ptr<WorkerSlot> slot) { slot_ = std::move(slot); }

 private:
  std::shared_ptr<WorkerSlot> slot_;
  std::weak_ptr<WorkerSlot> weak_slot_;
  std::optional<uint32_t> module_;
  std::weak_ptr<Worker> worker_;
  uint64_t worker_id_ = 0;
  uint64_t generation_ = 0;
  int pid_ = 0;
  std::string label_;
  uint64_t handle_ = 0;
};

// The reference behind a hosted module or object of this library, null for any other object.
const RemoteReference* FindRemoteReference(TVMFFIObjectHandle object);

// A function of a worker: of a module by name, or by handle.
class RemoteFunction {
 public:
  // `handle` is the function's in `worker`; one count of it is taken over. A function of a loaded
  // module is found again by its name in later workers.
  static Failure MakeFound(std::shared_ptr<RemoteReference> module, std::string name,
                           const std::shared_ptr<Worker>& worker, uint64_t handle, TVMFFIAny* out);
  // A function that a worker returned.
  static Status MakeReturned(const std::shared_ptr<WorkerSlot>& slot,
                             std::shared_ptr<RemoteReference> reference, TVMFFIAny* out);
  // The one behind a Function object, or null.
  static RemoteFunction* Find(TVMFFIObjectHandle function);

  // Its handle if `worker` has it and that is known without asking.
  std::optional<uint64_t> HandleIn(Worker& worker);

 private:
  RemoteFunction(std::shared_ptr<WorkerSlot> slot, std::shared_ptr<RemoteReference> reference,
                 std::string name);
  ~RemoteFunction();
  static Status Make(RemoteFunction* function, TVMFFIAny* out);
  static int Call(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
  static void Delete(void* self);
  Failure CallOn(CallLane* lane, const TVMFFIAny* args, int32_t num_args, CallSpec* call,
                 TVMFFIAny* result);
  // Gives a call that waited in vain for its turn a report; other failures stay as they are.
  Failure NotInTime(int64_t start, Failure failure) const;
  // Sends a call that has only plain values, of a function whose handle is known. False, and
  // nothing sent, when it is not of that kind.
  bool SendPlain(CallLane* lane, const TVMFFIAny* args, int32_t num_args);
  Failure FinishPlain(CallLane* lane, TVMFFIAny* result);
  CallSpec Spec(int64_t start);
  // Asks the worker for the function of that name.
  Failure Resolve(CallLane* lane, int64_t deadline, uint64_t* handle);
  bool Known(const Worker& worker, uint64_t* handle) const;

  const std::shared_ptr<WorkerSlot> slot_;
  // The module if there is a name, else the function itself.
  const std::shared_ptr<RemoteReference> reference_;
  const std::string name_;
  const ModuleSpec* spec_;
  const ReadOnlyArguments* read_only_;
  const CallRecorder* recorder_;  // null: none
  TVMFFIObjectHandle object_ = nullptr;
  CallAverage average_;
  // The handle in worker `known_worker_`, which is 0 while it changes.
  std::atomic<uint64_t> known_worker_{0};
  std::atomic<uint64_t> known_handle_{0};
  std::atomic<uint32_t> recorded_name_{0};  // in the same worker
};

// Asks a worker for the function `name` of its module `module`; 0 when there is none. `lane` is
// held by the caller.
Failure LookUpFunction(WorkerSlot* slot, CallLane* lane, uint64_t module, const std::string& name,
                       const ModuleSpec& spec, int64_t deadline, uint64_t* handle);

// Wraps a handle a worker sent: a function, a module or an object.
Status MakeRemote(const std::shared_ptr<WorkerSlot>& slot, const std::shared_ptr<Worker>& worker,
                  const ObjectDesc& desc, std::string_view key, TVMFFIAny* out);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_REMOTE_H_
