// Writes the seeds of fuzz_recording: make_recording_corpus <folder>.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "proto/codec/any.h"
#include "proto/codec/value.h"
#include "proto/recording/recording.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

// Says of each tensor that it begins its memory, the next one of the recording.
class InTurn final : public ValueExporter {
 public:
  Status ExportTensor(const TVMFFIAny&, const DLTensor& tensor, TensorDesc* desc,
                      int64_t*) override {
    int64_t scratch[kMaxNdim];
    TensorLayout layout;
    TensorSpan span;
    TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
    TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
    desc->arena_id = next_++;
    desc->nbytes = static_cast<uint64_t>(span.nbytes());
    desc->data_offset = static_cast<uint64_t>(-span.low);
    return OkStatus();
  }
  Status ExportObject(const TVMFFIAny&, int32_t*, ObjectDesc*, TVMFFIByteArray*) override {
    return {Code::kInvalidArgument, "no value"};
  }

 private:
  uint32_t next_ = 0;
};

std::vector<char> Frame(const std::vector<TVMFFIAny>& values) {
  FrameWriter writer;
  InTurn exporter;
  writer.Start(FrameOp::kCall, 0, 0, 0, static_cast<uint32_t>(values.size()));
  for (uint32_t i = 0; i < values.size(); ++i) {
    if (!writer.Put(i, values[i], &exporter).ok()) std::abort();
  }
  const char* frame = writer.Finish();
  return {frame, frame + writer.size()};
}

CallRecording Sample() {
  CallRecording recording;
  recording.library_version = "0.1.0";
  recording.call_number = 1;
  recording.module = {"/plugins/a.so", std::string(64, '0'), 1024, "01ab"};
  const OwnedAny text = TextAny("a text that is not small");
  recording.call = {"run", {Frame({IntAny(42), text.get()}), {}, ""}};
  recording.setting.policy = "network = false\n";
  recording.setting.environment = {"LANG=C"};
  recording.setting.reuse = "module";
  recording.setting.deadline = 30;
  recording.outcome = {"WorkerCrashed", "signal", 11, -1, {}, {}, {}, false, "0123456789abcdef"};
  return recording;
}

TVMFFIAny PointerTo(DLTensor* tensor) {
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIDLTensorPtr;
  any.v_ptr = tensor;
  return any;
}

CallRecording WithTensors() {
  static float elements[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  static int64_t shape[2] = {2, 4};
  static int64_t reversed[2] = {-4, 1};
  DLTensor straight = {};
  straight.data = elements;
  straight.device = {kDLCPU, 0};
  straight.ndim = 2;
  straight.dtype = {kDLFloat, 32, 1};
  straight.shape = shape;
  DLTensor backwards = straight;
  backwards.data = elements + 4;
  backwards.strides = reversed;
  CallRecording recording = Sample();
  SavedValues& values = recording.call.values;
  values.frame = Frame({PointerTo(&straight), PointerTo(&backwards)});
  // One of them as an object: its cell differs in nothing else.
  const int32_t kind = kTVMFFITensor;
  std::memcpy(&values.frame[sizeof(FrameHeader)], &kind, sizeof(kind));
  const std::string_view bytes(reinterpret_cast<const char*>(elements), sizeof(elements));
  values.memory = {{SavedPlace::kGuardRight, 0, bytes}, {SavedPlace::kPlain, 4, bytes}};
  recording.init = {{"setup", {Frame({}), {}, ""}}};
  recording.outcome.fault_argument = 1;
  recording.outcome.fault_offset = 32;
  recording.outcome.is_write = true;
  return recording;
}

CallRecording Refused() {
  CallRecording recording = Sample();
  recording.call.values = {{}, {}, "argument 0 cannot be recorded: it is a callable"};
  return recording;
}

bool Write(const std::string& path, const CallRecording& recording) {
  Result<std::string> head = EncodeRecordingHead(recording);
  if (!head.ok()) return false;
  std::ofstream file(path, std::ios::binary);
  file << *head;
  for (const SavedMemory* memory : recording.AllMemory()) file << memory->bytes;
  return static_cast<bool>(file.flush());
}

}  // namespace
}  // namespace tvmffi

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s <folder>\n", argv[0]);
    return 2;
  }
  const std::string folder = argv[1];
  const bool written = tvmffi::Write(folder + "/values", tvmffi::Sample()) &&
                       tvmffi::Write(folder + "/tensors", tvmffi::WithTensors()) &&
                       tvmffi::Write(folder + "/refused", tvmffi::Refused());
  if (!written) std::fprintf(stderr, "cannot write to %s\n", folder.c_str());
  return written ? 0 : 1;
}
