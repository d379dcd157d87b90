#include "proto/channel/crash_page.h"

#include <algorithm>
#include <cstring>

namespace tvmffi {
namespace {

#if defined(__aarch64__)
constexpr size_t kFramePointer = 29;
constexpr size_t kStackPointer = 31;
#else
constexpr size_t kFramePointer = 6;
constexpr size_t kStackPointer = 7;
#endif
constexpr int kMaxSignal = 64;
constexpr uint64_t kMaxGuard = 64 * kPage;
constexpr int64_t kMaxOffset = int64_t{1} << 48;

bool IsPath(const char* path, size_t size) {
  return std::all_of(path, path + size, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<LoadedModule> ReadModule(const CrashModule& module) {
  const size_t length = ::strnlen(module.path, sizeof(module.path));
  if (module.begin >= module.end || length == sizeof(module.path) ||
      module.build_id_size > sizeof(module.build_id) || !IsPath(module.path, length)) {
    return std::nullopt;
  }
  return LoadedModule{module.bias, module.begin, module.end,
                      Hex(module.build_id, module.build_id_size), std::string(module.path, length)};
}

// Below what could be read of the stack, and near where its pointer was.
bool HitStackGuard(const Crash& crash) {
  if (!crash.address || crash.registers.size() <= kStackPointer || crash.stack.empty()) {
    return false;
  }
  const uint64_t pointer = crash.registers[kStackPointer];
  const uint64_t address = *crash.address;
  return address < crash.stack_address && crash.stack_address - address <= kMaxGuard &&
         (pointer > address ? pointer - address : address - pointer) <= kMaxGuard;
}

}  // namespace

std::string Hex(const uint8_t* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

const LoadedModule* Crash::ModuleAt(uint64_t where) const {
  auto found = std::find_if(modules.begin(), modules.end(),
                            [where](const LoadedModule& module) { return module.Contains(where); });
  return found != modules.end() ? &*found : nullptr;
}

std::optional<uint64_t> Crash::StackWord(uint64_t where) const {
  if (where < stack_address || stack.size() < sizeof(uint64_t) ||
      where - stack_address > stack.size() - sizeof(uint64_t)) {
    return std::nullopt;
  }
  uint64_t word;
  std::memcpy(&word, stack.data() + (where - stack_address), sizeof(word));
  return word;
}

std::optional<Crash> ReadCrash(const CrashPage& page_untrusted) {
  const CrashRecord& record = page_untrusted.record;
  if (record.valid != 1 || record.signal < 1 || record.signal > kMaxSignal) return std::nullopt;
  Crash crash;
  crash.signal = record.signal;
  crash.code = record.code;
  crash.instruction = record.instruction;
  crash.call_id = record.call_id;
  if (record.has_address == 1) crash.address = record.address;
  if (record.access == kAccessRead) crash.is_write = false;
  if (record.access == kAccessWrite) crash.is_write = true;
  if (record.in_arena == 1 && crash.address.has_value() && record.arena_offset > -kMaxOffset &&
      record.arena_offset < kMaxOffset) {
    crash.arena_id = record.arena_id;
    crash.arena_offset = record.arena_offset;
  }
  crash.address_space_full = record.address_space_full == 1;
  const uint32_t registers = std::min(record.num_registers, kMaxCrashRegisters);
  crash.registers.assign(record.registers, record.registers + registers);
  const size_t stack_size = std::min<size_t>(record.stack_size, kMaxCrashStack);
  if (record.stack_address <= UINT64_MAX - stack_size) {
    crash.stack_address = record.stack_address;
    crash.stack.assign(page_untrusted.stack, page_untrusted.stack + stack_size);
  }
  crash.stack_overflow = HitStackGuard(crash);
  const uint32_t modules = std::min(record.num_modules, kMaxCrashModules);
  for (uint32_t i = 0; i < modules; ++i) {
    if (auto module = ReadModule(page_untrusted.modules[i])) {
      crash.modules.push_back(std::move(*module));
    }
  }
  return crash;
}

std::vector<const LoadedModule*> ModulesInvolved(const Crash& crash, size_t limit) {
  std::vector<const LoadedModule*> involved;
  const auto add = [&](uint64_t address) {
    const LoadedModule* module = crash.ModuleAt(address);
    if (module == nullptr || involved.size() == limit) return;
    if (std::find(involved.begin(), involved.end(), module) == involved.end()) {
      involved.push_back(module);
    }
  };
  add(crash.instruction);
  for (size_t at = 0; at + sizeof(uint64_t) <= crash.stack.size(); at += sizeof(uint64_t)) {
    add(*crash.StackWord(crash.stack_address + at));
  }
  return involved;
}

std::vector<uint64_t> FramePointerChain(const Crash& crash, size_t limit) {
  std::vector<uint64_t> chain = {crash.instruction};
  if (crash.registers.size() <= kFramePointer) return chain;
  uint64_t frame = crash.registers[kFramePointer];
  while (chain.size() < limit) {
    const std::optional<uint64_t> next = crash.StackWord(frame);
    const std::optional<uint64_t> back = crash.StackWord(frame + sizeof(uint64_t));
    if (!next || !back || crash.ModuleAt(*back) == nullptr) break;
    chain.push_back(*back);
    if (*next <= frame) break;
    frame = *next;
  }
  return chain;
}

}  // namespace tvmffi
