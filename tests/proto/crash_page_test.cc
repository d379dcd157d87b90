#include "proto/channel/crash_page.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace tvmffi {
namespace {

constexpr uint64_t kModule = 0x7f0000000000;
constexpr uint64_t kStack = 0x7fff00000000;

std::unique_ptr<CrashPage> Page() {
  auto page = std::make_unique<CrashPage>();
  CrashRecord& record = page->record;
  record.valid = 1;
  record.signal = 11;
  record.instruction = kModule + 0x10;
  record.has_address = 1;
  record.address = 0x1000;
  record.access = kAccessWrite;
  record.num_registers = 17;
  record.stack_address = kStack;
  record.stack_size = 64;
  record.num_modules = 1;
  page->modules[0] = {kModule, kModule, kModule + 0x1000, {0xab, 0x01}, 2, "/lib/a.so"};
  return page;
}

void SetWord(CrashPage* page, size_t offset, uint64_t word) {
  std::memcpy(page->stack + offset, &word, sizeof(word));
}

TEST(CrashPage, B3_HoldsWhatTheHandlerWrote) {
  const std::optional<Crash> crash = ReadCrash(*Page());

  ASSERT_TRUE(crash.has_value());
  EXPECT_EQ(crash->signal, 11);
  EXPECT_EQ(crash->address, 0x1000u);
  EXPECT_EQ(crash->is_write, true);
  EXPECT_EQ(crash->registers.size(), 17u);
  EXPECT_EQ(crash->stack.size(), 64u);
  ASSERT_EQ(crash->modules.size(), 1u);
  EXPECT_EQ(crash->modules[0].build_id, "ab01");
  EXPECT_EQ(crash->modules[0].path, "/lib/a.so");
}

TEST(CrashPage, OfAWorkerWhoseHandlerNeverRanIsNothing) {
  EXPECT_FALSE(ReadCrash(*std::make_unique<CrashPage>()).has_value());
}

TEST(CrashPage, C1_12_CountsBeyondTheirArraysAreCut) {
  auto page = Page();
  page->record.num_registers = page->record.stack_size = page->record.num_modules = UINT32_MAX;

  const std::optional<Crash> crash = ReadCrash(*page);

  ASSERT_TRUE(crash.has_value());
  EXPECT_EQ(crash->registers.size(), kMaxCrashRegisters);
  EXPECT_EQ(crash->stack.size(), kMaxCrashStack);
  EXPECT_EQ(crash->modules.size(), 1u) << "the others are empty";
}

TEST(CrashPage, C1_12_NonsenseIsNotBelieved) {
  auto no_signal = Page();
  no_signal->record.signal = 65;
  EXPECT_FALSE(ReadCrash(*no_signal).has_value());

  auto scribbled = std::make_unique<CrashPage>();
  std::memset(static_cast<void*>(scribbled.get()), 0xa5, sizeof(CrashPage));
  EXPECT_FALSE(ReadCrash(*scribbled).has_value());

  auto wraps = Page();
  wraps->record.stack_address = UINT64_MAX - 8;
  EXPECT_TRUE(ReadCrash(*wraps)->stack.empty());

  auto far = Page();
  far->record.in_arena = 1;
  far->record.arena_offset = INT64_MIN;
  EXPECT_FALSE(ReadCrash(*far)->arena_id.has_value());
}

TEST(CrashPage, C1_12_ModulesWithBrokenFieldsAreLeftOut) {
  auto page = Page();
  page->record.num_modules = 5;
  for (int i = 1; i < 5; ++i) page->modules[i] = page->modules[0];
  page->modules[0].end = page->modules[0].begin;
  page->modules[1].build_id_size = 21;
  std::memset(page->modules[2].path, 'x', sizeof(page->modules[2].path));
  page->modules[3].path[2] = '\x1b';

  const std::optional<Crash> crash = ReadCrash(*page);

  ASSERT_EQ(crash->modules.size(), 1u);
  EXPECT_EQ(crash->modules[0].path, "/lib/a.so");
}

TEST(CrashPage, TheStackIsReadInsideItsBoundsOnly) {
  auto page = Page();
  SetWord(page.get(), 56, 77);
  const std::optional<Crash> crash = ReadCrash(*page);

  EXPECT_EQ(crash->StackWord(kStack + 56), 77u);
  EXPECT_FALSE(crash->StackWord(kStack + 57).has_value());
  EXPECT_FALSE(crash->StackWord(kStack - 1).has_value());
  EXPECT_FALSE(crash->StackWord(UINT64_MAX).has_value());
}

TEST(CrashPage, ModulesOfTheStackComeAfterTheOneThatDied) {
  auto page = Page();
  page->record.num_modules = 3;
  page->modules[1] = {1, 0x1000, 0x2000, {}, 0, "/b.so"};
  page->modules[2] = {2, 0x2000, 0x3000, {}, 0, "/c.so"};
  SetWord(page.get(), 8, 0x2fff);
  const std::optional<Crash> crash = ReadCrash(*page);

  const std::vector<const LoadedModule*> involved = ModulesInvolved(*crash, 8);

  ASSERT_EQ(involved.size(), 2u);
  EXPECT_EQ(involved[0]->path, "/lib/a.so");
  EXPECT_EQ(involved[1]->path, "/c.so");
  EXPECT_EQ(ModulesInvolved(*crash, 1).size(), 1u);
}

#if defined(__x86_64__)
TEST(CrashPage, FramePointersAreFollowedUpTheStackOnly) {
  auto page = Page();
  page->record.registers[6] = kStack + 16;
  SetWord(page.get(), 16, kStack + 32);
  SetWord(page.get(), 24, kModule + 0x20);
  SetWord(page.get(), 32, kStack + 16);  // a loop
  SetWord(page.get(), 40, kModule + 0x30);

  const std::vector<uint64_t> chain = FramePointerChain(*ReadCrash(*page), 64);

  EXPECT_EQ(chain, (std::vector<uint64_t>{kModule + 0x10, kModule + 0x20, kModule + 0x30}));
}

TEST(CrashPage, AFaultInTheGuardIsAStackOverflow) {
  auto page = Page();
  page->record.registers[7] = kStack - 4000;
  page->record.address = kStack - 3992;
  EXPECT_TRUE(ReadCrash(*page)->stack_overflow);

  page->record.address = 0x1000;
  EXPECT_FALSE(ReadCrash(*page)->stack_overflow);
}
#endif

}  // namespace
}  // namespace tvmffi
