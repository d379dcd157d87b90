// JSON graphs of objects: any JSON text is a graph or an error, and the value of a graph is written
// as one that has the same value.
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/extra/serialization.h>

#include <cstdint>
#include <cstdlib>

namespace {

namespace json = tvm::ffi::json;
using tvm::ffi::Any;
using tvm::ffi::String;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  String message;
  const Any graph = json::Parse(String(reinterpret_cast<const char*>(data), size), &message);
  if (!message.empty()) return 0;
  Any value;
  try {
    value = tvm::ffi::FromJSONGraph(graph);
  } catch (const tvm::ffi::Error& error) {
    Require(error.kind() != "InternalError");
    return 0;
  }
  const String written = json::Stringify(tvm::ffi::ToJSONGraph(value));
  const Any again = tvm::ffi::FromJSONGraph(json::Parse(written));
  Require(json::Stringify(tvm::ffi::ToJSONGraph(again)) == written);
  return 0;
}
