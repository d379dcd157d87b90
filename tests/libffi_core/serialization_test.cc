#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/serialization_types.h"

namespace tvmffi_test {
namespace {

std::string OneNode(const std::string& node) {
  return "{\"root_index\":0,\"nodes\":[" + node + "]}";
}

TEST(CppApi, B97_GraphOfAnArray) {
  const Any graph = ToJSONGraph(Array<Any>{1, "a", 1, Pair(3, "k")});
  EXPECT_EQ(json::Stringify(graph),
            "{\"root_index\":4,\"nodes\":["
            "{\"type\":\"int\",\"data\":1},"
            "{\"type\":\"ffi.String\",\"data\":\"a\"},"
            "{\"type\":\"ffi.String\",\"data\":\"k\"},"
            "{\"type\":\"test.serialization.Pair\",\"data\":{\"x\":3,\"s\":2}},"
            "{\"type\":\"ffi.Array\",\"data\":[0,1,0,3]}]}");
}

TEST(Serialization, None) {
  EXPECT_EQ(Graph(nullptr), OneNode("{\"type\":\"None\"}"));
  EXPECT_EQ(RoundTrip(nullptr), nullptr);
  EXPECT_EQ(FromText(OneNode("{\"type\":\"None\",\"data\":5}")), nullptr);
}

TEST(Serialization, Bool) {
  EXPECT_EQ(Graph(true), OneNode("{\"type\":\"bool\",\"data\":true}"));
  EXPECT_TRUE(RoundTrip(true).as_or_throw<bool>());
  EXPECT_FALSE(RoundTrip(false).as_or_throw<bool>());
  EXPECT_TRUE(FromText(OneNode("{\"type\":\"bool\",\"data\":1}")).as_or_throw<bool>());
}

TEST(Serialization, Int) {
  EXPECT_EQ(Graph(5), OneNode("{\"type\":\"int\",\"data\":5}"));
  for (int64_t value : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(RoundTrip(value).as_or_throw<int64_t>(), value);
  }
}

TEST(Serialization, Float) {
  EXPECT_EQ(Graph(2.0), OneNode("{\"type\":\"float\",\"data\":2.0}"));
  const double inf = std::numeric_limits<double>::infinity();
  for (double value : {0.1, -0.0, 1e300, 5e-324, 9007199254740992.0, 1e16, inf, -inf}) {
    const auto back = RoundTrip(value).as_or_throw<double>();
    EXPECT_EQ(back, value);
    EXPECT_EQ(std::signbit(back), std::signbit(value));
  }
  EXPECT_TRUE(std::isnan(RoundTrip(std::nan("")).as_or_throw<double>()));
  EXPECT_EQ(FromText(OneNode("{\"type\":\"float\",\"data\":1}")).as_or_throw<double>(), 1.0);
}

TEST(Serialization, String) {
  EXPECT_EQ(Graph("abc"), OneNode("{\"type\":\"ffi.String\",\"data\":\"abc\"}"));
  for (const std::string text : {"", "abc", "exactly seven or more", "\xc3\xa9\n\"\\/"}) {
    EXPECT_EQ(RoundTrip(String(text)).as_or_throw<String>(), text);
    EXPECT_EQ(Graph(String(std::string(text))), Graph(String(text.data(), text.size())));
  }
}

TEST(Serialization, BytesValue) {
  EXPECT_EQ(Graph(Bytes("ab", 2)), OneNode("{\"type\":\"ffi.Bytes\",\"data\":\"YWI=\"}"));
  for (const std::string& content :
       {std::string(), std::string("\0\xff", 2), std::string(100, 'x')}) {
    EXPECT_EQ(static_cast<std::string>(RoundTrip(Bytes(content)).as_or_throw<Bytes>()), content);
  }
}

TEST(Serialization, DataType) {
  const DLDataType dtype{kDLBfloat, 16, 4};
  EXPECT_EQ(Graph(dtype), OneNode("{\"type\":\"DataType\",\"data\":\"bfloat16x4\"}"));
  EXPECT_EQ(RoundTrip(dtype).as_or_throw<DLDataType>(), dtype);
}

TEST(Serialization, Device) {
  const DLDevice device{kDLCUDA, 3};
  EXPECT_EQ(Graph(device), OneNode("{\"type\":\"Device\",\"data\":[2,3]}"));
  const auto back = RoundTrip(device).as_or_throw<DLDevice>();
  EXPECT_EQ(back.device_type, kDLCUDA);
  EXPECT_EQ(back.device_id, 3);
}

TEST(Serialization, ShapeValue) {
  EXPECT_EQ(Graph(Shape{1, 2, 3}), OneNode("{\"type\":\"ffi.Shape\",\"data\":[1,2,3]}"));
  EXPECT_EQ(RoundTrip(Shape{4, 5}).as_or_throw<Shape>().Product(), 20);
  EXPECT_EQ(RoundTrip(Shape()).as_or_throw<Shape>().size(), 0u);
}

TEST(Serialization, Sequences) {
  EXPECT_EQ(Graph(Array<Any>{}), OneNode("{\"type\":\"ffi.Array\",\"data\":[]}"));
  EXPECT_EQ(
      Graph(List<int>{1, 2, 1}),
      "{\"root_index\":2,\"nodes\":[{\"type\":\"int\",\"data\":1},{\"type\":\"int\",\"data\":2},"
      "{\"type\":\"ffi.List\",\"data\":[0,1,0]}]}");
  const auto array = RoundTrip(Array<Any>{1, "two", Array<Any>{3.0}}).as_or_throw<Array<Any>>();
  EXPECT_EQ(array[1].cast<String>(), "two");
  EXPECT_EQ(array[2].cast<Array<double>>()[0], 3.0);
  EXPECT_EQ(RoundTrip(List<int>{7, 8}).as_or_throw<List<int>>()[1], 8);
}

TEST(Serialization, Mappings) {
  EXPECT_EQ(Graph(Map<Any, Any>{}), OneNode("{\"type\":\"ffi.Map\",\"data\":[]}"));
  EXPECT_EQ(Graph(Dict<Any, Any>{{"a", 1}, {2, "a"}}),
            "{\"root_index\":3,\"nodes\":[{\"type\":\"ffi.String\",\"data\":\"a\"},"
            "{\"type\":\"int\",\"data\":1},{\"type\":\"int\",\"data\":2},"
            "{\"type\":\"ffi.Dict\",\"data\":[0,1,2,0]}]}");
  Map<Any, Any> map;
  for (int i = 0; i < 50; ++i) map.Set(i, String("value " + std::to_string(i)));
  map.Set(1.5, nullptr);
  const auto back = RoundTrip(map).as_or_throw<Map<Any, Any>>();
  EXPECT_EQ(back.size(), 51u);
  EXPECT_EQ(back.at(49).cast<String>(), "value 49");
  EXPECT_EQ(back.at(1.5), nullptr);
  EXPECT_EQ((RoundTrip(Dict<String, int>{{"k", 3}}).as_or_throw<Dict<String, int>>().at("k")), 3);
}

// Equality of map keys decides: content for strings, identity for objects.
TEST(Serialization, EqualValuesShareANode) {
  const String text = "a text that is longer";
  EXPECT_EQ(ToJSONGraph(Array<Any>{text, String(std::string(text)), Bytes("x", 1), Bytes("x", 1)})
                .cast<json::Object>()
                .at("nodes")
                .cast<json::Array>()
                .size(),
            3u);
  EXPECT_EQ(Graph(Array<Any>{1, 1.0, true, 0.0, -0.0, 1.0, nullptr, nullptr}),
            "{\"root_index\":6,\"nodes\":[{\"type\":\"int\",\"data\":1},{\"type\":\"float\","
            "\"data\":1.0},"
            "{\"type\":\"bool\",\"data\":true},{\"type\":\"float\",\"data\":0.0},"
            "{\"type\":\"float\",\"data\":-0.0},{\"type\":\"None\"},"
            "{\"type\":\"ffi.Array\",\"data\":[0,1,2,3,4,1,5,5]}]}");
}

TEST(Serialization, SharedObjectsStayShared) {
  const Pair pair(1, "z");
  const auto back = RoundTrip(Array<Any>{pair, pair, Pair(1, "z")}).as_or_throw<Array<Pair>>();
  EXPECT_TRUE(back[0].same_as(back[1]));
  EXPECT_FALSE(back[0].same_as(back[2]));
  const Array<Any> inner{1};
  const auto arrays = RoundTrip(Array<Any>{inner, inner}).as_or_throw<Array<Array<Any>>>();
  EXPECT_TRUE(arrays[0].same_as(arrays[1]));
}

TEST(Serialization, ObjectsOfAllKindsOfFields) {
  auto ptr = make_object<EverythingObj>();
  ptr->x = 11;
  ptr->s = "own";
  ptr->any = Array<Any>{1, nullptr};
  ptr->flag = false;
  ptr->number = -2.25;
  ptr->dtype = DLDataType{kDLInt, 8, 1};
  ptr->device = DLDevice{kDLCUDA, 1};
  ptr->array.push_back("in array");
  ptr->list.push_back(4);
  ptr->map.Set("k", 5);
  ptr->dict.Set("d", 6);
  ptr->shape = Shape{7};
  ptr->bytes = Bytes("\x01\x02", 2);
  ptr->text = String("some text");
  ptr->maybe = 8;
  ptr->pair = Pair(9, "inner");
  ptr->with_default = 10;

  const auto back = RoundTrip(Everything(ptr)).as_or_throw<Everything>();

  EXPECT_EQ(back->x, 11);
  EXPECT_EQ(back->s, "own");
  EXPECT_EQ(back->any.cast<Array<Any>>()[1], nullptr);
  EXPECT_FALSE(back->flag);
  EXPECT_EQ(back->number, -2.25);
  EXPECT_EQ(back->dtype, (DLDataType{kDLInt, 8, 1}));
  EXPECT_EQ(back->device.device_type, kDLCUDA);
  EXPECT_EQ(back->device.device_id, 1);
  EXPECT_EQ(back->array[0].cast<String>(), "in array");
  EXPECT_EQ(back->list[0].cast<int>(), 4);
  EXPECT_EQ(back->map.at("k").cast<int>(), 5);
  EXPECT_EQ(back->dict.at("d").cast<int>(), 6);
  EXPECT_EQ(back->shape[0], 7);
  EXPECT_EQ(back->bytes, Bytes("\x01\x02", 2));
  EXPECT_EQ(back->text.value(), "some text");
  EXPECT_EQ(back->maybe.value(), 8);
  EXPECT_EQ(back->pair->s, "inner");
  EXPECT_EQ(back->with_default, 10);
}

// bool, int, float and DataType fields stand in the object's node, inherited fields first.
TEST(Serialization, WhichFieldsAreInline) {
  EXPECT_EQ(
      Graph(Everything(make_object<EverythingObj>())),
      "{\"root_index\":9,\"nodes\":[{\"type\":\"ffi.String\",\"data\":\"\"},{\"type\":\"None\"},"
      "{\"type\":\"Device\",\"data\":[1,0]},{\"type\":\"ffi.Array\",\"data\":[]},"
      "{\"type\":\"ffi.List\",\"data\":[]},{\"type\":\"ffi.Map\",\"data\":[]},"
      "{\"type\":\"ffi.Dict\",\"data\":[]},{\"type\":\"ffi.Shape\",\"data\":[]},"
      "{\"type\":\"ffi.Bytes\",\"data\":\"\"},"
      "{\"type\":\"test.serialization.Everything\",\"data\":{\"x\":0,\"s\":0,\"any\":1,"
      "\"flag\":true,\"number\":1.5,\"dtype\":\"float32\",\"device\":2,\"array\":3,\"list\":4,"
      "\"map\":5,\"dict\":6,\"shape\":7,\"bytes\":8,\"text\":1,\"maybe\":1,\"pair\":1,"
      "\"with_default\":7}}]}");
}

TEST(Serialization, MissingFieldsGetTheirDefault) {
  json::Object graph = ToJSONGraph(Everything(make_object<EverythingObj>())).cast<json::Object>();
  json::Array nodes = graph.at("nodes").cast<json::Array>();
  json::Object node = nodes.back().cast<json::Object>();
  json::Object data = node.at("data").cast<json::Object>();
  data.erase("with_default");
  node.Set("data", data);
  nodes.Set(static_cast<int64_t>(nodes.size()) - 1, node);
  graph.Set("nodes", nodes);
  EXPECT_EQ(FromJSONGraph(graph).cast<Everything>()->with_default, 7);
}

TEST(Serialization, UnknownFieldsAndMembersAreIgnored) {
  const Any pair = FromText(
      "{\"root_index\":1,\"more\":1,\"nodes\":[{\"type\":\"ffi.String\",\"data\":\"k\",\"more\":2},"
      "{\"type\":\"test.serialization.Pair\",\"data\":{\"x\":3,\"s\":0,\"more\":99}}]}");
  EXPECT_EQ(pair.cast<Pair>()->s, "k");
}

TEST(Serialization, TypesWithTheirOwnFunctions) {
  EXPECT_EQ(Graph(Custom(8)),
            OneNode("{\"type\":\"test.serialization.Custom\",\"data\":{\"hidden\":1008}}"));
  EXPECT_EQ(RoundTrip(Custom(8)).as_or_throw<Custom>()->secret, 8);
  EXPECT_EQ(RoundTrip(Array<Any>{Custom(1), 2}).cast<Array<Any>>()[0].cast<Custom>()->secret, 1);
  EXPECT_ERROR_CONTAINS(FromText(OneNode("{\"type\":\"test.serialization.Custom\",\"data\":5}")),
                        "TypeError", "Cannot convert from type `int` to `Map<str, int>`");
}

TEST(Serialization, Enums) {
  const Enum green = EnumObj::_GetByStrIndex<ColorObj>("green");
  const Enum missing = EnumObj::_GetByIntIndex<StatusObj>(404);
  const Enum fast = EnumObj::_GetByStrIndex<ModeObj>("fast");
  EXPECT_EQ(Graph(green), OneNode("{\"type\":\"test.serialization.Color\",\"data\":\"green\"}"));
  EXPECT_EQ(Graph(missing), OneNode("{\"type\":\"test.serialization.Status\",\"data\":404}"));
  EXPECT_EQ(Graph(fast), OneNode("{\"type\":\"test.serialization.Mode\",\"data\":\"fast\"}"));
  for (const Enum& value : {green, missing, fast}) EXPECT_TRUE(RoundTrip(value).same_as(value));
}

TEST(Serialization, EnumValuesThatDoNotExist) {
  EXPECT_ERROR(FromText(OneNode("{\"type\":\"test.serialization.Color\",\"data\":\"blue\"}")),
               "ValueError", "Enum `test.serialization.Color` has no instance with index blue");
  EXPECT_ERROR(FromText(OneNode("{\"type\":\"test.serialization.Status\",\"data\":1}")),
               "ValueError", "Enum `test.serialization.Status` has no instance with index 1");
  EXPECT_ERROR_CONTAINS(FromText(OneNode("{\"type\":\"test.serialization.Color\",\"data\":0}")),
                        "ValueError", "expected `str`, got `int`");
}

TEST(Serialization, Metadata) {
  EXPECT_EQ(json::Stringify(ToJSONGraph(1, Map<String, Any>{{"version", "1"}})),
            "{\"root_index\":0,\"nodes\":[{\"type\":\"int\",\"data\":1}],"
            "\"metadata\":{\"version\":\"1\"}}");
  EXPECT_EQ(FromJSONGraph(ToJSONGraph(1, 5)).cast<int>(), 1);
}

TEST(Serialization, ByName) {
  const auto get = [](const char* name) { return Function::GetGlobalRequired(name); };
  const Any graph = get("ffi.ToJSONGraph")(Array<Any>{1}, nullptr);
  EXPECT_EQ(get("ffi.FromJSONGraph")(graph).cast<Array<int>>()[0], 1);
  const Any text = get("ffi.ToJSONGraphString")(Array<Any>{1}, Map<String, Any>{{"k", 2}});
  EXPECT_EQ(text.cast<String>(),
            "{\"root_index\":1,\"nodes\":[{\"type\":\"int\",\"data\":1},"
            "{\"type\":\"ffi.Array\",\"data\":[0]}],\"metadata\":{\"k\":2}}");
  EXPECT_EQ(get("ffi.FromJSONGraphString")(text).cast<Array<int>>()[0], 1);
  EXPECT_ERROR(get("ffi.FromJSONGraphString")("{"), "ValueError",
               "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
}

struct MallocedData {
  void AllocData(DLTensor* tensor) { tensor->data = std::malloc(64); }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

TEST(Serialization, ObjectsWithoutACreatorAreRefused) {
  const Tensor tensor =
      Tensor::FromNDAlloc(MallocedData(), {2}, DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
  const std::pair<Any, const char*> cases[] = {
      {Function::FromTyped([](int x) { return x; }), "ffi.Function"},
      {tensor, "ffi.Tensor"},
      {Error("ValueError", "m", ""), "ffi.Error"},
      {ObjectRef(make_object<Object>()), "ffi.Object"},
      {ObjectRef(make_object<WithoutCreatorObj>(1)), "test.serialization.WithoutCreator"},
  };
  for (const auto& [value, key] : cases) {
    const std::string expected = std::string("Type `") + key +
                                 "` does not support ToJSONGraph (no native creator or "
                                 "__ffi_new__ type attr)";
    EXPECT_ERROR(ToJSONGraph(value), "TypeError", expected);
    EXPECT_ERROR((ToJSONGraph(Map<String, Any>{{"k", value}})), "TypeError", expected);
  }
}

TEST(Serialization, PointersAreRefused) {
  EXPECT_ERROR(ToJSONGraph(static_cast<void*>(nullptr)), "RuntimeError",
               "Cannot serialize type `void*`");
}

TEST(Serialization, CyclesAreRefused) {
  List<Any> list;
  list.push_back(Array<Any>{1, list});
  EXPECT_ERROR(ToJSONGraph(list), "ValueError",
               "Cycle detected during serialization: a List contains itself");
  list.clear();
  Dict<Any, Any> dict;
  dict.Set("self", dict);
  EXPECT_ERROR(ToJSONGraph(dict), "ValueError",
               "Cycle detected during serialization: a Dict contains itself");
  dict.clear();
  auto node = make_object<NodeObj>();
  node->next = ObjectRef(node);
  EXPECT_ERROR(ToJSONGraph(ObjectRef(node)), "ValueError",
               "Cycle detected during serialization: a test.serialization.Node contains itself");
  node->next = nullptr;
}

TEST(Serialization, DeepValues) {
  Any value;
  for (int i = 0; i < 10000; ++i) {
    auto node = make_object<NodeObj>();
    node->next = std::move(value);
    value = ObjectRef(std::move(node));
  }
  EXPECT_EQ(Graph(RoundTrip(value)), Graph(value));
}

TEST(Serialization, WideGraphs) {
  Array<Any> wide;
  for (int i = 0; i < 20000; ++i) wide.push_back(Pair(i, "p" + std::to_string(i % 100)));
  const auto back = RoundTrip(wide).as_or_throw<Array<Pair>>();
  ASSERT_EQ(back.size(), wide.size());
  EXPECT_EQ(back[12345]->x, 12345);
  EXPECT_EQ(back[12345]->s, "p45");
}

}  // namespace
}  // namespace tvmffi_test
