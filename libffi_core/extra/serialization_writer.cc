// Objects to JSON graphs. Not recursive: values whose nodes wait for those of their children are
// kept in a stack.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/extra/base64.h>
#include <tvm/ffi/extra/serialization.h>
#include <tvm/ffi/reflection/creator.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libffi_core/extra/serialization.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::EnumObj;
using tvm::ffi::Function;
using tvm::ffi::IntEnumObj;
using tvm::ffi::Map;
using tvm::ffi::MapBaseObj;
using tvm::ffi::Object;
using tvm::ffi::SeqBaseObj;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::reflection::FieldGetter;
using tvm::ffi::reflection::ForEachFieldInfo;

bool IsSequence(int32_t type_index) {
  return type_index == kTVMFFIArray || type_index == kTVMFFIList;
}
bool IsMapping(int32_t type_index) { return type_index == kTVMFFIMap || type_index == kTVMFFIDict; }

Any DTypeText(DLDataType dtype) { return String(tvm::ffi::DLDataTypeToString(dtype)); }

const TVMFFITypeInfo* TypeInfoOf(const Any& value) { return TVMFFIGetTypeInfo(value.type_index()); }

class GraphWriter {
 public:
  // Returns the index of the value's node.
  int64_t Write(const Any& root) {
    Visit(root);
    while (!open_.empty()) {
      Node& top = open_.back();
      if (top.next_child < top.children.size()) {
        // By value: visiting may move the stack.
        const Any child = top.children[top.next_child++];
        Visit(child);
      } else {
        const Node done = std::move(top);
        open_.pop_back();
        Finish(done);
      }
    }
    return index_of_.at(root);
  }

  Array<Any> TakeNodes() { return std::move(nodes_); }

 private:
  struct Node {
    Any value;
    std::vector<Any> children;
    size_t next_child = 0;
  };
  static constexpr int64_t kOpen = -1;

  // Writes the node of a value without children; of any other one it starts the node.
  void Visit(const Any& value) {
    const auto [found, is_new] = index_of_.try_emplace(value, kOpen);
    if (!is_new) {
      if (found->second == kOpen) ThrowCycle(value);
      return;
    }
    const int32_t type_index = value.type_index();
    if (IsSequence(type_index)) {
      const auto* seq = static_cast<const SeqBaseObj*>(value.as<Object>());
      open_.push_back({value, {seq->begin(), seq->end()}});
    } else if (IsMapping(type_index)) {
      open_.push_back({value, EntriesOf(*static_cast<const MapBaseObj*>(value.as<Object>()))});
    } else if (IsObjectOfFields(value)) {
      open_.push_back({value, ReferencesOf(value)});
    } else {
      AddLeaf(value);
    }
  }

  static bool IsObjectOfFields(const Any& value) {
    switch (value.type_index()) {
      case kTVMFFIStr:
      case kTVMFFIBytes:
      case kTVMFFIShape:
        return false;
      default:
        break;
    }
    if (value.type_index() < kTVMFFIStaticObjectBegin || value.as<EnumObj>() != nullptr ||
        DataToJsonOf(value.type_index()) != nullptr)
      return false;
    if (!tvm::ffi::HasCreator(TypeInfoOf(value))) {
      TVM_FFI_THROW(TypeError) << "Type `" << value.GetTypeKey()
                               << "` does not support ToJSONGraph (no native creator or "
                                  "__ffi_new__ type attr)";
    }
    return true;
  }

  static std::vector<Any> EntriesOf(const MapBaseObj& map) {
    std::vector<Any> entries;
    entries.reserve(2 * map.size());
    for (uint64_t i = map.FirstSlot(); i != MapBaseObj::kNoSlot; i = map.NextSlot(i)) {
      entries.push_back(map.PairAt(i).first);
      entries.push_back(map.PairAt(i).second);
    }
    return entries;
  }

  static std::vector<Any> ReferencesOf(const Any& value) {
    std::vector<Any> references;
    ForEachFieldInfo(TypeInfoOf(value), [&](const TVMFFIFieldInfo* field) {
      if (!IsInlineField(field)) references.push_back(FieldGetter(field)(value.as<Object>()));
    });
    return references;
  }

  void Finish(const Node& node) {
    if (!IsSequence(node.value.type_index()) && !IsMapping(node.value.type_index())) {
      Add(node.value, node.value.GetTypeKey(), FieldsOf(node));
      return;
    }
    Array<Any> indices;
    indices.reserve(static_cast<int64_t>(node.children.size()));
    for (const Any& child : node.children) indices.push_back(index_of_.at(child));
    Add(node.value, node.value.GetTypeKey(), indices);
  }

  Any FieldsOf(const Node& node) const {
    Map<String, Any> fields;
    auto child = node.children.begin();
    ForEachFieldInfo(TypeInfoOf(node.value), [&](const TVMFFIFieldInfo* field) {
      if (!IsInlineField(field)) {
        fields.Set(FieldName(field), index_of_.at(*child++));
        return;
      }
      const Any value = FieldGetter(field)(node.value.as<Object>());
      fields.Set(FieldName(field), value.type_index() == kTVMFFIDataType
                                       ? DTypeText(value.cast<DLDataType>())
                                       : value);
    });
    return fields;
  }

  void AddLeaf(const Any& value) {
    switch (value.type_index()) {
      case kTVMFFINone:
        SetIndex(value);
        nodes_.push_back(Map<String, Any>{{"type", String(value.GetTypeKey())}});
        return;
      case kTVMFFIInt:
      case kTVMFFIBool:
      case kTVMFFIFloat:
        return Add(value, value.GetTypeKey(), value);
      case kTVMFFISmallStr:
      case kTVMFFIStr:
        return Add(value, tvm::ffi::StaticTypeKey::kTVMFFIStr, value);
      case kTVMFFISmallBytes:
      case kTVMFFIBytes:
        return Add(value, tvm::ffi::StaticTypeKey::kTVMFFIBytes,
                   tvm::ffi::Base64Encode(value.cast<Bytes>()));
      case kTVMFFIDataType:
        return Add(value, value.GetTypeKey(), DTypeText(value.cast<DLDataType>()));
      case kTVMFFIDevice: {
        const auto device = value.cast<DLDevice>();
        return Add(value, value.GetTypeKey(),
                   Array<Any>{static_cast<int64_t>(device.device_type), device.device_id});
      }
      case kTVMFFIShape: {
        const Shape shape = value.cast<Shape>();
        return Add(value, value.GetTypeKey(), Array<int64_t>(shape.begin(), shape.end()));
      }
      default:
        return AddObjectLeaf(value);
    }
  }

  void AddObjectLeaf(const Any& value) {
    const AnyView to_json = DataToJsonOf(value.type_index());
    if (to_json != nullptr) {
      Add(value, value.GetTypeKey(), to_json.cast<Function>()(value));
    } else if (const auto* int_enum = value.as<IntEnumObj>()) {
      Add(value, value.GetTypeKey(), int_enum->_int_index);
    } else if (const auto* other_enum = value.as<EnumObj>()) {
      Add(value, value.GetTypeKey(), other_enum->_str_index);
    } else {
      TVM_FFI_THROW(RuntimeError) << "Cannot serialize type `" << value.GetTypeKey() << "`";
    }
  }

  void SetIndex(const Any& value) { index_of_[value] = static_cast<int64_t>(nodes_.size()); }
  void Add(const Any& value, const std::string& type_key, const Any& data) {
    SetIndex(value);
    nodes_.push_back(Map<String, Any>{{"type", String(type_key)}, {"data", data}});
  }

  [[noreturn]] static void ThrowCycle(const Any& value) {
    std::string name = value.GetTypeKey();
    if (name.rfind("ffi.", 0) == 0) name.erase(0, 4);
    TVM_FFI_THROW(ValueError) << "Cycle detected during serialization: a " << name
                              << " contains itself";
    TVM_FFI_UNREACHABLE();
  }

  Array<Any> nodes_;
  std::unordered_map<Any, int64_t, tvm::ffi::AnyHash, tvm::ffi::AnyEqual> index_of_;
  // From the root inwards.
  std::vector<Node> open_;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

json::Value ToJSONGraph(const Any& value, const Any& metadata) {
  tvmffi::core::GraphWriter writer;
  const int64_t root_index = writer.Write(value);
  json::Object graph{{"root_index", root_index}, {"nodes", writer.TakeNodes()}};
  if (metadata != nullptr) graph.Set("metadata", metadata);
  return graph;
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
  tvmffi::core::GlobalDef()
      .Typed("ffi.ToJSONGraph", ToJSONGraph)
      .Typed("ffi.ToJSONGraphString", [](const Any& value, const Any& metadata) {
        return json::Stringify(ToJSONGraph(value, metadata));
      });
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
