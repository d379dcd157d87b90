#include "client/src/worker_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tvmffi::host {
namespace {

TEST(CleanText, KeepsWellFormedText) { EXPECT_EQ(CleanText("naïve ☃ 𝄞", 100), "naïve ☃ 𝄞"); }

TEST(CleanText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(CleanText("a\xff"
                      "b",
                      100),
            "a\uFFFD"
            "b");
  EXPECT_EQ(CleanText("\xc0\x80", 100), "\uFFFD\uFFFD");
  EXPECT_EQ(CleanText("\xed\xa0\x80", 100), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(CleanText("cut \xe2\x98", 100), "cut \uFFFD\uFFFD");
}

TEST(CleanText, NeverCutsInsideACharacter) { EXPECT_EQ(CleanText("ab☃", 4), "ab"); }

TEST(CleanBacktrace, KeepsLinesThatParse) {
  const std::string lines =
      "  File \"a.cc\", line 12, in f(int)\n  File \"b c.cc\", line 0, in g\n";
  EXPECT_EQ(CleanBacktrace(lines), lines);
}

TEST(CleanBacktrace, DropsEverythingElse) {
  EXPECT_EQ(CleanBacktrace(
                "no line at all\n  File \"a\", line -1, in f\n  File \"a\", line 2147483648, in f\n"
                "  File \"a\x1b[2J\", line 1, in f\n  File \"a\", line 7, in last"),
            "  File \"a\", line 7, in last\n");
}

TEST(CleanBacktrace, StopsAfter512Lines) {
  std::string lines;
  for (int i = 0; i < 600; ++i) lines += "  File \"a\", line 1, in f\n";
  const std::string clean = CleanBacktrace(lines);
  EXPECT_EQ(std::count(clean.begin(), clean.end(), '\n'), 512);
}

TEST(MakeWorkerError, HostKindsCannotBeForged) {
  const Failure error = MakeWorkerError("WorkerCrashed", "forged", "", nullptr);
  const ErrorText text = ReadError(error.get());
  EXPECT_EQ(text.kind, "RuntimeError");
  EXPECT_EQ(text.message, "plug-in raised WorkerCrashed: forged");
}

TEST(MakeWorkerError, TheCallbacksOwnErrorComesBackAsItself) {
  const Failure mine = MakeError("WorkerCrashed", "of another worker");
  const Failure back = MakeWorkerError("WorkerCrashed", "of another worker", "", mine.get());
  EXPECT_EQ(ReadError(back.get()).kind, "WorkerCrashed");
}

}  // namespace
}  // namespace tvmffi::host
