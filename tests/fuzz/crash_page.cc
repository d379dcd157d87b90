// What a worker leaves on its crash page. Whatever that is, what is read of it is bounded, and so
// is what is made of it.
#include "proto/channel/crash_page.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

using tvmffi::Crash;
using tvmffi::CrashModule;
using tvmffi::CrashPage;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckModules(const Crash& crash) {
  Require(crash.modules.size() <= tvmffi::kMaxCrashModules);
  for (const tvmffi::LoadedModule& module : crash.modules) {
    Require(module.begin < module.end && module.Contains(module.begin));
    Require(module.path.size() < sizeof(CrashModule::path) && module.build_id.size() <= 40);
    Require(std::all_of(module.path.begin(), module.path.end(),
                        [](char c) { return c >= 0x20 && c < 0x7f; }));
  }
}

void Check(const Crash& crash) {
  Require(crash.signal >= 1 && crash.signal <= 64);
  Require(crash.registers.size() <= tvmffi::kMaxCrashRegisters);
  Require(crash.stack.size() <= tvmffi::kMaxCrashStack);
  Require(crash.address.has_value() || !crash.arena_id.has_value());
  CheckModules(crash);
  const auto involved = tvmffi::ModulesInvolved(crash, 4);
  Require(involved.size() <= 4);
  for (size_t i = 0; i < involved.size(); ++i) {
    Require(std::count(involved.begin(), involved.end(), involved[i]) == 1);
  }
  const auto chain = tvmffi::FramePointerChain(crash, 64);
  Require(!chain.empty() && chain.size() <= 64 && chain[0] == crash.instruction);
  for (uint64_t at : {crash.stack_address, crash.stack_address + crash.stack.size(), UINT64_MAX}) {
    crash.StackWord(at);
    crash.StackWord(at - 7);
  }
}

}  // namespace

// The record, then four modules, then the stack; the rest is zero.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto page = std::make_unique<CrashPage>();
  std::memset(static_cast<void*>(page.get()), 0, sizeof(*page));
  const auto take = [&](void* to, size_t wanted) {
    const size_t count = std::min(wanted, size);
    if (count != 0) std::memcpy(to, data, count);
    data += count;
    size -= count;
  };
  take(&page->record, sizeof(page->record));
  take(page->modules, 4 * sizeof(CrashModule));
  take(page->stack, sizeof(page->stack));
  if (const auto crash = tvmffi::ReadCrash(*page)) Check(*crash);
  return 0;
}
