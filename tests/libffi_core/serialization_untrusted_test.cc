// Graphs that no ToJSONGraph wrote.
#include <gtest/gtest.h>

#include <string>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/serialization_types.h"

namespace tvmffi_test {
namespace {

// Nodes joined by commas, of which `root` is the root.
std::string Text(const std::string& nodes, const std::string& root = "0") {
  return "{\"root_index\":" + root + ",\"nodes\":[" + nodes + "]}";
}
std::string Node(const std::string& type, const std::string& data) {
  return "{\"type\":\"" + type + "\",\"data\":" + data + "}";
}
const char kOne[] = "{\"type\":\"int\",\"data\":1},";

#define EXPECT_INVALID(text, problem) \
  EXPECT_ERROR(FromText(text), "ValueError", std::string("Invalid JSON Object Graph") + problem)

TEST(SerializationOfUntrustedText, NotAGraph) {
  for (const char* text : {"5", "[]", "null", "\"x\""}) {
    EXPECT_INVALID(text, ", expected an object");
  }
  for (const char* text :
       {"{}", "{\"nodes\":[]}", "{\"root_index\":\"0\",\"nodes\":[]}",
        "{\"root_index\":0.0,\"nodes\":[]}", "{\"root_index\":true,\"nodes\":[]}",
        "{\"root_index\":null,\"nodes\":[]}"}) {
    EXPECT_INVALID(text, ", expected `root_index` integer field");
  }
  for (const char* text : {"{\"root_index\":0}", "{\"root_index\":0,\"nodes\":{}}"}) {
    EXPECT_INVALID(text, ", expected `nodes` array field");
  }
}

TEST(SerializationOfUntrustedText, IndicesOutOfRange) {
  EXPECT_INVALID(Text(""), ": invalid node index 0");
  EXPECT_INVALID(Text(Node("int", "4"), "1"), ": invalid node index 1");
  EXPECT_INVALID(Text(Node("int", "4"), "-1"), ": invalid node index -1");
  EXPECT_INVALID(Text(Node("int", "4"), "9223372036854775807"),
                 ": invalid node index 9223372036854775807");
  for (const char* type : {"ffi.Array", "ffi.List"}) {
    EXPECT_INVALID(Text(kOne + Node(type, "[0,5]"), "1"), ": invalid node index 5");
    EXPECT_INVALID(Text(kOne + Node(type, "[-1]"), "1"), ": invalid node index -1");
  }
  for (const char* type : {"ffi.Map", "ffi.Dict"}) {
    EXPECT_INVALID(Text(kOne + Node(type, "[0,7]"), "1"), ": invalid node index 7");
  }
  EXPECT_INVALID(Text(Node("test.serialization.Pair", "{\"x\":3,\"s\":9}")),
                 ": invalid node index 9");
}

TEST(SerializationOfUntrustedText, NodesThatAreNone) {
  EXPECT_INVALID(Text("5"), ": node 0: expected an object");
  EXPECT_INVALID(Text("[]"), ": node 0: expected an object");
  EXPECT_INVALID(Text("{}"), ": node 0: expected `type` string field");
  EXPECT_INVALID(Text("{\"type\":5,\"data\":1}"), ": node 0: expected `type` string field");
  EXPECT_INVALID(Text("{\"type\":\"int\"}"), ": node 0: expected `data` field");
  EXPECT_INVALID(Text(Node("no.such", "1")), ": node 0: unknown type `no.such`");
  EXPECT_INVALID(Text(Node("", "1")), ": node 0: unknown type ``");
}

TEST(SerializationOfUntrustedText, DataOfAnotherType) {
  const struct {
    const char* type;
    const char* data;
    const char* expected;
    const char* actual;
  } cases[] = {
      {"int", "\"x\"", "`int`", "ffi.SmallStr"},
      {"int", "1.5", "`int`", "float"},
      {"int", "null", "`int`", "None"},
      {"bool", "\"t\"", "`bool`", "ffi.SmallStr"},
      {"float", "\"1\"", "`float`", "ffi.SmallStr"},
      {"ffi.String", "1", "`str`", "int"},
      {"ffi.Bytes", "1", "`str`", "int"},
      {"DataType", "1", "`str`", "int"},
      {"Device", "\"cpu\"", "`Array<int>`", "ffi.SmallStr"},
      {"Device", "[2,\"x\"]", "`Array<int>`", "ffi.Array"},
      {"ffi.Shape", "5", "`Array<int>`", "int"},
      {"ffi.Shape", "[1.5]", "`Array<int>`", "ffi.Array"},
      {"ffi.Array", "0", "an array of node indices", "int"},
      {"ffi.List", "{}", "an array of node indices", "ffi.Map"},
      {"ffi.Map", "{\"a\":1}", "an array of node indices", "ffi.Map"},
      {"ffi.Dict", "null", "an array of node indices", "None"},
      {"ffi.Array", "[\"a\"]", "a node index", "ffi.SmallStr"},
      {"ffi.Array", "[0.0]", "a node index", "float"},
      {"ffi.Array", "[true]", "a node index", "bool"},
      {"test.serialization.Pair", "[1]", "an object of fields", "ffi.Array"},
      {"test.serialization.Pair", "{\"s\":\"abc\"}", "a node index", "ffi.SmallStr"},
  };
  for (const auto& c : cases) {
    EXPECT_INVALID(Text(Node(c.type, c.data)), std::string(": node 0: data of `") + c.type +
                                                   "`: expected " + c.expected + ", got `" +
                                                   c.actual + "`");
  }
}

TEST(SerializationOfUntrustedText, DataThatDoesNotFit) {
  EXPECT_INVALID(Text(Node("Device", "[2]")),
                 ": Device data must be an array of [device_type, device_id], got 1 element(s)");
  EXPECT_INVALID(Text(Node("Device", "[2,3,4]")),
                 ": Device data must be an array of [device_type, device_id], got 3 element(s)");
  EXPECT_INVALID(Text(Node("Device", "[99999999999,3]")),
                 ": node 0: no device has the number 99999999999");
  EXPECT_INVALID(Text(kOne + Node("ffi.Map", "[0,0,0]"), "1"),
                 ": Map/Dict data must contain an even number of [key, value] entries, got 3");
  EXPECT_INVALID(Text(Node("ffi.Bytes", "\"YQ\"")), ": node 0: base64 text of 2 characters");
  EXPECT_ERROR(FromText(Text(Node("DataType", "\"zzz\""))), "ValueError", "unknown dtype `zzz`");
}

TEST(SerializationOfUntrustedText, NodesThatContainThemselves) {
  for (const char* type : {"ffi.Array", "ffi.List"}) {
    EXPECT_INVALID(Text(Node(type, "[0]")), ": node 0 refers to itself");
    EXPECT_INVALID(Text(Node(type, "[1]") + "," + Node(type, "[0]")), ": node 0 refers to itself");
  }
  for (const char* type : {"ffi.Map", "ffi.Dict"}) {
    EXPECT_INVALID(Text(Node(type, "[0,0]")), ": node 0 refers to itself");
  }
  EXPECT_INVALID(Text(Node("test.serialization.Node", "{\"next\":0}")),
                 ": node 0 refers to itself");
}

TEST(SerializationOfUntrustedText, TypesWithoutACreator) {
  for (const std::string type :
       {"ffi.Object", "ffi.Function", "ffi.Tensor", "ffi.Error", "ffi.Module", "void*",
        "ObjectRValueRef", "const char*", "DLTensor*", "ffi.SmallStr",
        "test.serialization.WithoutCreator"}) {
    EXPECT_ERROR(FromText(Text(Node(type, "{}"))), "RuntimeError",
                 "Type `" + type +
                     "` does not support reflection creation (no native creator or __ffi_new__ "
                     "type attr)");
  }
}

TEST(SerializationOfUntrustedText, FieldsThatDoNotConvert) {
  EXPECT_ERROR(FromText(Text(Node("test.serialization.Pair", "{\"x\":\"3\",\"s\":1}") + "," +
                             Node("ffi.String", "\"k\""))),
               "TypeError", "Cannot convert from type `ffi.SmallStr` to `int`");
  EXPECT_ERROR(
      FromText(Text(Node("test.serialization.Pair", "{\"x\":3,\"s\":1}") + "," + Node("int", "1"))),
      "TypeError", "Cannot convert from type `int` to `str`");
  EXPECT_ERROR(FromText(Text(Node("test.serialization.Pair", "{\"x\":3}"))), "TypeError",
               "Required field `s` not set in type `test.serialization.Pair`");
}

// Whatever the root does not refer to may be anything, and references may go forwards.
TEST(SerializationOfUntrustedText, WhatIsAccepted) {
  EXPECT_EQ(FromText(Text(kOne + Node("no.such", "\"bad\""))).cast<int>(), 1);
  EXPECT_EQ(FromText(Text(Node("ffi.Array", "[1]") + "," + Node("int", "4"))).cast<Array<int>>()[0],
            4);
}

std::string ChainOfArrays(int levels) {
  std::string nodes = Node("int", "1");
  for (int i = 0; i < levels; ++i) nodes += "," + Node("ffi.Array", "[" + std::to_string(i) + "]");
  return Text(nodes, std::to_string(levels));
}

TEST(SerializationOfUntrustedText, LevelsHaveALimit) {
  EXPECT_EQ(FromText(ChainOfArrays(10000)).type_index(), kTVMFFIArray);
  EXPECT_INVALID(ChainOfArrays(10001), ": node 10001: more than 10000 levels of references");
  EXPECT_INVALID(ChainOfArrays(200000), ": node 10001: more than 10000 levels of references");
}

// A node that is finished when another one refers to it adds its levels to that one's.
TEST(SerializationOfUntrustedText, LevelsBehindAFinishedNodeCount) {
  std::string nodes = Node("int", "1");
  for (int i = 0; i < 6000; ++i) nodes += "," + Node("ffi.Array", "[" + std::to_string(i) + "]");
  for (int i = 6000; i < 12000; ++i) nodes += "," + Node("ffi.List", "[" + std::to_string(i) + "]");
  nodes += "," + Node("ffi.Array", "[6000,12000]");
  EXPECT_INVALID(Text(nodes, "12001"), ": node 10001: more than 10000 levels of references");
}

// Each level refers to the next one twice: 2^64 paths, 65 nodes.
TEST(SerializationOfUntrustedText, ManyPathsAreOneValue) {
  std::string nodes = Node("int", "1");
  for (int i = 0; i < 64; ++i) {
    nodes += "," + Node("ffi.Array", "[" + std::to_string(i) + "," + std::to_string(i) + "]");
  }
  const Any value = FromText(Text(nodes, "64"));
  EXPECT_EQ(Graph(value), Text(nodes, "64"));
}

TEST(SerializationOfUntrustedText, EveryCutAndEveryByteOfAGraph) {
  const std::string graph = Graph(Array<Any>{1, "a", Pair(3, "k"), Custom(4), DLDevice{kDLCPU, 0},
                                             EnumObj::_GetByStrIndex<ColorObj>("red")});
  for (size_t i = 0; i < graph.size(); ++i) {
    EXPECT_THROW(FromText(graph.substr(0, i)), Error);
    for (char c : {'0', '9', '"', '[', '}', ','}) {
      std::string changed = graph;
      changed[i] = c;
      try {
        FromText(changed);
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), "InternalError") << changed;
      }
    }
  }
}

}  // namespace
}  // namespace tvmffi_test
