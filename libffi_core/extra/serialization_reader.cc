// JSON graphs to objects. The graph is anybody's text: indices lead anywhere, data is of any type,
// nodes refer to themselves. Not recursive: objects that wait for their children are kept in a
// stack.
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

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libffi_core/extra/serialization.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Dict;
using tvm::ffi::EnumObj;
using tvm::ffi::Function;
using tvm::ffi::IntEnumObj;
using tvm::ffi::List;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::TypeTraits;
using tvm::ffi::details::IsObjectInstance;
using tvm::ffi::reflection::ForEachFieldInfo;
using JsonArray = tvm::ffi::json::Array;
using JsonObject = tvm::ffi::json::Object;

// Destroying a value recurses once per level of references.
constexpr int32_t kMaxGraphDepth = 10000;

class GraphReader {
 public:
  explicit GraphReader(JsonArray nodes)
      : nodes_(std::move(nodes)), values_(nodes_.size()), heights_(nodes_.size(), kUnvisited) {}

  Any Read(int64_t root) {
    Visit(root);
    while (!open_.empty()) {
      Node& top = open_.back();
      if (top.next_child < top.children.size()) {
        Visit(top.children[top.next_child++]);
      } else {
        Finish(top);
        open_.pop_back();
      }
    }
    return values_[static_cast<size_t>(root)];
  }

 private:
  struct Node {
    size_t index = 0;
    const TVMFFITypeInfo* type_info = nullptr;
    Any data;
    // Of a type with fields: the object whose fields the children become.
    ObjectPtr<Object> object;
    std::vector<int64_t> children;
    size_t next_child = 0;
  };
  // Otherwise `heights_` has the levels of references below the finished value.
  static constexpr int32_t kUnvisited = -2;
  static constexpr int32_t kOpen = -1;

  void Visit(int64_t index_untrusted) {
    if (index_untrusted < 0 || index_untrusted >= static_cast<int64_t>(nodes_.size())) {
      TVM_FFI_THROW(ValueError) << "Invalid JSON Object Graph: invalid node index "
                                << index_untrusted;
    }
    const auto index = static_cast<size_t>(index_untrusted);
    if (heights_[index] >= 0) return;
    if (heights_[index] == kOpen) {
      TVM_FFI_THROW(ValueError) << "Invalid JSON Object Graph: node " << index
                                << " refers to itself";
    }
    heights_[index] = kOpen;
    open_.push_back(Open(index));
  }

  Node Open(size_t index) const {
    Node node;
    node.index = index;
    const auto json = nodes_[static_cast<int64_t>(index)].as<JsonObject>();
    if (!json.has_value()) ThrowNode(node, "expected an object");
    const auto type = Member(*json, "type").as<String>();
    if (!type.has_value()) ThrowNode(node, "expected `type` string field");
    node.type_info = FindType(*type);
    if (node.type_info == nullptr) ThrowNode(node, "unknown type `" + std::string(*type) + "`");
    if (node.type_info->type_index == kTVMFFINone) return node;
    if (json->count("data") == 0) ThrowNode(node, "expected `data` field");
    node.data = json->at("data");
    ReadChildren(&node);
    return node;
  }

  static Any Member(const JsonObject& object, const char* name) {
    return object.Get(name).value_or(Any());
  }

  static const TVMFFITypeInfo* FindType(const String& type_key) {
    const TVMFFIByteArray key{type_key.data(), type_key.size()};
    int32_t type_index = 0;
    if (TVMFFITypeKeyToIndex(&key, &type_index) != 0) {
      tvm::ffi::details::MoveFromSafeCallRaised();
      return nullptr;
    }
    return TVMFFIGetTypeInfo(type_index);
  }

  void ReadChildren(Node* node) const {
    switch (node->type_info->type_index) {
      case kTVMFFIArray:
      case kTVMFFIList:
        node->children = IndicesOf(*node);
        return;
      case kTVMFFIMap:
      case kTVMFFIDict:
        node->children = IndicesOf(*node);
        if (node->children.size() % 2 != 0) {
          TVM_FFI_THROW(ValueError)
              << "Invalid JSON Object Graph: Map/Dict data must contain an even number of [key, "
                 "value] entries, got "
              << node->children.size();
        }
        return;
      default:
        if (IsObjectOfFields(node->type_info)) StartObject(node);
    }
  }

  std::vector<int64_t> IndicesOf(const Node& node) const {
    const auto array = node.data.as<JsonArray>();
    if (!array.has_value()) ThrowData(node, "an array of node indices", node.data);
    std::vector<int64_t> indices;
    indices.reserve(array->size());
    for (const Any& index : *array) indices.push_back(IndexOf(node, index));
    return indices;
  }
  int64_t IndexOf(const Node& node, const Any& json) const {
    const auto index = json.as<int64_t>();
    if (!index.has_value()) ThrowData(node, "a node index", json);
    return *index;
  }

  static bool IsObjectOfFields(const TVMFFITypeInfo* type_info) {
    switch (type_info->type_index) {
      case kTVMFFIInt:
      case kTVMFFIBool:
      case kTVMFFIFloat:
      case kTVMFFIDataType:
      case kTVMFFIDevice:
      case kTVMFFIStr:
      case kTVMFFIBytes:
      case kTVMFFIShape:
        return false;
      default:
        return DataFromJsonOf(type_info->type_index) == nullptr &&
               !IsObjectInstance<EnumObj>(type_info->type_index);
    }
  }

  void StartObject(Node* node) const {
    node->object = tvm::ffi::CreateEmptyObject(node->type_info);
    const auto fields = node->data.as<JsonObject>();
    if (!fields.has_value()) ThrowData(*node, "an object of fields", node->data);
    ForEachFieldInfo(node->type_info, [&](const TVMFFIFieldInfo* field) {
      const String name = FieldName(field);
      if (!IsInlineField(field) && fields->count(name) != 0)
        node->children.push_back(IndexOf(*node, fields->at(name)));
    });
  }

  void Finish(const Node& node) {
    int32_t height = 0;
    for (int64_t child : node.children)
      height = std::max(height, heights_[static_cast<size_t>(child)] + 1);
    if (height > kMaxGraphDepth)
      ThrowNode(node, "more than " + std::to_string(kMaxGraphDepth) + " levels of references");
    values_[node.index] = node.object != nullptr ? FinishObject(node) : MakeValue(node);
    heights_[node.index] = height;
  }

  const Any& ChildValue(const Node& node, size_t i) const {
    return values_[static_cast<size_t>(node.children[i])];
  }

  Any FinishObject(const Node& node) const {
    const auto fields = node.data.cast<JsonObject>();
    size_t next_child = 0;
    ForEachFieldInfo(node.type_info, [&](const TVMFFIFieldInfo* field) {
      const String name = FieldName(field);
      void* const address = tvm::ffi::details::FieldAddress(node.object.get(), field);
      if (fields.count(name) != 0) {
        const Any value = IsInlineField(field) ? fields.at(name) : ChildValue(node, next_child++);
        const TVMFFIAny raw = AnyView(value).CopyToTVMFFIAny();
        TVM_FFI_CHECK_SAFE_CALL(tvm::ffi::reflection::CallFieldSetter(field, address, &raw));
      } else if ((field->flags & kTVMFFIFieldFlagBitMaskHasDefault) != 0) {
        tvm::ffi::reflection::SetFieldToDefault(field, address);
      } else {
        TVM_FFI_THROW(TypeError) << "Required field `" << name << "` not set in type `"
                                 << TypeKeyOf(node.type_info) << "`";
      }
    });
    return ObjectRef(node.object);
  }

  Any MakeValue(const Node& node) const {
    switch (node.type_info->type_index) {
      case kTVMFFINone:
        return nullptr;
      case kTVMFFIInt:
        return DataAs<int64_t>(node);
      case kTVMFFIBool:
        return DataAs<bool>(node);
      case kTVMFFIFloat:
        return DataAs<double>(node);
      case kTVMFFIStr:
        return DataAs<String>(node);
      case kTVMFFIBytes:
        return MakeBytes(node);
      case kTVMFFIDataType:
        return tvm::ffi::StringToDLDataType(DataAs<String>(node));
      case kTVMFFIDevice:
        return MakeDevice(node);
      case kTVMFFIShape:
        return Shape(DataAs<Array<int64_t>>(node));
      case kTVMFFIArray:
        return MakeSequence<Array<Any>>(node);
      case kTVMFFIList:
        return MakeSequence<List<Any>>(node);
      case kTVMFFIMap:
        return MakeMapping<JsonObject>(node);
      case kTVMFFIDict:
        return MakeMapping<Dict<Any, Any>>(node);
      default:
        return MakeFromData(node);
    }
  }

  template <typename T>
  static T DataAs(const Node& node) {
    std::optional<T> value = node.data.try_cast<T>();
    if (!value.has_value()) ThrowData(node, "`" + TypeTraits<T>::TypeStr() + "`", node.data);
    return *std::move(value);
  }

  static Any MakeBytes(const Node& node) {
    const auto text = DataAs<String>(node);
    if (text.size() % 4 != 0)
      ThrowNode(node, "base64 text of " + std::to_string(text.size()) + " characters");
    return tvm::ffi::Base64Decode(text);
  }

  static Any MakeDevice(const Node& node) {
    const auto pair = DataAs<Array<int64_t>>(node);
    if (pair.size() != 2) {
      TVM_FFI_THROW(ValueError) << "Invalid JSON Object Graph: Device data must be an array of "
                                   "[device_type, device_id], got "
                                << pair.size() << " element(s)";
    }
    for (int64_t number : pair) {
      if (number != static_cast<int32_t>(number))
        ThrowNode(node, "no device has the number " + std::to_string(number));
    }
    return DLDevice{static_cast<DLDeviceType>(pair[0]), static_cast<int32_t>(pair[1])};
  }

  template <typename TSeq>
  Any MakeSequence(const Node& node) const {
    TSeq seq;
    seq.reserve(static_cast<int64_t>(node.children.size()));
    for (size_t i = 0; i < node.children.size(); ++i) seq.push_back(ChildValue(node, i));
    return seq;
  }

  template <typename TMap>
  Any MakeMapping(const Node& node) const {
    TMap map;
    for (size_t i = 0; i < node.children.size(); i += 2)
      map.Set(ChildValue(node, i), ChildValue(node, i + 1));
    return map;
  }

  static Any MakeFromData(const Node& node) {
    const int32_t type_index = node.type_info->type_index;
    const AnyView from_json = DataFromJsonOf(type_index);
    if (from_json != nullptr) return from_json.cast<Function>()(node.data);
    if (IsObjectInstance<IntEnumObj>(type_index))
      return EnumObj::_GetByIntIndex(type_index, DataAs<int64_t>(node));
    return EnumObj::_GetByStrIndex(type_index, DataAs<String>(node));
  }

  [[noreturn]] static void ThrowNode(const Node& node, const std::string& problem) {
    TVM_FFI_THROW(ValueError) << "Invalid JSON Object Graph: node " << node.index << ": "
                              << problem;
    TVM_FFI_UNREACHABLE();
  }
  [[noreturn]] static void ThrowData(const Node& node, const std::string& expected,
                                     const Any& actual) {
    ThrowNode(node, "data of `" + std::string(TypeKeyOf(node.type_info)) + "`: expected " +
                        expected + ", got `" + actual.GetTypeKey() + "`");
  }

  const JsonArray nodes_;
  std::vector<Any> values_;
  std::vector<int32_t> heights_;
  // From the root inwards.
  std::vector<Node> open_;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

namespace {

template <typename T>
const T& Expect(const std::optional<T>& part, const char* what) {
  if (!part.has_value())
    TVM_FFI_THROW(ValueError) << "Invalid JSON Object Graph, expected " << what;
  return *part;
}

}  // namespace

Any FromJSONGraph(const json::Value& value) {
  const std::optional<json::Object> object = value.as<json::Object>();
  const json::Object& graph = Expect(object, "an object");
  const auto member = [&graph](const char* name) { return graph.Get(name).value_or(Any()); };
  const int64_t root_index =
      Expect(member("root_index").as<int64_t>(), "`root_index` integer field");
  const json::Array nodes = Expect(member("nodes").as<json::Array>(), "`nodes` array field");
  return tvmffi::core::GraphReader(nodes).Read(root_index);
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
  tvmffi::core::GlobalDef()
      .Typed("ffi.FromJSONGraph", FromJSONGraph)
      .Typed("ffi.FromJSONGraphString",
             [](const String& text) { return FromJSONGraph(json::Parse(text)); });
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
