#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <sstream>
#include <stdexcept>
#include <unordered_map>

namespace tvm {
namespace ffi {
namespace {

TEST(CppApi, B106_OutOfRange) {
  EXPECT_THROW(String("a").at(4), std::out_of_range);
  EXPECT_THROW(String("a").substr(2), std::out_of_range);
  EXPECT_EQ(String("abc").substr(1), "bc");
}

TEST(CppApi, B107_Escapes) {
  EXPECT_EQ(EscapeStringJSON("a/\"\n\x01"), "\"a\\/\\\"\\n\\u0001\"");
  EXPECT_EQ(EscapeStringJSON("\xc3\xa9\x7f"), "\"\xc3\xa9\\u007f\"");
  EXPECT_EQ(EscapedStringPy("\xc3\xa9\x01'"), "\"\\u00e9\\x01'\"");
  EXPECT_EQ(EscapedStringPy("\xf0\x9f\x98\x80\n\"\\"), "\"\\U0001f600\\n\\\"\\\\\"");
  EXPECT_EQ(EscapedStringPy("\x1b[31mred\x1b[0m"), "\"\\x1b[31mred\\x1b[0m\"");
  EXPECT_EQ(EscapedStringPy("\xff\xc3"), "\"\\xff\\xc3\"");
}

TEST(String, SmallAndHeapFormsAreTheSameText) {
  const String small("abc");
  const String heap(std::string("abc"));
  EXPECT_EQ(Any(small).type_index(), kTVMFFISmallStr);
  EXPECT_EQ(Any(heap).type_index(), kTVMFFIStr);
  EXPECT_TRUE(small == heap);
  EXPECT_TRUE(AnyEqual()(small, heap));
  EXPECT_EQ(AnyHash()(small), AnyHash()(heap));
  EXPECT_EQ(std::hash<String>()(small), std::hash<std::string_view>()("abc"));
}

TEST(String, SmallImagesHoldTheContentAndThenZeros) {
  const std::string letters("a\xff\0defg", 7);
  for (size_t size = 0; size <= letters.size(); ++size) {
    const String text(letters.data(), size);
    const TVMFFIAny image = AnyView(text).CopyToTVMFFIAny();
    EXPECT_EQ(image.type_index, kTVMFFISmallStr);
    EXPECT_EQ(image.small_str_len, size);
    EXPECT_EQ(std::string(image.v_bytes, 8), letters.substr(0, size) + std::string(8 - size, '\0'));
  }
}

TEST(String, LiteralsArriveAsTextOfAnyLength) {
  const Function length = Function::FromTyped([](String text) { return text.size(); });
  EXPECT_EQ(length("").cast<int64_t>(), 0);
  EXPECT_EQ(length("abc").cast<int64_t>(), 3);
  EXPECT_EQ(length("more text than lies in a value").cast<int64_t>(), 30);
}

TEST(String, EmbeddedNulIsContent) {
  const String text("a\0bcdefghij", 11);
  EXPECT_EQ(text.size(), 11u);
  EXPECT_EQ(text.c_str()[11], '\0');
  EXPECT_EQ(static_cast<std::string>(text), std::string("a\0bcdefghij", 11));
}

TEST(String, ComparesWithAllStringTypes) {
  const String a("abc");
  EXPECT_TRUE(a == "abc" && "abc" == a && a == std::string("abc") && std::string("abc") == a);
  EXPECT_TRUE(a < "abd" && a <= a && a > std::string("abb") && a >= "abc" && a != "x");
  EXPECT_EQ(a.compare("abc"), 0);
  EXPECT_LT(a.compare(String("abd")), 0);
}

// Whatever form either side has: inside the value, behind an object, or a short text that keeps its
// std::string.
TEST(String, EqualityIsThatOfTheText) {
  const std::vector<std::string> texts = {
      "", "a", std::string("a\0", 2), "abcdefg", "abcdefh", "abcdefgh", "abcdefgi", "abcdefghi"};
  for (const std::string& lhs : texts) {
    for (const std::string& rhs : texts) {
      const bool equal = lhs == rhs;
      for (const String& left : {String(lhs), String(std::string(lhs))}) {
        for (const String& right : {String(rhs), String(std::string(rhs))}) {
          EXPECT_EQ(left == right, equal) << lhs << " and " << rhs;
          EXPECT_EQ(left != right, !equal) << lhs << " and " << rhs;
        }
      }
      for (const Bytes& left : {Bytes(lhs), Bytes(std::string(lhs))}) {
        for (const Bytes& right : {Bytes(rhs), Bytes(std::string(rhs))}) {
          EXPECT_EQ(left == right, equal) << lhs << " and " << rhs;
          EXPECT_EQ(left != right, !equal) << lhs << " and " << rhs;
        }
      }
    }
  }
}

TEST(String, Operations) {
  const String text("hello world");
  EXPECT_EQ(text.find("world"), 6u);
  EXPECT_EQ(text.find(String("nope")), String::npos);
  EXPECT_TRUE(text.starts_with("hello") && text.ends_with("world") && !text.ends_with("hello"));
  EXPECT_EQ(text + "!" + String("?") + std::string("."), "hello world!?.");
  EXPECT_EQ("say " + text, "say hello world");
  const String list("a,,b");
  const std::vector<std::string_view> pieces = list.Split(',');
  EXPECT_EQ(pieces, (std::vector<std::string_view>{"a", "", "b"}));
  std::ostringstream os;
  os << text;
  EXPECT_EQ(os.str(), "hello world");
  std::unordered_map<String, int> map{{"a", 1}};
  EXPECT_EQ(map.at("a"), 1);
}

TEST(String, CopiesShareAndMovesTakeTheObject) {
  String a("a long enough text");
  String b = a;
  EXPECT_EQ(a.data(), b.data());
  String c = std::move(a);
  EXPECT_EQ(c.data(), b.data());
  a = "again";
  EXPECT_EQ(a, "again");
}

TEST(Bytes, Compare) {
  EXPECT_TRUE(Bytes("a\0b", 3) == Bytes(std::string("a\0b", 3)));
  EXPECT_LT(Bytes::memncmp("ab", "abc", 2, 3), 0);
  EXPECT_FALSE(Bytes::memequal("ab", "ac", 2, 2));
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
