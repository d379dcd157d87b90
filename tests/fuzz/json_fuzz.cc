// JSON texts: any bytes parse or give an error that points into them, and what parses is written as
// text that parses to the same.
#include <tvm/ffi/extra/json.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

namespace json = tvm::ffi::json;
using tvm::ffi::Any;
using tvm::ffi::String;

void Require(bool condition) {
  if (!condition) std::abort();
}

// The offset in "...: line 1 column 5 (char 4)".
size_t PositionIn(const std::string& message) {
  const size_t at = message.rfind("(char ");
  Require(at != std::string::npos && message.back() == ')');
  return std::strtoul(message.c_str() + at + 6, nullptr, 10);
}

void RequireThrows(const String& text, const std::string& message) {
  try {
    json::Parse(text);
  } catch (const tvm::ffi::Error& error) {
    Require(error.kind() == "ValueError" && error.message() == message);
    return;
  }
  Require(false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const String text(reinterpret_cast<const char*>(data), size);
  String message;
  const Any value = json::Parse(text, &message);
  if (!message.empty()) {
    Require(value == nullptr && PositionIn(message) <= size);
    RequireThrows(text, message);
    return 0;
  }
  const String written = json::Stringify(value);
  Require(json::Stringify(json::Parse(written)) == written);
  Require(json::Stringify(json::Parse(json::Stringify(value, 1))) == written);
  return 0;
}
