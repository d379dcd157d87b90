#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "hostd/logging.h"
#include "hostd/supervisor/line_forwarder.h"
#include "hostd/text.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    read_end = UniqueFd(ends[0]);
    write_end = UniqueFd(ends[1]);
  }
  std::string Take() {
    std::string text;
    char piece[4096];
    for (ssize_t size; (size = ::read(read_end.get(), piece, sizeof(piece))) > 0;) {
      text.append(piece, static_cast<size_t>(size));
    }
    return text;
  }
  UniqueFd read_end, write_end;
};

TEST(LineForwarder, WritesWholeLinesWithTheirLabel) {
  Pipe pipe;
  LineForwarder forwarder(pipe.write_end.get(), "w");

  forwarder.Append("one\ntw");
  EXPECT_EQ(pipe.Take(), "[w] one\n");
  forwarder.Append("o\n\x1b[0m");
  EXPECT_EQ(pipe.Take(), "[w] two\n");
  forwarder.Finish();
  EXPECT_EQ(pipe.Take(), "[w] \\x1b[0m\n");
}

TEST(LineForwarder, LeavesLinesOutOfAFloodAndSaysHowMany) {
  Pipe pipe;
  LineForwarder forwarder(pipe.write_end.get(), "w");
  constexpr int kLines = 5000;
  for (int i = 0; i < kLines; ++i) forwarder.Append("x\n");
  forwarder.Finish();

  std::string text = pipe.Take();

  // A flood that runs into the next second may have two notes.
  long written = std::count(text.begin(), text.end(), 'x');
  EXPECT_GE(written, LineForwarder::kLinesPerSecond);
  EXPECT_LE(written, 3 * LineForwarder::kLinesPerSecond);
  EXPECT_NE(text.find("lines left out)"), std::string::npos);
}

TEST(LineForwarder, KeepsABoundedPartOfAnEndlessLine) {
  Pipe pipe;
  LineForwarder forwarder(pipe.write_end.get(), "w");
  for (int i = 0; i < 1000; ++i) forwarder.Append(std::string(10'000, 'x'));
  forwarder.Append("\n");

  EXPECT_LE(pipe.Take().size(), LineForwarder::kMaxLine + 10);
}

TEST(WriteWithoutWaiting, DropsWhatDoesNotFit) {
  Pipe pipe;
  std::string text(1000, 'x');
  int written = 0;
  while (written < 10'000 && WriteWithoutWaiting(pipe.write_end.get(), text)) ++written;

  EXPECT_GT(written, 0);
  EXPECT_LT(written, 10'000);
  EXPECT_EQ(pipe.Take().size(), static_cast<size_t>(written) * text.size());
}

TEST(Logger, WritesEscapedTextOfItsLevel) {
  Pipe pipe;
  auto log = MakeLogger(pipe.write_end.get(), spdlog::level::info, /*json=*/false);
  log->debug("hidden");
  log->warn("a\nb {}", 7);

  std::string text = pipe.Take();

  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find(" warning tvmffi-hostd["), std::string::npos) << text;
  EXPECT_NE(text.find("a\\x0ab 7\n"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Logger, WritesOneJsonObjectPerLine) {
  Pipe pipe;
  auto log = MakeLogger(pipe.write_end.get(), spdlog::level::info, /*json=*/true);
  log->error("path '{}' \t end", "a\"b\\c\n");

  std::string text = pipe.Take();

  EXPECT_EQ(text.rfind("{\"time\":", 0), 0u);
  EXPECT_NE(text.find("\"level\":\"error\""), std::string::npos);
  EXPECT_NE(text.find("\"pid\":" + std::to_string(::getpid())), std::string::npos);
  EXPECT_NE(text.find("\"message\":\"path 'a\\\"b\\\\c\\\\x0a' \\t end\"}\n"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace tvmffi::hostd
