// Metadata of functions: any bytes come back as they were given, from the global table and from a
// module; where the library reads JSON, they and the type schema within are read or refused.
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::Map;
using tvm::ffi::Module;
using tvm::ffi::String;

void Require(bool condition) {
  if (!condition) std::abort();
}

TVMFFIByteArray BytesOf(const std::string& text) { return {text.data(), text.size()}; }

std::string current_metadata;

int GiveMetadata(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  const TVMFFIByteArray bytes = BytesOf(current_metadata);
  return TVMFFIStringFromByteArray(&bytes, result);
}

const Module& ModuleWithMetadata() {
  static const Module* module = [] {
    Require(TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi__metadata_fuzz_f",
                                                reinterpret_cast<void*>(&GiveMetadata)) == 0);
    return new Module(Function::GetGlobalRequired("ffi.SystemLib")("fuzz_").cast<Module>());
  }();
  return *module;
}

void CheckGlobal(const std::string& name, const std::string& doc, const std::string& metadata) {
  static const auto* function = new Function(Function::FromTyped([] {}));
  static const auto* read = new Function(Function::GetGlobalRequired("ffi.GetGlobalFuncMetadata"));
  if (Function::GetGlobal(name).has_value()) return;
  TVMFFIMethodInfo info{};
  info.name = BytesOf(name);
  info.doc = BytesOf(doc);
  info.metadata = BytesOf(metadata);
  info.method = tvm::ffi::AnyView(*function).CopyToTVMFFIAny();
  Require(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) == 0);
  Require((*read)(String(name)).cast<String>() == metadata);
  Function::RemoveGlobal(name);
  Require(!Function::GetGlobal(name).has_value());
}

// The type schema is a JSON text within a JSON text.
void ReadAsJson(const std::string& text, int depth) {
  static const auto* parse = new std::optional<Function>(Function::GetGlobal("ffi.json.Parse"));
  if (!parse->has_value()) return;
  try {
    const Any value = (**parse)(String(text));
    auto map = value.as<Map<Any, Any>>();
    if (depth == 0 || !map.has_value() || map->count("type_schema") == 0) return;
    auto schema = map->at("type_schema").as<String>();
    if (schema.has_value()) ReadAsJson(*schema, depth - 1);
  } catch (const tvm::ffi::Error& error) {
    Require(error.kind() == "ValueError");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  // name, doc and metadata, each on a line; the last takes the rest.
  const size_t first = input.find('\n');
  const size_t second = first == std::string::npos ? first : input.find('\n', first + 1);
  if (second == std::string::npos) return 0;
  current_metadata = input.substr(second + 1);
  CheckGlobal(input.substr(0, first), input.substr(first + 1, second - first - 1),
              current_metadata);
  Require(ModuleWithMetadata()->GetFunctionMetadata("f", false).value() == current_metadata);
  ReadAsJson(current_metadata, 1);
  return 0;
}
