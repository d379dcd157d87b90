#include <gtest/gtest.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/extra/stl.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

/*! \brief Counts its live objects: what an argument made must be gone after the call. */
class CountedObj : public Object {
 public:
  static inline int live = 0;
  CountedObj() { ++live; }
  ~CountedObj() { --live; }
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.stl.Counted", CountedObj, Object);
};
class Counted : public ObjectRef {
 public:
  static Counted Make() { return Counted(make_object<CountedObj>()); }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Counted, ObjectRef, CountedObj);
};

template <typename T>
Function Identity() {
  return Function::FromTyped([](T value) { return value; });
}
template <typename T>
std::string Mismatch(const std::string& got) {
  const std::string name = TypeTraits<T>::TypeStr();
  return "Mismatched type on argument #0 when calling: `(0: " + name + ") -> " + name +
         "`. Expected `" + name + "` but got `" + got + "`";
}

TEST(Stl, Names) {
  EXPECT_EQ(TypeTraits<std::vector<std::vector<double>>>::TypeStr(),
            "std::vector<std::vector<float>>");
  EXPECT_EQ((TypeTraits<std::array<int, 3>>::TypeStr()), "std::array<int, 3>");
  EXPECT_EQ((TypeTraits<std::tuple<int, String>>::TypeStr()), "std::tuple<int, str>");
  EXPECT_EQ((TypeTraits<std::map<String, int>>::TypeStr()), "std::map<str, int>");
  EXPECT_EQ((TypeTraits<std::unordered_map<int, bool>>::TypeStr()),
            "std::unordered_map<int, bool>");
  EXPECT_EQ(TypeTraits<std::optional<int>>::TypeStr(), "std::optional<int>");
  EXPECT_EQ((TypeTraits<std::variant<int, String>>::TypeStr()), "std::variant<int, str>");
  EXPECT_EQ(TypeTraits<std::function<int(int)>>::TypeStr(), "std::function<int(int)>");
  EXPECT_EQ((TypeTraits<std::function<void()>>::TypeStr()), "std::function<void()>");
  EXPECT_EQ((TypeTraits<std::function<std::string(std::vector<int>, double)>>::TypeStr()),
            "std::function<std::string(std::vector<int>, float)>");
}

TEST(Stl, Schemas) {
  EXPECT_EQ(TypeTraits<std::vector<int>>::TypeSchema(),
            R"({"type":"std::vector","args":[{"type":"int"}]})");
  EXPECT_EQ((TypeTraits<std::array<int, 3>>::TypeSchema()),
            R"({"type":"std::array","args":[{"type":"int"},3]})");
  EXPECT_EQ((TypeTraits<std::tuple<int, String>>::TypeSchema()),
            R"({"type":"std::tuple","args":[{"type":"int"}, {"type":"ffi.String"}]})");
  EXPECT_EQ((TypeTraits<std::map<String, int>>::TypeSchema()),
            R"({"type":"std::map","args":[{"type":"ffi.String"},{"type":"int"}]})");
  EXPECT_EQ((TypeTraits<std::variant<int, bool>>::TypeSchema()),
            R"({"type":"std::variant","args":[{"type":"int"}, {"type":"bool"}]})");
  EXPECT_EQ((TypeTraits<std::function<void(int, bool)>>::TypeSchema()),
            R"({"type":"std::function","named_args":{"return":[{"type":"None"}],)"
            R"("params":[{"type":"int"}, {"type":"bool"}]}})");
}

TEST(Stl, VectorTakesArrayAndListWithConversions) {
  const Function sum = Function::FromTyped([](std::vector<double> values) {
    double result = 0;
    for (double value : values) {
      result += value;
    }
    return result;
  });

  EXPECT_EQ(sum(Array<Any>{1, true, 0.5}).cast<double>(), 2.5);
  EXPECT_EQ(sum(List<int>{1, 2}).cast<double>(), 3.0);
  EXPECT_EQ(sum(std::vector<int>{4, 5}).cast<double>(), 9.0);
  EXPECT_EQ(sum(std::vector<bool>{true, true}).cast<double>(), 2.0);
  EXPECT_EQ(sum(std::array<int, 2>{4, 5}).cast<double>(), 9.0);
}

TEST(Stl, MismatchNamesOnlyTheContainer) {
  using Vector = std::vector<int>;
  EXPECT_ERROR(Identity<Vector>()(Array<Any>{1, "x"}), "TypeError", Mismatch<Vector>("ffi.Array"));
  EXPECT_ERROR(Identity<Vector>()(List<Any>{1, "x"}), "TypeError", Mismatch<Vector>("ffi.List"));
  EXPECT_ERROR(Identity<Vector>()(Shape({1})), "TypeError", Mismatch<Vector>("ffi.Shape"));
  EXPECT_ERROR(Identity<Vector>()(nullptr), "TypeError", Mismatch<Vector>("None"));
  using Map = std::map<String, int>;
  EXPECT_ERROR(Identity<Map>()(ffi::Map<Any, Any>{{1, 1}}), "TypeError", Mismatch<Map>("ffi.Map"));
  EXPECT_ERROR(Identity<Map>()(ffi::Map<Any, Any>{{"a", "b"}}), "TypeError",
               Mismatch<Map>("ffi.Map"));
  EXPECT_ERROR(Identity<std::optional<int>>()("x"), "TypeError",
               Mismatch<std::optional<int>>("const char*"));
  using Variant = std::variant<int, String>;
  EXPECT_ERROR(Identity<Variant>()(1.5), "TypeError", Mismatch<Variant>("float"));
  EXPECT_ERROR(Identity<std::function<int(int)>>()(1), "TypeError",
               Mismatch<std::function<int(int)>>("int"));
}

TEST(Stl, FixedSizesTakeOnlyArraysOfThatSize) {
  using Pair = std::array<int, 2>;
  EXPECT_EQ(Identity<Pair>()(Array<int>{1, 2}).cast<Pair>(), (Pair{1, 2}));
  EXPECT_ERROR(Identity<Pair>()(Array<int>{1, 2, 3}), "TypeError", Mismatch<Pair>("ffi.Array"));
  EXPECT_ERROR(Identity<Pair>()(List<int>{1, 2}), "TypeError", Mismatch<Pair>("ffi.List"));
  using Mixed = std::tuple<double, std::string>;
  EXPECT_EQ(Identity<Mixed>()(Tuple<int, String>(1, "x")).cast<Mixed>(), (Mixed{1.0, "x"}));
  EXPECT_ERROR(Identity<Mixed>()(Array<Any>{1}), "TypeError", Mismatch<Mixed>("ffi.Array"));
  EXPECT_ERROR(Identity<Mixed>()(Array<Any>{"x", 1}), "TypeError", Mismatch<Mixed>("ffi.Array"));
  EXPECT_EQ(Any(std::array<int, 0>()).cast<Array<int>>().size(), 0u);
}

TEST(Stl, MapsTakeMapButNotDict) {
  using Ordered = std::map<std::string, int>;
  using Hashed = std::unordered_map<std::string, int>;
  const Map<String, int> map{{"b", 2}, {"a", 1}};

  EXPECT_EQ(Identity<Ordered>()(map).cast<Ordered>(), (Ordered{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(Identity<Hashed>()(map).cast<Hashed>(), (Hashed{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(Identity<Ordered>()(Hashed{{"c", 3}}).cast<Ordered>(), (Ordered{{"c", 3}}));
  EXPECT_ERROR(Identity<Ordered>()(Dict<String, int>{{"a", 1}}), "TypeError",
               Mismatch<Ordered>("ffi.Dict"));
}

TEST(Stl, LargeMapKeepsEveryEntry) {
  std::map<int, int> squares;
  for (int i = 0; i < 100; ++i) {
    squares[i] = i * i;
  }

  EXPECT_EQ((Any(squares).cast<std::map<int, int>>()), squares);
  EXPECT_EQ((Any(squares).cast<Map<int, int>>()).at(99), 99 * 99);
}

TEST(Stl, OptionalIsNoneOrTheValue) {
  const Function value = Function::FromTyped([](std::optional<int> v) { return v.value_or(-7); });

  EXPECT_EQ(value(nullptr).cast<int>(), -7);
  EXPECT_EQ(value(true).cast<int>(), 1);
  EXPECT_EQ(value(std::optional<int>(4)).cast<int>(), 4);
  EXPECT_EQ(value(std::optional<int>()).cast<int>(), -7);
  EXPECT_EQ(Any(std::optional<int>()).type_index(), kTVMFFINone);
  EXPECT_TRUE(Any(1).as<std::optional<int>>().has_value());
  EXPECT_FALSE(Any(true).as<std::optional<int>>().has_value());
  EXPECT_TRUE(Any(nullptr).as<std::optional<int>>().has_value());
}

TEST(Stl, OptionalAndVariantOfStorableTypesAreStorable) {
  const Array<std::optional<int>> optionals{1, std::nullopt};
  const Array<std::variant<int, String>> variants{1, String("x")};

  EXPECT_EQ(optionals[0], 1);
  EXPECT_EQ(optionals[1], std::nullopt);
  EXPECT_EQ(std::get<int>(variants[0]), 1);
  EXPECT_EQ(std::get<String>(variants[1]), "x");
  EXPECT_FALSE(TypeTraits<std::optional<std::vector<int>>>::storage_enabled);
  EXPECT_FALSE((TypeTraits<std::variant<int, std::vector<int>>>::storage_enabled));
  EXPECT_FALSE(TypeTraits<std::vector<int>>::storage_enabled);
}

TEST(Stl, VariantTakesTheFirstAlternativeThatConverts) {
  using Numbers = std::variant<double, int>;
  const Function index = Function::FromTyped([](Numbers v) { return static_cast<int>(v.index()); });

  EXPECT_EQ(index(1).cast<int>(), 0);
  EXPECT_EQ(index(1.5).cast<int>(), 0);
  EXPECT_FALSE(Any(1).as<Numbers>().has_value());
  EXPECT_TRUE(Any(1.0).as<Numbers>().has_value());
  EXPECT_EQ(std::get<int>(Any(Numbers(3)).cast<std::variant<String, int>>()), 3);
  Any text = String("a string on the heap");
  EXPECT_EQ(std::get<String>(*std::move(text).as<std::variant<String, int>>()),
            "a string on the heap");
}

TEST(Stl, FunctionsGoBothWays) {
  const Function apply = Function::FromTyped([](std::function<int(int)> f) { return f(3); });

  EXPECT_EQ(apply(Function::FromTyped([](int x) { return x + 1; })).cast<int>(), 4);
  EXPECT_EQ(apply(std::function<int(int)>([](int x) { return x * 5; })).cast<int>(), 15);
  EXPECT_ERROR(apply(Function::FromTyped([](int) { return String("q"); })), "TypeError",
               "Cannot convert from type `ffi.SmallStr` to `int`");
  const Function fail = Function::FromTyped([](int x) {
    TVM_FFI_CHECK(x != 3, KeyError) << "k";
    return x;
  });
  EXPECT_ERROR_CONTAINS(apply(fail), "KeyError", "k");
}

// The published headers crash in the first of these.
TEST(Stl, EmptyFunctionsThrowWhenCalled) {
  const Function apply = Function::FromTyped([](std::function<int(int)> f) { return f(3); });

  EXPECT_THROW(apply(nullptr), std::bad_function_call);
  EXPECT_THROW(apply(std::function<int(int)>()), std::bad_function_call);
}

TEST(Stl, ResultsBecomeObjects) {
  EXPECT_EQ(Any(std::vector<std::string>{"a"}).GetTypeKey(), "ffi.Array");
  EXPECT_EQ((Any(std::array<int, 2>{1, 2}).GetTypeKey()), "ffi.Array");
  EXPECT_EQ((Any(std::tuple<int, String>{1, "x"}).cast<Tuple<int, String>>().get<1>()), "x");
  EXPECT_EQ((Any(std::map<String, int>()).GetTypeKey()), "ffi.Map");
  EXPECT_EQ((Any(std::unordered_map<String, int>()).GetTypeKey()), "ffi.Map");
  EXPECT_EQ(Any(std::function<void()>()).GetTypeKey(), "ffi.Function");
}

TEST(Stl, CastWithoutStrictForm) {
  const Any array = Array<Any>{1, 2};

  EXPECT_EQ(array.cast<std::vector<double>>(), (std::vector<double>{1, 2}));
  EXPECT_FALSE(array.try_cast<std::vector<String>>().has_value());
  EXPECT_ERROR(array.cast<std::vector<String>>(), "TypeError",
               "Cannot convert from type `ffi.Array` to `std::vector<str>`");
}

TEST(Stl, OptionalOfAContainerDelegates) {
  const Function size = Function::FromTyped([](Optional<std::vector<int>> v) {
    return v.has_value() ? static_cast<int>(v.value().size()) : -1;
  });

  EXPECT_EQ(size(nullptr).cast<int>(), -1);
  EXPECT_EQ(size(Array<int>{1}).cast<int>(), 1);
  EXPECT_ERROR_CONTAINS(size("x"), "TypeError",
                        "Expected `Optional<std::vector<int>>` but got `const char*`");
}

/*! \brief How many references one call with `argument` leaves behind. */
template <typename T>
int Leaked(const Counted& object, const T& argument) {
  const auto count = [&] { return static_cast<int>(object.use_count()); };
  const int before = count();
  const Function ignore = Function::FromPacked([](PackedArgs, Any*) {});
  ignore(argument);
  ignore(T(argument));
  (void)ignore.CallExpected<void>(argument);
  TypedFunction<void(const T&)>{ignore}(argument);
  return count() - before;
}

// Every reference to `object` that an argument's own object held must be gone.
TEST(Stl, ArgumentsDoNotLeak) {
  {
    const Counted object = Counted::Make();
    EXPECT_EQ(Leaked(object, std::vector<Counted>{object, object}), 0);
    EXPECT_EQ(Leaked(object, std::vector<std::vector<Counted>>{{object}}), 0);
    EXPECT_EQ(Leaked(object, std::array<Counted, 1>{object}), 0);
    EXPECT_EQ(Leaked(object, std::tuple<Counted, int>{object, 1}), 0);
    EXPECT_EQ(Leaked(object, std::map<int, Counted>{{1, object}}), 0);
    EXPECT_EQ(Leaked(object, std::unordered_map<int, Counted>{{1, object}}), 0);
    EXPECT_EQ(Leaked(object, std::optional<Counted>(object)), 0);
    EXPECT_EQ(Leaked(object, std::optional<std::vector<Counted>>({object})), 0);
    EXPECT_EQ(Leaked(object, Optional<std::vector<Counted>>(std::vector<Counted>{object})), 0);
    using Either = std::variant<Counted, std::vector<Counted>, const char*>;
    EXPECT_EQ(Leaked(object, Either(object)), 0);
    EXPECT_EQ(Leaked(object, Either(std::vector<Counted>{object})), 0);
    EXPECT_EQ(Leaked(object, Either("text")), 0);
    EXPECT_EQ(Leaked(object, std::function<Counted()>([object] { return object; })), 0);
  }
  EXPECT_EQ(CountedObj::live, 0);
}

TEST(Stl, ArgumentsLiveUntilTheCallReturns) {
  const Function first =
      Function::FromTyped([](Array<Counted> held, int, std::vector<Counted> copied) {
        return held[0].same_as(copied[0]) && CountedObj::live == 1;
      });
  const Counted object = Counted::Make();
  const std::vector<Counted> values{object};

  EXPECT_TRUE(first(values, 1, values).cast<bool>());
  EXPECT_TRUE(first(std::vector<Counted>{object}, 1, Array<Counted>{object}).cast<bool>());
}

int SafeCallSize(void*, const TVMFFIAny* args, int32_t, TVMFFIAny* result) {
  result->type_index = kTVMFFIInt;
  result->v_int64 = static_cast<int64_t>(details::SeqFromAny(args)->size());
  return 0;
}

TEST(Stl, ExternCCallsHoldTheirArguments) {
  const Counted object = Counted::Make();

  const Any size = Function::InvokeExternC(nullptr, SafeCallSize, std::vector<Counted>{object});

  EXPECT_EQ(size.cast<int>(), 1);
  EXPECT_EQ(object.use_count(), 1);
}

TEST(Stl, AnErrorWhileMakingAnArgumentLeaksNothing) {
  const Counted object = Counted::Make();
  const Function ignore = Function::FromPacked([](PackedArgs, Any*) {});
  const std::tuple<Counted, uint64_t> too_large{object, ~uint64_t{0}};

  EXPECT_ERROR_CONTAINS(ignore(too_large), "OverflowError", "Integer value 18446744073709551615");

  EXPECT_EQ(object.use_count(), 2);  // `object` and the tuple
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
