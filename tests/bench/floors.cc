// The raw mechanisms, as bare as they can be: no bounds, no deaths, no hostile peers.
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "proto/base/unique_fd.h"
#include "tests/bench/bench_support.h"

namespace tvmffi::bench {
namespace {

constexpr size_t kPayload = 56;

inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

// Two cache lines, each with its sequence and its payload; both sides spin.
struct alignas(128) RingLine {
  std::atomic<uint32_t> sequence;
  char payload[kPayload];
};

struct RingMemory {
  RingLine request;
  RingLine reply;
};

void RingWait(const RingLine& line, uint32_t seen) {
  while (line.sequence.load(std::memory_order_acquire) == seen) CpuRelax();
}

class RawRing : public Exchange {
 public:
  explicit RawRing(const Pins& pins) : peer_(pins.peer, [this] { Serve(); }) { PinTo(pins.caller); }

  void Once() override {
    std::memcpy(memory_->request.payload, payload_, kPayload);
    memory_->request.sequence.store(sequence_ + 1, std::memory_order_release);
    RingWait(memory_->reply, sequence_);
    std::memcpy(payload_, memory_->reply.payload, kPayload);
    ++sequence_;
  }

 private:
  void Serve() {
    for (uint32_t sequence = 0;; ++sequence) {
      RingWait(memory_->request, sequence);
      std::memcpy(payload_, memory_->request.payload, kPayload);
      std::memcpy(memory_->reply.payload, payload_, kPayload);
      memory_->reply.sequence.store(sequence + 1, std::memory_order_release);
    }
  }

  SharedValue<RingMemory> memory_;
  char payload_[kPayload] = {};
  uint32_t sequence_ = 0;
  Peer peer_;
};

// Each post wakes, each wait sleeps.
class FutexPair : public Exchange {
 public:
  FutexPair(const Pins& pins, bool own_session)
      : peer_(pins.peer, [this, own_session] {
          if (own_session) ::setsid();
          Serve();
        }) {
    PinTo(pins.caller);
  }

  void Once() override {
    Post(&memory_->request.sequence, sequence_ + 1);
    Wait(&memory_->reply.sequence, sequence_);
    ++sequence_;
  }

 private:
  static void Post(std::atomic<uint32_t>* word, uint32_t value) {
    word->store(value, std::memory_order_seq_cst);
    ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  static void Wait(std::atomic<uint32_t>* word, uint32_t seen) {
    while (word->load(std::memory_order_seq_cst) == seen) {
      ::syscall(SYS_futex, word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
  }

  void Serve() {
    for (uint32_t sequence = 0;; ++sequence) {
      Wait(&memory_->request.sequence, sequence);
      Post(&memory_->reply.sequence, sequence + 1);
    }
  }

  SharedValue<RingMemory> memory_;
  uint32_t sequence_ = 0;
  Peer peer_;
};

struct SocketEnds {
  SocketEnds() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
      std::perror("socketpair");
      std::exit(1);
    }
    caller.reset(fds[0]);
    peer.reset(fds[1]);
  }

  UniqueFd caller;
  UniqueFd peer;
};

// 64 bytes each way; blocking reads.
class SocketPair : public Exchange {
 public:
  explicit SocketPair(const Pins& pins) : peer_(pins.peer, [this] { Serve(); }) {
    PinTo(pins.caller);
  }

  void Once() override {
    Write(ends_.caller.get());
    Read(ends_.caller.get());
  }

 private:
  void Write(int fd) {
    if (::write(fd, message_, sizeof(message_)) != ssize_t{sizeof(message_)}) std::abort();
  }

  void Read(int fd) {
    if (::read(fd, message_, sizeof(message_)) != ssize_t{sizeof(message_)}) std::abort();
  }

  void Serve() {
    for (;;) {
      Read(ends_.peer.get());
      Write(ends_.peer.get());
    }
  }

  SocketEnds ends_;
  char message_[64] = {};
  Peer peer_;
};

}  // namespace

std::unique_ptr<Exchange> MakeRawRing(const Pins& pins) { return std::make_unique<RawRing>(pins); }

std::unique_ptr<Exchange> MakeFutexPair(const Pins& pins, bool own_session) {
  return std::make_unique<FutexPair>(pins, own_session);
}

std::unique_ptr<Exchange> MakeSocketPair(const Pins& pins) {
  return std::make_unique<SocketPair>(pins);
}

}  // namespace tvmffi::bench
