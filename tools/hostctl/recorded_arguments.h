// The values of a recorded call, brought back over memory like that which they had.
#ifndef TVMFFI_TOOLS_HOSTCTL_RECORDED_ARGUMENTS_H_
#define TVMFFI_TOOLS_HOSTCTL_RECORDED_ARGUMENTS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "proto/codec/any.h"
#include "proto/codec/value.h"
#include "proto/recording/recording.h"

namespace tvmffi::hostctl {

// Stands for one memory of a recording, and holds its bytes already.
struct ReplayMemory {
  char* data = nullptr;
  size_t size = 0;
  std::shared_ptr<void> keep;
};

// Trusts nothing in the recording: a frame that is malformed, or a tensor that leaves its memory,
// is InvalidArgument.
class RecordedArguments final : private ValueImporter {
 public:
  RecordedArguments() = default;
  ~RecordedArguments() override;
  RecordedArguments(const RecordedArguments&) = delete;
  RecordedArguments& operator=(const RecordedArguments&) = delete;

  // Once. `values` stays alive as long as this; `memory` is in the order of its memories.
  Status Read(const SavedValues& values, std::vector<ReplayMemory> memory);
  // Argument views.
  const std::vector<TVMFFIAny>& values() const { return values_; }

 private:
  struct PlainTensor {
    DLTensor tensor;
    std::vector<int64_t> extents;  // shape, then strides
  };

  Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                      bool as_pointer, TVMFFIAny* out) override;
  Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                      TVMFFIAny* out) override;
  Status ImportArgument(uint64_t index, TVMFFIAny* out) override;

  FrameReader reader_;
  std::vector<ReplayMemory> memory_;
  std::deque<PlainTensor> pointers_;
  std::vector<TVMFFIAny> values_;
};

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_RECORDED_ARGUMENTS_H_
