#include "tests/proto/sample_frames.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "proto/codec/spill.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

OwnedAny MakeError() {
  const TVMFFIByteArray part = {"part", 4};
  TVMFFIObjectHandle handle = nullptr;
  TVMFFIErrorCreate(&part, &part, &part, &handle);
  OwnedAny error;
  *error.out() = PodAny(kTVMFFIError, reinterpret_cast<uint64_t>(handle));
  return error;
}

OwnedAny MakeFunction() {
  OwnedAny function;
  *function.out() = PodAny(kTVMFFIFunction, reinterpret_cast<uint64_t>(FindGlobal("ffi.Array")));
  return function;
}

SampleFrame Encode(const char* name, const std::vector<TVMFFIAny>& values, TestMemory* memory) {
  FrameWriter writer;
  writer.Start(FrameOp::kCall, 1, 2, 3, static_cast<uint32_t>(values.size()));
  for (uint32_t i = 0; i < values.size(); ++i) {
    if (Status status = writer.Put(i, values[i], memory); !status.ok()) {
      std::fprintf(stderr, "sample frame %s: %s\n", name, status.message.c_str());
      std::abort();
    }
  }
  writer.AddNote(NoteKind::kRelease, 5);
  const char* frame = writer.Finish();
  return {name, std::vector<char>(frame, frame + writer.size())};
}

SampleFrame Spill() {
  FrameWriter writer;
  writer.Start(FrameOp::kCall, 1, 2, 3, 1);
  SampleFrame sample = {"spilled", std::vector<char>(kSpillFrame)};
  MakeSpillFrame(writer.Finish(), {6, 0, 4096, 70000}, sample.bytes.data());
  return sample;
}

}  // namespace

std::vector<SampleFrame> SampleFrames() {
  TestMemory memory;
  int64_t shape[] = {3, 2};
  int64_t strides[] = {-4, 1};
  DLTensor tensor = {memory.memory + 128, {kDLCPU, 0}, 2, {kDLFloat, 32, 1}, shape, strides, 0};
  const TVMFFIAny pointer = PodAny(kTVMFFIDLTensorPtr, reinterpret_cast<uint64_t>(&tensor));
  TVMFFIByteArray bytes = {"0123456789", 10};
  const TVMFFIAny view = PodAny(kTVMFFIByteArrayPtr, reinterpret_cast<uint64_t>(&bytes));
  const OwnedAny function = MakeFunction();
  const OwnedAny error = MakeError();
  const OwnedAny small = TextAny("small");
  const OwnedAny text = TextAny("a text beyond seven bytes");
  const OwnedAny extents = CallGlobal("ffi.Shape", {IntAny(2), IntAny(3)});
  const OwnedAny list = CallGlobal("ffi.List", {text.get(), extents.get()});
  const OwnedAny map = CallGlobal("ffi.Map", {text.get(), list.get(), IntAny(1), function.get()});
  const OwnedAny dict = CallGlobal("ffi.Dict", {small.get(), error.get()});
  const std::vector<TVMFFIAny> plain = {IntAny(1),
                                        NoneAny(),
                                        PodAny(kTVMFFIBool, 1),
                                        PodAny(kTVMFFIFloat, 0),
                                        PodAny(kTVMFFIDataType, 0x12002),
                                        PodAny(kTVMFFIDevice, 1)};
  const std::vector<TVMFFIAny> texts = {RawStrAny("raw"), view, small.get(), text.get()};
  const std::vector<TVMFFIAny> containers = {map.get(), list.get(), dict.get(), error.get()};
  const std::vector<TVMFFIAny> foreign = {pointer, function.get()};

  std::vector<SampleFrame> samples;
  samples.push_back(Encode("plain", plain, &memory));
  samples.push_back(Encode("texts", texts, &memory));
  samples.push_back(Encode("containers", containers, &memory));
  samples.push_back(Encode("foreign", foreign, &memory));
  memory.export_kind = kWireCallback;
  samples.push_back(Encode("callback", {function.get()}, &memory));
  memory.export_kind = kWireArgument;
  samples.push_back(Encode("argument", {function.get()}, &memory));
  memory.export_kind = kWireHandle;
  samples.push_back(Spill());
  std::vector<TVMFFIAny> all = plain;
  for (const auto* part : {&texts, &containers, &foreign})
    all.insert(all.end(), part->begin(), part->end());
  samples.push_back(Encode("everything", all, &memory));
  return samples;
}

}  // namespace tvmffi
