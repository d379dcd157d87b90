// Enum values: one object per value for the process, kept in the attribute column `__ffi_enum__`.
#include <gtest/gtest.h>
#include <tvm/ffi/enum.h>
#include <tvm/ffi/reflection/enum_def.h>

#include <string>

#include "tests/abi/expect_error.h"

namespace tvm {
namespace ffi {
namespace {

namespace refl = reflection;

class ColorObj : public EnumObj {
 public:
  int64_t brightness{7};
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.enum.Color", ColorObj, EnumObj);
};
class Color : public Enum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Color, Enum, ColorObj);
};

class StatusObj : public IntEnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.enum.Status", StatusObj, IntEnumObj);
};

class ModeObj : public StrEnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.enum.Mode", ModeObj, StrEnumObj);
};

class EmptyObj : public EnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.enum.Empty", EmptyObj, EnumObj);
};

class BrokenObj : public EnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.enum.Broken", BrokenObj, EnumObj);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::EnumDef<ColorObj>("red").set_attr("hex", "ff0000").set_attr("warm", true);
  refl::EnumDef<ColorObj>("green").set_attr("hex", "00ff00");
  refl::EnumDef<ColorObj>("blue").set_attr("hex", "").set_attr("hex", "0000ff");
  refl::EnumDef<StatusObj>("not_found", 404);
  refl::EnumDef<StatusObj>("ok", 200);
  refl::EnumDef<ModeObj>("read");
}

EnumState StateOf(int32_t type_index) {
  return AnyView::CopyFromTVMFFIAny(
             *details::FindTypeAttr(details::FindTypeAttrColumn("__ffi_enum__"), type_index))
      .cast<EnumState>();
}

TEST(CppApi, B89_ValuesAreNumberedInOrderAndFoundByNumberAndName) {
  const Enum green = EnumObj::_GetByIntIndex<ColorObj>(1);
  EXPECT_EQ(green->_int_index, 1);
  EXPECT_EQ(green->_str_index, "green");
  EXPECT_TRUE(EnumObj::_GetByStrIndex<ColorObj>("green").same_as(green));
  EXPECT_TRUE(EnumObj::_GetByIntIndex(ColorObj::RuntimeTypeIndex(), 1).same_as(green));
  EXPECT_TRUE(EnumObj::_GetByStrIndex(ColorObj::RuntimeTypeIndex(), "green").same_as(green));
  EXPECT_EQ(EnumObj::_GetByStrIndex<ColorObj>("red")->_int_index, 0);
}

TEST(CppApi, B89_UnknownAndDuplicateValuesAreValueErrors) {
  EXPECT_ERROR(EnumObj::_GetByStrIndex<ColorObj>("zz"), "ValueError",
               "Enum `test.enum.Color` has no instance with index zz");
  EXPECT_ERROR(EnumObj::_GetByIntIndex<ColorObj>(3), "ValueError",
               "Enum `test.enum.Color` has no instance with index 3");
  EXPECT_ERROR(EnumObj::_GetByIntIndex<ColorObj>(-1), "ValueError",
               "Enum `test.enum.Color` has no instance with index -1");
  EXPECT_ERROR(EnumObj::_GetByIntIndex<EmptyObj>(0), "ValueError",
               "Enum `test.enum.Empty` has no instance with index 0");
  EXPECT_ERROR(EnumObj::_GetByStrIndex(kTVMFFIArray, "red"), "ValueError",
               "Enum `ffi.Array` has no instance with index red");

  EXPECT_ERROR(refl::EnumDef<ColorObj>("green"), "ValueError",
               "Duplicate enum index for type `test.enum.Color`");
  EXPECT_ERROR(refl::EnumDef<StatusObj>("fine", 200), "ValueError",
               "Duplicate enum index for type `test.enum.Status`");
  EXPECT_ERROR(refl::EnumDef<StatusObj>("ok", 201), "ValueError",
               "Duplicate enum index for type `test.enum.Status`");
  EXPECT_EQ(StateOf(ColorObj::RuntimeTypeIndex())->entries.size(), 3u);
  EXPECT_EQ(StateOf(StatusObj::RuntimeTypeIndex())->indexes.size(), 4u);
}

TEST(Enum, AnIntEnumKeepsTheNumberItWasGiven) {
  EXPECT_EQ(EnumObj::_GetByIntIndex<StatusObj>(404)->_str_index, "not_found");
  EXPECT_EQ(EnumObj::_GetByStrIndex<StatusObj>("ok")->_int_index, 200);
  EXPECT_ERROR(EnumObj::_GetByIntIndex<StatusObj>(0), "ValueError",
               "Enum `test.enum.Status` has no instance with index 0");
  EXPECT_EQ(EnumObj::_GetByStrIndex<ModeObj>("read")->_int_index, 0);
}

TEST(Enum, ValuesHaveTheClassTheyWereRegisteredFor) {
  const Enum red = EnumObj::_GetByStrIndex<ColorObj>("red");
  EXPECT_EQ(red.GetTypeKey(), "test.enum.Color");
  ASSERT_TRUE(red.as<Color>().has_value());
  EXPECT_EQ(red.as<Color>().value()->brightness, 7);
  EXPECT_FALSE(red.as<IntEnum>().has_value());
  EXPECT_NE(EnumObj::_GetByStrIndex<StatusObj>("ok").as<IntEnumObj>(), nullptr);
  EXPECT_NE(EnumObj::_GetByStrIndex<ModeObj>("read").as<StrEnumObj>(), nullptr);
}

TEST(Enum, TheStateHoldsValuesIndexesAndAttributes) {
  const EnumState state = StateOf(ColorObj::RuntimeTypeIndex());
  const Enum red = EnumObj::_GetByStrIndex<ColorObj>("red");
  const Enum blue = EnumObj::_GetByStrIndex<ColorObj>("blue");

  ASSERT_EQ(state->entries.size(), 3u);
  EXPECT_TRUE(state->entries[0].same_as(red));
  EXPECT_EQ(state->indexes.size(), 6u);
  EXPECT_TRUE(state->indexes.at(2).same_as(blue));
  EXPECT_TRUE(state->indexes.at(String("blue")).same_as(blue));
  EXPECT_EQ(state->attrs.at("hex").at(red).cast<std::string>(), "ff0000");
  EXPECT_EQ(state->attrs.at("hex").at(blue).cast<std::string>(), "0000ff");
  EXPECT_EQ(state->attrs.at("warm").size(), 1u);
  EXPECT_TRUE(state->attrs.at("warm").at(red).cast<bool>());
}

TEST(Enum, ValuesAddedByAnotherLanguageAreFoundHere) {
  EnumState state(make_object<EnumStateObj>());
  ObjectPtr<EmptyObj> object = make_object<EmptyObj>();
  object->_int_index = 5;
  object->_str_index = String("elsewhere");
  const ObjectRef value{ObjectPtr<Object>(object)};
  Dict<Any, ObjectRef> indexes = state->indexes;
  indexes.Set(5, value);
  indexes.Set(String("elsewhere"), value);
  const int32_t type_index = EmptyObj::RuntimeTypeIndex();
  const TVMFFIByteArray name{"__ffi_enum__", 12};
  const TVMFFIAny any = AnyView(state).CopyToTVMFFIAny();
  ASSERT_EQ(TVMFFITypeRegisterAttr(type_index, &name, &any), 0);

  EXPECT_TRUE(EnumObj::_GetByStrIndex<EmptyObj>("elsewhere").same_as(value));
  EXPECT_TRUE(EnumObj::_GetByIntIndex<EmptyObj>(5).same_as(value));
}

TEST(Enum, ATypeWhoseAttributeIsNoStateIsATypeError) {
  const TVMFFIByteArray name{"__ffi_enum__", 12};
  const TVMFFIAny any = AnyView(1).CopyToTVMFFIAny();
  ASSERT_EQ(TVMFFITypeRegisterAttr(BrokenObj::RuntimeTypeIndex(), &name, &any), 0);

  EXPECT_ERROR_CONTAINS(EnumObj::_GetByIntIndex<BrokenObj>(0), "TypeError",
                        "Cannot convert from type `int` to `ffi.EnumState`");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
