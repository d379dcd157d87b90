// Any bytes as a recording of a call, as far as replay trusts itself to read it. What is accepted
// keeps its promises: its memory lies in the file, and its tensors in their memory.
#include "proto/recording/recording.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "proto/codec/tensor.h"
#include "tools/hostctl/recorded_arguments.h"

namespace tvmffi {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// Memory of exactly the recorded size: the sanitizer sees every byte beside it.
hostctl::ReplayMemory CopyOf(const SavedMemory& memory) {
  auto bytes = std::make_shared<std::vector<char>>(memory.bytes.begin(), memory.bytes.end());
  return {bytes->data(), bytes->size(), bytes};
}

void Touch(const DLTensor& tensor) {
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TensorSpan span;
  Check(LayoutOf(tensor, scratch, &layout).ok());
  Check(SpanOf(layout, &span).ok());
  volatile const char* first = static_cast<const char*>(tensor.data);
  for (int64_t at = span.low; at < span.high; ++at) static_cast<void>(first[at]);
}

void Restore(const SavedCall& call) {
  if (!call.values.refusal.empty()) return;
  std::vector<hostctl::ReplayMemory> memory;
  for (const SavedMemory& saved : call.values.memory) memory.push_back(CopyOf(saved));
  hostctl::RecordedArguments arguments;
  Status read = arguments.Read(call.values, std::move(memory));
  if (!read.ok()) {
    Check(!read.message.empty());
    return;
  }
  for (const TVMFFIAny& value : arguments.values()) {
    if (value.type_index == kTVMFFITensor) Touch(*TVMFFITensorGetDLTensorPtr(value.v_obj));
    if (value.type_index == kTVMFFIDLTensorPtr) Touch(*static_cast<DLTensor*>(value.v_ptr));
  }
}

}  // namespace
}  // namespace tvmffi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tvmffi::Check;
  const std::vector<char> file(data, data + size);
  tvmffi::Result<tvmffi::CallRecording> read = tvmffi::ReadRecording(file.data(), file.size());
  if (!read.ok()) {
    Check(!read.status().message.empty());
    return 0;
  }
  size_t bytes = 0;
  for (const tvmffi::SavedMemory* memory : read->AllMemory()) {
    Check(memory->bytes.data() >= file.data());
    bytes += memory->bytes.size();
  }
  Check(bytes <= size);
  Check(tvmffi::EncodeRecordingHead(*read).ok());
  tvmffi::Restore(read->call);
  for (const tvmffi::SavedCall& call : read->init) tvmffi::Restore(call);
  return 0;
}
