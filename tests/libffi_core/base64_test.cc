#include <gtest/gtest.h>
#include <tvm/ffi/extra/base64.h>

#include <random>
#include <string>

#include "tests/abi/expect_error.h"

namespace tvm {
namespace ffi {
namespace {

std::string Decoded(const std::string& text) { return Base64Decode(String(text)); }

TEST(CppApi, B110_Base64) {
  EXPECT_EQ(Base64Encode(Bytes("abcd", 4)), "YWJjZA==");
  EXPECT_EQ(Decoded("YWJjZA=="), "abcd");
}

TEST(Base64, AllRemainders) {
  const std::pair<std::string, const char*> cases[] = {
      {"", ""},
      {"a", "YQ=="},
      {"ab", "YWI="},
      {"abc", "YWJj"},
      {"abcd", "YWJjZA=="},
      {std::string("\0\0", 2), "AAA="},
      {"\xff\xfe\xfd\xfc", "//79/A=="},
      {"\xfb\xef\xbe", "++++"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(Base64Encode(Bytes(bytes)), text);
    EXPECT_EQ(Decoded(text), bytes);
  }
}

TEST(Base64, ByteArrays) {
  EXPECT_EQ(Base64Encode(TVMFFIByteArray{"abcd", 4}), "YWJjZA==");
  EXPECT_EQ(static_cast<std::string>(Base64Decode(TVMFFIByteArray{"YWJjZA==", 8})), "abcd");
}

TEST(Base64, RoundTripsOfRandomBytes) {
  std::mt19937 random(3);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const String text = Base64Encode(Bytes(bytes));
    EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
    EXPECT_EQ(static_cast<std::string>(Base64Decode(text)), bytes);
  }
}

TEST(Base64, LengthsMustBeMultiplesOfFour) {
  for (const char* text : {"Y", "YW", "YWJ", "YWJjZ"}) {
    EXPECT_ERROR_CONTAINS(Base64Decode(String(text)), "InternalError", "invalid base64 encoding");
  }
}

TEST(Base64, OtherCharactersCountAsA) {
  EXPECT_EQ(Decoded("****"), std::string(3, '\0'));
  EXPECT_EQ(Decoded("ab-_"), std::string("\x69\xb0\0", 3));
  EXPECT_EQ(Decoded("=AAA"), std::string(3, '\0'));
}

TEST(Base64, PaddingEndsAGroup) {
  EXPECT_EQ(Decoded("YQ==YQ=="), "aa");
  EXPECT_EQ(Decoded("===="), std::string(1, '\0'));
  EXPECT_EQ(Decoded("YQ=a"), "a\x1a");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
