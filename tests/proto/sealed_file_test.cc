#include "proto/base/sealed_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace tvmffi {
namespace {

class SealedFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content) {
    const std::string path = folder_.path() + "/file";
    std::ofstream(path, std::ios::trunc) << content;
    return path;
  }
  static std::string Content(const SealedFile& file) {
    return {static_cast<const char*>(file.data()), file.size()};
  }

  testing::TempDir folder_;
};

TEST_F(SealedFileTest, B12_StaysAsItWasWhenTheFileChanges) {
  const std::string path = Write("checked");
  Result<SealedFile> copy = SealedFile::Copy(path);
  ASSERT_TRUE(copy.ok()) << copy.status().message;

  Write("swapped");

  EXPECT_EQ(Content(*copy), "checked");
  char bytes[7];
  ASSERT_EQ(::pread(copy->fd(), bytes, 7, 0), 7);
  EXPECT_EQ(std::memcmp(bytes, "checked", 7), 0);
}

TEST_F(SealedFileTest, B12_NobodyCanWriteIt) {
  const char text[] = "checked";
  Result<SealedFile> copy = SealedFile::Make(text, 7);
  ASSERT_TRUE(copy.ok());
  const std::string again = "/proc/self/fd/" + std::to_string(copy->fd());
  UniqueFd reopened(::open(again.c_str(), O_RDWR | O_CLOEXEC));

  for (int fd : {copy->fd(), reopened.get()}) {
    EXPECT_EQ(::pwrite(fd, "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(fd, 0), -1);
    EXPECT_EQ(::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
  }
  EXPECT_EQ(Content(*copy), "checked");
  EXPECT_TRUE(SealedFile::Check(copy->fd()).ok());
}

TEST_F(SealedFileTest, AFileThatCanChangeIsNotTakenForOne) {
  UniqueFd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  UniqueFd plain(::open(Write("x").c_str(), O_RDONLY | O_CLOEXEC));

  EXPECT_EQ(SealedFile::Check(open.get()).code, Code::kInvalidArgument);
  EXPECT_FALSE(SealedFile::Check(plain.get()).ok());
  ASSERT_EQ(::fcntl(open.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_FALSE(SealedFile::Check(open.get()).ok());
  ASSERT_EQ(::fcntl(open.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_TRUE(SealedFile::Check(open.get()).ok());
}

TEST_F(SealedFileTest, WhatIsNoFileIsRefusedWithoutWaiting) {
  const std::string fifo = folder_.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);

  EXPECT_EQ(SealedFile::Copy(fifo).status().message, "'" + fifo + "' is no regular file");
  EXPECT_EQ(SealedFile::Copy(folder_.path()).status().code, Code::kInvalidArgument);
  EXPECT_EQ(SealedFile::Copy("/no/such/file").status().code, Code::kNotFound);
  EXPECT_EQ(SealedFile::Copy(Write("")).status().code, Code::kInvalidArgument);
  EXPECT_EQ(SealedFile::Copy(Write("12345"), 4).status().message,
            "'" + folder_.path() + "/file' has 5 bytes, limit is 4");
}

}  // namespace
}  // namespace tvmffi
