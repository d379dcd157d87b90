// What may be written into an error message, and how it looks: as std::ostream prints it.
#include <gtest/gtest.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/string.h>

#include <cstdint>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace message_stream_test {

enum Plain { kFirst, kFifth = 5 };
enum PrintedByTheOtherName { kPrinted };
std::ostream& operator<<(std::ostream& os, PrintedByTheOtherName) { return os << "by name"; }
enum class Scoped { kValue };
std::ostream& operator<<(std::ostream& os, Scoped) { return os << "scoped"; }
struct Point {
  int x;
};
std::ostream& operator<<(std::ostream& os, const Point& point) { return os << 'P' << point.x; }
// Not in a namespace of its argument: found only from this one.
std::ostream& operator<<(std::ostream& os, const std::vector<int>& values) {
  for (int value : values) os << value << ';';
  return os;
}

template <typename Write>
std::string Thrown(Write write) {
  try {
    write();
  } catch (const tvm::ffi::Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

// Both streams print `...` one after the other.
#define EXPECT_PRINTS_LIKE_OSTREAM(...)                                                   \
  do {                                                                                    \
    std::ostringstream expected;                                                          \
    expected << __VA_ARGS__;                                                              \
    EXPECT_EQ(Thrown([&] { TVM_FFI_THROW(ValueError) << __VA_ARGS__; }), expected.str()); \
  } while (false)

TEST(MessageStream, PrintsNumbersAsOstreamDoes) {
  EXPECT_PRINTS_LIKE_OSTREAM(0 << ' ' << -1 << ' ' << 42u << ' ' << true << ' ' << short{-7});
  EXPECT_PRINTS_LIKE_OSTREAM(INT64_MIN << ' ' << INT64_MAX << ' ' << UINT64_MAX << ' ' << 7ull);
  EXPECT_PRINTS_LIKE_OSTREAM(2.5 << ' ' << 1e20f << ' ' << -0.0 << ' ' << 1.0L << ' ' << 1.0 / 3);
  EXPECT_PRINTS_LIKE_OSTREAM(std::numeric_limits<double>::infinity() << ' ' << 123456789.0);
}

TEST(MessageStream, PrintsTextAndCharactersAsOstreamDoes) {
  const char* literal = "literal";
  char buffer[] = "buffer";
  EXPECT_PRINTS_LIKE_OSTREAM(literal << buffer << std::string("s") << std::string_view("view"));
  EXPECT_PRINTS_LIKE_OSTREAM('c' << uint8_t{65} << static_cast<signed char>(66));
  EXPECT_EQ(Thrown([] { TVM_FFI_THROW(ValueError) << std::string("a\0b", 3); }),
            std::string("a\0b", 3));
}

TEST(MessageStream, PrintsPointersAsOstreamDoes) {
  int value = 0;
  int* null_pointer = nullptr;
  const void* untyped = &value;
  EXPECT_PRINTS_LIKE_OSTREAM(&value << ' ' << untyped << ' ' << null_pointer << ' ' << nullptr);
}

TEST(MessageStream, PrintsEnumsAndUserTypes) {
  EXPECT_PRINTS_LIKE_OSTREAM(kFifth << kPrinted << Scoped::kValue << Point{3});
}

TEST(MessageStream, FindsAnOverloadWhereItIsWritten) {
  const std::vector<int> values = {1, 2};
  EXPECT_PRINTS_LIKE_OSTREAM("before " << values << " after " << 3);
}

TEST(MessageStream, KeepsWhatManipulatorsSet) {
  EXPECT_PRINTS_LIKE_OSTREAM(1 << std::hex << 255 << std::setw(6) << "x" << std::endl << 16 << '.');
  EXPECT_PRINTS_LIKE_OSTREAM(std::setprecision(3) << 3.14159 << std::boolalpha << Point{1} << 2.0);
}

TEST(MessageStream, PrintsTheTypesOfThisLibrary) {
  EXPECT_PRINTS_LIKE_OSTREAM(tvm::ffi::String("text")
                             << DLDataType{kDLFloat, 32, 1} << tvm::ffi::Shape({1, 2}));
}

TEST(MessageStream, ComparisonsPrintTheirOperands) {
  EXPECT_EQ(Thrown([] {
              TVM_FFI_ICHECK_EQ(kFirst, kFifth)
              "why";
            }),
            "Check failed: kFirst == kFifth (0 vs. 5) : why");
  EXPECT_EQ(Thrown([] { TVM_FFI_CHECK_LT(2.5, 1, ValueError); }),
            "Check failed: 2.5 < 1 (2.5 vs. 1) : ");
}

}  // namespace message_stream_test
