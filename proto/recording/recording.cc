#include "proto/recording/recording.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "proto/base/sha256.h"
#include "proto/base/unique_fd.h"
#include "proto/schema/recording_generated.h"

namespace tvmffi {
namespace {

constexpr char kMagic[8] = {'T', 'V', 'M', 'F', 'C', 'A', 'L', 'L'};
constexpr int kMaxNesting = 8;
constexpr int kMaxTables = 1 << 18;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t head_size;
};
static_assert(sizeof(FileHeader) == 16, "no padding");

Status Invalid(const std::string& what) {
  return {Code::kInvalidArgument, "this is no recording of a call: " + what};
}

bool IsPlainText(const std::string& text) {
  return text.size() <= kMaxRecordedText && text.find('\0') == std::string::npos;
}

Status CheckText(const char* what, const std::string& text) {
  if (IsPlainText(text)) return OkStatus();
  return Invalid(std::string(what) + " has " + std::to_string(text.size()) +
                 " bytes or a NUL among them, limit is " + std::to_string(kMaxRecordedText));
}

Status TooMany(size_t count, const char* what) {
  return Invalid(std::to_string(count) + " entries of " + what + ", limit is " +
                 std::to_string(kMaxRecordedList));
}

Status CheckTexts(const char* what, const std::vector<std::string>& texts) {
  if (texts.size() > kMaxRecordedList) return TooMany(texts.size(), what);
  for (const std::string& text : texts) TVMFFI_RETURN_IF_ERROR(CheckText(what, text));
  return OkStatus();
}

bool IsDigest(const std::string& text) {
  return text.size() == kSha256Digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status CheckModule(const SavedModule& module) {
  TVMFFI_RETURN_IF_ERROR(CheckText("the module's path", module.path));
  TVMFFI_RETURN_IF_ERROR(CheckText("the module's build id", module.build_id));
  if (module.path.empty() || module.path[0] != '/') {
    return Invalid("the module's path is not absolute");
  }
  if (!module.sha256.empty() && !IsDigest(module.sha256)) {
    return Invalid("the module's SHA-256 is no digest");
  }
  return OkStatus();
}

Status CheckCall(const SavedCall& call) {
  TVMFFI_RETURN_IF_ERROR(CheckText("a function's name", call.function));
  if (call.function.empty()) return Invalid("a call of a function without a name");
  TVMFFI_RETURN_IF_ERROR(CheckText("a refusal", call.values.refusal));
  const bool has_values = !call.values.frame.empty();
  if (has_values == !call.values.refusal.empty()) {
    return Invalid("the arguments of '" + call.function + "' are " +
                   (has_values ? "both there and refused" : "neither there nor refused"));
  }
  for (const SavedMemory& memory : call.values.memory) {
    if (memory.bytes.empty() || memory.misalignment >= kRecordedAlignment) {
      return Invalid("memory of " + std::to_string(memory.bytes.size()) + " bytes, misaligned by " +
                     std::to_string(memory.misalignment));
    }
  }
  return OkStatus();
}

Status CheckSetting(const SavedSetting& setting) {
  TVMFFI_RETURN_IF_ERROR(CheckText("the policy", setting.policy));
  TVMFFI_RETURN_IF_ERROR(CheckTexts("the environment", setting.environment));
  TVMFFI_RETURN_IF_ERROR(CheckTexts("the required layers", setting.require));
  TVMFFI_RETURN_IF_ERROR(CheckTexts("the layers", setting.layers));
  TVMFFI_RETURN_IF_ERROR(CheckText("the modules", setting.worker_modules));
  for (const std::string& entry : setting.environment) {
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Invalid("an entry of the environment is no NAME=value");
    }
  }
  if (setting.reuse != "never" && setting.reuse != "module" && setting.reuse != "session") {
    return Invalid("its worker was used again for '" + setting.reuse + "'");
  }
  for (double seconds : {setting.deadline, setting.queue_deadline, setting.load_deadline}) {
    if (!std::isfinite(seconds)) return Invalid("a deadline is no number");
  }
  return OkStatus();
}

Status CheckOutcome(const SavedOutcome& outcome) {
  TVMFFI_RETURN_IF_ERROR(CheckText("the error's kind", outcome.kind));
  TVMFFI_RETURN_IF_ERROR(CheckText("the cause", outcome.cause));
  TVMFFI_RETURN_IF_ERROR(CheckText("the bucket", outcome.bucket));
  if (outcome.fault_argument.has_value() != outcome.fault_offset.has_value()) {
    return Invalid("a faulting argument without an offset");
  }
  return OkStatus();
}

Status Check(const CallRecording& recording) {
  TVMFFI_RETURN_IF_ERROR(CheckText("the version", recording.library_version));
  TVMFFI_RETURN_IF_ERROR(CheckModule(recording.module));
  TVMFFI_RETURN_IF_ERROR(CheckCall(recording.call));
  if (recording.init.size() > kMaxRecordedList)
    return TooMany(recording.init.size(), "calls before");
  for (const SavedCall& call : recording.init) TVMFFI_RETURN_IF_ERROR(CheckCall(call));
  const size_t memories = recording.AllMemory().size();
  if (memories > kMaxRecordedMemories) {
    return Invalid(std::to_string(memories) + " memories, limit is " +
                   std::to_string(kMaxRecordedMemories));
  }
  TVMFFI_RETURN_IF_ERROR(CheckSetting(recording.setting));
  return CheckOutcome(recording.outcome);
}

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<schema::RecordedCall> Write(Builder& builder, const SavedCall& call) {
  std::vector<flatbuffers::Offset<schema::RecordedMemory>> memories;
  for (const SavedMemory& memory : call.values.memory) {
    memories.push_back(schema::CreateRecordedMemory(
        builder, static_cast<schema::RecordedPlace>(memory.place),
        static_cast<uint8_t>(memory.misalignment), memory.bytes.size()));
  }
  const std::vector<char>& frame = call.values.frame;
  const auto bytes =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(frame.data()), frame.size());
  const auto values = schema::CreateRecordedValues(builder, bytes, builder.CreateVector(memories),
                                                   builder.CreateString(call.values.refusal));
  return schema::CreateRecordedCall(builder, builder.CreateString(call.function), values);
}

flatbuffers::Offset<schema::RecordedSetting> Write(Builder& builder, const SavedSetting& s) {
  const auto policy = builder.CreateString(s.policy);
  const auto environment = builder.CreateVectorOfStrings(s.environment);
  const auto require = builder.CreateVectorOfStrings(s.require);
  const auto layers = builder.CreateVectorOfStrings(s.layers);
  const auto reuse = builder.CreateString(s.reuse);
  const auto modules = builder.CreateString(s.worker_modules);
  return schema::CreateRecordedSetting(builder, policy, environment, require, layers, reuse,
                                       s.poison, s.deadline, s.queue_deadline, s.load_deadline,
                                       modules);
}

flatbuffers::Offset<schema::RecordedOutcome> Write(Builder& builder, const SavedOutcome& o) {
  const auto access = !o.is_write   ? schema::RecordedAccess::unknown
                      : *o.is_write ? schema::RecordedAccess::write
                                    : schema::RecordedAccess::read;
  const auto kind = builder.CreateString(o.kind);
  const auto cause = builder.CreateString(o.cause);
  const auto bucket = builder.CreateString(o.bucket);
  return schema::CreateRecordedOutcome(
      builder, kind, cause, o.signal, o.exit_status, o.fault_argument.has_value(),
      o.fault_argument.value_or(0), o.fault_offset.value_or(0), access, o.stack_overflow, bucket);
}

using TextList = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

// Reads a verified head. Parts of it may lie one above the other: all that is copied out of it
// together has no more bytes than it has.
class HeadReader {
 public:
  // The bytes of memory are [at, end).
  HeadReader(size_t head_size, const char* at, const char* end)
      : budget_(head_size), at_(at), end_(end) {}

  Result<CallRecording> Read(const schema::Recording& from) {
    CallRecording recording;
    const schema::RecordedModule& module = *from.module_();
    recording.library_version = Text(from.library_version());
    recording.call_number = from.call_number();
    recording.is_load = from.is_load();
    recording.module = {Text(module.path()), Text(module.sha256()), module.size(),
                        Text(module.build_id())};
    TVMFFI_RETURN_IF_ERROR(ReadCall(*from.call(), &recording.call));
    TVMFFI_RETURN_IF_ERROR(ReadInit(from, &recording.init));
    if (at_ != end_) return Invalid(std::to_string(end_ - at_) + " bytes are left over at its end");
    TVMFFI_RETURN_IF_ERROR(ReadSetting(*from.setting(), &recording.setting));
    TVMFFI_RETURN_IF_ERROR(ReadOutcome(*from.outcome(), &recording.outcome));
    if (is_over_) return Invalid("parts of its head overlap");
    return recording;
  }

 private:
  bool Take(size_t size) {
    is_over_ = is_over_ || size > budget_;
    if (!is_over_) budget_ -= size;
    return !is_over_;
  }

  std::string Text(const flatbuffers::String* text) {
    return text != nullptr && Take(text->size()) ? text->str() : "";
  }

  Status ReadTexts(const char* what, const TextList* list, std::vector<std::string>* texts) {
    if (list == nullptr) return OkStatus();
    if (list->size() > kMaxRecordedList) return TooMany(list->size(), what);
    for (const flatbuffers::String* text : *list) texts->push_back(Text(text));
    return OkStatus();
  }

  Status ReadValues(const schema::RecordedValues& from, SavedValues* values) {
    values->refusal = Text(from.refusal());
    if (from.frame() != nullptr && Take(from.frame()->size())) {
      const auto* frame = reinterpret_cast<const char*>(from.frame()->data());
      values->frame.assign(frame, frame + from.frame()->size());
    }
    if (from.memory() == nullptr) return OkStatus();
    if (from.memory()->size() > kMaxRecordedMemories) return Invalid("too many memories");
    for (const schema::RecordedMemory* memory : *from.memory()) {
      TVMFFI_RETURN_IF_ERROR(ReadMemory(*memory, values));
    }
    return OkStatus();
  }

  Status ReadMemory(const schema::RecordedMemory& memory, SavedValues* values) {
    const uint64_t left = static_cast<uint64_t>(end_ - at_);
    if (memory.size() > left) {
      return Invalid("it says " + std::to_string(memory.size()) + " bytes of memory follow, " +
                     std::to_string(left) + " do");
    }
    if (memory.place() > schema::RecordedPlace::MAX) {
      return Invalid("memory of the unknown place " +
                     std::to_string(static_cast<int>(memory.place())));
    }
    const size_t size = static_cast<size_t>(memory.size());
    values->memory.push_back({static_cast<SavedPlace>(memory.place()), memory.misalignment(),
                              std::string_view(at_, size)});
    at_ += size;
    return OkStatus();
  }

  Status ReadCall(const schema::RecordedCall& from, SavedCall* call) {
    call->function = Text(from.function());
    return ReadValues(*from.values(), &call->values);
  }

  Status ReadInit(const schema::Recording& from, std::vector<SavedCall>* init) {
    if (from.init() == nullptr) return OkStatus();
    if (from.init()->size() > kMaxRecordedList) return TooMany(from.init()->size(), "calls before");
    for (const schema::RecordedCall* call : *from.init()) {
      init->emplace_back();
      TVMFFI_RETURN_IF_ERROR(ReadCall(*call, &init->back()));
    }
    return OkStatus();
  }

  Status ReadSetting(const schema::RecordedSetting& from, SavedSetting* setting) {
    setting->policy = Text(from.policy());
    TVMFFI_RETURN_IF_ERROR(ReadTexts("the environment", from.environment(), &setting->environment));
    TVMFFI_RETURN_IF_ERROR(ReadTexts("the required layers", from.require(), &setting->require));
    TVMFFI_RETURN_IF_ERROR(ReadTexts("the layers", from.layers(), &setting->layers));
    setting->reuse = Text(from.reuse());
    setting->poison = from.poison();
    setting->deadline = from.deadline();
    setting->queue_deadline = from.queue_deadline();
    setting->load_deadline = from.load_deadline();
    setting->worker_modules = Text(from.worker_modules());
    return OkStatus();
  }

  Status ReadOutcome(const schema::RecordedOutcome& from, SavedOutcome* outcome) {
    if (from.access() > schema::RecordedAccess::MAX) return Invalid("an unknown access");
    outcome->kind = Text(from.kind());
    outcome->cause = Text(from.cause());
    outcome->signal = from.signal();
    outcome->exit_status = from.exit_status();
    if (from.has_fault()) {
      outcome->fault_argument = from.fault_argument();
      outcome->fault_offset = from.fault_offset();
    }
    if (from.access() != schema::RecordedAccess::unknown)
      outcome->is_write = from.access() == schema::RecordedAccess::write;
    outcome->stack_overflow = from.stack_overflow();
    outcome->bucket = Text(from.bucket());
    return OkStatus();
  }

  size_t budget_;
  bool is_over_ = false;
  const char* at_;
  const char* const end_;
};

}  // namespace

std::vector<const SavedMemory*> CallRecording::AllMemory() const {
  std::vector<const SavedMemory*> all;
  for (const SavedMemory& memory : call.values.memory) all.push_back(&memory);
  for (const SavedCall& before : init) {
    for (const SavedMemory& memory : before.values.memory) all.push_back(&memory);
  }
  return all;
}

Result<std::string> EncodeRecordingHead(const CallRecording& recording) {
  TVMFFI_RETURN_IF_ERROR(Check(recording));
  size_t frames = recording.call.values.frame.size();
  size_t size = 0;
  for (const SavedCall& call : recording.init) frames += call.values.frame.size();
  for (const SavedMemory* memory : recording.AllMemory()) size += memory->bytes.size();
  if (frames > kMaxRecordingHead / 2 || size > kMaxRecordingFile - kMaxRecordingHead) {
    return Invalid(std::to_string(frames + size) + " bytes of arguments are too many");
  }
  Builder builder(1024);
  const auto version = builder.CreateString(recording.library_version);
  const SavedModule& module = recording.module;
  const auto path = builder.CreateString(module.path);
  const auto sha256 = builder.CreateString(module.sha256);
  const auto build_id = builder.CreateString(module.build_id);
  const auto module_table =
      schema::CreateRecordedModule(builder, path, sha256, module.size, build_id);
  const auto call = Write(builder, recording.call);
  std::vector<flatbuffers::Offset<schema::RecordedCall>> init;
  for (const SavedCall& before : recording.init) init.push_back(Write(builder, before));
  const auto init_vector = builder.CreateVector(init);
  const auto setting = Write(builder, recording.setting);
  const auto outcome = Write(builder, recording.outcome);
  schema::FinishRecordingBuffer(
      builder, schema::CreateRecording(builder, version, recording.call_number, module_table, call,
                                       init_vector, setting, outcome, recording.is_load));
  if (builder.GetSize() > kMaxRecordingHead) {
    return Invalid("its head has " + std::to_string(builder.GetSize()) + " bytes, limit is " +
                   std::to_string(kMaxRecordingHead));
  }
  FileHeader header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kRecordingVersion;
  header.head_size = builder.GetSize();
  std::string head(reinterpret_cast<const char*>(&header), sizeof(header));
  head.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  return head;
}

Result<CallRecording> ReadRecording(const char* bytes, size_t size) {
  FileHeader header;
  if (size < sizeof(header)) return Invalid("it has " + std::to_string(size) + " bytes");
  std::memcpy(&header, bytes, sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
    return Invalid("it does not begin as one");
  }
  if (header.version != kRecordingVersion) {
    return Invalid("it is of version " + std::to_string(header.version) +
                   " of the format, known is " + std::to_string(kRecordingVersion));
  }
  if (header.head_size > kMaxRecordingHead || header.head_size > size - sizeof(header)) {
    return Invalid("it says its head has " + std::to_string(header.head_size) + " bytes, " +
                   std::to_string(size - sizeof(header)) + " follow");
  }
  // A copy that is aligned, whatever `bytes` are.
  const std::vector<char> head(bytes + sizeof(header), bytes + sizeof(header) + header.head_size);
  const auto* data = reinterpret_cast<const uint8_t*>(head.data());
  flatbuffers::Verifier verifier(data, head.size(), kMaxNesting, kMaxTables);
  // The generated verifier reads the identifier first.
  if (head.size() < flatbuffers::FlatBufferBuilder::kFileIdentifierLength + sizeof(uint32_t) ||
      !schema::VerifyRecordingBuffer(verifier)) {
    return Invalid("its head of " + std::to_string(head.size()) + " bytes is malformed");
  }
  const char* memory = bytes + sizeof(header) + header.head_size;
  Result<CallRecording> recording =
      HeadReader(head.size(), memory, bytes + size).Read(*schema::GetRecording(data));
  if (recording.ok()) TVMFFI_RETURN_IF_ERROR(Check(*recording));
  return recording;
}

Result<std::string> ReadRecordingFile(const std::string& path) {
  // Opening it neither waits nor has effects.
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info;
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return ErrnoStatus(errno, "cannot read '" + path + "'");
  }
  if (!S_ISREG(info.st_mode)) {
    return Status{Code::kInvalidArgument, "'" + path + "' is no regular file"};
  }
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > kMaxRecordingFile) {
    return Status{Code::kInvalidArgument, "'" + path + "' has " + std::to_string(size) +
                                              " bytes, limit is " +
                                              std::to_string(kMaxRecordingFile)};
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::read(file.get(), &bytes[at], bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "cannot read '" + path + "'");
    if (count == 0) break;
    at += static_cast<size_t>(count);
  }
  bytes.resize(at);
  return bytes;
}

}  // namespace tvmffi
