#include "hostd/supervisor/log_ring.h"

#include <gtest/gtest.h>

#include "hostd/text.h"

namespace tvmffi::hostd {
namespace {

using Lines = std::vector<std::string>;

Lines TailOf(const std::string& text) {
  LogRing ring;
  ring.Append(text);
  return ring.TailLines();
}

TEST(LogRing, SplitsLinesAndCountsBytes) {
  LogRing ring;
  EXPECT_EQ(ring.TailLines(), Lines{});
  ring.Append("one\nt");
  ring.Append("wo\r\n\nunfinished");

  EXPECT_EQ(ring.TailLines(), (Lines{"one", "two", "", "unfinished"}));
  EXPECT_EQ(ring.total_bytes(), 20u);
}

TEST(LogRing, KeepsTheLastFiftyLines) {
  LogRing ring;
  for (int i = 0; i < 60; ++i) ring.Append("line " + std::to_string(i) + "\n");

  Lines lines = ring.TailLines();

  ASSERT_EQ(lines.size(), LogRing::kTailLines);
  EXPECT_EQ(lines.front(), "line 10");
  EXPECT_EQ(lines.back(), "line 59");
}

// Whatever the sizes of the pieces, the ring holds exactly the last bytes.
TEST(LogRing, HoldsTheEndOfTheStreamForAnySizesOfPieces) {
  for (size_t piece : {size_t{1}, size_t{1000}, LogRing::kCapacity - 1, LogRing::kCapacity,
                       LogRing::kCapacity + 1, 3 * LogRing::kCapacity}) {
    LogRing ring;
    std::string stream;
    for (int i = 0; stream.size() < 2 * LogRing::kCapacity + 777; ++i) {
      stream += std::to_string(i) + std::string(1500, '.') + "\n";
    }
    for (size_t at = 0; at < stream.size(); at += piece) ring.Append(stream.substr(at, piece));

    Lines lines = ring.TailLines();

    EXPECT_EQ(ring.total_bytes(), stream.size());
    // 64 KiB hold 43 lines; the one that was cut is left out.
    ASSERT_EQ(lines.size(), 43u) << piece;
    int last = static_cast<int>(stream.size() / 1503);
    EXPECT_EQ(std::stoi(lines.back()) / 10, last / 10) << piece;
    EXPECT_EQ(std::stoi(lines.front()) + 42, std::stoi(lines.back())) << piece;
  }
}

TEST(LogRing, OneEndlessLineIsShownFromWhereItIsKnown) {
  Lines lines = TailOf(std::string(3 * LogRing::kCapacity, 'x'));

  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], std::string(LogRing::kMaxLine - 3, 'x') + "...");
}

TEST(EscapeLine, ShowsControlCharactersAndRepairsUtf8) {
  EXPECT_EQ(EscapeLine("tab\tand \x1b[2J\x07\x7f", 100), "tab\tand \\x1b[2J\\x07\\x7f");
  EXPECT_EQ(EscapeLine(std::string("zero\0byte", 9), 100), "zero\\x00byte");
  EXPECT_EQ(EscapeLine("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 100), "é€😀");
  // C1 control, line separator, right-to-left override.
  EXPECT_EQ(EscapeLine("\xC2\x9B\xE2\x80\xA8\xE2\x80\xAE", 100), "\\x9b\\u2028\\u202e");
}

TEST(EscapeLine, ReplacesWhatIsNoUtf8ByteByByte) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(EscapeLine("a\xFFz", 100), "a" + r + "z");
  EXPECT_EQ(EscapeLine("\xC0\x80", 100), r + r) << "overlong zero";
  EXPECT_EQ(EscapeLine("\xE0\x80\x80", 100), r + r + r) << "overlong";
  EXPECT_EQ(EscapeLine("\xED\xA0\x80", 100), r + r + r) << "surrogate";
  EXPECT_EQ(EscapeLine("\xF4\x90\x80\x80", 100), r + r + r + r) << "beyond Unicode";
  EXPECT_EQ(EscapeLine("\xE2\x82", 100), r + r) << "cut off";
  EXPECT_EQ(EscapeLine("\xE2\x82z", 100), r + r + "z");
}

TEST(EscapeLine, CutsBetweenCharacters) {
  EXPECT_EQ(EscapeLine("aaaa", 10), "aaaa");
  std::string cut = EscapeLine("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", 8);
  EXPECT_EQ(cut, "\xE2\x82\xAC...");
  for (size_t max = 3; max < 40; ++max) {
    EXPECT_LE(EscapeLine(std::string(20, '\x01'), max).size(), max);
  }
}

}  // namespace
}  // namespace tvmffi::hostd
