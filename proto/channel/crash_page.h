// What a worker's fault handler wrote before it died, as checked values. All of it is the worker's
// word: good for explaining a death, never for deciding anything.
#ifndef TVMFFI_PROTO_CHANNEL_CRASH_PAGE_H_
#define TVMFFI_PROTO_CHANNEL_CRASH_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/channel/layout.h"

namespace tvmffi {

struct LoadedModule {
  uint64_t bias = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string build_id;  // lower-case hexadecimal digits, empty without one
  std::string path;      // printable; empty for the worker program

  bool Contains(uint64_t address) const { return address >= begin && address < end; }
};

struct Crash {
  int signal = 0;
  int code = 0;
  uint64_t instruction = 0;
  uint64_t call_id = 0;  // 0: a thread that served no call
  std::optional<uint64_t> address;
  std::optional<bool> is_write;
  // The arena that `address` lies in or beside, and where in it.
  std::optional<uint32_t> arena_id;
  int64_t arena_offset = 0;
  bool address_space_full = false;
  bool stack_overflow = false;  // the address is in the guard below the stack
  std::vector<uint64_t> registers;
  uint64_t stack_address = 0;
  std::vector<char> stack;
  std::vector<LoadedModule> modules;

  // The module that holds `address`, or null.
  const LoadedModule* ModuleAt(uint64_t address) const;
  // Eight bytes of the stack, if they were kept.
  std::optional<uint64_t> StackWord(uint64_t address) const;
};

// `page_untrusted` must be private to this process. Nothing when no handler ran, or the page does
// not make sense.
std::optional<Crash> ReadCrash(const CrashPage& page_untrusted);

// The modules that the stack and the instruction point into, at most `limit`; first the one of the
// instruction.
std::vector<const LoadedModule*> ModulesInvolved(const Crash& crash, size_t limit);

// Lower-case hexadecimal digits.
std::string Hex(const uint8_t* bytes, size_t size);

// Return addresses along the chain of frame pointers, the instruction first. For want of better:
// ends at the first function compiled without.
std::vector<uint64_t> FramePointerChain(const Crash& crash, size_t limit);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_CRASH_PAGE_H_
