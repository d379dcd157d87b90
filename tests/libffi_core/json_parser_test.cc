#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/function.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "tests/abi/expect_error.h"

namespace tvm {
namespace ffi {
namespace {

// The error's text; empty when the text parses.
std::string ErrorOf(const std::string& text) {
  String message("not touched");
  const Any value = json::Parse(String(text), &message);
  EXPECT_TRUE(message.empty() || value == nullptr);
  return message;
}

std::string RoundTrip(const std::string& text) {
  return json::Stringify(json::Parse(String(text)));
}

TEST(CppApi, B92_ParseErrorsSayWhere) {
  EXPECT_ERROR(json::Parse("[1,\n 2,,3]"), "ValueError",
               "Expecting value: line 2 column 4 (char 7)");
  EXPECT_ERROR(json::Parse(""), "ValueError", "Expecting value: line 1 column 1 (char 0)");
  EXPECT_ERROR(json::Parse("1 2"), "ValueError", "Extra data: line 1 column 3 (char 2)");
  EXPECT_ERROR(json::Parse("{a:1}"), "ValueError",
               "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
  EXPECT_ERROR(json::Parse("{\"a\" 1}"), "ValueError",
               "Expecting ':' delimiter: line 1 column 6 (char 5)");
}

TEST(CppApi, B93_WithAMessagePointerNothingIsThrown) {
  String message("old");
  EXPECT_EQ(json::Parse("[1", &message), nullptr);
  EXPECT_EQ(message, "Expecting ',' delimiter: line 1 column 3 (char 2)");

  EXPECT_EQ(json::Parse("[1]", &message).cast<Array<int>>().size(), 1u);
  EXPECT_EQ(message, "");
}

TEST(CppApi, B94_NumbersTooLargeForInt) {
  const Any large = json::Parse("9223372036854775808");
  ASSERT_EQ(large.type_index(), kTVMFFIFloat);
  EXPECT_EQ(json::Stringify(large), "9.2233720368547758e+18");
  EXPECT_ERROR(json::Parse("1e400"), "ValueError", "Expecting value: line 1 column 1 (char 0)");
}

TEST(CppApi, B96_OfEqualKeysTheLastOneCounts) {
  EXPECT_EQ(RoundTrip("{\"a\":1,\"a\":2}"), "{\"a\":2}");
}

TEST(CAbi, C078_ParseAndStringifyByName) {
  const Any map = Function::GetGlobalRequired("ffi.json.Parse")("{\"a\": [1, \"abc\", null]}");
  EXPECT_EQ(map.type_index(), kTVMFFIMap);
  EXPECT_ERROR(Function::GetGlobalRequired("ffi.json.Parse")("[1,\n2"), "ValueError",
               "Expecting ',' delimiter: line 2 column 2 (char 5)");
  const Any text =
      Function::GetGlobalRequired("ffi.json.Stringify")(Array<Any>{1, "abc", nullptr}, nullptr);
  EXPECT_EQ(text.cast<String>(), "[1,\"abc\",null]");
}

TEST(JsonParser, Words) {
  EXPECT_EQ(json::Parse("null"), nullptr);
  EXPECT_TRUE(json::Parse("true").as_or_throw<bool>());
  EXPECT_FALSE(json::Parse(" false\r\n").as_or_throw<bool>());
  EXPECT_TRUE(std::isnan(json::Parse("NaN").as_or_throw<double>()));
  EXPECT_EQ(json::Parse("Infinity").as_or_throw<double>(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(json::Parse("-Infinity").as_or_throw<double>(),
            -std::numeric_limits<double>::infinity());
}

TEST(JsonParser, WordsThatAreNone) {
  for (const char* text : {"tru", "True", "nul", "fals", "t", "f", "n", "N", "I", "-I", "nan",
                           "Inf", "-Inf", "-NaN", "-Infinit", "None"}) {
    EXPECT_EQ(ErrorOf(text), "Expecting value: line 1 column 1 (char 0)") << text;
  }
  EXPECT_EQ(ErrorOf("truex"), "Extra data: line 1 column 5 (char 4)");
  EXPECT_EQ(ErrorOf("[truex]"), "Expecting ',' delimiter: line 1 column 6 (char 5)");
  EXPECT_EQ(ErrorOf("-Infinityx"), "Extra data: line 1 column 10 (char 9)");
}

TEST(JsonParser, Integers) {
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},
      {"-0", 0},
      {"7", 7},
      {"-12", -12},
      {"123456789012345678", 123456789012345678},
      {"-123456789012345678", -123456789012345678},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      // Beyond JSON's grammar, as the convention's parser takes them.
      {"01", 1},
      {"-01", -1},
      {"+1", 1},
      {"00000000000000000000000000012", 12},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(json::Parse(text).as_or_throw<int64_t>(), expected) << text;
  }
}

TEST(JsonParser, Floats) {
  for (const char* text : {"0.1",
                           "-0.0",
                           "1.",
                           ".5",
                           "1e5",
                           "1E+5",
                           "1.5e-3",
                           "3.141592653589793",
                           "1e-5",
                           "0e0",
                           "123456789012345678901234567890",
                           "1.7976931348623157e308",
                           "2.2250738585072014e-308",
                           "4.9406564584124654e-324",
                           "9007199254740993.0",
                           "0.1234567890123456789012345",
                           "100000000000000000000000000000000.00000000000001",
                           "8.5e22",
                           "1e23",
                           "7.2057594037927933e16",
                           "+2.5",
                           "-18446744073709551616"}) {
    const double parsed = json::Parse(text).as_or_throw<double>();
    const double expected = std::strtod(text, nullptr);
    EXPECT_EQ(parsed, expected) << text;
    EXPECT_EQ(std::signbit(parsed), std::signbit(expected)) << text;
  }
}

TEST(JsonParser, NumbersThatAreNone) {
  for (const std::string text :
       {"-", "+", "-a", ".", "1e", "1e+", "--1", "-+1", "+-1", "1.2.3", "1-2", "1e5.5", "1..2",
        "1e400", "-1e400", "1e-400", "1.7976931348623159e308", "e5", "+Infinity"}) {
    EXPECT_EQ(ErrorOf(text), "Expecting value: line 1 column 1 (char 0)") << text;
    EXPECT_EQ(ErrorOf("[\n " + text + "]"), "Expecting value: line 2 column 2 (char 3)") << text;
  }
  EXPECT_EQ(ErrorOf(std::string(400, '1')), "Expecting value: line 1 column 1 (char 0)");
  EXPECT_EQ(ErrorOf("0x10"), "Extra data: line 1 column 2 (char 1)");
  EXPECT_EQ(ErrorOf("1_000"), "Extra data: line 1 column 2 (char 1)");
}

TEST(JsonParser, Strings) {
  const std::pair<const char*, std::string> cases[] = {
      {"\"\"", ""},
      {"\"1234567\"", "1234567"},
      {"\"12345678\"", "12345678"},
      {"\"caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80\"",
       "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80"},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("\u0041\u00e9\u20AC")", "A\xc3\xa9\xe2\x82\xac"},
      {R"("\ud83d\ude00")", "\xf0\x9f\x98\x80"},
      {R"("\udbff\udfff")", "\xf4\x8f\xbf\xbf"},
      {R"("a\u0000b")", std::string("a\0b", 3)},
      {"\"\x7f\"", "\x7f"},
      {"\"\xff\xc3(\"", "\xff\xc3("},
      {R"("long plain text\nand more of it\u0021 until the end")",
       "long plain text\nand more of it! until the end"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(json::Parse(text).as_or_throw<String>(), expected) << text;
  }
}

// Every place of the special character relative to the eight bytes that are looked at together.
TEST(JsonParser, StringsOfAllLengths) {
  for (size_t length = 0; length < 40; ++length) {
    const std::string plain(length, 'x');
    EXPECT_EQ(json::Parse("\"" + plain + "\"").cast<String>(), plain);
    EXPECT_EQ(json::Parse("\"" + plain + "\\n\xc3\xa9\"").cast<String>(), plain + "\n\xc3\xa9");
    const std::string at = std::to_string(length + 1);
    EXPECT_EQ(ErrorOf("\"" + plain + "\x1f\""), "Invalid control character at: line 1 column " +
                                                    std::to_string(length + 2) + " (char " + at +
                                                    ")");
  }
}

TEST(JsonParser, StringErrors) {
  EXPECT_EQ(ErrorOf("\"abc"), "Unterminated string starting at: line 1 column 1 (char 0)");
  EXPECT_EQ(ErrorOf("\""), "Unterminated string starting at: line 1 column 1 (char 0)");
  EXPECT_EQ(ErrorOf("{\"a\":\"b"), "Unterminated string starting at: line 1 column 6 (char 5)");
  EXPECT_EQ(ErrorOf("\"ab\\"), "Invalid \\escape: line 1 column 5 (char 4)");
  EXPECT_EQ(ErrorOf("\"ab\\x\""), "Invalid \\escape: line 1 column 5 (char 4)");
  EXPECT_EQ(ErrorOf("\"\\'\""), "Invalid \\escape: line 1 column 3 (char 2)");
  EXPECT_EQ(ErrorOf("[\n \"a\\qbc\"]"), "Invalid \\escape: line 2 column 5 (char 6)");
  EXPECT_EQ(ErrorOf("\"\t\""), "Invalid control character at: line 1 column 2 (char 1)");
  EXPECT_EQ(ErrorOf("\"a\nb\""), "Invalid control character at: line 1 column 3 (char 2)");
  EXPECT_EQ(ErrorOf(std::string("\"a\0b\"", 5)),
            "Invalid control character at: line 1 column 3 (char 2)");
  EXPECT_EQ(ErrorOf("\"\\u12\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
  EXPECT_EQ(ErrorOf("\"\\u12"), "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
  EXPECT_EQ(ErrorOf("\"\\uzzzz\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
}

TEST(JsonParser, SurrogatesComeInPairs) {
  const std::string invalid = "Invalid surrogate pair of \\uXXXX escapes: line 1 column ";
  EXPECT_EQ(ErrorOf(R"("\ud83d")"), invalid + "3 (char 2)");
  EXPECT_EQ(ErrorOf(R"("\ude00")"), invalid + "3 (char 2)");
  EXPECT_EQ(ErrorOf(R"("\ud83dx")"), invalid + "3 (char 2)");
  EXPECT_EQ(ErrorOf(R"("\ud83d\n")"), invalid + "3 (char 2)");
  EXPECT_EQ(ErrorOf(R"("\ud83d\u0041")"), invalid + "10 (char 9)");
  EXPECT_EQ(ErrorOf(R"("\ud83d\ud83d\ude00")"), invalid + "10 (char 9)");
  EXPECT_EQ(ErrorOf(R"("\ud83d\u)"), "Invalid \\uXXXX escape: line 1 column 10 (char 9)");
  EXPECT_EQ(ErrorOf(R"("\ud83d\uzzzz")"), "Invalid \\uXXXX escape: line 1 column 10 (char 9)");
}

TEST(JsonParser, Containers) {
  EXPECT_EQ(RoundTrip(" [ ] "), "[]");
  EXPECT_EQ(RoundTrip("{\n}"), "{}");
  EXPECT_EQ(RoundTrip("\t[ 1 ,\r\n[ 2 , [ 3 ] ] , { \"k\" : { \"z\" : 1.5 } } ]"),
            "[1,[2,[3]],{\"k\":{\"z\":1.5}}]");
  EXPECT_EQ(json::Parse("[]").type_index(), kTVMFFIArray);
  EXPECT_EQ(json::Parse("{}").type_index(), kTVMFFIMap);
  const json::Object object = json::Parse("{\"\":1,\"b\":[true]}").cast<json::Object>();
  EXPECT_EQ(object.at("").cast<int>(), 1);
  EXPECT_EQ(object.at("b").cast<json::Array>()[0].cast<bool>(), true);
}

TEST(JsonParser, ContainerErrors) {
  const std::string value = "Expecting value: line 1 column ";
  const std::string comma = "Expecting ',' delimiter: line 1 column ";
  const std::string name = "Expecting property name enclosed in double quotes: line 1 column ";
  const std::string colon = "Expecting ':' delimiter: line 1 column ";
  const std::string syntax = "Syntax error near: line 1 column ";
  const std::pair<const char*, std::string> cases[] = {
      {"[", value + "2 (char 1)"},
      {"[,]", value + "2 (char 1)"},
      {"[1,]", value + "4 (char 3)"},
      {"[1,", syntax + "4 (char 3)"},
      {"[1, ", syntax + "5 (char 4)"},
      {"[1 2]", comma + "4 (char 3)"},
      {"[1}", comma + "3 (char 2)"},
      {"[[]", comma + "4 (char 3)"},
      {"[[", value + "3 (char 2)"},
      {"{", name + "2 (char 1)"},
      {"{,}", name + "2 (char 1)"},
      {"{1:2}", name + "2 (char 1)"},
      {"{'a':1}", name + "2 (char 1)"},
      {"[{]", name + "3 (char 2)"},
      {"{\"a\":1,}", name + "8 (char 7)"},
      {"{\"a\":1,", syntax + "8 (char 7)"},
      {"{\"a\"", colon + "5 (char 4)"},
      {"{\"a\"}", colon + "5 (char 4)"},
      {"{\"a\":", value + "6 (char 5)"},
      {"{\"a\":}", value + "6 (char 5)"},
      {"{\"a\":1", comma + "7 (char 6)"},
      {"{\"a\":1]", comma + "7 (char 6)"},
      {"{\"a\":[}", value + "7 (char 6)"},
      {"]", value + "1 (char 0)"},
      {":", value + "1 (char 0)"},
      {"// c\n1", value + "1 (char 0)"},
      {"[1]]", "Extra data: line 1 column 4 (char 3)"},
      {"{}x", "Extra data: line 1 column 3 (char 2)"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(ErrorOf(text), expected) << text;
  }
}

// Bytes, not characters; only \n ends a line.
TEST(JsonParser, PositionsCountBytes) {
  EXPECT_EQ(ErrorOf("[\"\xc3\xa9\", x]"), "Expecting value: line 1 column 8 (char 7)");
  EXPECT_EQ(ErrorOf("[\"\xf0\x9f\x98\x80\", x]"), "Expecting value: line 1 column 10 (char 9)");
  EXPECT_EQ(ErrorOf("[\"\xe6\x97\xa5\xe6\x9c\xac\"\n x]"),
            "Expecting ',' delimiter: line 2 column 2 (char 11)");
  EXPECT_EQ(ErrorOf("[1,\r\n2,,]"), "Expecting value: line 2 column 3 (char 7)");
  EXPECT_EQ(ErrorOf("[1,\r2,,]"), "Expecting value: line 1 column 7 (char 6)");
  EXPECT_EQ(ErrorOf("\r\n "), "Expecting value: line 2 column 2 (char 3)");
}

TEST(JsonParser, OnlyFourCharactersAreSpace) {
  for (const char* text : {"\xef\xbb\xbf"
                           "1",
                           "\v1", "\f1",
                           "\xc2\xa0"
                           "1"}) {
    EXPECT_EQ(ErrorOf(text), "Expecting value: line 1 column 1 (char 0)") << text;
  }
  EXPECT_EQ(ErrorOf(std::string("1\0", 2)), "Extra data: line 1 column 2 (char 1)");
  EXPECT_EQ(ErrorOf(std::string("[\0]", 3)), "Expecting value: line 1 column 2 (char 1)");
}

// Up to three entries a new value takes the old one's place, with more the entry moves to the end.
TEST(JsonParser, OrderOfEqualKeys) {
  EXPECT_EQ(RoundTrip(R"({"b":0,"a":1,"b":2})"), R"({"b":2,"a":1})");
  EXPECT_EQ(RoundTrip(R"({"b":0,"a":1,"b":2,"c":3})"), R"({"a":1,"b":2,"c":3})");
  EXPECT_EQ(RoundTrip(R"({"a":1,"b":2,"c":3,"d":4,"e":5,"a":9})"),
            R"({"b":2,"c":3,"d":4,"e":5,"a":9})");
}

TEST(JsonParser, ManyKeysKeepTheirOrder) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) {
    text += (i == 0 ? "\"key" : ",\"key") + std::to_string(i) + "\":" + std::to_string(i);
  }
  text += "}";
  EXPECT_EQ(RoundTrip(text), text);
  EXPECT_EQ((json::Parse(text).cast<Map<String, int>>().at("key777")), 777);
}

std::string Nested(const std::string& open, const std::string& close, size_t levels) {
  std::string text;
  for (size_t i = 0; i < levels; ++i) text += open;
  text += "0";
  for (size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(JsonParser, NestingHasALimit) {
  const std::pair<const char*, const char*> kinds[] = {{"[", "]"}, {"{\"a\":", "}"}};
  for (const auto& [open, close] : kinds) {
    const std::string deepest = Nested(open, close, 4096);
    EXPECT_EQ(RoundTrip(deepest), deepest);
    const std::string at = std::to_string(4096 * std::string(open).size());
    EXPECT_EQ(ErrorOf(Nested(open, close, 4097)),
              "Containers are nested too deeply: line 1 column " +
                  std::to_string(4096 * std::string(open).size() + 1) + " (char " + at + ")");
    EXPECT_NE(ErrorOf(Nested(open, "", 1000000)), "");
  }
}

TEST(JsonParser, EveryCutOfATextIsAnError) {
  const std::string text = R"({"a":[1,2.5e3,"x\u00e9\ud83d\ude00",true,null],"b":{"c":-Infinity}})";
  ASSERT_EQ(ErrorOf(text), "");
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(ErrorOf(text.substr(0, size)), "") << size;
  }
}

TEST(JsonParser, ArgumentErrors) {
  const Function parse = Function::GetGlobalRequired("ffi.json.Parse");
  EXPECT_ERROR(parse(1), "TypeError",
               "Mismatched type on argument #0 when calling: `ffi.json.Parse(0: str) -> Any`. "
               "Expected `str` but got `int`");
  EXPECT_ERROR(parse(), "TypeError",
               "Mismatched number of arguments when calling: `ffi.json.Parse(0: str) -> Any`. "
               "Expected 1 but got 0 arguments");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
