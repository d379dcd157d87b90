// The values of one call: what arguments become in this process, and how results and callback
// arguments leave it.
#ifndef TVMFFI_HOSTD_WORKER_CALL_VALUES_H_
#define TVMFFI_HOSTD_WORKER_CALL_VALUES_H_

#include <cstdint>
#include <vector>

#include "hostd/worker/argument_tensor.h"
#include "hostd/worker/callback.h"
#include "hostd/worker/handle_table.h"
#include "hostd/worker/module_table.h"
#include "hostd/worker/result_allocator.h"
#include "proto/channel/start_times.h"
#include "proto/codec/value.h"

namespace tvmffi::hostd {

// What all lanes of the worker share.
struct WorkerState {
  ArenaTable arenas;
  ModuleTable modules;
  HandleTable handles;
  ResultMemory results;
  NoteQueue notes;
  StartTimes* start_times = nullptr;  // in the channel
};

// Used by one lane's thread only, for one call after the other.
class CallValues final : public ValueImporter, public ValueExporter {
 public:
  CallValues(WorkerState* state, CallbackCarrier* carrier);

  // What is imported until EndRequest is an argument that replies may name.
  void Begin() { in_request_ = true; }
  void EndRequest() { in_request_ = false; }

  // After the call, when its arguments have been released: ends callbacks, takes tensors back,
  // reports those that the plug-in kept. False when there are more of them than one frame can
  // report.
  bool End(FrameWriter* reply);

  // A frame with values of this process is begun; if it is dropped instead of sent, the handles in
  // it are released.
  void BeginExport() { exported_.clear(); }
  void DropExport();

  // Memory outside all arenas was copied into result memory for a callback: copies what the
  // callback did to it back.
  void CopyBack();

  Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                      bool as_pointer, TVMFFIAny* out) override;
  Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                      TVMFFIAny* out) override;
  Status ImportArgument(uint64_t index, TVMFFIAny* out) override;

  Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                      int64_t* argument) override;
  Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                      TVMFFIByteArray* key) override;

 private:
  struct Copied {
    DLTensor original;
    ObjectRef copy;
  };

  uint64_t Export(ObjectRef object);
  Result<char*> Locate(const TensorDesc& desc);
  Status ImportCallback(uint64_t id, TVMFFIAny* out);
  int64_t ArgumentOf(const void* object) const;
  int64_t ArgumentOf(const DLTensor* tensor) const;
  Status ExportCopy(const DLTensor& tensor, const TensorLayout& layout, const TensorSpan& span,
                    TensorDesc* desc);
  bool EndTensor(ArgumentTensor* tensor, FrameWriter* reply);

  WorkerState* state_;
  CallbackCarrier* carrier_;
  ArenaCache arenas_;
  ArgumentTensorPool pool_;
  bool in_request_ = false;
  // The tensors and callbacks of the request, in encoding order.
  std::vector<const void*> arguments_;
  std::vector<ArgumentTensor*> tensors_;
  std::vector<Callback*> callbacks_;
  std::vector<Copied> copied_;
  std::vector<uint64_t> exported_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_CALL_VALUES_H_
