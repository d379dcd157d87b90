// Option `record` of load_module: calls that end their worker, written to files.
#ifndef TVMFFI_CLIENT_SRC_CALL_RECORDER_H_
#define TVMFFI_CLIENT_SRC_CALL_RECORDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/src/recorded_values.h"
#include "client/src/report.h"

namespace tvmffi::host {

struct CallSpec;
struct ModuleSpec;
class WorkerSlot;

// A call as it was before it was sent.
struct CallCopy {
  std::string function;
  uint64_t number;
  ValuesCopy values;
  std::string refusal;   // why it cannot be replayed, whatever its values
  bool is_load = false;  // of the module itself
};

// What ended it: the error's kind, and why this process had the worker killed, if it had.
struct CallEnd {
  const char* kind;
  const WorkerEnd& end;
  std::optional<wire::KillCause> cause;
};

// Thread-safe. Belongs to the module's spec.
class CallRecorder {
 public:
  // The arguments of init calls are copied here, before the first of them. InvalidArgument when
  // `folder` is none.
  static Result<std::shared_ptr<const CallRecorder>> Make(std::string folder,
                                                          const ModuleSpec* spec);

  std::unique_ptr<const CallCopy> Copy(const CallSpec& call, Worker* worker) const;

  // Writes a file, unless another call of the worker ended it. `recording` and `recording_note` of
  // `failed` become what is to be told of it.
  void Write(const CallCopy& copy, const CallEnd& end, const WorkerSlot& slot, const Worker& worker,
             FailedCall* failed) const;

 private:
  CallRecorder(std::string folder, const ModuleSpec* spec)
      : folder_(std::move(folder)), spec_(spec) {}
  CallRecording Describe(const CallCopy& copy, const CallEnd& end, const WorkerSlot& slot,
                         const Worker& worker, const FailedCall& failed) const;

  const std::string folder_;
  const ModuleSpec* const spec_;
  std::vector<CallCopy> init_;
  mutable std::atomic<uint64_t> calls_{0};
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_CALL_RECORDER_H_
