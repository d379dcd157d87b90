#include <gtest/gtest.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/tvm_ffi.h>

namespace tvm {
namespace ffi {
namespace {

static_assert(sizeof(Any) == 16 && sizeof(AnyView) == 16 && sizeof(String) == 16);
static_assert(sizeof(Bytes) == 16 && sizeof(Variant<int, String>) == 16);
static_assert(sizeof(Variant<Array<int>, Shape>) == 16 && sizeof(Expected<int>) == 16);
static_assert(sizeof(Expected<void>) == 16 && sizeof(Error) == 16 && sizeof(Object) == 24);
static_assert(sizeof(ObjectRef) == 8 && sizeof(ObjectPtr<Object>) == 8 && sizeof(Arc<Object>) == 8);
static_assert(sizeof(WeakObjectPtr<Object>) == 8 && sizeof(Function) == 8);
static_assert(sizeof(TypedFunction<int(int)>) == 8 && sizeof(Tuple<int, int>) == 8);
static_assert(sizeof(Array<int>) == 8 && sizeof(List<int>) == 8 && sizeof(Map<int, int>) == 8);
static_assert(sizeof(Dict<int, int>) == 8 && sizeof(Shape) == 8 && sizeof(Tensor) == 8);
static_assert(sizeof(Optional<int>) == 16 && sizeof(Optional<bool>) == 16);
static_assert(sizeof(Optional<String>) == 16 && sizeof(Optional<DLDevice>) == 16);
static_assert(sizeof(Optional<Function>) == 8 && sizeof(Optional<Array<int>>) == 8);
static_assert(sizeof(Optional<ObjectPtr<Object>>) == 8 && sizeof(Optional<Arc<Object>>) == 8);
static_assert(sizeof(Optional<TensorView>) == 56 && sizeof(Optional<Any>) == 24);
static_assert(sizeof(TensorView) == 48 && sizeof(ShapeView) == 16 && sizeof(PackedArgs) == 16);
static_assert(sizeof(StringObj) == 40 && sizeof(BytesObj) == 40 && sizeof(ShapeObj) == 40);
static_assert(sizeof(FunctionObj) == 40 && sizeof(TensorObj) == 72 && sizeof(ArrayObj) == 56);
static_assert(sizeof(ListObj) == 56 && sizeof(SeqBaseObj) == 56 && sizeof(MapObj) == 56);
static_assert(sizeof(DictObj) == 56 && sizeof(ErrorObj) == 96 && sizeof(ModuleObj) == 48);
static_assert(sizeof(details::ErrorObjFromStd) == 192);

const char* BytesOf(const void* ptr) { return static_cast<const char*>(ptr); }

TEST(Layout, HeaderOfANewObjectHasOneStrongAndOneWeakReference) {
  ObjectPtr<Object> ptr = make_object<Object>();

  const TVMFFIObject* header = details::ObjectUnsafe::GetHeader(ptr.get());

  EXPECT_EQ(header->combined_ref_count, 0x100000001u);
  EXPECT_EQ(header->type_index, kTVMFFIObject);
  EXPECT_EQ(header->__padding, 0u);
  EXPECT_NE(header->deleter, nullptr);
}

TEST(Layout, ErrorHasItsExceptionBaseFirstAndItsObjectBehind) {
  const Error error("ValueError", "m", "");

  EXPECT_EQ(static_cast<const void*>(static_cast<const std::exception*>(&error)),
            static_cast<const void*>(&error));
  EXPECT_EQ(BytesOf(static_cast<const ObjectRef*>(&error)) - BytesOf(&error), 8);
}

TEST(Layout, CellsFollowTheHeaders) {
  const Error error("ValueError", "m", "");
  EXPECT_EQ(BytesOf(&error.get()->kind) - BytesOf(error.get()), 24);
  EXPECT_EQ(BytesOf(&error.get()->extra_context) - BytesOf(error.get()), 88);

  const Function function = Function::FromTyped([](int x) { return x; });
  EXPECT_EQ(BytesOf(&function.get()->safe_call) - BytesOf(function.get()), 24);
  EXPECT_EQ(BytesOf(&function.get()->cpp_call) - BytesOf(function.get()), 32);

  const Shape shape{7, 8};
  EXPECT_EQ(BytesOf(&shape.get()->data) - BytesOf(shape.get()), 24);
  EXPECT_EQ(BytesOf(shape.data()) - BytesOf(shape.get()), 40);
}

TEST(Layout, ArrayElementsLieInTheObjectAndListElementsOutside) {
  const Array<int> array{1, 2};
  EXPECT_EQ(BytesOf(array.GetArrayObj()->data) - BytesOf(array.GetArrayObj()), 56);
  EXPECT_EQ(array.GetArrayObj()->data_deleter, nullptr);

  const List<int> list{1, 2, 3};
  EXPECT_NE(BytesOf(list.GetListObj()->data) - BytesOf(list.GetListObj()), 56);
  EXPECT_NE(list.GetListObj()->data_deleter, nullptr);
  EXPECT_EQ(list.capacity(), 4u);
}

// The words a map shows to other modules: data, size, slots, data_deleter.
struct MapWords {
  char* data;
  uint64_t size;
  uint64_t slots;
  void* data_deleter;
  uint32_t fib_shift;
  uint64_t head;
  uint64_t tail;
};

const MapWords& WordsOf(const ObjectRef& map) {
  return *reinterpret_cast<const MapWords*>(BytesOf(map.get()) + 24);
}

TEST(Layout, MapsGrowFromTwoToFourPairsAndThenBecomeDense) {
  constexpr uint64_t kSmall = uint64_t{1} << 63;
  Map<int, int> map;
  for (int i = 0; i < 8; ++i) {
    map.Set(i, i);
    const MapWords& words = WordsOf(map);
    EXPECT_EQ(words.size, static_cast<uint64_t>(i + 1));
    EXPECT_EQ(words.slots, i < 2 ? (2 | kSmall) : i < 4 ? (4 | kSmall) : i < 7 ? 8u : 16u) << i;
    EXPECT_EQ(words.data_deleter == nullptr, words.data == BytesOf(map.get()) + 56);
    if (i >= 4) {
      EXPECT_EQ(words.fib_shift, i < 7 ? 61u : 60u);
      EXPECT_NE(words.head, words.tail);
    }
  }
}

TEST(Layout, ProbeDistancesAreTheAgreedOnes) {
  constexpr uint64_t kLast[] = {8515,
                                19110,
                                42778,
                                96141,
                                216153,
                                486591,
                                1092981,
                                2458653,
                                5532801,
                                12442566,
                                27993903,
                                62983476,
                                141717030,
                                318844378,
                                717352503,
                                1614057336,
                                3631522476,
                                8170957530,
                                18384510628,
                                41364789378,
                                93070452520,
                                209408356380,
                                471168559170,
                                1060128894105,
                                2385289465695,
                                5366898840628,
                                12075518705635,
                                27169915244790,
                                61132312065111,
                                137547689707000,
                                309482283181501,
                                696335127828753,
                                1566753995631385,
                                3525196511162271,
                                7931691992677701,
                                17846306936293605,
                                40154190677507445,
                                90346928918121501,
                                203280589587557251,
                                457381325854679626,
                                1029107982097042876,
                                2315492959180353330,
                                5209859154120846435};
  static_assert(sizeof(kLast) / sizeof(kLast[0]) == 43);
  for (uint64_t i = 0; i < 126; ++i) {
    const uint64_t k = i - 10;
    const uint64_t expected = i < 16 ? i : i < 83 ? k * (k + 1) / 2 : kLast[i - 83];
    EXPECT_EQ(details::kProbeTable.distance[i], expected) << i;
  }
}

// The library and this program must find each other's entries.
TEST(Layout, MapsAreReadAndWrittenByTheLibraryAndByInlineCode) {
  const Function get = Function::GetGlobalRequired("ffi.DictGetItem");
  const Function set = Function::GetGlobalRequired("ffi.DictSetItem");
  const Function erase = Function::GetGlobalRequired("ffi.DictErase");
  Dict<String, int> dict;
  std::vector<int> expected(500, -1);
  uint32_t seed = 1;
  for (int i = 0; i < 20000; ++i) {
    seed = seed * 1103515245 + 12345;
    const size_t key = (seed >> 8) % expected.size();
    const String name("k" + std::to_string(key));
    const bool in_library = ((seed >> 3) & 1) != 0;
    const bool remove = (seed >> 4) % 3 == 0;
    expected[key] = remove ? -1 : i;
    if (remove) {
      in_library ? void(erase(dict, name)) : dict.erase(name);
    } else {
      in_library ? void(set(dict, name, i)) : dict.Set(name, i);
    }
  }
  size_t size = 0;
  for (size_t key = 0; key < expected.size(); ++key) {
    const String name("k" + std::to_string(key));
    EXPECT_EQ(dict.Get(name).value_or(-1), expected[key]);
    if (expected[key] != -1) {
      ++size;
      EXPECT_EQ(get(dict, name).cast<int>(), expected[key]);
    }
  }
  EXPECT_EQ(dict.size(), size);
}

TEST(CppApi, Section1_9_GoldenHashes) {
  EXPECT_EQ(AnyHash()(Any(1)), 2654435835u);
  EXPECT_EQ(AnyHash()(Any("abc")), 2660953131u);
  EXPECT_EQ(AnyHash()(Any("12345678")), 3269011684u);
  EXPECT_EQ(AnyHash()(Any(1.5)), 4609434221268138618u);
  EXPECT_EQ(AnyHash()(Any(true)), 2654435896u);
  EXPECT_EQ(AnyHash()(Any(nullptr)), 2654435769u);
  EXPECT_EQ(AnyHash()(Any(Bytes("abc", 3))), 2660953320u);
  EXPECT_EQ(AnyHash()(Any("hello world, this is long")), 3024346752u);
  EXPECT_EQ(AnyHash()(Any("abc")), AnyHash()(Any(std::string("abc"))));
}

// The lookup of a library module in other modules depends on these.
class ProbeModuleObj final : public ModuleObj {
 public:
  const char* kind() const override { return "probe"; }
  Optional<Function> GetFunction(const String& name) override {
    if (name == "answer") {
      return Function::FromTyped([]() { return 42; });
    }
    return std::nullopt;
  }
};

TEST(Layout, ModuleObjHasItsVtableInFrontOfTheHeader) {
  ObjectPtr<ModuleObj> ptr = make_object<ProbeModuleObj>();
  const char* header = BytesOf(details::ObjectUnsafe::GetHeader(ptr.get()));

  EXPECT_EQ(header - BytesOf(ptr.get()), 8);
  EXPECT_EQ(BytesOf(&ptr->imports()) - header, 24);
  EXPECT_EQ(ptr->type_index(), kTVMFFIModule);
}

TEST(Layout, ModuleObjVirtualFunctionsHaveTheirSlots) {
  ObjectPtr<ModuleObj> ptr = make_object<ProbeModuleObj>();
  void** vtable = *reinterpret_cast<void***>(ptr.get());
  auto kind = reinterpret_cast<const char* (*)(const ModuleObj*)>(vtable[0]);
  auto mask = reinterpret_cast<int (*)(const ModuleObj*)>(vtable[1]);
  auto implements = reinterpret_cast<bool (*)(ModuleObj*, const String&)>(vtable[3]);

  EXPECT_STREQ(kind(ptr.get()), "probe");
  EXPECT_EQ(mask(ptr.get()), 0);
  EXPECT_TRUE(implements(ptr.get(), "answer"));
  EXPECT_FALSE(implements(ptr.get(), "question"));
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
