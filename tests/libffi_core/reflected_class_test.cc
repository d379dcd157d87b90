// What lets another language define classes: field storage, objects made from their fields.
#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/abi/expect_error.h"

namespace tvmffi::test {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::Object;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::String;
namespace refl = tvm::ffi::reflection;

int32_t NewType(const char* key, int32_t parent = kTVMFFIObject) {
  const TVMFFIByteArray bytes{key, std::strlen(key)};
  const int32_t depth = TVMFFIGetTypeInfo(parent)->type_depth + 1;
  return TVMFFITypeGetOrAllocIndex(&bytes, -1, depth, 0, 1, parent);
}

// Counts its calls and refuses 13.
int CountingConvert(void* counter, const TVMFFIAny* in, TVMFFIAny* out) {
  ++*static_cast<int*>(counter);
  if (in->type_index == kTVMFFIInt && in->v_int64 == 13) {
    TVMFFIErrorSetRaisedFromCStr("ValueError", "unlucky");
    return -1;
  }
  return TVMFFIAnyViewToOwnedAny(in, out);
}

int PlainConvert(void*, const TVMFFIAny* in, TVMFFIAny* out) {
  return TVMFFIAnyViewToOwnedAny(in, out);
}

TVMFFIFieldGetter Getter(int64_t field_type_index) {
  return reinterpret_cast<TVMFFIFieldGetter>(
      Function::GetGlobalRequired("ffi.MakeFieldGetter")(field_type_index).cast<int64_t>());
}

Function Setter(int64_t field_type_index, int* counter = nullptr) {
  int (*convert)(void*, const TVMFFIAny*, TVMFFIAny*) =
      counter == nullptr ? PlainConvert : CountingConvert;
  return Function::GetGlobalRequired("ffi.MakeFieldSetter")(field_type_index,
                                                            reinterpret_cast<int64_t>(counter),
                                                            reinterpret_cast<int64_t>(convert))
      .cast<Function>();
}

// Memory of one field.
class FieldMemory {
 public:
  void* address() { return bytes_; }
  Any Get(int64_t field_type_index) {
    Any result;
    const int code = Getter(field_type_index)(bytes_, reinterpret_cast<TVMFFIAny*>(&result));
    EXPECT_EQ(code, 0);
    return result;
  }
  template <typename T>
  T As() const {
    T value;
    std::memcpy(&value, bytes_, sizeof(T));
    return value;
  }

 private:
  alignas(16) char bytes_[16] = {};
};

TEST(FieldStorage, PlainFieldsKeepTheBareValue) {
  FieldMemory memory;
  Setter(kTVMFFIInt)(memory.address(), 7);
  EXPECT_EQ(memory.As<int64_t>(), 7);
  EXPECT_EQ(memory.Get(kTVMFFIInt).type_index(), kTVMFFIInt);
  Setter(kTVMFFIInt)(memory.address(), true);
  EXPECT_EQ(memory.As<int64_t>(), 1);
  Setter(kTVMFFIFloat)(memory.address(), 2);
  EXPECT_EQ(memory.As<double>(), 2.0);
  Setter(kTVMFFIOpaquePtr)(memory.address(), nullptr);
  EXPECT_EQ(memory.As<void*>(), nullptr);
  EXPECT_EQ(memory.Get(kTVMFFIOpaquePtr).type_index(), kTVMFFIOpaquePtr);
  Setter(kTVMFFIDataType)(memory.address(), DLDataType{kDLFloat, 16, 1});
  EXPECT_EQ(memory.As<DLDataType>().bits, 16);
  Setter(kTVMFFIDevice)(memory.address(), DLDevice{kDLCUDA, 3});
  EXPECT_EQ(memory.As<DLDevice>().device_id, 3);
}

TEST(FieldStorage, ABoolHasOneByte) {
  FieldMemory memory;
  std::memset(memory.address(), 0x5a, 16);
  Setter(kTVMFFIBool)(memory.address(), true);
  EXPECT_EQ(memory.As<uint16_t>(), 0x5a01);
  EXPECT_TRUE(memory.Get(kTVMFFIBool).cast<bool>());
}

TEST(FieldStorage, AnyFieldsOwnTheirValue) {
  for (const int64_t type : {int64_t{kTVMFFIAny}, int64_t{kTVMFFINone}}) {
    FieldMemory memory;
    const Function set = Setter(type);
    const Array<int64_t> array{1};
    set(memory.address(), array);
    EXPECT_EQ(array.use_count(), 2);
    EXPECT_EQ(memory.Get(type).cast<ObjectRef>().get(), array.get());
    set(memory.address(), "a text that is long");
    EXPECT_EQ(array.use_count(), 1);
    EXPECT_EQ(memory.As<TVMFFIAny>().type_index, kTVMFFIStr);
    set(memory.address(), nullptr);
    EXPECT_EQ(memory.As<TVMFFIAny>().type_index, kTVMFFINone);
  }
}

TEST(FieldStorage, ObjectFieldsAreOneOwnedPointer) {
  for (const int64_t type : {64, 65, 66, 71, 128, 5000}) {
    FieldMemory memory;
    const Function set = Setter(type);
    EXPECT_TRUE(memory.Get(type) == nullptr);
    const Array<int64_t> array{1};
    set(memory.address(), array);
    EXPECT_EQ(memory.As<const void*>(), array.get());
    EXPECT_EQ(array.use_count(), 2);
    EXPECT_ERROR(set(memory.address(), 1), "TypeError",
                 "Cannot convert from type `int` to `ffi.Object`");
    EXPECT_EQ(array.use_count(), 2);
    set(memory.address(), nullptr);
    EXPECT_EQ(array.use_count(), 1);
  }
}

TEST(FieldStorage, Mismatches) {
  FieldMemory memory;
  EXPECT_ERROR(Setter(kTVMFFIDevice)(memory.address(), 1), "TypeError",
               "Cannot convert from type `int` to `Device`");
  EXPECT_ERROR(Setter(kTVMFFIInt)(memory.address(), 1.5), "TypeError",
               "Cannot convert from type `float` to `int`");
  for (int64_t type = 7; type <= 12; ++type) {
    EXPECT_ERROR(Getter(type), "ValueError",
                 "Unsupported field type index for getter: " + std::to_string(type));
    EXPECT_ERROR(Setter(type), "ValueError",
                 "Unsupported field type index for setter: " + std::to_string(type));
  }
  EXPECT_ERROR(Getter(-2), "ValueError", "Unsupported field type index for getter: -2");
  EXPECT_ERROR(Getter(63), "ValueError", "Unsupported field type index for getter: 63");
}

TEST(FieldStorage, TheConverterSeesEverySetAndMayRefuse) {
  FieldMemory memory;
  int calls = 0;
  const Function set = Setter(kTVMFFIInt, &calls);
  set(memory.address(), 1);
  set(memory.address(), 2);
  EXPECT_EQ(calls, 2);
  EXPECT_ERROR(set(memory.address(), 13), "ValueError", "unlucky");
  EXPECT_EQ(memory.As<int64_t>(), 2);
}

TEST(FieldStorage, BadCallsOfASetterAreErrors) {
  FieldMemory memory;
  const Function set = Setter(kTVMFFIInt);
  EXPECT_ERROR_CONTAINS(set(), "TypeError", "but got 0 arguments");
  EXPECT_ERROR_CONTAINS(set(memory.address(), 1, 2), "TypeError", "but got 3 arguments");
  EXPECT_ERROR(set(nullptr, 1), "ValueError", "cannot set a field at address NULL");
  EXPECT_ERROR(set(1, 1), "TypeError", "Cannot convert from type `int` to `void*`");
  EXPECT_ERROR(Function::GetGlobalRequired("ffi.MakeFieldSetter")(1, 0, 0), "ValueError",
               "cannot make a field setter: convert is NULL");
}

struct FieldSpec {
  const char* name;
  int64_t offset;
  int32_t type;
  int64_t flags = 0;
  Any default_value = {};
};

void AddField(int32_t type_index, const FieldSpec& spec) {
  const Function setter = Setter(spec.type);
  TVMFFIFieldInfo field{};
  field.name = {spec.name, std::strlen(spec.name)};
  field.flags =
      spec.flags | kTVMFFIFieldFlagBitMaskWritable | kTVMFFIFieldFlagBitSetterIsFunctionObj;
  field.size = spec.type == kTVMFFIAny ? 16 : 8;
  field.alignment = 8;
  field.offset = spec.offset;
  field.getter = Getter(spec.type);
  field.setter = tvm::ffi::details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(setter);
  field.field_static_type_index = spec.type;
  field.default_value_or_factory = AnyView(spec.default_value).CopyToTVMFFIAny();
  ASSERT_EQ(TVMFFITypeRegisterField(type_index, &field), 0);
}

void RegisterClass(int32_t type_index, int64_t total_size) {
  Function::GetGlobalRequired("ffi._PyClassRegisterTypeAttrColumns")(type_index, total_size);
}

Function Attr(const char* column, int32_t type_index) {
  return refl::TypeAttrColumn(column)[type_index].cast<Function>();
}

// `any`, `count`, `object`, and by keyword only `limit`; `scratch` is no parameter.
int32_t DefineClass(const char* key) {
  const int32_t type = NewType(key);
  AddField(type, {"any", 24, kTVMFFIAny});
  AddField(type, {"count", 40, kTVMFFIInt});
  AddField(type, {"object", 48, kTVMFFIObject, kTVMFFIFieldFlagBitMaskHasDefault, List<Any>{5}});
  AddField(type, {"scratch", 56, kTVMFFIInt, kTVMFFIFieldFlagBitMaskInitOff});
  AddField(type, {"limit", 64, kTVMFFIInt, kTVMFFIFieldFlagBitMaskKwOnly});
  RegisterClass(type, 72);
  return type;
}

TVMFFIObject* Header(const Any& value) { return AnyView(value).CopyToTVMFFIAny().v_obj; }
template <typename T>
T FieldAt(const Any& object, int64_t offset) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char*>(Header(object)) + offset, sizeof(T));
  return value;
}

TEST(DefinedClass, NewObjectsAreZeroFilled) {
  const int32_t type = DefineClass("test.defined.new");
  const Any object = Attr("__ffi_new__", type)();
  EXPECT_EQ(object.type_index(), type);
  EXPECT_EQ(Header(object)->combined_ref_count, 0x100000001u);
  EXPECT_EQ(Header(object)->__padding, 0u);
  for (int64_t offset = 24; offset < 72; offset += 8) {
    EXPECT_EQ(FieldAt<int64_t>(object, offset), 0) << offset;
  }
  EXPECT_ERROR_CONTAINS(Attr("__ffi_new__", type)(1), "TypeError", "Expected 0 but got 1");
}

TEST(DefinedClass, RegistersThreeAttributesAndNoMetadata) {
  const int32_t type = DefineClass("test.defined.attrs");
  EXPECT_EQ(TVMFFIGetTypeInfo(type)->metadata, nullptr);
  EXPECT_EQ(TVMFFIGetTypeInfo(type)->num_methods, 0);
  for (const char* column : {"__ffi_convert__", "__ffi_repr__", "__ffi_hash__", "__ffi_eq__"}) {
    EXPECT_TRUE(refl::TypeAttrColumn(column)[type] == nullptr) << column;
  }
  EXPECT_ERROR_CONTAINS(
      RegisterClass(type, 72), "RuntimeError",
      "TypeAttr `__ffi_init__` is already registered for type index " + std::to_string(type) + ".");
}

TEST(DefinedClass, ObjectsReleaseWhatTheyOwn) {
  const int32_t type = DefineClass("test.defined.release");
  const Any kw = Function::GetGlobalRequired("ffi.GetKwargsObject")();
  const Array<int64_t> in_any{1};
  const Array<int64_t> in_object{2};
  {
    const Any made = Attr("__ffi_init__", type)(in_any, 4, in_object, kw, "limit", 9);
    EXPECT_EQ(in_any.use_count(), 2);
    EXPECT_EQ(in_object.use_count(), 2);
    EXPECT_EQ(FieldAt<int64_t>(made, 40), 4);
    EXPECT_EQ(FieldAt<int64_t>(made, 64), 9);

    const Any copy = Attr("__ffi_shallow_copy__", type)(made);
    EXPECT_FALSE(copy.same_as(made));
    EXPECT_EQ(copy.type_index(), type);
    EXPECT_EQ(in_any.use_count(), 3);
    EXPECT_EQ(in_object.use_count(), 3);
    EXPECT_EQ(FieldAt<int64_t>(copy, 64), 9);
  }
  EXPECT_EQ(in_any.use_count(), 1);
  EXPECT_EQ(in_object.use_count(), 1);
}

TEST(DefinedClass, AFailedConstructionReleasesWhatWasSet) {
  const int32_t type = DefineClass("test.defined.failed");
  const Function init = Attr("__ffi_init__", type);
  const Array<int64_t> value{1};
  EXPECT_ERROR(init(value, 1), "TypeError",
               "test.defined.failed.__ffi_init__() missing required keyword-only argument: "
               "'limit'");
  EXPECT_ERROR(init(value, "text"), "TypeError",
               "test.defined.failed.__ffi_init__() field 'count':\n"
               "  Cannot convert from type `ffi.SmallStr` to `int`");
  EXPECT_EQ(value.use_count(), 1);
}

TEST(DefinedClass, WeakReferencesOutliveTheFields) {
  const int32_t type = DefineClass("test.defined.weak");
  const Array<int64_t> value{1};
  Any object = Attr("__ffi_new__", type)();
  const Function set = Setter(kTVMFFIAny);
  set(static_cast<void*>(reinterpret_cast<char*>(Header(object)) + 24), value);
  tvm::ffi::WeakObjectPtr<Object> weak(
      tvm::ffi::details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(Header(object)));
  EXPECT_EQ(value.use_count(), 2);
  object = nullptr;
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_TRUE(weak.expired());
}

TEST(DefinedClass, SubclassesOwnInheritedFieldsToo) {
  const int32_t base = DefineClass("test.defined.base");
  const int32_t derived = NewType("test.defined.derived", base);
  AddField(derived, {"more", 72, kTVMFFIAny});
  RegisterClass(derived, 88);
  const Any kw = Function::GetGlobalRequired("ffi.GetKwargsObject")();
  const Array<int64_t> value{1};
  {
    // Required fields first: any, count, more.
    const Any made = Attr("__ffi_init__", derived)(value, 4, value, kw, "limit", 1);
    EXPECT_EQ(value.use_count(), 3);
    EXPECT_TRUE(tvm::ffi::details::RuntimeTypeIndexMatch(made.type_index(), base));
    const Any sliced = Attr("__ffi_shallow_copy__", base)(made);
    EXPECT_EQ(sliced.type_index(), base);
    EXPECT_EQ(value.use_count(), 4);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(DefinedClass, CopiesOnlyItsOwnKind) {
  const int32_t type = DefineClass("test.defined.copy");
  EXPECT_ERROR(Attr("__ffi_shallow_copy__", type)(Array<int64_t>{1}), "TypeError",
               "cannot copy an object of type `ffi.Array` as `test.defined.copy`");
}

TEST(DefinedClass, LayoutsThatDoNotFitAreRefused) {
  const int32_t type = NewType("test.defined.bad");
  EXPECT_ERROR_CONTAINS(RegisterClass(type, 8), "ValueError", "of 8 bytes");
  EXPECT_ERROR_CONTAINS(RegisterClass(type, -1), "ValueError", "of -1 bytes");
  AddField(type, {"any", 24, kTVMFFIAny});
  EXPECT_ERROR(RegisterClass(type, 32), "ValueError",
               "cannot make objects of type `test.defined.bad`: field `any` has 16 bytes at 24, "
               "objects have 32");
  EXPECT_TRUE(refl::TypeAttrColumn("__ffi_init__")[type] == nullptr);
  EXPECT_ERROR(RegisterClass(99999, 40), "ValueError",
               "Cannot find type info for type_index=99999");
  EXPECT_ERROR(Function::GetGlobalRequired("ffi._RegisterFFIInit")(99999), "ValueError",
               "Cannot find type info for type_index=99999");
}

// A class of C++ that others derive from: one object field is typed, one is optional, one is Any.
class NativeObj : public Object {
 public:
  String text;
  Optional<ObjectRef> maybe;
  Array<Any> list;
  TVM_FFI_DECLARE_OBJECT_INFO("test.defined.Native", NativeObj, Object);
};

TEST(DefinedClass, MayDeriveFromAClassOfCpp) {
  refl::ObjectDef<NativeObj>()
      .def_ro("text", &NativeObj::text)
      .def_ro("maybe", &NativeObj::maybe)
      .def_ro("list", &NativeObj::list);
  const int32_t type = NewType("test.defined.of_native", NativeObj::RuntimeTypeIndex());
  AddField(type, {"own", static_cast<int64_t>(sizeof(NativeObj)), kTVMFFIAny});
  RegisterClass(type, sizeof(NativeObj) + 16);
  const Array<int64_t> value{1};
  {
    const Any made = Attr("__ffi_init__", type)("a text that is long", value, Array<Any>{1}, value);
    EXPECT_EQ(value.use_count(), 3);
    EXPECT_EQ(made.as<NativeObj>()->text, "a text that is long");
    EXPECT_EQ(made.as<NativeObj>()->maybe.value().get(), value.get());
    const Any copy = Attr("__ffi_shallow_copy__", type)(made);
    EXPECT_EQ(value.use_count(), 5);
  }
  EXPECT_EQ(value.use_count(), 1);
}

Any Make(AnyView type) { return Function::GetGlobalRequired("ffi.MakeObjectFromPackedArgs")(type); }

TEST(MakeObjectFromPackedArgs, SetsFieldsAndDefaults) {
  const Function make = Function::GetGlobalRequired("ffi.MakeObjectFromPackedArgs");
  const int32_t type = DefineClass("test.defined.packed");
  const Any made = make("test.defined.packed", "limit", 1, "any", "x", "count", 3, "scratch", 4);
  EXPECT_EQ(made.type_index(), type);
  EXPECT_EQ(FieldAt<int64_t>(made, 40), 3);
  EXPECT_EQ(FieldAt<int64_t>(made, 56), 4);
  EXPECT_EQ(FieldAt<TVMFFIObject*>(made, 48)->type_index, kTVMFFIList);
  EXPECT_EQ(make(type, "limit", 1, "any", "x", "count", 3, "scratch", 4).type_index(), type);
  EXPECT_ERROR(make(type, "any", 1), "TypeError",
               "Required field `count` not set in type `test.defined.packed`");
  EXPECT_ERROR(make(type, "limit", 1, "any", "x", "count", 3, "scratch", 4, "zz", 5), "TypeError",
               "Type `test.defined.packed` does not have field `zz`");
}

// The published library dereferences a null pointer here.
TEST(MakeObjectFromPackedArgs, TypesWithoutACreatorAreErrors) {
  for (const char* key : {"ffi.Tensor", "ffi.Object", "int", "ffi.Module"}) {
    EXPECT_ERROR(Make(key), "RuntimeError",
                 "Type `" + std::string(key) +
                     "` does not support reflection creation (no native creator or __ffi_new__ "
                     "type attr)");
  }
  EXPECT_ERROR_CONTAINS(Make("no.such"), "InternalError", "Cannot find type `no.such`");
  EXPECT_ERROR(Make(99999), "ValueError", "Cannot find type info for type_index=99999");
  EXPECT_ERROR(Make(-1), "ValueError", "Cannot find type info for type_index=-1");
  EXPECT_ERROR(Make(1.5), "TypeError", "Cannot convert from type `float` to `str`");
  EXPECT_ERROR_CONTAINS(
      Function::GetGlobalRequired("ffi.MakeObjectFromPackedArgs")("ffi.Tensor", 1), "InternalError",
      "got 2 arguments");
}

TEST(GlobalMetadata, OfTheHelpers) {
  const Function metadata = Function::GetGlobalRequired("ffi.GetGlobalFuncMetadata");
  EXPECT_EQ(metadata("ffi.MakeObjectFromPackedArgs").cast<String>(),
            R"({"type_schema":"{\"type\":\"ffi.Function\"}"})");
  EXPECT_EQ(metadata("ffi._RegisterFFIInit").cast<String>(),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"None\"},)"
            R"({\"type\":\"int\"}]}"})");
  EXPECT_EQ(metadata("ffi.MakeFieldSetter").cast<String>(),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"ffi.Function\"},)"
            R"({\"type\":\"int\"},{\"type\":\"int\"},{\"type\":\"int\"}]}"})");
}

}  // namespace
}  // namespace tvmffi::test
