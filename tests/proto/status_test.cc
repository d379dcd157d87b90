#include "proto/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace tvmffi {
namespace {

TEST(Status, ErrnoStatusSaysWhatFailedHowAndTheNumber) {
  Status status = ErrnoStatus(ENOENT, "cannot open '/nowhere'");

  EXPECT_EQ(status.code, Code::kNotFound);
  EXPECT_EQ(status.message, "cannot open '/nowhere': No such file or directory (2)");
}

TEST(Status, ErrnoStatusIsNeverOk) {
  for (int error_number = 0; error_number < 140; ++error_number) {
    EXPECT_FALSE(ErrnoStatus(error_number, "x").ok()) << error_number;
  }
  EXPECT_EQ(ErrnoStatus(EMFILE, "x").code, Code::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EACCES, "x").code, Code::kPermissionDenied);
  EXPECT_EQ(ErrnoStatus(EPIPE, "x").code, Code::kUnavailable);
  EXPECT_EQ(ErrnoStatus(EIO, "x").code, Code::kInternal);
}

}  // namespace
}  // namespace tvmffi
