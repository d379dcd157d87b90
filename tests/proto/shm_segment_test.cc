#include "proto/base/shm_segment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <string>

#include "tests/support/temp_dir.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace tvmffi {
namespace {

UniqueFd Duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

TEST(ShmSegment, TwoMappingsSeeTheSameBytes) {
  Result<ShmSegment> owner = ShmSegment::Create(5000, "test");
  ASSERT_TRUE(owner.ok()) << owner.status().message;
  EXPECT_EQ(owner->size(), 8192u);

  Result<ShmSegment> peer = ShmSegment::Map(Duplicate(owner->fd()), 8192, Access::kReadWrite);
  ASSERT_TRUE(peer.ok()) << peer.status().message;
  EXPECT_EQ(peer->data()[4999], 0);
  std::strcpy(peer->data(), "hello");

  EXPECT_STREQ(owner->data(), "hello");
}

TEST(ShmSegment, B1_C2_3_NobodyCanResizeOrUnsealIt) {
  Result<ShmSegment> segment = ShmSegment::Create(4096, "test");
  ASSERT_TRUE(segment.ok());

  EXPECT_EQ(::ftruncate(segment->fd(), 0), -1);
  EXPECT_EQ(::ftruncate(segment->fd(), 8192), -1);
  EXPECT_EQ(::fcntl(segment->fd(), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

TEST(ShmSegment, B1_OnlyItsOwnerWritesAnInput) {
  Result<ShmSegment> owner = ShmSegment::CreateInput(4096, "input");
  ASSERT_TRUE(owner.ok()) << owner.status().message;
  owner->data()[7] = 'x';

  EXPECT_FALSE(ShmSegment::Map(Duplicate(owner->fd()), 4096, Access::kReadWrite).ok());
  EXPECT_EQ(::pwrite(owner->fd(), "y", 1, 7), -1);
  UniqueFd reopened(
      ::open(("/proc/self/fd/" + std::to_string(owner->fd())).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(reopened.valid());
  EXPECT_FALSE(ShmSegment::Map(std::move(reopened), 4096, Access::kReadWrite).ok());

  Result<ShmSegment> reader = ShmSegment::Map(Duplicate(owner->fd()), 4096, Access::kReadOnly);
  ASSERT_TRUE(reader.ok()) << reader.status().message;
  EXPECT_EQ(reader->data()[7], 'x');
  EXPECT_NE(::mprotect(reader->data(), 4096, PROT_READ | PROT_WRITE), 0);
  owner->data()[7] = 'z';
  EXPECT_EQ(reader->data()[7], 'z');
}

// A peer that truncates after we map would kill this process with SIGBUS.
TEST(ShmSegment, C2_3_MapRefusesAFileThatItsSenderCanStillShrink) {
  UniqueFd unsealed(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), 4096), 0);

  Result<ShmSegment> segment = ShmSegment::Map(std::move(unsealed), 4096, Access::kReadOnly);

  ASSERT_FALSE(segment.ok());
  EXPECT_EQ(segment.status().code, Code::kInvalidArgument);
}

TEST(ShmSegment, C2_5_MapRefusesWhatIsNoMemfd) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd write_end(ends[1]);

  EXPECT_EQ(ShmSegment::Map(UniqueFd(ends[0]), 4096, Access::kReadOnly).status().code,
            Code::kInvalidArgument);
  EXPECT_FALSE(ShmSegment::Map(UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), 4096,
                               Access::kReadOnly)
                   .ok());
  EXPECT_FALSE(ShmSegment::Map(UniqueFd(), 4096, Access::kReadOnly).ok());
}

TEST(ShmSegment, C2_5_MapRefusesAnotherSizeAndNamesBoth) {
  Result<ShmSegment> owner = ShmSegment::Create(4096, "test");
  ASSERT_TRUE(owner.ok());

  for (size_t size : {size_t{0}, size_t{4095}, size_t{8192}, SIZE_MAX}) {
    Result<ShmSegment> segment = ShmSegment::Map(Duplicate(owner->fd()), size, Access::kReadWrite);
    ASSERT_FALSE(segment.ok()) << size;
    EXPECT_NE(segment.status().message.find("4096"), std::string::npos);
    EXPECT_NE(segment.status().message.find(std::to_string(size)), std::string::npos);
  }
}

// What ShmSegment::Map would be if it believed its sender.
const volatile char* MapAsToldTo(int fd, size_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  return data == MAP_FAILED ? nullptr : static_cast<const volatile char*>(data);
}

TEST(ShmSegmentDeathTest, C2_3_ControlWithoutSealsItsSenderEndsTheReader) {
  UniqueFd sent(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(sent.get(), 4096), 0);
  const volatile char* mapped = MapAsToldTo(sent.get(), 4096);
  ASSERT_NE(mapped, nullptr);
  EXPECT_EQ(mapped[0], 0);

  ASSERT_EQ(::ftruncate(sent.get(), 0), 0);

  EXPECT_DEATH(static_cast<void>(mapped[0]), "");
}

TEST(ShmSegmentDeathTest, C2_5_ControlASizeThatIsBelievedEndsTheReader) {
  Result<ShmSegment> sent = ShmSegment::Create(4096, "small");
  ASSERT_TRUE(sent.ok());
  const volatile char* mapped = MapAsToldTo(sent->fd(), 8192);
  ASSERT_NE(mapped, nullptr);

  EXPECT_DEATH(static_cast<void>(mapped[4096]), "");
}

// Whoever can write that file chooses, from then on, what the mapping holds.
TEST(ShmSegment, C2_5_ControlAnyFileIsMapped) {
  testing::TempDir folder;
  const std::string path = folder / "file";
  UniqueFd sent(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(sent.get(), 4096), 0);
  ASSERT_FALSE(ShmSegment::Map(Duplicate(sent.get()), 4096, Access::kReadOnly).ok());
  const volatile char* mapped = MapAsToldTo(sent.get(), 4096);
  ASSERT_NE(mapped, nullptr);

  UniqueFd other(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(other.get(), "x", 1, 0), 1);

  EXPECT_EQ(mapped[0], 'x');
}

TEST(ShmSegment, CreateRefusesImpossibleSizes) {
  EXPECT_EQ(ShmSegment::Create(0, "empty").status().code, Code::kInvalidArgument);
  EXPECT_EQ(ShmSegment::Create(SIZE_MAX, "huge").status().code, Code::kInvalidArgument);
}

TEST(ShmSegment, CreateSaysWhichCallFailed) {
  std::string long_name(400, 'n');

  Result<ShmSegment> segment = ShmSegment::Create(4096, long_name.c_str());

  ASSERT_FALSE(segment.ok());
  EXPECT_NE(segment.status().message.find("cannot create segment"), std::string::npos);
}

TEST(ShmSegment, PopulateFaultsEveryPageIn) {
  constexpr size_t kSize = 64 * 4096;
  Result<ShmSegment> segment = ShmSegment::Create(kSize, "test");
  ASSERT_TRUE(segment.ok());

  ASSERT_TRUE(segment->Populate().ok());

  unsigned char resident[kSize / 4096] = {};
  ASSERT_EQ(::mincore(segment->data(), kSize, resident), 0);
  for (unsigned char page : resident) EXPECT_EQ(page & 1, 1);
  Result<ShmSegment> reader = ShmSegment::Map(Duplicate(segment->fd()), kSize, Access::kReadOnly);
  EXPECT_TRUE(reader->Populate().ok());
}

TEST(ShmSegment, MovingLeavesNothingBehind) {
  Result<ShmSegment> made = ShmSegment::Create(4096, "test");
  ASSERT_TRUE(made.ok());
  char* data = made->data();
  ShmSegment first = std::move(*made);
  EXPECT_FALSE(made->valid());

  first = ShmSegment();

  EXPECT_FALSE(first.valid());
  unsigned char resident = 0;
  EXPECT_EQ(::mincore(data, 4096, &resident), -1) << "still mapped";
}

TEST(ShmSegmentDeathTest, B2_RunningOffEitherEndFaults) {
  Result<ShmSegment> segment = ShmSegment::Create(4096, "test");
  ASSERT_TRUE(segment.ok());

  EXPECT_DEATH(const_cast<volatile char*>(segment->data())[4096] = 1, "");
  EXPECT_DEATH(const_cast<volatile char*>(segment->data())[-1] = 1, "");
}

}  // namespace
}  // namespace tvmffi
