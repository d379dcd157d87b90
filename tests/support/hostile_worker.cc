// Stands in for tvmffi-worker after its plug-in has taken it over: it knows the protocol and breaks
// it. Every function of the module it claims to have loaded is an attack, called by its name.
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/base/shm_segment.h"
#include "proto/channel/futex.h"
#include "proto/channel/lane.h"
#include "proto/codec/any.h"
#include "proto/codec/spill.h"
#include "proto/codec/value.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi {
namespace {

// A frame built field by field, right or wrong.
struct RawFrame {
  FrameHeader header = {FrameOp::kReturn, 0, 0, 1, 0, 0, 0, 0};
  std::vector<WireCell> cells = {WireCell{kTVMFFIInt, 0, {0}}};
  std::string payload;

  size_t payload_offset() const { return sizeof(FrameHeader) + cells.size() * sizeof(WireCell); }
  template <typename T>
  size_t Append(const T& value) {
    const size_t offset = payload_offset() + payload.size();
    payload.append(reinterpret_cast<const char*>(&value), sizeof(value));
    payload.resize((payload.size() + 7) / 8 * 8);
    return offset;
  }
  void SetObject(int32_t kind, uint64_t id, int32_t type_index, const char* key) {
    const size_t size = std::strlen(key);
    const size_t offset = Append(ObjectDesc{id, type_index, static_cast<uint32_t>(size)});
    payload.append(key, size).resize((payload.size() + 7) / 8 * 8);
    cells[0] = WireCell{kind, 0, {offset}};
  }
  void SetTensor(const TensorDesc& desc, const std::vector<int64_t>& shape) {
    cells[0] = WireCell{kTVMFFITensor, 0, {Append(desc)}};
    for (int64_t extent : shape) Append(extent);
    for (size_t i = 0; i < shape.size(); ++i) Append(int64_t{1});
  }
  std::vector<char> Bytes() const {
    FrameHeader finished = header;
    if (finished.size == 0) {
      finished.size = static_cast<uint32_t>(payload_offset() + payload.size());
    }
    std::vector<char> bytes(payload_offset() + payload.size());
    std::memcpy(bytes.data(), &finished, sizeof(finished));
    std::memcpy(bytes.data() + sizeof(finished), cells.data(), cells.size() * sizeof(WireCell));
    std::memcpy(bytes.data() + payload_offset(), payload.data(), payload.size());
    return bytes;
  }
};

TensorDesc Float32At(uint32_t arena, uint64_t offset, uint64_t nbytes) {
  TensorDesc desc = {};
  desc.arena_id = arena;
  desc.offset = desc.data_offset = offset;
  desc.nbytes = nbytes;
  desc.dtype_code = kDLFloat;
  desc.dtype_bits = 32;
  desc.dtype_lanes = 1;
  desc.device_type = kDLCPU;
  desc.ndim = 1;
  return desc;
}

class HostileWorker {
 public:
  HostileWorker(ControlConnection control, ShmSegment channel)
      : control_(std::move(control)),
        channel_(std::move(channel)),
        memory_(reinterpret_cast<LaneMemory*>(channel_.data() + kLanesOffset)),
        lane_(memory_, Side::kWorker, &spin_) {}

  [[noreturn]] void Run() {
    std::thread([this] { TakeArenas(); }).detach();
    for (;;) {
      if (lane_.Receive(WaitContext(), &request_) != WaitOutcome::kFrame) std::_Exit(1);
      std::memcpy(&opened_, request_.data(), sizeof(opened_));
      Serve();
    }
  }

 private:
  void TakeArenas() {
    for (;;) {
      Result<ControlFrame> frame = control_.Receive(kNever);
      if (!frame.ok()) std::_Exit(0);
      Result<wire::Message> message = wire::Decode(*frame);
      if (!message.ok()) std::_Exit(2);
      auto* share = std::get_if<wire::ShareArena>(&*message);
      if (share == nullptr) continue;
      std::lock_guard<std::mutex> lock(lock_);
      arenas_.emplace_back(share->arena_id, share->size);
      arrived_.notify_all();
    }
  }

  RawFrame Reply() const {
    RawFrame frame;
    frame.header.lane_call = opened_.lane_call;
    frame.header.call_id = opened_.call_id;
    return frame;
  }
  void Send(const RawFrame& frame) {
    const std::vector<char> bytes = frame.Bytes();
    lane_.Send(bytes.data(), bytes.size());
  }
  void Answer(int64_t value) {
    RawFrame frame = Reply();
    frame.cells[0].bits = static_cast<uint64_t>(value);
    Send(frame);
  }
  void AnswerNone() {
    RawFrame frame = Reply();
    frame.cells[0].kind = kTVMFFINone;
    Send(frame);
  }
  void AnswerHandle(uint64_t id, int32_t type_index, const char* key) {
    RawFrame frame = Reply();
    frame.SetObject(kWireHandle, id, type_index, key);
    Send(frame);
  }
  // What an attack sends when the client has to answer first.
  void Ask(RawFrame frame) {
    Send(frame);
    if (lane_.Receive(WaitContext(), &answer_) != WaitOutcome::kFrame) std::_Exit(1);
  }
  // Behind the lane's back.
  void Publish(uint32_t sequence, uint32_t size) {
    memory_->worker.frame_size.store(size);
    memory_->worker.sequence.store(sequence);
    FutexWake(&memory_->worker.sequence);
  }
  uint32_t Sequence() const { return memory_->worker.sequence.load(); }
  // Of the two that the test's arguments lie in: the first is for copies of plain tensors, the last
  // was made for the other one. They may still be on their way.
  std::pair<uint32_t, uint64_t> AnyArena(bool first = false) {
    std::unique_lock<std::mutex> lock(lock_);
    if (!arrived_.wait_for(lock, std::chrono::seconds(5), [this] { return arenas_.size() >= 2; })) {
      std::_Exit(7);
    }
    return first ? arenas_.front() : arenas_.back();
  }

  void Serve() {
    if (opened_.op == FrameOp::kReady) return AnswerNone();
    if (opened_.op == FrameOp::kLoad) return AnswerHandle(1, kTVMFFIModule, "ffi.Module");
    if (opened_.op == FrameOp::kCallGlobal) {
      FrameReader reader;
      TVMFFIByteArray name{};
      if (!reader.Open(request_.data(), request_.size()).ok() || !reader.GetString(2, &name).ok()) {
        std::_Exit(3);
      }
      names_.emplace_back(name.data, name.size);
      return AnswerHandle(100 + names_.size() - 1, kTVMFFIFunction, "ffi.Function");
    }
    Attack(opened_.target < 100 ? "" : names_[opened_.target - 100]);
  }

  void Attack(const std::string& name) {
    if (name == "honest") return Answer(42);
    if (Order(name) || Frames(name) || Values(name) || Requests(name) || Time(name)) return;
    std::printf("hostile worker: there is no attack '%s'\n", name.c_str());
    std::fflush(stdout);
    std::_Exit(4);
  }

  // C2.6, C2.8, C2.13: when and how much.
  bool Order(const std::string& name) {
    const std::vector<char> fine = Reply().Bytes();
    std::memcpy(memory_->worker.frame, fine.data(), fine.size());
    const uint32_t size = static_cast<uint32_t>(fine.size());
    if (name == "sequence_jump") return Publish(Sequence() + 5, size), Wait();
    if (name == "sequence_back") return Publish(Sequence() - 3, size), Wait();
    if (name == "oversize") return Publish(Sequence() + 1, 1u << 30), Wait();
    if (name == "empty_frame") return Publish(Sequence() + 1, 0), Wait();
    if (name == "cut_header") return Publish(Sequence() + 1, 7), Wait();
    if (name == "half_a_frame") {
      std::memset(memory_->worker.frame, 0xff, 20);
      std::_Exit(0);
    }
    if (name == "early_reply") {
      Answer(1);
      Answer(2);  // to a question that nobody has asked
      return true;
    }
    return false;
  }

  // C2.2: fields of the frame.
  bool Frames(const std::string& name) {
    RawFrame frame = Reply();
    if (name == "size_lie") {
      frame.header.size = 0xfffffff0;
    } else if (name == "unknown_operation") {
      frame.header.op = static_cast<FrameOp>(99);
    } else if (name == "wrong_exchange") {
      frame.header.lane_call += 1;
    } else if (name == "many_cells") {
      frame.header.num_cells = 0xffffffff;
    } else if (name == "many_notes") {
      frame.header.num_notes = 0xffff;
    } else if (name == "two_results") {
      frame.header.num_cells = 2;
      frame.cells.push_back(frame.cells[0]);
    } else if (name == "unknown_kind") {
      frame.cells[0].kind = 5000;
    } else if (name == "dynamic_type_index") {
      frame.cells[0] = WireCell{130, 0, {frame.Append(uint64_t{0})}};
    } else if (name == "pointer") {
      frame.cells[0] = WireCell{kTVMFFIOpaquePtr, 0, {0xdeadbeef}};
    } else if (name == "string_outside") {
      frame.cells[0] = WireCell{kTVMFFIStr, 100, {uint64_t{1} << 60}};
    } else if (name == "string_wraps") {
      frame.cells[0] = WireCell{kTVMFFIStr, 0xffffffff, {~uint64_t{0} - 7}};
    } else if (name == "string_over_header") {
      frame.cells[0] = WireCell{kTVMFFIStr, 16, {0}};
    } else if (name == "spill_unknown" || name == "spill_outside") {
      const auto [arena, size] = AnyArena();
      const bool unknown = name == "spill_unknown";
      frame.cells.clear();
      frame.header.flags = kSpilled;
      frame.header.num_cells = 0;
      frame.Append(SpillRef{unknown ? 77777 : arena, 0, unknown ? 0 : size - 16, 4096});
    } else {
      return false;
    }
    Send(frame);
    return Wait();
  }

  // C1.16, C1.17, C2.10: what the cells describe.
  bool Values(const std::string& name) {
    RawFrame frame = Reply();
    std::pair<uint32_t, uint64_t> place;
    if (name.rfind("tensor_", 0) == 0) place = AnyArena(name == "tensor_beside_arguments");
    const auto [arena, size] = place;
    if (name == "tensor_unknown_arena") {
      frame.SetTensor(Float32At(77777, 0, 16), {4});
    } else if (name == "tensor_behind_arena") {
      frame.SetTensor(Float32At(arena, size - 8, 16), {4});
    } else if (name == "tensor_wraps") {
      frame.SetTensor(Float32At(arena, ~uint64_t{0} - 7, 16), {4});
    } else if (name == "tensor_beside_arguments") {
      frame.SetTensor(Float32At(arena, 0, size), {static_cast<int64_t>(size / 4)});
    } else if (name == "tensor_larger_than_bytes") {
      frame.SetTensor(Float32At(arena, 0, 16), {5});
    } else if (name == "tensor_negative") {
      frame.SetTensor(Float32At(arena, 0, 16), {-4});
    } else if (name == "tensor_huge") {
      frame.SetTensor(Float32At(arena, 0, 16), {int64_t{1} << 62});
    } else if (name == "tensor_of_a_gpu") {
      TensorDesc desc = Float32At(arena, 0, 16);
      desc.device_type = kDLCUDA;
      frame.SetTensor(desc, {4});
    } else if (name == "tensor_of_odd_type") {
      TensorDesc desc = Float32At(arena, 0, 16);
      desc.dtype_bits = 0;
      frame.SetTensor(desc, {4});
    } else if (name == "unknown_argument") {
      frame.cells[0] = WireCell{kWireArgument, 0, {99}};
    } else if (name == "callable_of_the_caller") {
      frame.SetObject(kWireCallback, 0, kTVMFFIFunction, "");
    } else if (name == "long_type_key") {
      frame.SetObject(kWireHandle, 5, 0, std::string(1000, 'k').c_str());
    } else if (name == "depth") {
      for (size_t at = frame.payload_offset(), i = 0; i < 1000; ++i) {
        if (i == 0) frame.cells[0] = WireCell{kTVMFFIArray, 1, {at}};
        at += sizeof(WireCell);
        frame.Append(WireCell{kTVMFFIArray, i < 999 ? 1u : 0u, {i < 999 ? at : 0}});
      }
    } else if (name == "same_bytes_twice") {
      // Sixteen arrays that all contain the same sixteen, and so on: 2^40 elements of 2 KiB.
      const size_t first = frame.payload_offset();
      frame.cells[0] = WireCell{kTVMFFIArray, 16, {first}};
      for (size_t level = 1; level <= 10; ++level) {
        const size_t next = first + level * 16 * sizeof(WireCell);
        for (int i = 0; i < 16; ++i) frame.Append(WireCell{kTVMFFIArray, 16, {next}});
      }
    } else {
      return false;
    }
    Send(frame);
    return Wait();
  }

  // C2.4, C2.10, C1.5: requests of its own.
  bool Requests(const std::string& name) {
    RawFrame frame = Reply();
    frame.cells.clear();
    frame.header.num_cells = 0;
    if (name == "unknown_callback") {
      frame.header.op = FrameOp::kCallback;
      frame.header.target = 7;
      Send(frame);
      return Wait();
    }
    if (name == "error_of_two_texts") {
      frame.header.op = FrameOp::kError;
      frame.header.num_cells = 2;
      frame.cells.assign(2, WireCell{kTVMFFINone, 0, {0}});
      Send(frame);
      return Wait();
    }
    if (name == "callback_storm") {
      frame.header.op = FrameOp::kCallback;
      for (int i = 0; i < 1000; ++i) Ask(frame);
      return Answer(1000), true;
    }
    if (name == "memory_endless" || name == "memory_huge") {
      frame.header.op = FrameOp::kNeedMemory;
      frame.header.target = name == "memory_huge" ? uint64_t{1} << 63 : 1;
      int64_t granted = 0;
      for (int i = 0; i < 5000; ++i) {
        Ask(frame);
        FrameHeader answer;
        std::memcpy(&answer, answer_.data(), sizeof(answer));
        granted += answer.op == FrameOp::kMemoryGranted ? 1 : 0;
        if (answer.op == FrameOp::kMemoryRefused) break;
      }
      return Answer(granted), true;
    }
    if (name == "descriptors") return Answer(SendDescriptors()), true;
    return false;
  }

  // How many messages with descriptors the daemon's end takes.
  int64_t SendDescriptors() const {
    int64_t sent = 0;
    for (int i = 0; i < 200; ++i) {
      char byte = 0;
      iovec data{&byte, 1};
      alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(4 * sizeof(int));
      const int fds[] = {0, 1, 2, 3};
      std::memcpy(CMSG_DATA(header), fds, sizeof(fds));
      sent += ::sendmsg(3, &message, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ? 1 : 0;
    }
    return sent;
  }

  // C2.1, C2.7, C2.9: what it says about time and its own death, and bytes that never rest.
  bool Time(const std::string& name) {
    if (name == "silent") return Wait();
    if (name == "exit_zero") std::_Exit(0);
    if (name == "feign_death") {
      memory_->worker.owner.fetch_or(FUTEX_OWNER_DIED);
      FutexWake(&memory_->worker.owner);
      return Wait();
    }
    if (name == "storm") {
      for (;;) {
        memory_->worker.asleep.fetch_xor(1);
        memory_->worker.cpu.fetch_add(1);
        FutexWake(&memory_->worker.sequence);
        FutexWake(&memory_->worker.owner);
      }
    }
    if (name == "restless") {
      const RawFrame frame = Reply();
      Send(frame);
      for (int i = 0; i < 2000; ++i) {
        for (size_t at = 0; at < 64; at += 8) memory_->worker.frame[at] ^= 0x55;
        memory_->worker.frame_size.store(i % 3 == 0 ? 0xffffffff : 48);
      }
      return true;
    }
    return false;
  }

  [[noreturn]] bool Wait() const {
    for (;;) ::pause();
  }

  ControlConnection control_;
  ShmSegment channel_;
  LaneMemory* memory_;
  SpinBudget spin_{Side::kWorker, 5000};
  Lane lane_;
  std::vector<char> request_;
  std::vector<char> answer_;
  FrameHeader opened_ = {};
  std::vector<std::string> names_;
  std::mutex lock_;
  std::condition_variable arrived_;
  std::vector<std::pair<uint32_t, uint64_t>> arenas_;
};

int Main() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ControlConnection control{UniqueFd(3)};
  Result<ControlFrame> frame = control.Receive(kNever);
  // WorkerPrepare brings none.
  if (frame.ok() && frame->fds.empty()) frame = control.Receive(kNever);
  if (!frame.ok() || frame->fds.size() != 1) return 5;
  Result<ShmSegment> channel =
      ShmSegment::Map(std::move(frame->fds[0]), kChannelSize, Access::kReadWrite);
  if (!channel.ok()) return 6;
  HostileWorker(std::move(control), std::move(*channel)).Run();
}

}  // namespace
}  // namespace tvmffi

int main() { return tvmffi::Main(); }
