// Maps whose keys are hashed by what they hold: the code for that is in the module, the hash
// functions in the library.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_key.h>
#include <tvm/ffi/function.h>

namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Map;
using tvm::ffi::StructuralKey;

Map<Any, int64_t> MakeMap(int64_t count) {
  Map<Any, int64_t> map;
  for (int64_t i = 0; i < count; ++i) map.Set(StructuralKey(Array<int64_t>{i, i + 1}), i);
  return map;
}

int64_t At(const Map<Any, int64_t>& map, const Any& key) { return map.at(key); }
int64_t Count(const Map<Any, int64_t>& map, const Any& key) {
  return static_cast<int64_t>(map.count(key));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_map, MakeMap);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(at, At);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(count, Count);

}  // namespace
