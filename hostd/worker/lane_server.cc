#include "hostd/worker/lane_server.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "hostd/worker/crash_handler.h"
#include "hostd/worker/function_call.h"
#include "proto/base/clock.h"
#include "proto/codec/plain.h"
#include "proto/codec/spill.h"
#include "proto/elf/elf_file.h"

namespace tvmffi::hostd {
namespace {

// The exit status after a breach of protocol.
constexpr int kProtocolExit = 70;
constexpr size_t kKeptBuffer = 4u << 20;
// Notes that belong to no call in particular wait for later frames beyond this many.
constexpr size_t kMaxForeignNotes = 1024;
// What is left of an error's texts when there is no memory for a large frame.
constexpr size_t kShortText = 16 * 1024;

const char* ErrorKind(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "TypeError";
    case Code::kResourceExhausted:
      return "MemoryError";
    default:
      return "RuntimeError";
  }
}

void Raise(const char* kind, const std::string& message) {
  TVMFFIErrorSetRaisedFromCStr(kind, message.c_str());
}

TVMFFIAny TextView(const char* text) {
  TVMFFIAny view = NoneAny();
  view.type_index = kTVMFFIRawStr;
  view.v_c_str = text;
  return view;
}

void ShrinkBuffer(std::vector<char>* buffer) {
  if (buffer->capacity() > kKeptBuffer) std::vector<char>().swap(*buffer);
}

}  // namespace

LaneServer::LaneServer(WorkerState* state, LaneMemory* memory, uint32_t lane, int64_t cold_wake)
    : state_(state),
      number_(lane),
      owner_word_(&memory->worker.owner),
      spin_(Side::kWorker, cold_wake),
      lane_(memory, Side::kWorker, &spin_),
      functions_(&state->handles),
      values_(state, this) {}

void LaneServer::Die(const std::string& why) const {
  std::fprintf(stderr, "tvmffi-worker: lane %u: the client broke the protocol: %s\n", number_,
               why.c_str());
  std::fflush(nullptr);
  ::_exit(kProtocolExit);
}

void LaneServer::Run() {
  ::pthread_setname_np(::pthread_self(), ("lane " + std::to_string(number_)).c_str());
  if (Status status = UseCrashStack(); !status.ok()) {
    std::fprintf(stderr, "tvmffi-worker: lane %u: %s\n", number_, status.message.c_str());
  }
  if (!HoldOwnerWord(owner_word_)) {
    std::fprintf(stderr, "tvmffi-worker: lane %u: no robust list: %s\n", number_,
                 std::strerror(errno));
  }
  Callback::SetCurrent(this);
  SetMemorySource(this);
  for (;;) Serve();
}

void LaneServer::ReceiveFrame(std::vector<char>* frame) {
  if (lane_.Receive(WaitContext(), frame) != WaitOutcome::kFrame)
    Die("impossible sequence or size");
  if (spilled_.valid()) spilled_ = ResultBlock();
}

void LaneServer::Open(std::vector<char>* frame, FrameReader* reader) {
  SpillRef ref;
  Result<bool> is_spilled = ReadSpillFrame(frame->data(), frame->size(), &ref);
  if (!is_spilled.ok()) Die(is_spilled.status().message);
  if (*is_spilled) FetchSpilled(ref, frame);
  if (Status status = reader->Open(frame->data(), frame->size()); !status.ok()) Die(status.message);
}

void LaneServer::FetchSpilled(const SpillRef& ref, std::vector<char>* frame) {
  auto arena = state_->arenas.Await(ref.arena_id, MonotonicNanos() + kArenaPatience);
  if (arena == nullptr)
    Die("spilled frame in arena " + std::to_string(ref.arena_id) + ", which was not shared");
  const size_t size = arena->segment.size();
  if (ref.offset > size || ref.size > size - ref.offset) {
    Die("spilled frame of " + std::to_string(ref.size) + " bytes at " + std::to_string(ref.offset) +
        ", arena " + std::to_string(ref.arena_id) + " has " + std::to_string(size));
  }
  const char* begin = arena->segment.data() + ref.offset;
  frame->assign(begin, begin + ref.size);
}

void LaneServer::ReceiveAnswer() {
  ReceiveFrame(&answer_);
  Open(&answer_, &answer_reader_);
  if (answer_reader_.header().lane_call != lane_call_) {
    Die("answer to exchange " + std::to_string(answer_reader_.header().lane_call) +
        " inside exchange " + std::to_string(lane_call_));
  }
}

// Destructors run here, which may ask for memory: nothing of the frame is used after the first one.
void LaneServer::TakeNotes(const FrameReader& reader) {
  if (reader.num_notes() == 0) return;
  std::vector<Note> notes(reader.num_notes());
  for (uint32_t i = 0; i < notes.size(); ++i) notes[i] = reader.note(i);
  for (const Note& note : notes) {
    if (note.kind != NoteKind::kRelease || !state_->handles.Release(note.id)) {
      Die("note of kind " + std::to_string(static_cast<uint32_t>(note.kind)) + " about handle " +
          std::to_string(note.id));
    }
  }
}

bool LaneServer::ServePlain() {
  FrameHeader header;
  TVMFFIAny args[kMaxPlainCells];
  if (!ReadPlainFrame(request_.data(), request_.size(), &header, args)) return false;
  if (header.op != FrameOp::kCall) return false;
  TVMFFIObjectHandle function = functions_.Find(header.target);
  if (function == nullptr) return false;
  call_id_ = header.call_id;
  lane_call_ = header.lane_call;
  SetCurrentCall(call_id_);
  TVMFFIAny result = NoneAny();
  const int code =
      TVMFFIFunctionCallInWorker(function, args, static_cast<int32_t>(header.num_cells), &result);
  if (code != 0) {
    ReplyRaised(code);
  } else if (!ReplyPlain(result)) {
    Reply(&result);
  }
  SetCurrentCall(0);
  return true;
}

void LaneServer::Serve() {
  ReceiveFrame(&request_);
  if (ServePlain()) return;
  Open(&request_, &request_reader_);
  const FrameHeader& header = request_reader_.header();
  call_id_ = header.call_id;
  lane_call_ = header.lane_call;
  SetCurrentCall(call_id_);
  TakeNotes(request_reader_);
  switch (header.op) {
    case FrameOp::kCall: {
      TVMFFIObjectHandle function = functions_.Find(header.target);
      if (function == nullptr)
        Die("call of handle " + std::to_string(header.target) + ", which is no function");
      Execute(function, 0);
      break;
    }
    case FrameOp::kCallGlobal:
      ExecuteGlobal();
      break;
    case FrameOp::kLoad:
      Load();
      break;
    case FrameOp::kReady: {
      TVMFFIAny none = NoneAny();
      Reply(&none);
      break;
    }
    default:
      Die("operation " + std::to_string(static_cast<int>(header.op)) + " cannot open an exchange");
  }
  SetCurrentCall(0);
  ShrinkBuffer(&request_);
  ShrinkBuffer(&answer_);
}

Status LaneServer::DecodeArguments(uint32_t first_cell) {
  const uint32_t count = request_reader_.num_cells() - first_cell;
  args_.resize(count, NoneAny());
  values_.Begin();
  for (uint32_t i = 0; i < count; ++i) {
    Status status = request_reader_.Get(first_cell + i, &values_, &args_[i]);
    if (status.ok()) continue;
    if (status.code == Code::kInvalidArgument) Die(status.message);
    args_.resize(i);
    return status;
  }
  values_.EndRequest();
  return OkStatus();
}

void LaneServer::ReleaseArguments() {
  for (TVMFFIAny& arg : args_) ReleaseAny(&arg);
  args_.clear();
}

void LaneServer::Execute(TVMFFIObjectHandle function, uint32_t first_cell) {
  if (Status status = DecodeArguments(first_cell); !status.ok()) return ReplyStatus(status);
  TVMFFIAny result = NoneAny();
  const int32_t count = static_cast<int32_t>(args_.size());
  Finish(TVMFFIFunctionCallInWorker(function, args_.data(), count, &result), &result);
}

void LaneServer::Finish(int code, TVMFFIAny* result) {
  if (code != 0) return ReplyRaised(code);
  if (request_reader_.header().op == FrameOp::kLoad &&
      result->type_index >= kTVMFFIStaticObjectBegin) {
    state_->handles.Pin(ObjectRef::Share(result->v_obj));
  }
  Reply(result);
}

void LaneServer::ExecuteGlobal() {
  TVMFFIByteArray name;
  if (Status status = request_reader_.GetString(0, &name); !status.ok()) Die(status.message);
  TVMFFIObjectHandle function = nullptr;
  if (TVMFFIFunctionGetGlobal(&name, &function) != 0) return ReplyRaised(-1);
  if (function == nullptr) {
    return ReplyError(
        {"ValueError", "Cannot find global function " + std::string(name.data, name.size), ""});
  }
  ObjectRef keep(function);
  Execute(function, 1);
}

void LaneServer::Load() {
  if (request_reader_.num_cells() != 1)
    Die("load with " + std::to_string(request_reader_.num_cells()) + " cells");
  TVMFFIByteArray text;
  if (Status status = request_reader_.GetString(0, &text); !status.ok()) Die(status.message);
  const std::string path(text.data, text.size);
  if (elf::HasLibraryName(path)) return LoadCopy(path);
  static const TVMFFIObjectHandle load = FindGlobal("ffi.ModuleLoadFromFile");
  if (load == nullptr)
    return ReplyError({"RuntimeError", "libtvm_ffi has no ffi.ModuleLoadFromFile", ""});
  Execute(load, 0);
}

void LaneServer::LoadCopy(const std::string& path) {
  const auto module = state_->modules.Await(path, MonotonicNanos() + kArenaPatience);
  if (!module) return ReplyError({"RuntimeError", "the copy of " + path + " has not come", ""});
  const bool first = state_->start_times->at(StartStep::kLoading) == 0;
  if (first) state_->start_times->Mark(StartStep::kLoading);
  if (!module->in_place) LoadNeighbours(module->fd, path);
  // By what the module is called: the name of a descriptor has no extension.
  static const TVMFFIObjectHandle load = FindGlobal("ffi.Module.load_from_file.so");
  if (load == nullptr)
    return ReplyError({"RuntimeError", "libtvm_ffi has no ffi.Module.load_from_file.so", ""});
  const TVMFFIAny args[] = {TextView(module->file.c_str()), TextView("so")};
  TVMFFIAny result = NoneAny();
  const int code = TVMFFIFunctionCallInWorker(load, args, 2, &result);
  ErrorText error;
  if (code != 0 && TakeRaised(&error)) {
    for (size_t at = 0; (at = error.message.find(module->file, at)) != std::string::npos;
         at += path.size()) {
      error.message.replace(at, module->file.size(), path);
    }
    return ReplyError(error);
  }
  if (code == 0) state_->modules.SetLoaded(path);
  if (code == 0 && first) state_->start_times->Mark(StartStep::kLoaded);
  Finish(code, &result);
}

bool LaneServer::ReplyPlain(const TVMFFIAny& result) {
  if (state_->notes.pending() || reply_.has_notes()) return false;
  FrameHeader header = {};
  header.op = FrameOp::kReturn;
  header.num_cells = 1;
  header.lane_call = lane_call_;
  header.call_id = call_id_;
  const size_t size = WritePlainFrame(header, &result, lane_.place());
  if (size == 0) return false;
  lane_.SendPlaced(size);
  return true;
}

void LaneServer::Reply(TVMFFIAny* result) {
  values_.BeginExport();
  reply_.Start(FrameOp::kReturn, 0, call_id_, lane_call_, 1);
  Status status = reply_.Put(0, *result, &values_);
  if (!status.ok()) {
    values_.DropExport();
    status.message = "the result cannot leave the isolated function: " + status.message;
  }
  ReleaseAny(result);
  if (status.ok()) {
    status = FinishReply();
    if (!status.ok()) values_.DropExport();
  }
  if (!status.ok()) ReplyStatus(status);
}

void LaneServer::ReplyRaised(int code) {
  ErrorText error;
  if (!TakeRaised(&error)) {
    error = {"RuntimeError",
             "the function returned " + std::to_string(code) + " without raising an error", ""};
  }
  ReplyError(error);
}

void LaneServer::ReplyStatus(const Status& status) {
  ReplyError({ErrorKind(status.code), status.message, ""});
}

void LaneServer::ReplyError(const ErrorText& error) {
  const std::string* texts[] = {&error.kind, &error.message, &error.backtrace};
  for (size_t limit : {kMaxFrame, kShortText}) {
    reply_.Start(FrameOp::kError, 0, call_id_, lane_call_, 3);
    for (uint32_t i = 0; i < 3; ++i)
      reply_.PutString(i, texts[i]->data(), std::min(texts[i]->size(), limit));
    if (FinishReply().ok()) return;
  }
  std::fprintf(stderr, "tvmffi-worker: lane %u: no memory to report: %s: %s\n", number_,
               error.kind.c_str(), error.message.c_str());
  ::_exit(kProtocolExit);
}

Status LaneServer::FinishReply() {
  ReleaseArguments();
  if (!values_.End(&reply_)) {
    std::fprintf(stderr, "tvmffi-worker: lane %u: one call kept more than %u tensors\n", number_,
                 kMaxNotes);
    ::_exit(kProtocolExit);
  }
  state_->notes.Drain(kMaxForeignNotes, &reply_);
  return Send(&reply_);
}

Status LaneServer::Send(FrameWriter* writer) {
  const size_t size = writer->finished_size();
  if (size <= kOverflowFrame) {
    const char* frame = writer->Finish();
    lane_.Send(frame, writer->size());
    return OkStatus();
  }
  Result<ResultBlock> block = AllocateResultBlock(&state_->results, size);
  if (!block.ok()) return block.status();
  spilled_ = std::move(*block);
  const char* frame = writer->Finish();
  std::memcpy(spilled_.data(), frame, writer->size());
  char stand_in[kSpillFrame];
  MakeSpillFrame(frame, {spilled_.arena_id(), 0, spilled_.offset(), writer->size()}, stand_in);
  lane_.Send(stand_in, sizeof(stand_in));
  return OkStatus();
}

int LaneServer::CallBack(uint64_t id, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  const uint32_t count = static_cast<uint32_t>(num_args);
  values_.BeginExport();
  nested_.Start(FrameOp::kCallback, id, call_id_, lane_call_, count);
  Status status;
  for (uint32_t i = 0; i < count && status.ok(); ++i) {
    status = nested_.Put(i, args[i], &values_);
    if (!status.ok())
      status.message = "argument " + std::to_string(i) + " of the callback: " + status.message;
  }
  if (status.ok()) status = Send(&nested_);
  if (!status.ok()) {
    values_.DropExport();
    Raise(ErrorKind(status.code), "cannot call back: " + status.message);
    return -1;
  }
  ReceiveAnswer();
  values_.CopyBack();
  const int code = FinishCallback(result);
  TakeNotes(answer_reader_);
  return code;
}

int LaneServer::FinishCallback(TVMFFIAny* result) {
  const FrameHeader& header = answer_reader_.header();
  if (header.op == FrameOp::kCallbackError) return RaiseCallbackError();
  if (header.op != FrameOp::kCallbackReturn || header.num_cells != 1) {
    Die("operation " + std::to_string(static_cast<int>(header.op)) +
        " as the answer to a callback");
  }
  TVMFFIAny value = NoneAny();
  Status status = answer_reader_.GetOwned(0, &values_, &value);
  if (status.ok()) {
    *result = value;
    return 0;
  }
  if (status.code == Code::kInvalidArgument) Die(status.message);
  Raise(ErrorKind(status.code), "cannot take the callback's result: " + status.message);
  return -1;
}

int LaneServer::RaiseCallbackError() {
  TVMFFIByteArray texts[3];
  for (uint32_t i = 0; i < 3; ++i) {
    if (Status status = answer_reader_.GetString(i, &texts[i]); !status.ok()) Die(status.message);
  }
  const std::string backtrace = std::string(texts[2].data, texts[2].size) + PluginBacktrace();
  const TVMFFIByteArray joined = {backtrace.data(), backtrace.size()};
  TVMFFIObjectHandle error = nullptr;
  if (TVMFFIErrorCreate(&texts[0], &texts[1], &joined, &error) != 0) {
    Raise("MemoryError", "cannot make the error a callback raised");
    return -1;
  }
  TVMFFIErrorSetRaised(error);
  TVMFFIObjectDecRef(error);
  return -1;
}

Status LaneServer::RequestMemory(uint64_t bytes) {
  memory_request_.Start(FrameOp::kNeedMemory, bytes, call_id_, lane_call_, 0);
  TVMFFI_RETURN_IF_ERROR(Send(&memory_request_));
  ReceiveAnswer();
  const FrameHeader header = answer_reader_.header();
  TakeNotes(answer_reader_);
  if (header.op == FrameOp::kMemoryRefused) {
    return {Code::kResourceExhausted,
            "the caller refused " + std::to_string(bytes) + " bytes for results"};
  }
  if (header.op != FrameOp::kMemoryGranted || header.target > UINT32_MAX) {
    Die("operation " + std::to_string(static_cast<int>(header.op)) +
        " as the answer to a request for memory");
  }
  const uint32_t id = static_cast<uint32_t>(header.target);
  auto arena = state_->arenas.Await(id, MonotonicNanos() + kArenaPatience);
  if (arena == nullptr) {
    return {Code::kUnavailable,
            "arena " + std::to_string(id) + ", granted for results, has not been shared"};
  }
  if (arena->read_only) Die("read-only arena " + std::to_string(id) + " granted for results");
  state_->results.Grant(std::move(arena));
  return OkStatus();
}

}  // namespace tvmffi::hostd
