// Where everything lies in a channel, the shared memory between one client and one worker.
// Constants only: neither side reads a size or an offset from the other.
//
//   page 0   ChannelHeader, written by the daemon before anybody else sees the segment, but for the
//            times of the worker's start
//   page 1   CrashPage, written by the worker's fault handler: a hint, never a fact
//   then     kMaxLanes lanes; a lane is two halves, each written by one side only
//
// A half is published by adding one to its sequence. Per lane the two sides take strict turns:
// client, worker, client...
#ifndef TVMFFI_PROTO_CHANNEL_LAYOUT_H_
#define TVMFFI_PROTO_CHANNEL_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "proto/channel/start_times.h"

namespace tvmffi {

inline constexpr uint32_t kChannelMagic = 0x31434854;  // "THC1"
inline constexpr uint32_t kChannelVersion = 3;
inline constexpr uint32_t kMaxLanes = 16;
inline constexpr size_t kPage = 4096;
// What memory that was given back holds where callers want it overwritten: NaN as a float, -1 as an
// integer.
inline constexpr unsigned char kPoison = 0xFF;

enum class Side { kClient, kWorker };

struct ChannelHeader {
  uint32_t magic;
  uint32_t version;
  StartTimes start = {};
};
static_assert(sizeof(ChannelHeader) <= kPage, "page 0");

inline constexpr uint32_t kMaxCrashRegisters = 33;  // in DWARF's order, the program counter last
inline constexpr uint32_t kMaxCrashModules = 128;
inline constexpr size_t kMaxCrashStack = 64 * 1024;

enum CrashAccess : uint32_t { kAccessUnknown = 0, kAccessRead = 1, kAccessWrite = 2 };

// Plain words: written once by a dying thread, read by the client after the worker is dead
// (proto/channel/crash_page.h). A count is stored after what it counts.
struct CrashRecord {
  uint32_t valid;
  int32_t signal;
  int32_t code;
  int32_t thread;
  uint64_t address;
  uint64_t instruction;
  uint64_t call_id;
  uint32_t has_address;
  uint32_t access;  // CrashAccess
  // Where `address` lies in the memory the client lent, guard pages included.
  uint32_t in_arena;
  uint32_t arena_id;
  int64_t arena_offset;
  uint32_t address_space_full;  // no more could be mapped
  uint32_t num_registers;
  uint64_t registers[kMaxCrashRegisters];
  uint64_t stack_address;
  uint32_t stack_size;
  uint32_t num_modules;
};

// One ELF file in the worker's memory.
struct CrashModule {
  uint64_t bias;  // added to the addresses in the file
  uint64_t begin;
  uint64_t end;
  uint8_t build_id[20];
  uint32_t build_id_size;
  char path[208];  // as the dynamic linker has it; empty for the worker program itself
};
static_assert(sizeof(CrashModule) == 256, "no padding");

struct alignas(kPage) CrashPage {
  CrashRecord record;
  alignas(kPage) CrashModule modules[kMaxCrashModules];
  char stack[kMaxCrashStack];
};

// The first bytes of a frame share their cache line with the sequence word that publishes them.
inline constexpr size_t kFrameHead = 56;
// A longer frame lies in the half's overflow area; a still longer one in an arena
// (FrameHeader::kSpilled).
inline constexpr size_t kInlineFrame = 4024;
inline constexpr size_t kOverflowFrame = 64 * 1024;

struct alignas(128) LaneHalf {
  // Written by this half's owner around its own waiting, and only when they change, so that the
  // line stays shared: futex sleepers are announced; the CPU (plus one, 0 is unknown) is a hint.
  std::atomic<uint32_t> asleep;
  std::atomic<uint32_t> cpu;
  // Robust-list word of the worker's lane thread (worker half only): the kernel marks it when that
  // thread dies.
  std::atomic<uint32_t> owner;
  char unused[52];
  // Written by this half's owner with each frame.
  std::atomic<uint32_t> sequence;
  // Atomic only so that a reader loads it once: a hostile owner may change it at any moment.
  std::atomic<uint32_t> frame_size;
  char frame[kInlineFrame];
};
static_assert(sizeof(LaneHalf) == kPage, "a half is one page");
static_assert(offsetof(LaneHalf, sequence) == 64 && offsetof(LaneHalf, frame) == 72, "line layout");

struct LaneMemory {
  LaneHalf client;
  LaneHalf worker;
  char client_overflow[kOverflowFrame];
  char worker_overflow[kOverflowFrame];
};

inline constexpr size_t kCrashOffset = kPage;
inline constexpr size_t kLanesOffset = kCrashOffset + sizeof(CrashPage);
inline constexpr size_t kChannelSize = kLanesOffset + kMaxLanes * sizeof(LaneMemory);

// A page of its own, mapped by daemon (writing) and client (reading) only.
struct DeathPage {
  // 0 while the worker lives; the daemon stores 1 and wakes all waiters once it has reaped it.
  std::atomic<uint32_t> dead;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_LAYOUT_H_
