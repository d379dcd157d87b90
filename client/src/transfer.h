// What one call lends to its worker, and what it gets back: tensors, callables, handles.
#ifndef TVMFFI_CLIENT_SRC_TRANSFER_H_
#define TVMFFI_CLIENT_SRC_TRANSFER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/src/stats.h"
#include "client/src/worker.h"
#include "proto/codec/tensor.h"
#include "proto/codec/value.h"

namespace tvmffi::host {

class WorkerSlot;

// Stands for a worker's object among the arguments of a call the client makes on its own account.
struct HandleView {
  explicit HandleView(uint64_t id) : id(id) {
    header = {};
    header.type_index = kTVMFFIModule;
  }
  TVMFFIAny any() const {
    TVMFFIAny view = NoneAny();
    view.type_index = kTVMFFIModule;
    view.v_obj = const_cast<TVMFFIObject*>(&header);
    return view;
  }
  TVMFFIObject header;
  uint64_t id;
};

// Which arguments of a function only go in.
struct ReadOnlyArguments {
  bool all = false;
  std::vector<int64_t> indices;
  bool Has(int32_t index) const;
};

// Belongs to one lane; used by one call at a time. A call is: Begin, values encoded, StageIn,
// nested requests, CopyBack, values decoded, End.
class Transfer final : public ValueExporter, public ValueImporter {
 public:
  void Begin(WorkerSlot* slot, Worker* worker, uint32_t lane, LaneCounters* counters);
  void End();

  // Encodes the arguments of a call into a started frame, from cell `first` on. Plain tensors in
  // those that `read_only` (may be null) names are never copied back. On failure `*bad_argument` is
  // the one that cannot cross.
  Status PutArguments(FrameWriter* writer, uint32_t first, const TVMFFIAny* args, int32_t num_args,
                      const ReadOnlyArguments* read_only, int32_t* bad_argument);
  // Overlapping tensors were met that must be copied as one: start the frame again and repeat
  // PutArguments.
  bool encode_again() const { return encode_again_; }
  // Encodes what a callback returned.
  Status PutCallbackResult(FrameWriter* writer, const TVMFFIAny& value);
  // Copies plain tensors in that have been encoded since the last time.
  void StageIn();
  // Copies them back, those that may have changed. Nothing is copied when the worker wrote past the
  // end of one: the first byte it wrote there.
  std::optional<ArgumentByte> CopyBack();
  // What lies at `offset` of an arena, or beside it: nothing when no argument is near.
  std::optional<ArgumentByte> Locate(uint32_t arena_id, int64_t offset) const;
  // The worker goes on using an argument.
  void Retain(uint64_t block_id);

  // While `handle` is not null, an object that comes back is not wrapped: its handle is stored
  // there.
  void TakeHandle(uint64_t* handle) { taken_handle_ = handle; }

  // The function behind a callback id of this call, or null. Borrowed.
  TVMFFIObjectHandle Callback(uint64_t id) const;

  Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                      int64_t* argument) override;
  Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                      TVMFFIByteArray* key) override;
  Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                      bool as_pointer, TVMFFIAny* out) override;
  Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                      TVMFFIAny* out) override;
  Status ImportArgument(uint64_t index, TVMFFIAny* out) override;

 private:
  // A tensor that went to the worker during this call.
  struct Lent {
    TVMFFIAny cell;
    ObjectRef keep;  // what a callback returned
    int32_t argument;
    std::shared_ptr<Arena> arena;
    std::shared_ptr<PoolBlock> pool_block;
    const char* first_element = nullptr;
    // Where the worker finds it; 0 for a tensor without bytes.
    uint32_t arena_id = 0;
    int64_t arena_offset = 0;  // of its lowest byte
    int64_t nbytes = 0;
    int64_t data_offset = 0;  // of its first element
    // Of a plain tensor: where in `ranges_` its copy lies, and what to copy.
    int range = -1;
    bool copy_back = false;
    TensorSpan span = {};
    DLDataType dtype = {};
    std::vector<int64_t> shape;
    std::vector<int64_t> strides;

    TensorLayout layout() const {
      return {dtype, static_cast<uint32_t>(shape.size()), shape.data(), strides.data()};
    }
  };
  // Caller's memory [low, high), copied to `block`.
  struct Range {
    const char* low;
    const char* high;
    std::shared_ptr<StagingBlock> block;
    size_t pad;  // `low` lies that far into the block, which keeps its alignment

    Slack slack() const {
      char* begin = block->data() + pad;
      return {begin - kFrontSlack, begin, begin + (high - low), block->data() + block->size};
    }

    char* staged(const char* address) const { return block->data() + pad + (address - low); }
    uint64_t arena_offset(const char* address) const {
      return block->offset + pad + (address - low);
    }
  };

  const TVMFFIAny* TakeMoved(const TVMFFIAny* args, int32_t num_args);
  Status LendArena(std::shared_ptr<Arena> arena, const TensorLayout& layout, const TensorSpan& span,
                   const char* first, TensorDesc* desc, Lent* lent);
  Status LendCopy(const TensorLayout& layout, const TensorSpan& span, const char* first,
                  TensorDesc* desc, Lent* lent);
  Status AddRange(const char* low, const char* high, int* range);
  std::optional<int64_t> OverrunOf(const Lent& lent) const;
  void CopyBack(const Lent& lent);
  TVMFFIObjectHandle OwnerOf(int range) const;
  Status ExportFunction(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc);
  Status ImportStaged(const std::shared_ptr<Arena>& arena, const TensorDesc& desc,
                      const TensorLayout& layout, TVMFFIAny* out);
  uint64_t BlockId(size_t index) const { return first_block_ + index; }

  WorkerSlot* slot_ = nullptr;
  Worker* worker_ = nullptr;
  LaneCounters* counters_ = nullptr;
  // Arenas that `known_worker_` has, by the low bits of their id: spares most calls a lock. Ids are
  // never reused.
  uint64_t known_worker_ = 0;
  std::array<uint32_t, 64> known_arenas_ = {};
  uint64_t first_block_ = 0;
  uint64_t next_block_ = 0;
  std::vector<Lent> lent_;
  size_t staged_in_ = 0;
  std::vector<Range> ranges_;
  // Ranges known to be needed because arguments overlap.
  std::vector<std::pair<const char*, const char*>> planned_;
  bool encode_again_ = false;
  int32_t argument_ = -1;  // being encoded; -1 for what a callback returned
  bool read_only_ = false;
  bool in_request_ = false;
  // What kWireArgument counts: tensors and callbacks of the request.
  std::vector<TVMFFIAny> arguments_;
  // Arguments given by rvalue reference, taken out of it; what is encoded then.
  std::vector<ObjectRef> moved_;
  std::vector<TVMFFIAny> plain_args_;
  std::vector<TVMFFIObjectHandle> callbacks_;
  std::vector<ObjectRef> kept_;
  uint64_t* taken_handle_ = nullptr;
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_TRANSFER_H_
