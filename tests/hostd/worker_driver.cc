#include "tests/hostd/worker_driver.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "proto/base/clock.h"
#include "proto/base/sealed_file.h"
#include "proto/codec/spill.h"
#include "proto/codec/tensor.h"

namespace tvmffi::hostd {
namespace {

constexpr int64_t kPatience = 30'000'000'000;
constexpr uint32_t kSpillArena = 900;
constexpr uint64_t kCallbackBit = uint64_t{1} << 63;

DLManagedTensorVersioned* NewManaged(const TensorDesc& desc, const int64_t* shape,
                                     const int64_t* strides, char* data) {
  struct Owner {
    DLManagedTensorVersioned managed;
    std::vector<int64_t> extents;
  };
  auto* owner = new Owner();
  owner->extents.assign(shape, shape + desc.ndim);
  owner->extents.insert(owner->extents.end(), strides, strides + desc.ndim);
  owner->managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  owner->managed.manager_ctx = owner;
  owner->managed.deleter = [](DLManagedTensorVersioned* self) {
    delete static_cast<Owner*>(self->manager_ctx);
  };
  owner->managed.dl_tensor = {data,
                              {static_cast<DLDeviceType>(desc.device_type), desc.device_id},
                              static_cast<int32_t>(desc.ndim),
                              {desc.dtype_code, desc.dtype_bits, desc.dtype_lanes},
                              owner->extents.data(),
                              owner->extents.data() + desc.ndim,
                              0};
  return &owner->managed;
}

}  // namespace

OwnedAny MakeHandle(uint64_t id) {
  OwnedAny handle;
  TVMFFIObjectHandle object = nullptr;
  TVMFFIObjectCreateOpaque(reinterpret_cast<void*>(id), kTVMFFIOpaquePyObject, nullptr, &object);
  TVMFFIAny* out = handle.out();
  out->type_index = kTVMFFIOpaquePyObject;
  out->v_obj = static_cast<TVMFFIObject*>(object);
  return handle;
}

OwnedAny MakeCallback(uint64_t index) { return MakeHandle(index | kCallbackBit); }

uint64_t HandleId(const TVMFFIAny& value) {
  if (value.type_index != kTVMFFIOpaquePyObject) return 0;
  return reinterpret_cast<uint64_t>(TVMFFIOpaqueObjectGetCellPtr(value.v_obj)->handle);
}

Status DriverValues::ExportTensor(const TVMFFIAny&, const DLTensor& tensor, TensorDesc* desc,
                                  int64_t*) {
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  const char* first = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  for (const auto& [id, arena] : memory_->arenas) {
    if (first < arena.data() || first >= arena.data() + arena.size()) continue;
    desc->arena_id = id;
    desc->data_offset = static_cast<uint64_t>(first - arena.data());
    desc->offset = desc->data_offset + static_cast<uint64_t>(span.low);
    desc->nbytes = static_cast<uint64_t>(span.nbytes());
    desc->id = block_id;
    return OkStatus();
  }
  return {Code::kInvalidArgument, "tensor lies in no arena of the test"};
}

Status DriverValues::ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                                  TVMFFIByteArray*) {
  if (cell.type_index == kTVMFFIOpaquePyObject) {
    const uint64_t id = HandleId(cell);
    *kind = (id & kCallbackBit) != 0 ? kWireCallback : kWireHandle;
    desc->id = id & ~kCallbackBit;
    return OkStatus();
  }
  return {Code::kInvalidArgument, "only handles and callbacks in this test"};
}

Status DriverValues::ImportTensor(const TensorDesc& desc, const int64_t* shape,
                                  const int64_t* strides, bool as_pointer, TVMFFIAny* out) {
  last_tensor = desc;
  char* data = nullptr;
  if (desc.nbytes != 0) {
    auto arena = memory_->arenas.find(desc.arena_id);
    if (arena == memory_->arenas.end() || desc.offset + desc.nbytes > arena->second.size()) {
      return {Code::kInvalidArgument, "tensor outside its arena"};
    }
    data = arena->second.data() + desc.data_offset;
  }
  DLManagedTensorVersioned* managed = NewManaged(desc, shape, strides, data);
  if (as_pointer) {
    out->type_index = kTVMFFIDLTensorPtr;
    out->v_ptr = &managed->dl_tensor;
    borrowed_.emplace_back(managed);
    return OkStatus();
  }
  TVMFFIObjectHandle tensor = nullptr;
  if (TVMFFITensorFromDLPackVersioned(managed, 0, 0, &tensor) != 0)
    return RaisedStatus(Code::kInternal, "tensor");
  out->type_index = kTVMFFITensor;
  out->v_obj = static_cast<TVMFFIObject*>(tensor);
  return OkStatus();
}

Status DriverValues::ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                                  TVMFFIAny* out) {
  if (kind != kWireHandle) return {Code::kInvalidArgument, "the worker sent a callback"};
  last_key.assign(key, desc.key_size);
  last_static_type_index = desc.static_type_index;
  *out = MakeHandle(desc.id).release();
  return OkStatus();
}

Status DriverValues::ImportArgument(uint64_t index, TVMFFIAny* out) {
  last_argument = static_cast<int64_t>(index);
  *out = NoneAny();
  return OkStatus();
}

WorkerDriver::~WorkerDriver() {
  if (pid_ > 0 && status_ == -1) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void WorkerDriver::Start(const wire::Limits& limits) {
  StartAfter({}, wire::WorkerStart{1, limits, {}, {}, false});
}

void WorkerDriver::StartAfter(const std::vector<wire::Message>& messages,
                              const wire::WorkerStart& start) {
  Result<ShmSegment> channel = ShmSegment::Create(kChannelSize, "test-channel");
  ASSERT_TRUE(channel.ok()) << channel.status().message;
  channel_ = std::move(*channel);
  new (channel_.data()) ChannelHeader{kChannelMagic, kChannelVersion};
  log_.reset(::memfd_create("worker-log", MFD_CLOEXEC));
  Result<std::pair<UniqueFd, UniqueFd>> pair = ControlSocketPair();
  ASSERT_TRUE(pair.ok());
  const int theirs = pair->second.get();
  pid_ = ::fork();
  ASSERT_GE(pid_, 0);
  if (pid_ == 0) {
    ::dup2(log_.get(), 1);
    ::dup2(log_.get(), 2);
    if (theirs == 3) {
      ::fcntl(3, F_SETFD, 0);
    } else {
      ::dup2(theirs, 3);
    }
    ::execl(TVMFFI_TEST_WORKER, "tvmffi-worker", nullptr);
    ::_exit(127);
  }
  connection_ = ControlConnection(std::move(pair->first));
  std::vector<UniqueFd> fds;
  fds.emplace_back(::dup(channel_.fd()));
  for (const wire::Message& message : messages) SendControl(message);
  SendControl(start, std::move(fds));
}

void WorkerDriver::SendControl(const wire::Message& message, std::vector<UniqueFd> fds) {
  Result<std::vector<char>> payload = wire::Encode(message);
  ASSERT_TRUE(payload.ok()) << payload.status().message;
  Status status = connection_.Send(*payload, std::move(fds), MonotonicNanos() + kPatience);
  ASSERT_TRUE(status.ok()) << status.message;
}

void WorkerDriver::OpenLane(uint32_t lane) { SendControl(wire::OpenLane{1, 1, lane}); }

char* WorkerDriver::AddArena(uint32_t id, size_t size, bool share) {
  Result<ShmSegment> arena = ShmSegment::Create(size, "test-arena");
  EXPECT_TRUE(arena.ok());
  char* data = arena->data();
  memory_.arenas.emplace(id, std::move(*arena));
  if (share) ShareArena(id);
  return data;
}

void WorkerDriver::ShareArena(uint32_t id) {
  const ShmSegment& arena = memory_.arenas.at(id);
  std::vector<UniqueFd> fds;
  fds.emplace_back(::dup(arena.fd()));
  SendControl(wire::ShareArena{1, 1, id, arena.size(), false}, std::move(fds));
}

WorkerDriver::LaneState& WorkerDriver::lane(uint32_t number) {
  if (lanes_[number] == nullptr) {
    lanes_[number] = std::make_unique<LaneState>();
    lanes_[number]->lane = Lane(lane_memory(number), Side::kClient, &lanes_[number]->spin);
  }
  return *lanes_[number];
}

LaneMemory* WorkerDriver::lane_memory(uint32_t lane) const {
  return reinterpret_cast<LaneMemory*>(channel_.data() + kLanesOffset) + lane;
}

const CrashPage& WorkerDriver::crash_page() const {
  return *reinterpret_cast<const CrashPage*>(channel_.data() + kCrashOffset);
}

void WorkerDriver::Lend(const std::string& path, UniqueFd copy) {
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(copy));
  SendControl(wire::LendModule{1, 1, path}, std::move(fds));
}

CallOutcome WorkerDriver::Load(const std::string& path) {
  Result<SealedFile> copy = SealedFile::Copy(path);
  if (copy.ok()) Lend(path, UniqueFd(::dup(copy->fd())));
  TVMFFIAny text = NoneAny();
  text.type_index = kTVMFFIRawStr;
  text.v_c_str = path.c_str();
  return Exchange(FrameOp::kLoad, 0, {text}, 0);
}

CallOutcome WorkerDriver::Call(uint64_t function, const std::vector<TVMFFIAny>& args,
                               uint32_t lane) {
  return Exchange(FrameOp::kCall, function, args, lane);
}

CallOutcome WorkerDriver::CallGlobal(const std::string& name, const std::vector<TVMFFIAny>& args,
                                     uint32_t lane) {
  std::vector<TVMFFIAny> all(1, NoneAny());
  all[0].type_index = kTVMFFIRawStr;
  all[0].v_c_str = name.c_str();
  all.insert(all.end(), args.begin(), args.end());
  return Exchange(FrameOp::kCallGlobal, 0, all, lane);
}

uint64_t WorkerDriver::Probe() {
  if (probe_ == 0) {
    CallOutcome loaded = Load(TVMFFI_TEST_PROBE);
    EXPECT_EQ(loaded.op, FrameOp::kReturn) << loaded.error.message;
    probe_ = HandleId(loaded.result.get());
  }
  return probe_;
}

uint64_t WorkerDriver::Function(const std::string& name) {
  auto found = functions_.find(name);
  if (found != functions_.end()) return found->second;
  OwnedAny module = MakeHandle(Probe());
  TVMFFIAny text = NoneAny();
  text.type_index = kTVMFFIRawStr;
  text.v_c_str = name.c_str();
  TVMFFIAny query = NoneAny();
  query.type_index = kTVMFFIBool;
  CallOutcome outcome = CallGlobal("ffi.ModuleGetFunction", {module.get(), text, query});
  EXPECT_EQ(outcome.op, FrameOp::kReturn) << outcome.error.message;
  const uint64_t id = HandleId(outcome.result.get());
  EXPECT_NE(id, 0u) << name;
  return functions_[name] = id;
}

CallOutcome WorkerDriver::Exchange(FrameOp op, uint64_t target, const std::vector<TVMFFIAny>& args,
                                   uint32_t lane_number) {
  LaneState& state = lane(lane_number);
  const uint32_t count = static_cast<uint32_t>(args.size());
  state.writer.Start(op, target, next_call_++, ++state.exchange, count);
  for (uint32_t i = 0; i < count; ++i) {
    Status status = state.writer.Put(i, args[i], &values_);
    EXPECT_TRUE(status.ok()) << status.message;
  }
  Send(&state, &state.writer);
  return Finish(lane_number);
}

void WorkerDriver::Send(LaneState* state, FrameWriter* writer) {
  const char* frame = writer->Finish();
  if (writer->size() <= kOverflowFrame) return state->lane.Send(frame, writer->size());
  const uint32_t id = kSpillArena + static_cast<uint32_t>(memory_.arenas.size());
  std::memcpy(AddArena(id, writer->size()), frame, writer->size());
  char stand_in[kSpillFrame];
  MakeSpillFrame(frame, {id, 0, 0, writer->size()}, stand_in);
  state->lane.Send(stand_in, sizeof(stand_in));
}

void WorkerDriver::SendRaw(const char* frame, size_t size, uint32_t lane_number) {
  lane(lane_number).lane.Send(frame, size);
}

WaitOutcome WorkerDriver::Receive(LaneState* state) {
  WaitContext context;
  context.deadline = MonotonicNanos() + kPatience;
  const WaitOutcome outcome = state->lane.Receive(context, &state->frame);
  if (outcome != WaitOutcome::kFrame) return outcome;
  SpillRef ref;
  Result<bool> spilled = ReadSpillFrame(state->frame.data(), state->frame.size(), &ref);
  EXPECT_TRUE(spilled.ok());
  if (spilled.ok() && *spilled) {
    const ShmSegment& arena = memory_.arenas.at(ref.arena_id);
    EXPECT_LE(ref.offset + ref.size, arena.size());
    state->frame.assign(arena.data() + ref.offset, arena.data() + ref.offset + ref.size);
  }
  Status status = state->reader.Open(state->frame.data(), state->frame.size());
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(state->reader.header().lane_call, state->exchange);
  return outcome;
}

CallOutcome WorkerDriver::Finish(uint32_t lane_number) {
  LaneState& state = lane(lane_number);
  for (;;) {
    const WaitOutcome outcome = Receive(&state);
    if (outcome != WaitOutcome::kFrame) {
      CallOutcome failed;
      failed.wait = outcome;
      return failed;
    }
    switch (state.reader.header().op) {
      case FrameOp::kCallback:
        AnswerCallback(&state);
        break;
      case FrameOp::kNeedMemory:
        AnswerMemory(&state);
        break;
      default:
        return Close(&state);
    }
  }
}

void WorkerDriver::AnswerCallback(LaneState* state) {
  std::vector<TVMFFIAny> args(state->reader.num_cells(), NoneAny());
  for (uint32_t i = 0; i < args.size(); ++i) {
    Status status = state->reader.Get(i, &values_, &args[i]);
    EXPECT_TRUE(status.ok()) << status.message;
  }
  OwnedAny result;
  ErrorText error;
  const bool good = callbacks.at(state->reader.header().target)(args, result.out(), &error);
  for (TVMFFIAny& arg : args) ReleaseAny(&arg);
  const FrameHeader header = state->reader.header();
  if (good) {
    state->writer.Start(FrameOp::kCallbackReturn, 0, header.call_id, header.lane_call, 1);
    EXPECT_TRUE(state->writer.Put(0, result.get(), &values_).ok());
  } else {
    state->writer.Start(FrameOp::kCallbackError, 0, header.call_id, header.lane_call, 3);
    state->writer.PutString(0, error.kind.data(), error.kind.size());
    state->writer.PutString(1, error.message.data(), error.message.size());
    state->writer.PutString(2, error.backtrace.data(), error.backtrace.size());
  }
  Send(state, &state->writer);
}

void WorkerDriver::AnswerMemory(LaneState* state) {
  const FrameHeader header = state->reader.header();
  const uint32_t arena = grant ? grant(header.target) : 0;
  state->writer.Start(arena == 0 ? FrameOp::kMemoryRefused : FrameOp::kMemoryGranted, arena,
                      header.call_id, header.lane_call, 0);
  Send(state, &state->writer);
}

CallOutcome WorkerDriver::Close(LaneState* state) {
  CallOutcome outcome;
  outcome.op = state->reader.header().op;
  for (uint32_t i = 0; i < state->reader.num_notes(); ++i)
    outcome.notes.push_back(state->reader.note(i));
  if (outcome.op == FrameOp::kReturn) {
    values_.last_argument = -1;
    Status status = state->reader.GetOwned(0, &values_, outcome.result.out());
    EXPECT_TRUE(status.ok()) << status.message;
    outcome.last_argument = values_.last_argument;
    return outcome;
  }
  EXPECT_EQ(outcome.op, FrameOp::kError);
  std::string* texts[] = {&outcome.error.kind, &outcome.error.message, &outcome.error.backtrace};
  for (uint32_t i = 0; i < 3; ++i) {
    TVMFFIByteArray bytes;
    Status status = state->reader.GetString(i, &bytes);
    EXPECT_TRUE(status.ok()) << status.message;
    if (status.ok()) texts[i]->assign(bytes.data, bytes.size);
  }
  return outcome;
}

int WorkerDriver::Wait() {
  if (status_ == -1) {
    EXPECT_EQ(::waitpid(pid_, &status_, 0), pid_);
  }
  return status_;
}

std::string WorkerDriver::Log() const {
  std::string log(static_cast<size_t>(::lseek(log_.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(log_.get(), log.data(), log.size(), 0), static_cast<ssize_t>(log.size()));
  return log;
}

}  // namespace tvmffi::hostd
