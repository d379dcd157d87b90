// Values of a call, copied with all the bytes of their tensors, as a recording holds them.
#ifndef TVMFFI_CLIENT_SRC_RECORDED_VALUES_H_
#define TVMFFI_CLIENT_SRC_RECORDED_VALUES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/src/worker.h"
#include "proto/codec/tensor.h"
#include "proto/codec/value.h"
#include "proto/recording/recording.h"

namespace tvmffi::host {

// Tensors keep their layout, what of them overlaps, and the place of their memory: which bytes lie
// beside it decides how a fault shows.
class ValuesCopy final : private ValueExporter {
 public:
  // Copies now. Values that cannot be recorded are no error: refusal() then says which and why.
  // Rvalue references are left alone. `worker` (may be null) is the one they are for.
  ValuesCopy(const TVMFFIAny* values, int32_t count, Worker* worker);

  const std::string& refusal() const { return refusal_; }
  // Views of the bytes copied here.
  SavedValues View() const;

 private:
  // Memory [low, high) of tensors, and the copy of it.
  struct Area {
    const char* low;
    const char* high;
    SavedPlace place;
    std::unique_ptr<char[]> bytes;
    size_t size() const { return static_cast<size_t>(high - low); }
  };
  // A tensor in plain memory: the bytes between its elements are nobody's business.
  struct Piece {
    size_t area;
    const char* first;
    DLDataType dtype;
    std::vector<int64_t> shape;
    std::vector<int64_t> strides;
    TensorLayout layout() const {
      return {dtype, static_cast<uint32_t>(shape.size()), shape.data(), strides.data()};
    }
  };

  Status Encode(const TVMFFIAny* values, int32_t count);
  Status CopyBytes();
  Area Surroundings(const char* low, const char* high) const;
  // The index of an area that holds `wanted`. Overlapping areas become one, which moves offsets
  // that were encoded before: then `encode_again_`.
  size_t AddArea(Area wanted);
  Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                      int64_t* argument) override;
  Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                      TVMFFIByteArray* key) override;

  Worker* const worker_;
  FrameWriter writer_;
  std::vector<char> frame_;
  std::vector<Area> areas_;
  std::vector<Piece> pieces_;
  bool encode_again_ = false;
  std::string refusal_;
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_RECORDED_VALUES_H_
