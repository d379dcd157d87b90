// The global functions about Map and Dict, and the search for a device in any container.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <optional>
#include <unordered_set>

#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Dict;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::Object;
using tvm::ffi::PackedArgs;
using tvm::ffi::Tensor;

template <typename Mapping>
void Make(PackedArgs args, Any* result) {
  TVM_FFI_ICHECK_EQ(args.size() % 2, 0) << "keys and values must alternate";
  Mapping mapping;
  for (int i = 0; i < args.size(); i += 2) mapping.Set(Any(args[i]), Any(args[i + 1]));
  *result = std::move(mapping);
}

template <typename Mapping>
int64_t Size(const Mapping& mapping) {
  return static_cast<int64_t>(mapping.size());
}

template <typename Mapping>
Any GetItem(const Mapping& mapping, const Any& key) {
  return mapping.at(key);
}

template <typename Mapping>
int64_t Count(const Mapping& mapping, const Any& key) {
  return static_cast<int64_t>(mapping.count(key));
}

template <typename Mapping>
Any GetItemOrMissing(const Mapping& mapping, const Any& key) {
  static const Function missing = Function::GetGlobalRequired("ffi.GetInvalidObject");
  auto it = mapping.find(key);
  return it != mapping.end() ? Any((*it).second) : missing();
}

// A cursor as a function: 0 gives its key, 1 its value, 2 steps on and says whether there is another entry.
template <typename Mapping>
Function ForwardIterFunctor(const Mapping& mapping) {
  auto cursor = [mapping, it = mapping.begin()](int64_t command) mutable -> Any {
    if (it == mapping.end()) TVM_FFI_THROW(IndexError) << "the iterator is at the end of the map";
    switch (command) {
      case 0:
        return (*it).first;
      case 1:
        return (*it).second;
      case 2:
        ++it;
        return it != mapping.end();
      default:
        TVM_FFI_THROW(ValueError) << "iterator command " << command << ", expected 0, 1 or 2";
    }
  };
  return Function::FromTyped(std::move(cursor));
}

// Depth first. Lists and dicts can contain themselves, so it remembers where it has been.
class DeviceSearch {
 public:
  std::optional<DLDevice> In(const Any& value) {
    switch (value.type_index()) {
      case kTVMFFITensor:
        return NonCpu(value.cast<Tensor>().device());
      case kTVMFFIDLTensorPtr:
        return NonCpu(value.cast<DLTensor*>()->device);
      case kTVMFFIArray:
        return InElements(value.cast<Array<Any>>());
      case kTVMFFIList:
        return InElements(value.cast<List<Any>>());
      case kTVMFFIMap:
        return InValues(value.cast<Map<Any, Any>>());
      case kTVMFFIDict:
        return InValues(value.cast<Dict<Any, Any>>());
      default:
        return std::nullopt;
    }
  }

 private:
  static std::optional<DLDevice> NonCpu(DLDevice device) {
    if (device.device_type == kDLCPU) return std::nullopt;
    return device;
  }

  template <typename Sequence>
  std::optional<DLDevice> InElements(const Sequence& sequence) {
    if (!visited_.insert(sequence.get()).second) return std::nullopt;
    for (const Any& element : sequence) {
      if (auto device = In(element)) return device;
    }
    return std::nullopt;
  }

  template <typename Mapping>
  std::optional<DLDevice> InValues(const Mapping& mapping) {
    if (!visited_.insert(mapping.get()).second) return std::nullopt;
    for (const auto& [key, value] : mapping) {
      if (auto device = In(value)) return device;
    }
    return std::nullopt;
  }

  std::unordered_set<const Object*> visited_;
};

using AnyMap = Map<Any, Any>;
using AnyDict = Dict<Any, Any>;

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Packed("ffi.Map", Make<AnyMap>)
      .Typed("ffi.MapSize", Size<AnyMap>)
      .Typed("ffi.MapGetItem", GetItem<AnyMap>)
      .Typed("ffi.MapCount", Count<AnyMap>)
      .Typed("ffi.MapGetItemOrMissing", GetItemOrMissing<AnyMap>)
      .Typed("ffi.MapForwardIterFunctor", ForwardIterFunctor<AnyMap>)
      .Packed("ffi.Dict", Make<AnyDict>)
      .Typed("ffi.DictSize", Size<AnyDict>)
      .Typed("ffi.DictGetItem", GetItem<AnyDict>)
      .Typed("ffi.DictCount", Count<AnyDict>)
      .Typed("ffi.DictGetItemOrMissing", GetItemOrMissing<AnyDict>)
      .Typed("ffi.DictForwardIterFunctor", ForwardIterFunctor<AnyDict>)
      .Typed("ffi.DictSetItem",
             [](AnyDict dict, Any key, Any value) { dict.Set(std::move(key), std::move(value)); })
      .Typed("ffi.DictErase", [](AnyDict dict, const Any& key) { dict.erase(key); })
      .Typed("ffi.DictClear", [](AnyDict dict) { dict.clear(); })
      .Typed("ffi.ContainerFindFirstNonCPUDevice", [](const Any& value) {
        return DeviceSearch().In(value).value_or(DLDevice{kDLCPU, 0});
      });
}

}  // namespace
}  // namespace tvmffi::core
