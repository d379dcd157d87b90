#include "proto/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace tvmffi {
namespace {

TEST(DecodeUtf8, ReadsTheFirstAndLastCharacterOfEachLength) {
  const struct {
    std::string text;
    uint32_t code_point;
  } cases[] = {
      {std::string(1, '\0'), 0},     {"\x7F", 0x7F},           {"\xC2\x80", 0x80},
      {"\xDF\xBF", 0x7FF},           {"\xE0\xA0\x80", 0x800},  {"\xED\x9F\xBF", 0xD7FF},
      {"\xEE\x80\x80", 0xE000},      {"\xEF\xBF\xBF", 0xFFFF}, {"\xF0\x90\x80\x80", 0x10000},
      {"\xF4\x8F\xBF\xBF", 0x10FFFF}};
  for (const auto& expected : cases) {
    uint32_t code_point = 1;
    EXPECT_EQ(DecodeUtf8(expected.text + "x", &code_point), expected.text.size());
    EXPECT_EQ(code_point, expected.code_point);
  }
}

TEST(DecodeUtf8, RefusesWhatIsIllFormed) {
  const std::string cases[] = {"\x80",
                               "\xC0\x80",
                               "\xC1\xBF",
                               "\xC2",
                               "\xC2\x41",
                               "\xE0\x9F\xBF",
                               "\xED\xA0\x80",
                               "\xE2\x82",
                               "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80",
                               "\xF5\x80\x80\x80",
                               "\xFF"};
  for (const std::string& text : cases) {
    uint32_t code_point = 7;
    EXPECT_EQ(DecodeUtf8(text, &code_point), 0u);
    EXPECT_EQ(code_point, 7u);
  }
}

}  // namespace
}  // namespace tvmffi
