#include <dlfcn.h>
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/function.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "tests/abi/expect_error.h"

namespace tvm {
namespace ffi {
namespace {

std::string Text(const Any& value, Optional<int> indent = std::nullopt) {
  return json::Stringify(value, indent);
}

TEST(CppApi, B94_StringifyOfFloatsAndStrings) {
  EXPECT_EQ(Text(2.0), "2.0");
  EXPECT_EQ(Text(-0.5), "-0.5");
  EXPECT_EQ(Text(1e30), "1e+30");
  EXPECT_EQ(Text("a/b"), "\"a\\/b\"");
  EXPECT_EQ(Text("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(Text(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(Text(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(CppApi, B95_Indent) {
  const Any value = Array<Any>{1, Array<Any>{}, Map<Any, Any>{{"k", Map<Any, Any>{}}}};
  EXPECT_EQ(Text(value, 2),
            "[\n"
            "  1,\n"
            "  [\n"
            "  ],\n"
            "  {\n"
            "    \"k\": {\n"
            "    }\n"
            "  }\n"
            "]");
}

TEST(CppApi, B96_KeysAndTypesThatCannotBeWritten) {
  EXPECT_ERROR(Text(Map<Any, Any>{{1, 2}}), "ValueError", "Expect key to be string, got `int`");
  EXPECT_ERROR(Text(Function::FromTyped([](int x) { return x; })), "ValueError",
               "Unsupported type: `ffi.Function`");
  EXPECT_ERROR(Text(Dict<String, int>{{"a", 1}}), "ValueError", "Unsupported type: `ffi.Dict`");
  EXPECT_EQ(Text(List<int>{1, 2}), "[1,2]");
}

TEST(JsonWriter, PlainValues) {
  EXPECT_EQ(Text(nullptr), "null");
  EXPECT_EQ(Text(ObjectRef()), "null");
  EXPECT_EQ(Text(true), "true");
  EXPECT_EQ(Text(false), "false");
  EXPECT_EQ(Text(0), "0");
  EXPECT_EQ(Text(-12), "-12");
  EXPECT_EQ(Text(INT64_MAX), "9223372036854775807");
  EXPECT_EQ(Text(INT64_MIN), "-9223372036854775808");
}

TEST(JsonWriter, Floats) {
  const std::pair<double, const char*> cases[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {-2.0, "-2.0"},
      {0.1, "0.10000000000000001"},
      {100.25, "100.25"},
      {0.0001, "0.0001"},
      {0.0001234, "0.00012339999999999999"},
      {1e-5, "1.0000000000000001e-05"},
      {123456789.123, "123456789.123"},
      {1e15, "1000000000000000.0"},
      {9007199254740991.0, "9007199254740991.0"},
      // From 2^53 on as %.17g has it.
      {9007199254740992.0, "9007199254740992"},
      {1e16, "10000000000000000"},
      {99999999999999984.0, "99999999999999984"},
      {1e17, "1e+17"},
      {1e22, "1e+22"},
      {5e-324, "4.9406564584124654e-324"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "Infinity"},
  };
  for (const auto& [value, expected] : cases) {
    EXPECT_EQ(Text(value), expected);
  }
}

// printf is the model.
TEST(JsonWriter, FloatsAreWrittenAsPrintfWritesThemAndReadBackExactly) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (i % 4 == 1) value = std::ldexp(static_cast<double>(bits >> 11), -static_cast<int>(i % 80));
    if (i % 4 == 2) value = static_cast<double>(bits % 2000000) / 1000.0;
    if (i % 4 == 3) value = std::pow(10.0, i % 24 - 6) * (1 + static_cast<double>(i % 5) * 2.2e-16);
    if (!std::isfinite(value)) continue;
    char expected[64];
    const bool integral = value == std::trunc(value) && std::fabs(value) < 9007199254740992.0;
    std::snprintf(expected, sizeof(expected), integral ? "%.17g.0" : "%.17g", value);
    const std::string text = Text(value);
    ASSERT_EQ(text, expected);
    if (std::fabs(value) < 9007199254740992.0 || text.find('e') != std::string::npos) {
      ASSERT_EQ(json::Parse(text).as_or_throw<double>(), value) << text;
    }
  }
}

TEST(JsonWriter, Strings) {
  EXPECT_EQ(Text(""), "\"\"");
  EXPECT_EQ(Text("1234567"), "\"1234567\"");
  EXPECT_EQ(Text(String(std::string("a\0b\x1f\x80\xff\xe2\x80\xa8 \x7f '", 13))),
            "\"a\\u0000b\\u001f\x80\xff\xe2\x80\xa8 \\u007f '\"");
  EXPECT_EQ(Text("\"\\/\b\f\n\r\t"), "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"");
}

// EscapeStringJSON is the model; lengths around the pieces and the eight bytes read at once.
TEST(JsonWriter, StringsOfAllLengths) {
  std::mt19937 random(2);
  for (size_t length = 0; length < 3000; length += length < 40 ? 1 : 61) {
    std::string text(length, 'x');
    EXPECT_EQ(Text(text), EscapeStringJSON(text));
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 'a');
    EXPECT_EQ(Text(String(text)), EscapeStringJSON(text));
    EXPECT_EQ(json::Parse(Text(String(text))).cast<String>(), text);
    text.assign(length, '\x01');
    EXPECT_EQ(Text(String(text)), EscapeStringJSON(text));
  }
}

TEST(JsonWriter, IndentOfOtherWidths) {
  const Any value = Array<Any>{1, Map<Any, Any>{{"k", List<Any>{true}}}};
  EXPECT_EQ(Text(value, 0), "[1,{\"k\":[true]}]");
  EXPECT_EQ(Text(value, std::nullopt), "[1,{\"k\":[true]}]");
  EXPECT_EQ(Text(value, -1), "[\n1,\n{\n\"k\": [\ntrue\n]\n}\n]");
  EXPECT_EQ(Text(value, 1), "[\n 1,\n {\n  \"k\": [\n   true\n  ]\n }\n]");
  const std::string wide(500, ' ');
  EXPECT_EQ(Text(Array<int>{1}, 500), "[\n" + wide + "1\n]");
}

TEST(JsonWriter, Containers) {
  EXPECT_EQ(Text(Tuple<int, String>(1, "x")), "[1,\"x\"]");
  Map<String, int> map;
  std::string expected = "{";
  for (int i = 0; i < 100; ++i) {
    map.Set("k" + std::to_string(i), i);
    expected += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  }
  EXPECT_EQ(Text(map), expected + "}");
}

TEST(JsonWriter, TypesThatCannotBeWritten) {
  const std::pair<Any, const char*> cases[] = {
      {Bytes("ab", 2), "ffi.SmallBytes"}, {DLDataType{kDLFloat, 32, 1}, "DataType"},
      {DLDevice{kDLCPU, 0}, "Device"},    {static_cast<void*>(nullptr), "void*"},
      {Shape{1, 2}, "ffi.Shape"},         {Error("ValueError", "m", ""), "ffi.Error"},
  };
  for (const auto& [value, type] : cases) {
    const std::string expected = std::string("Unsupported type: `") + type + "`";
    EXPECT_ERROR(Text(value), "ValueError", expected);
    EXPECT_ERROR(Text(Array<Any>{1, value}), "ValueError", expected);
    EXPECT_ERROR((Text(Map<Any, Any>{{"a", value}, {1, 2}})), "ValueError", expected);
  }
}

TEST(JsonWriter, KeysThatCannotBeWritten) {
  const std::pair<Any, const char*> cases[] = {{1.5, "float"},
                                               {nullptr, "None"},
                                               {Array<int>{1}, "ffi.Array"},
                                               {Bytes("a", 1), "ffi.SmallBytes"}};
  for (const auto& [key, type] : cases) {
    EXPECT_ERROR((Text(Map<Any, Any>{{"a", 1}, {key, Shape{1}}})), "ValueError",
                 std::string("Expect key to be string, got `") + type + "`");
  }
}

TEST(JsonWriter, AListInItselfIsAnError) {
  List<Any> list;
  list.push_back(list);
  EXPECT_ERROR(Text(list), "ValueError",
               "cannot write JSON: containers are nested more than 4096 levels deep");
  list.clear();
}

TEST(JsonWriter, NestingHasALimit) {
  Any value = 0;
  for (int i = 0; i < 4096; ++i) value = Array<Any>{value};
  EXPECT_EQ(Text(value).size(), 2u * 4096 + 1);
  EXPECT_ERROR_CONTAINS(Text(Array<Any>{value}), "ValueError", "4096 levels");
}

TEST(JsonWriter, ByName) {
  const Function stringify = Function::GetGlobalRequired("ffi.json.Stringify");
  EXPECT_EQ(stringify(Array<Any>{1, 2}, nullptr).cast<String>(), "[1,2]");
  EXPECT_EQ(stringify(Array<Any>{1, 2}, 2).cast<String>(), "[\n  1,\n  2\n]");
  EXPECT_ERROR(stringify(Array<Any>{1, 2}), "TypeError",
               "Mismatched number of arguments when calling: `ffi.json.Stringify(0: Any, 1: "
               "Optional<int>) -> str`. Expected 2 but got 1 arguments");
  EXPECT_ERROR(stringify(1, "x"), "TypeError",
               "Mismatched type on argument #1 when calling: `ffi.json.Stringify(0: Any, 1: "
               "Optional<int>) -> str`. Expected `Optional<int>` but got `const char*`");
}

// Modules built with headers up to 0.1.12 call this symbol, with the Optional<int> of that time.
TEST(JsonWriter, TheFormerSymbol) {
  struct FormerOptionalInt {
    int32_t value;
    bool has_value;
  };
  using Former = String (*)(const Any&, const FormerOptionalInt&);
  const auto stringify = reinterpret_cast<Former>(
      dlsym(RTLD_DEFAULT, "_ZN3tvm3ffi4json9StringifyERKNS0_3AnyENS0_8OptionalIivEE"));
  ASSERT_NE(stringify, nullptr);
  EXPECT_EQ(stringify(Array<int>{1}, {2, true}), "[\n  1\n]");
  EXPECT_EQ(stringify(Array<int>{1}, {2, false}), "[1]");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
