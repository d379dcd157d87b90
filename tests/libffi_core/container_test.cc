#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

// Follows the object header of Array and List.
const TVMFFISeqCell* SeqCell(const Value& sequence) {
  return reinterpret_cast<const TVMFFISeqCell*>(static_cast<char*>(sequence.object()) +
                                                sizeof(TVMFFIObject));
}

// Follows the object header of Map and Dict.
struct MapCell {
  void* data;
  uint64_t size;
  uint64_t slots;
  void (*data_deleter)(void*);
};
const MapCell* MapCellOf(const Value& map) {
  return reinterpret_cast<const MapCell*>(static_cast<char*>(map.object()) + sizeof(TVMFFIObject));
}

std::vector<int64_t> Ints(const Value& sequence, const char* size, const char* get) {
  std::vector<int64_t> ints;
  const int64_t count = CallGlobal(size, {sequence.any()}).as_int();
  for (int64_t i = 0; i < count; ++i) {
    ints.push_back(CallGlobal(get, {sequence.any(), Int(i)}).as_int());
  }
  return ints;
}
std::vector<int64_t> ListInts(const Value& list) {
  return Ints(list, "ffi.ListSize", "ffi.ListGetItem");
}
Value ListOf(std::vector<int64_t> values) {
  std::vector<TVMFFIAny> args;
  for (int64_t value : values) args.push_back(Int(value));
  return CallGlobal("ffi.List", args);
}
using IntVector = std::vector<int64_t>;

TEST(CAbi, C065_ArraysKeepTheirElementsInPlace) {
  const Value array =
      CallGlobal("ffi.Array", {Int(1), RawStr("abc"), RawStr("longer string"), None()});
  ASSERT_EQ(array.type_index(), kTVMFFIArray);
  const TVMFFISeqCell* cell = SeqCell(array);
  EXPECT_EQ(cell->size, 4);
  EXPECT_EQ(cell->capacity, 4);
  EXPECT_EQ(cell->data, static_cast<char*>(array.object()) + 56);
  EXPECT_EQ(cell->data_deleter, nullptr);
  const auto* elements = static_cast<const TVMFFIAny*>(cell->data);
  EXPECT_EQ(elements[0].type_index, kTVMFFIInt);
  EXPECT_EQ(elements[1].type_index, kTVMFFISmallStr);
  EXPECT_EQ(elements[2].type_index, kTVMFFIStr);
  EXPECT_EQ(elements[3].type_index, kTVMFFINone);

  const Value empty = CallGlobal("ffi.Array", {});
  EXPECT_EQ(SeqCell(empty)->size, 0);
  EXPECT_EQ(SeqCell(empty)->capacity, 0);
}

TEST(CAbi, C066_ArrayIndicesAreChecked) {
  const Value array = CallGlobal("ffi.Array", {Int(0), Int(1), Int(2), Int(3)});
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ArrayGetItem", {array.any(), Int(4)}, &result), "IndexError",
               "Index 4 out of bounds 4");
  ExpectRaised(TryCallGlobal("ffi.ArrayGetItem", {array.any(), Int(-1)}, &result), "IndexError",
               "Index -1 out of bounds 4");
}

TEST(CAbi, C067_ListsKeepTheirElementsOutside) {
  const Value empty = CallGlobal("ffi.List", {});
  EXPECT_EQ(empty.type_index(), kTVMFFIList);
  EXPECT_EQ(SeqCell(empty)->size, 0);
  EXPECT_EQ(SeqCell(empty)->capacity, 4);
  EXPECT_NE(SeqCell(empty)->data_deleter, nullptr);

  const Value list = ListOf({1, 2, 3});
  EXPECT_EQ(SeqCell(list)->size, 3);
  EXPECT_NE(SeqCell(list)->data_deleter, nullptr);
  const char* data = static_cast<const char*>(SeqCell(list)->data);
  const char* object = static_cast<const char*>(list.object());
  EXPECT_TRUE(data < object || data >= object + 56);
}

TEST(CAbi, C068_ListsPopAndRefuseBadIndices) {
  const Value list = ListOf({5, 6, 7});
  EXPECT_EQ(CallGlobal("ffi.ListPop", {list.any(), Int(0)}).as_int(), 5);
  EXPECT_EQ(ListInts(list), (IntVector{6, 7}));
  Value result;
  const char* bad_calls[] = {"ffi.ListPop", "ffi.ListErase", "ffi.ListGetItem"};
  for (const char* name : bad_calls) {
    for (int64_t index : {-1, 2}) {
      ExpectRaised(TryCallGlobal(name, {list.any(), Int(index)}, &result), "IndexError",
                   "Index " + std::to_string(index) + " out of bounds 2");
    }
  }
  ExpectRaised(TryCallGlobal("ffi.ListSetItem", {list.any(), Int(10), Int(0)}, &result),
               "IndexError", "Index 10 out of bounds 2");
  ExpectRaised(TryCallGlobal("ffi.ListInsert", {list.any(), Int(3), Int(0)}, &result), "IndexError",
               "Index 3 out of bounds 2");
}

TEST(Containers, ListsChangeInPlace) {
  const Value list = ListOf({1, 2, 3});
  CallGlobal("ffi.ListAppend", {list.any(), Int(4)});
  CallGlobal("ffi.ListInsert", {list.any(), Int(0), Int(0)});
  CallGlobal("ffi.ListInsert", {list.any(), Int(5), Int(5)});
  EXPECT_EQ(ListInts(list), (IntVector{0, 1, 2, 3, 4, 5}));
  CallGlobal("ffi.ListSetItem", {list.any(), Int(1), Int(11)});
  CallGlobal("ffi.ListErase", {list.any(), Int(0)});
  EXPECT_EQ(ListInts(list), (IntVector{11, 2, 3, 4, 5}));
  CallGlobal("ffi.ListReverse", {list.any()});
  EXPECT_EQ(ListInts(list), (IntVector{5, 4, 3, 2, 11}));
  CallGlobal("ffi.ListEraseRange", {list.any(), Int(1), Int(4)});
  EXPECT_EQ(ListInts(list), (IntVector{5, 11}));
  EXPECT_EQ(CallGlobal("ffi.ListContains", {list.any(), Int(11)}).as_int(), 1);
  EXPECT_EQ(CallGlobal("ffi.ListContains", {list.any(), Bool(true)}).as_int(), 0);
  CallGlobal("ffi.ListClear", {list.any()});
  EXPECT_EQ(ListInts(list), IntVector{});
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ListEraseRange", {list.any(), Int(0), Int(1)}, &result),
               "IndexError", "out of bounds 0");
}

TEST(Containers, ReplaceSliceCopesWithAliasing) {
  const Value list = ListOf({1, 2, 3});
  CallGlobal("ffi.ListReplaceSlice", {list.any(), Int(1), Int(2), list.any()});
  EXPECT_EQ(ListInts(list), (IntVector{1, 1, 2, 3, 3}));

  const Value other = ListOf({9});
  CallGlobal("ffi.ListReplaceSlice", {list.any(), Int(0), Int(4), other.any()});
  EXPECT_EQ(ListInts(list), (IntVector{9, 3}));
  CallGlobal("ffi.ListReplaceSlice", {list.any(), Int(2), Int(2), other.any()});
  EXPECT_EQ(ListInts(list), (IntVector{9, 3, 9}));
}

TEST(Containers, ContainsComparesStringsByContent) {
  const Value array = CallGlobal("ffi.Array", {RawStr("a long string"), Int(1)});
  const Value same = CallGlobal("ffi.String", {RawStr("a long string")});
  EXPECT_EQ(CallGlobal("ffi.ArrayContains", {array.any(), same.any()}).as_int(), 1);
  EXPECT_EQ(CallGlobal("ffi.ArrayContains", {array.any(), Float(1)}).as_int(), 0);
}

TEST(CAbi, C069_NoFunctionTakesAnotherKindOfContainer) {
  const Value list = ListOf({1, 2});
  const Value array = CallGlobal("ffi.Array", {Int(1)});
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ArraySize", {list.any()}, &result), "TypeError",
               "Expected `ffi.Array` but got `ffi.List`");
  ExpectRaised(TryCallGlobal("ffi.ListSize", {array.any()}, &result), "TypeError",
               "Expected `ffi.List` but got `ffi.Array`");
  ExpectRaised(TryCallGlobal("ffi.ListAppend", {array.any(), Int(1)}, &result), "TypeError",
               "Expected `ffi.List` but got `ffi.Array`");
  ExpectRaised(TryCallGlobal("ffi.DictSize", {CallGlobal("ffi.Map", {}).any()}, &result),
               "TypeError", "Expected `ffi.Dict` but got `ffi.Map`");
}

TEST(Containers, ADictIteratorSurvivesChangesOfTheDict) {
  const Value dict = CallGlobal("ffi.Dict", {Int(1), Int(10), Int(2), Int(20)});
  const Value cursor = CallGlobal("ffi.DictForwardIterFunctor", {dict.any()});
  CallGlobal("ffi.DictClear", {dict.any()});
  Value key;
  EXPECT_EQ(Call(cursor.object(), {Int(0)}, &key), 0);
  EXPECT_EQ(key.as_int(), 1);
}

Value MapFrom(const char* maker, int num_int_keys) {
  std::vector<TVMFFIAny> args;
  for (int i = 0; i < num_int_keys; ++i) {
    args.push_back(Int(i));
    args.push_back(Int(10 * i));
  }
  return CallGlobal(maker, args);
}

TEST(CAbi, C070_LaterDuplicatesWinAndOrderStays) {
  const Value map =
      CallGlobal("ffi.Map", {RawStr("a"), Int(1), RawStr("b"), Int(2), RawStr("a"), Int(3)});
  EXPECT_EQ(CallGlobal("ffi.MapSize", {map.any()}).as_int(), 2);
  EXPECT_EQ(CallGlobal("ffi.MapGetItem", {map.any(), RawStr("a")}).as_int(), 3);

  const Value cursor = CallGlobal("ffi.MapForwardIterFunctor", {map.any()});
  auto ask = [&](int64_t command) {
    Value answer;
    EXPECT_EQ(Call(cursor.object(), {Int(command)}, &answer), 0);
    return answer;
  };
  EXPECT_EQ(ask(0).text(), "a");
  EXPECT_EQ(ask(1).as_int(), 3);
  EXPECT_EQ(ask(2).as_int(), 1);
  EXPECT_EQ(ask(0).text(), "b");
  EXPECT_EQ(ask(1).as_int(), 2);
  EXPECT_EQ(ask(2).as_int(), 0);
  Value beyond;
  ExpectRaised(Call(cursor.object(), {Int(0)}, &beyond), "IndexError", "at the end");
}

TEST(CAbi, C071_MissingKeys) {
  const Value invalid = CallGlobal("ffi.GetInvalidObject", {});
  for (const std::string kind : {"Map", "Dict"}) {
    const Value mapping = CallGlobal("ffi." + kind, {RawStr("a"), Int(1)});
    Value result;
    ExpectRaised(TryCallGlobal("ffi." + kind + "GetItem", {mapping.any(), RawStr("b")}, &result),
                 "KeyError", "key is not in Map");
    EXPECT_EQ(CallGlobal("ffi." + kind + "GetItemOrMissing", {mapping.any(), RawStr("b")}).object(),
              invalid.object());
    EXPECT_EQ(CallGlobal("ffi." + kind + "GetItemOrMissing", {mapping.any(), RawStr("a")}).as_int(),
              1);
    EXPECT_EQ(CallGlobal("ffi." + kind + "Count", {mapping.any(), RawStr("b")}).as_int(), 0);
    EXPECT_EQ(CallGlobal("ffi." + kind + "Count", {mapping.any(), RawStr("a")}).as_int(), 1);
  }
}

TEST(CAbi, C072_TheSlotsWordOfMaps) {
  const std::pair<int, uint64_t> cases[] = {{0, 0x8000000000000002u},
                                            {1, 0x8000000000000002u},
                                            {2, 0x8000000000000002u},
                                            {3, 0x8000000000000004u},
                                            {4, 0x8000000000000004u},
                                            {5, 8},
                                            {7, 8},
                                            {8, 16}};
  for (const auto& [count, slots] : cases) {
    const Value map = MapFrom("ffi.Map", count);
    EXPECT_EQ(MapCellOf(map)->size, static_cast<uint64_t>(count));
    EXPECT_EQ(MapCellOf(map)->slots, slots) << count;
  }
}

TEST(CAbi, C073_ADictGrowsInPlace) {
  const Value dict = CallGlobal("ffi.Dict", {});
  for (int i = 0; i < 20; ++i) CallGlobal("ffi.DictSetItem", {dict.any(), Int(i), Int(-i)});
  EXPECT_EQ(dict.type_index(), kTVMFFIDict);
  EXPECT_EQ(MapCellOf(dict)->size, 20u);
  EXPECT_EQ(MapCellOf(dict)->slots, 0x20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(CallGlobal("ffi.DictGetItem", {dict.any(), Int(i)}).as_int(), -i);
  }
}

TEST(CAbi, C049_HeapAndSmallStringsAreTheSameKey) {
  const Value map = CallGlobal("ffi.Map", {RawStr("int8"), Int(8)});
  // A heap string of few bytes, as C++ makes it from a std::string.
  struct HeapString {
    TVMFFIObject header;
    TVMFFIByteArray bytes;
  } heap{{0x100000001u, kTVMFFIStr, 0, {nullptr}}, Bytes("int8")};
  EXPECT_EQ(CallGlobal("ffi.MapGetItem", {map.any(), View(&heap)}).as_int(), 8);
}

TEST(CAbi, C075_AnOddNumberOfArgumentsIsRefused) {
  Value result;
  ExpectRaised(TryCallGlobal("ffi.Map", {Int(1)}, &result), "InternalError", "Check failed");
  ExpectRaised(TryCallGlobal("ffi.Dict", {Int(1), Int(2), Int(3)}, &result), "InternalError",
               "Check failed");
}

TEST(CAbi, C076_ErasingAMissingKeyIsNoError) {
  const Value dict = CallGlobal("ffi.Dict", {Int(1), Int(2)});
  CallGlobal("ffi.DictErase", {dict.any(), Int(7)});
  EXPECT_EQ(CallGlobal("ffi.DictSize", {dict.any()}).as_int(), 1);
  CallGlobal("ffi.DictErase", {dict.any(), Int(1)});
  EXPECT_EQ(CallGlobal("ffi.DictSize", {dict.any()}).as_int(), 0);
  CallGlobal("ffi.DictSetItem", {dict.any(), Int(1), Int(2)});
  CallGlobal("ffi.DictClear", {dict.any()});
  EXPECT_EQ(CallGlobal("ffi.DictSize", {dict.any()}).as_int(), 0);
}

TEST(Containers, AListReservesRoomAndKeepsItsContent) {
  const Value list = ListOf({1, 2});
  CallGlobal("ffi.ListReserve", {list.any(), Int(100)});
  EXPECT_EQ(SeqCell(list)->capacity, 100);
  CallGlobal("ffi.ListReserve", {list.any(), Int(-1)});
  EXPECT_EQ(SeqCell(list)->capacity, 100);
  EXPECT_EQ(ListInts(list), (IntVector{1, 2}));
}

TEST(Containers, RoomThatNoMachineHasIsRefused) {
  const Value list = ListOf({1});
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ListReserve", {list.any(), Int(int64_t{1} << 60)}, &result),
               "ValueError", "no list has room for 1152921504606846976 elements");
}

TEST(Containers, TheFirstDeviceThatIsNotTheCpuIsFound) {
  DLTensor cpu{}, cuda{};
  cpu.device = {kDLCPU, 0};
  cuda.device = {kDLCUDA, 3};
  auto view = [](DLTensor* tensor) {
    TVMFFIAny any = MakeAny(kTVMFFIDLTensorPtr);
    any.v_ptr = tensor;
    return any;
  };
  auto find = [](const TVMFFIAny& value) {
    return CallGlobal("ffi.ContainerFindFirstNonCPUDevice", {value}).any().v_device;
  };
  EXPECT_EQ(find(Int(1)).device_type, kDLCPU);
  EXPECT_EQ(find(view(&cpu)).device_type, kDLCPU);
  const Value inner = CallGlobal("ffi.Array", {view(&cpu), view(&cuda)});
  const Value dict = CallGlobal("ffi.Dict", {RawStr("k"), inner.any()});
  const Value list = CallGlobal("ffi.List", {Int(1), dict.any()});
  EXPECT_EQ(find(list.any()).device_type, kDLCUDA);
  EXPECT_EQ(find(list.any()).device_id, 3);

  const Value cycle = CallGlobal("ffi.List", {});
  CallGlobal("ffi.ListAppend", {cycle.any(), cycle.any()});
  EXPECT_EQ(find(cycle.any()).device_type, kDLCPU);
  CallGlobal("ffi.ListClear", {cycle.any()});
}

}  // namespace
}  // namespace tvmffi::test
