// A call that ended its worker, as a file: what it was given, what its worker was allowed, and how
// that ended. Made by a client with option `record`, run again by tvmffi-hostctl replay.
//
//   "TVMFCALL" | version u32 | size of the head u32 | head (schema/recording.fbs) | bytes of memory
//
// Little-endian. The bytes of all memories follow each other without gaps, up to the file's end.
// A recording is as hostile as any file that was sent by mail: the reader checks everything.
#ifndef TVMFFI_PROTO_RECORDING_RECORDING_H_
#define TVMFFI_PROTO_RECORDING_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi {

inline constexpr char kRecordingSuffix[] = ".tvmffi-call";
inline constexpr uint32_t kRecordingVersion = 1;
// Bounds on what a file may make its reader allocate.
inline constexpr size_t kMaxRecordingHead = size_t{512} << 20;
inline constexpr size_t kMaxRecordingFile = size_t{4} << 30;
inline constexpr size_t kMaxRecordedMemories = 1u << 16;
inline constexpr size_t kMaxRecordedText = 1u << 20;
inline constexpr size_t kMaxRecordedList = 4096;
// Plain memory keeps its address modulo this.
inline constexpr size_t kRecordedAlignment = 64;

enum class SavedPlace : uint8_t { kPlain, kGuardRight, kGuardLeft, kInput, kPool };

// `bytes` are somebody else's: the writer's caller's, or the reader's file.
struct SavedMemory {
  SavedPlace place = SavedPlace::kPlain;
  uint32_t misalignment = 0;
  std::string_view bytes;
};

struct SavedValues {
  std::vector<char> frame;  // proto/codec/frame.h; not looked into here
  std::vector<SavedMemory> memory;
  std::string refusal;  // why the values are not here; empty: they are
};

struct SavedCall {
  std::string function;
  SavedValues values;
};

struct SavedModule {
  std::string path;
  std::string sha256;
  uint64_t size = 0;
  std::string build_id;
};

// Deadlines in seconds; negative: none.
struct SavedSetting {
  std::string policy;
  std::vector<std::string> environment;
  std::vector<std::string> require;
  std::vector<std::string> layers;
  std::string reuse;
  bool poison = false;
  double deadline = -1;
  double queue_deadline = -1;
  double load_deadline = -1;
  std::string worker_modules;
};

struct SavedOutcome {
  std::string kind;
  std::string cause;
  int32_t signal = 0;
  int32_t exit_status = -1;
  std::optional<int32_t> fault_argument;
  std::optional<int64_t> fault_offset;  // there when the argument is
  std::optional<bool> is_write;
  bool stack_overflow = false;
  std::string bucket;
};

struct CallRecording {
  std::string library_version;
  uint64_t call_number = 0;
  // Loading the module ended the worker: there was no call.
  bool is_load = false;
  SavedModule module;
  SavedCall call;
  std::vector<SavedCall> init;
  SavedSetting setting;
  SavedOutcome outcome;

  // All memories in the order of the file.
  std::vector<const SavedMemory*> AllMemory() const;
};

// Everything of the file but the bytes of memory. InvalidArgument for what the reader would refuse.
Result<std::string> EncodeRecordingHead(const CallRecording& recording);

// Views of `bytes`, which stay alive and unchanged as long as the recording is used.
// InvalidArgument says what is wrong with them.
Result<CallRecording> ReadRecording(const char* bytes, size_t size);

// The content of a regular file, at most kMaxRecordingFile bytes. Messages name the path.
Result<std::string> ReadRecordingFile(const std::string& path);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_RECORDING_RECORDING_H_
