// What other implementations of the convention crash on, and this one does not: every mistake of a
// caller that an entry point can report is reported.
#include <csignal>
#include <cstring>
#include <future>
#include <thread>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

int ReturnNothing(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }

void ExpectNullRefused(int code, const std::string& argument) {
  SCOPED_TRACE(argument);
  ExpectRaised(code, "InternalError", "Check not null: " + argument);
}

class Quirks : public ::testing::Test {
 protected:
  const TVMFFIByteArray text_ = Bytes("text");
  TVMFFIObjectHandle handle_ = nullptr;
  TVMFFIAny value_ = None();
};

TEST_F(Quirks, NullObjectsAndErrors) {
  TVMFFIGetVersion(nullptr);
  EXPECT_EQ(TVMFFIObjectIncRef(nullptr), 0);
  EXPECT_EQ(TVMFFIObjectDecRef(nullptr), 0);
  ExpectNullRefused(TVMFFIObjectCreateOpaque(nullptr, kTVMFFIOpaquePyObject, nullptr, nullptr),
                    "TVMFFIObjectCreateOpaque: out");

  const char* parts[] = {"part"};
  TVMFFIErrorSetRaisedFromCStr(nullptr, nullptr);
  TVMFFIErrorMoveFromRaised(nullptr);
  const Raised raised = TakeRaised();
  EXPECT_EQ(raised.kind, "InternalError");
  EXPECT_EQ(raised.message, "");
  TVMFFIErrorSetRaisedFromCStrParts("ValueError", nullptr, 3);
  ExpectRaised(-1, "ValueError", "");
  TVMFFIErrorSetRaisedFromCStrParts(nullptr, parts, 1);
  ExpectRaised(-1, "InternalError", "part");

  ExpectNullRefused(TVMFFIErrorCreate(nullptr, &text_, &text_, &handle_),
                    "TVMFFIErrorCreate: kind");
  ExpectNullRefused(TVMFFIErrorCreate(&text_, nullptr, &text_, &handle_),
                    "TVMFFIErrorCreate: message");
  ExpectNullRefused(TVMFFIErrorCreate(&text_, &text_, nullptr, &handle_),
                    "TVMFFIErrorCreate: backtrace");
  ExpectNullRefused(TVMFFIErrorCreate(&text_, &text_, &text_, nullptr), "TVMFFIErrorCreate: out");
  ExpectNullRefused(
      TVMFFIErrorCreateWithCauseAndExtraContext(&text_, &text_, &text_, nullptr, nullptr, nullptr),
      "TVMFFIErrorCreate: out");
}

TEST_F(Quirks, NullFunctions) {
  ExpectNullRefused(TVMFFIFunctionCall(nullptr, nullptr, 0, &value_), "TVMFFIFunctionCall: func");
  ExpectNullRefused(TVMFFIFunctionCreate(nullptr, nullptr, nullptr, &handle_),
                    "TVMFFIFunctionCreate: safe_call");
  ExpectNullRefused(TVMFFIFunctionCreate(nullptr, ReturnNothing, nullptr, nullptr),
                    "TVMFFIFunctionCreate: out");
  ExpectNullRefused(TVMFFIFunctionGetGlobal(nullptr, &handle_), "TVMFFIFunctionGetGlobal: name");
  ExpectNullRefused(TVMFFIFunctionGetGlobal(&text_, nullptr), "TVMFFIFunctionGetGlobal: out");
  ExpectNullRefused(TVMFFIFunctionSetGlobal(&text_, nullptr, 0), "TVMFFIFunctionSetGlobal: f");
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, ReturnNothing, nullptr, function.out()), 0);
  ExpectNullRefused(TVMFFIFunctionSetGlobal(nullptr, function.get(), 0),
                    "TVMFFIFunctionSetGlobal: name");
  ExpectNullRefused(TVMFFIFunctionSetGlobalFromMethodInfo(nullptr, 0),
                    "TVMFFIFunctionSetGlobalFromMethodInfo: method_info");
  TVMFFIMethodInfo method{};
  method.name = text_;
  method.method = MakeAny(kTVMFFIFunction);
  ExpectNullRefused(TVMFFIFunctionSetGlobalFromMethodInfo(&method, 0),
                    "TVMFFIFunctionSetGlobalFromMethodInfo: method_info->method");
  const TVMFFIByteArray no_data{nullptr, 4};
  ExpectNullRefused(TVMFFIFunctionGetGlobal(&no_data, &handle_), "TVMFFIByteArray: data");
}

TEST_F(Quirks, NullValues) {
  ExpectNullRefused(TVMFFIAnyViewToOwnedAny(nullptr, &value_), "TVMFFIAnyViewToOwnedAny: any_view");
  const TVMFFIAny none = None();
  ExpectNullRefused(TVMFFIAnyViewToOwnedAny(&none, nullptr), "TVMFFIAnyViewToOwnedAny: out");
  const std::pair<int32_t, const char*> empty_views[] = {
      {kTVMFFIRawStr, "const char*: text"},
      {kTVMFFIByteArrayPtr, "TVMFFIByteArray*: array"},
      {kTVMFFIObjectRValueRef, "ObjectRValueRef: slot"},
      {kTVMFFIFunction, "object value: handle"},
  };
  for (const auto& [type_index, argument] : empty_views) {
    const TVMFFIAny view = MakeAny(type_index);
    ExpectNullRefused(TVMFFIAnyViewToOwnedAny(&view, &value_), argument);
  }
  ExpectNullRefused(TVMFFIStringFromByteArray(nullptr, &value_),
                    "TVMFFIStringFromByteArray: input");
  ExpectNullRefused(TVMFFIStringFromByteArray(&text_, nullptr), "TVMFFIStringFromByteArray: out");
  ExpectNullRefused(TVMFFIBytesFromByteArray(nullptr, &value_), "TVMFFIBytesFromByteArray: input");
  ExpectNullRefused(TVMFFIBytesFromByteArray(&text_, nullptr), "TVMFFIBytesFromByteArray: out");
  const TVMFFIByteArray no_data{nullptr, 9};
  ExpectNullRefused(TVMFFIStringFromByteArray(&no_data, &value_), "TVMFFIByteArray: data");
  DLDataType dtype{kDLInt, 32, 1};
  ExpectNullRefused(TVMFFIDataTypeFromString(nullptr, &dtype), "TVMFFIDataTypeFromString: str");
  ExpectNullRefused(TVMFFIDataTypeFromString(&text_, nullptr), "TVMFFIDataTypeFromString: out");
  ExpectNullRefused(TVMFFIDataTypeToString(nullptr, &value_), "TVMFFIDataTypeToString: dtype");
  ExpectNullRefused(TVMFFIDataTypeToString(&dtype, nullptr), "TVMFFIDataTypeToString: out");
  EXPECT_EQ(value_.type_index, kTVMFFINone);
}

TEST_F(Quirks, NullTypes) {
  int32_t index = 0;
  ExpectNullRefused(TVMFFITypeKeyToIndex(nullptr, &index), "TVMFFITypeKeyToIndex: type_key");
  ExpectNullRefused(TVMFFITypeKeyToIndex(&text_, nullptr), "TVMFFITypeKeyToIndex: out_tindex");
  ExpectNullRefused(TVMFFITypeRegisterField(kTVMFFIObject, nullptr),
                    "TVMFFITypeRegisterField: info");
  ExpectNullRefused(TVMFFITypeRegisterMethod(kTVMFFIObject, nullptr),
                    "TVMFFITypeRegisterMethod: info");
  ExpectNullRefused(TVMFFITypeRegisterMetadata(kTVMFFIObject, nullptr),
                    "TVMFFITypeRegisterMetadata: metadata");
  ExpectNullRefused(TVMFFITypeRegisterAttr(kTVMFFIObject, nullptr, &value_),
                    "TVMFFITypeRegisterAttr: attr_name");
  ExpectNullRefused(TVMFFITypeRegisterAttr(kTVMFFIObject, &text_, nullptr),
                    "TVMFFITypeRegisterAttr: attr_value");
}

using QuirksDeathTest = Quirks;

// These have no way to report an error.
TEST_F(QuirksDeathTest, NullKeysEndTheProcessWithAMessage) {
  EXPECT_EXIT(TVMFFIGetTypeAttrColumn(nullptr), ::testing::ExitedWithCode(255),
              "Check not null: TVMFFIGetTypeAttrColumn: attr_name");
  EXPECT_EXIT(TVMFFITypeGetOrAllocIndex(nullptr, -1, 1, 0, 1, kTVMFFIObject),
              ::testing::ExitedWithCode(255),
              "Check not null: TVMFFITypeGetOrAllocIndex: type_key");
}

TEST_F(Quirks, NullTensors) {
  DLManagedTensor plain{};
  DLManagedTensorVersioned versioned{};
  versioned.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  ExpectNullRefused(TVMFFITensorFromDLPack(nullptr, 0, 0, &handle_),
                    "TVMFFITensorFromDLPack: from");
  ExpectNullRefused(TVMFFITensorFromDLPack(&plain, 0, 0, nullptr), "TVMFFITensorFromDLPack: out");
  ExpectNullRefused(TVMFFITensorFromDLPackVersioned(nullptr, 0, 0, &handle_),
                    "TVMFFITensorFromDLPackVersioned: from");
  ExpectNullRefused(TVMFFITensorFromDLPackVersioned(&versioned, 0, 0, nullptr),
                    "TVMFFITensorFromDLPackVersioned: out");
  plain.dl_tensor.ndim = versioned.dl_tensor.ndim = 2;
  ExpectNullRefused(TVMFFITensorFromDLPack(&plain, 0, 1, &handle_), "DLTensor: shape");
  ExpectNullRefused(TVMFFITensorFromDLPackVersioned(&versioned, 0, 1, &handle_), "DLTensor: shape");

  DLManagedTensor* exported = nullptr;
  DLManagedTensorVersioned* exported_versioned = nullptr;
  ExpectNullRefused(TVMFFITensorToDLPack(nullptr, &exported), "TVMFFITensorToDLPack: from");
  ExpectNullRefused(TVMFFITensorToDLPackVersioned(nullptr, &exported_versioned),
                    "TVMFFITensorToDLPackVersioned: from");
  plain.dl_tensor.ndim = 0;
  Ref tensor;
  ASSERT_EQ(TVMFFITensorFromDLPack(&plain, 0, 0, tensor.out()), 0);
  ExpectNullRefused(TVMFFITensorToDLPack(tensor.get(), nullptr), "TVMFFITensorToDLPack: out");
  ExpectNullRefused(TVMFFITensorToDLPackVersioned(tensor.get(), nullptr),
                    "TVMFFITensorToDLPackVersioned: out");
  ExpectNullRefused(TVMFFITensorCreateUnsafeView(nullptr, &plain.dl_tensor, &handle_),
                    "TVMFFITensorCreateUnsafeView: source");
  ExpectNullRefused(TVMFFITensorCreateUnsafeView(tensor.get(), nullptr, &handle_),
                    "TVMFFITensorCreateUnsafeView: prototype");
  ExpectNullRefused(TVMFFITensorCreateUnsafeView(tensor.get(), &plain.dl_tensor, nullptr),
                    "TVMFFITensorCreateUnsafeView: out");
  EXPECT_EQ(StrongCount(tensor.get()), 1u);
}

TEST_F(Quirks, NullEnvironment) {
  void* once = nullptr;
  ExpectNullRefused(TVMFFIHandleInitOnce(nullptr, [](void**) { return 0; }),
                    "TVMFFIHandleInitOnce: handle_addr");
  ExpectNullRefused(TVMFFIHandleInitOnce(&once, nullptr), "TVMFFIHandleInitOnce: init_func");
  ExpectNullRefused(TVMFFIHandleDeinitOnce(nullptr, [](void*) { return 0; }),
                    "TVMFFIHandleDeinitOnce: handle_addr");
  ExpectNullRefused(TVMFFIHandleDeinitOnce(&once, nullptr), "TVMFFIHandleDeinitOnce: deinit_func");
  TVMFFICustomAllocator no_function{};
  TVMFFICustomAllocator* before = TVMFFIGetCustomAllocator();
  ExpectNullRefused(TVMFFISetCustomAllocator(&no_function),
                    "TVMFFISetCustomAllocator: allocator->allocate");
  EXPECT_EQ(TVMFFIGetCustomAllocator(), before);
  DLTensor prototype{};
  ExpectNullRefused(TVMFFIEnvTensorAlloc(nullptr, &handle_), "TVMFFIEnvTensorAlloc: prototype");
  ExpectNullRefused(TVMFFIEnvTensorAlloc(&prototype, nullptr), "TVMFFIEnvTensorAlloc: out");
  ExpectNullRefused(TVMFFIEnvRegisterCAPI(nullptr, nullptr), "TVMFFIEnvRegisterCAPI: name");
  ExpectNullRefused(TVMFFIEnvModRegisterContextSymbol(nullptr, nullptr),
                    "TVMFFIEnvModRegisterContextSymbol: name");
  ExpectNullRefused(TVMFFIEnvModRegisterSystemLibSymbol(nullptr, nullptr),
                    "TVMFFIEnvModRegisterSystemLibSymbol: name");
  const Value module = CallGlobal("ffi.SystemLib", {RawStr("quirks_")});
  void* context = static_cast<char*>(module.object()) - 8;
  ExpectNullRefused(TVMFFIEnvModLookupFromImports(context, nullptr, &handle_), "func_name");
  ExpectNullRefused(TVMFFIEnvModLookupFromImports(context, "f", nullptr), "out");
  ExpectRaised(TVMFFIEnvModLookupFromImports(nullptr, "f", &handle_), "RuntimeError",
               "not loaded as a module");
  EXPECT_EQ(handle_, nullptr);
}

TEST_F(Quirks, TypeIndicesThatNobodyHas) {
  TVMFFIFieldInfo field{};
  field.name = text_;
  TVMFFIMethodInfo method{};
  method.name = text_;
  method.method = None();
  TVMFFITypeMetadata metadata{};
  for (int32_t index : {-2147483647 - 1, -5, -1, 50, 127, 99999, 2147483647}) {
    const std::string text = "Cannot find type index " + std::to_string(index);
    ExpectRaised(TVMFFITypeRegisterField(index, &field), "InternalError", text);
    ExpectRaised(TVMFFITypeRegisterMethod(index, &method), "InternalError", text);
    ExpectRaised(TVMFFITypeRegisterMetadata(index, &metadata), "InternalError", text);
    ExpectRaised(TVMFFITypeRegisterAttr(index, &text_, &value_), "InternalError", text);
  }
}

TEST_F(Quirks, ObjectsOfTheWrongType) {
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, ReturnNothing, nullptr, function.out()), 0);
  DLManagedTensor* plain = nullptr;
  DLManagedTensorVersioned* versioned = nullptr;
  DLTensor prototype{};
  const std::string text = "expected `ffi.Tensor`, type index 70, but got type index 68";
  ExpectRaised(TVMFFITensorToDLPack(function.get(), &plain), "TypeError", text);
  ExpectRaised(TVMFFITensorToDLPackVersioned(function.get(), &versioned), "TypeError", text);
  ExpectRaised(TVMFFITensorCreateUnsafeView(function.get(), &prototype, &handle_), "TypeError",
               text);
  EXPECT_EQ(StrongCount(function.get()), 1u);

  Ref opaque;
  ASSERT_EQ(TVMFFIObjectCreateOpaque(nullptr, kTVMFFIOpaquePyObject, nullptr, opaque.out()), 0);
  ExpectRaised(TVMFFIFunctionSetGlobal(&text_, opaque.get(), 0), "TypeError",
               "Cannot convert from type `ffi.OpaquePyObject` to `ffi.Function`");
}

TEST_F(Quirks, TensorsWithLessThanNoDimensions) {
  DLManagedTensor managed{};
  managed.dl_tensor.ndim = -1;
  ExpectRaised(TVMFFITensorFromDLPack(&managed, 0, 0, &handle_), "ValueError", "-1 dimensions");
  Ref tensor;
  managed.dl_tensor.ndim = 0;
  ASSERT_EQ(TVMFFITensorFromDLPack(&managed, 0, 0, tensor.out()), 0);
  DLTensor prototype{};
  int64_t strides[1] = {1};
  prototype.ndim = -3;
  prototype.strides = strides;
  ExpectRaised(TVMFFITensorCreateUnsafeView(tensor.get(), &prototype, &handle_), "ValueError",
               "-3 dimensions");
}

// Outside of static initialisers a second registration is an error like any other.
TEST_F(Quirks, SecondRegistrations) {
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, ReturnNothing, nullptr, function.out()), 0);
  const TVMFFIByteArray name = Bytes("ffi.ArraySize");
  ExpectRaised(TVMFFIFunctionSetGlobal(&name, function.get(), 0), "RuntimeError",
               "Global Function `ffi.ArraySize` is already registered");
  TVMFFIMethodInfo method{};
  method.name = name;
  method.method = View(function.get());
  ExpectRaised(TVMFFIFunctionSetGlobalFromMethodInfo(&method, 0), "RuntimeError",
               "Global Function `ffi.ArraySize` is already registered");
  EXPECT_EQ(StrongCount(function.get()), 1u);

  TVMFFITypeMetadata metadata{};
  ExpectRaised(TVMFFITypeRegisterMetadata(kTVMFFIModule, &metadata), "RuntimeError",
               "Overriding ffi.Module");
  const TVMFFIFieldInfo field = TVMFFIGetTypeInfo(kTVMFFIModule)->fields[0];
  ExpectRaised(TVMFFITypeRegisterField(kTVMFFIModule, &field), "InternalError",
               "Duplicate field name \"imports_\" in type \"ffi.Module\"");
  const TVMFFIByteArray attr = Bytes("test.quirks_attr");
  const TVMFFIAny one = Int(1);
  ASSERT_EQ(TVMFFITypeRegisterAttr(kTVMFFIObject, &attr, &one), 0);
  ExpectRaised(TVMFFITypeRegisterAttr(kTVMFFIObject, &attr, &one), "RuntimeError",
               "TypeAttr `test.quirks_attr` is already registered for type index 64");
}

// A tree of one custom module, as `__tvm_ffi__library_bin` holds it.
std::string CustomTree(std::string_view kind, std::string_view bytes) {
  std::string payload;
  auto number = [&](uint64_t value) { payload.append(reinterpret_cast<char*>(&value), 8); };
  auto text = [&](std::string_view content) { number(content.size()), payload.append(content); };
  number(2), number(0), number(0);
  number(0);
  text(kind), text(bytes);
  return payload;
}

int LoadTree(const std::string& prefix, const std::string& payload, Value* module) {
  // The library keeps the address.
  static std::vector<std::unique_ptr<std::string>> kept;
  uint64_t size = payload.size();
  kept.push_back(std::make_unique<std::string>(reinterpret_cast<char*>(&size), 8));
  *kept.back() += payload;
  const std::string symbol = prefix + "__tvm_ffi__library_bin";
  EXPECT_EQ(TVMFFIEnvModRegisterSystemLibSymbol(symbol.c_str(), kept.back()->data()), 0);
  return TryCallGlobal("ffi.SystemLib", {RawStr(prefix.c_str())}, module);
}

// The loader's module is the system library without a prefix: any module will do.
int LoadCustom(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  return TVMFFIFunctionCall(GetGlobal("ffi.SystemLib").get(), nullptr, 0, result);
}

class CustomModules : public Quirks {
 protected:
  void SetUp() override {
    ASSERT_EQ(TVMFFIFunctionCreate(nullptr, LoadCustom, nullptr, loader_.out()), 0);
    ASSERT_EQ(TVMFFIFunctionSetGlobal(&name_, loader_.get(), 1), 0);
  }
  const TVMFFIByteArray name_ = Bytes("ffi.Module.load_from_bytes.quirk");
  Ref loader_;
};

TEST_F(CustomModules, APayloadCutShortAnywhereIsRefused) {
  const std::string whole = CustomTree("quirk", "twelve bytes");
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    Value module;
    const std::string prefix = "cut" + std::to_string(size) + "_";
    const int code = LoadTree(prefix, whole.substr(0, size), &module);
    ExpectRaised(code, "InternalError", "library binary");
  }
  Value module;
  EXPECT_EQ(LoadTree("whole_", whole, &module), 0);
  EXPECT_EQ(module.type_index(), kTVMFFIModule);
  EXPECT_EQ(LoadTree("empty_", CustomTree("quirk", ""), &module), 0);
  ExpectRaised(LoadTree("longer_", whole + "x", &module), "InternalError", "behind its last entry");
}

// A loader that waits for another thread, which needs a system library of its own.
TEST_F(CustomModules, ALoaderMayWaitForAThreadThatLoads) {
  auto wait = [](void*, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
    std::future<Value> other = std::async(
        std::launch::async, [] { return CallGlobal("ffi.SystemLib", {RawStr("waited_for_")}); });
    EXPECT_EQ(other.get().type_index(), kTVMFFIModule);
    return LoadCustom(nullptr, args, num_args, result);
  };
  Ref waiting;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, wait, nullptr, waiting.out()), 0);
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&name_, waiting.get(), 1), 0);
  Value module;
  EXPECT_EQ(LoadTree("waits_", CustomTree("quirk", "x"), &module), 0);
}

TEST_F(CustomModules, ALoaderThatNeedsItsOwnLibraryIsTold) {
  auto recur = [](void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
    TVMFFIAny prefix = RawStr("recursive_");
    return TVMFFIFunctionCall(GetGlobal("ffi.SystemLib").get(), &prefix, 1, result);
  };
  Ref recursive;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, recur, nullptr, recursive.out()), 0);
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&name_, recursive.get(), 1), 0);
  Value module;
  ExpectRaised(
      LoadTree("recursive_", CustomTree("quirk", "x"), &module), "RuntimeError",
      "the system library with prefix \"recursive_\" is needed by a module that it embeds");
}

// Whoever replaces a function may still be called by what dies with it.
TEST_F(Quirks, DeletersMayUseTheTablesThatHeldTheirObjects) {
  static int deleted = 0;
  static TVMFFIByteArray name = Bytes("test.quirks.replaced");
  auto deleter = [](void*) {
    Ref found;
    EXPECT_EQ(TVMFFIFunctionGetGlobal(&name, found.out()), 0);
    ++deleted;
  };
  for (int i = 0; i < 3; ++i) {
    Ref function;
    ASSERT_EQ(TVMFFIFunctionCreate(nullptr, ReturnNothing, deleter, function.out()), 0);
    ASSERT_EQ(TVMFFIFunctionSetGlobal(&name, function.get(), 1), 0);
  }
  EXPECT_EQ(deleted, 2);
  EXPECT_EQ(CallGlobal("ffi.FunctionRemoveGlobal", {RawStr(name.data)}).as_int(), 1);
  EXPECT_EQ(deleted, 3);
}

TEST_F(Quirks, AnInitMayWaitForAThreadThatInitialises) {
  static void* outer = nullptr;
  static void* inner = nullptr;
  auto init_inner = [](void** result) { return *result = &inner, 0; };
  static int (*const kInitInner)(void**) = init_inner;
  auto init_outer = [](void** result) {
    *result = &outer;
    return std::async(std::launch::async, [] { return TVMFFIHandleInitOnce(&inner, kInitInner); })
        .get();
  };
  EXPECT_EQ(TVMFFIHandleInitOnce(&outer, init_outer), 0);
  EXPECT_EQ(inner, &inner);
}

TEST_F(Quirks, NegativeDevicesHaveNoStream) {
  TVMFFIStreamHandle original = &original;
  ExpectRaised(TVMFFIEnvSetStream(kDLCUDA, -1, nullptr, &original), "ValueError",
               "cannot set the stream of device type 2, id -1: both must not be negative");
  ExpectRaised(TVMFFIEnvSetStream(-7, 0, nullptr, &original), "ValueError", "device type -7");
  EXPECT_EQ(original, &original);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, -1), nullptr);
}

// In contrast to C080, which says that flags are always 0.
TEST_F(Quirks, ReadOnlyTensorsStayReadOnly) {
  DLManagedTensorVersioned source{};
  source.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  source.flags = DLPACK_FLAG_BITMASK_READ_ONLY | DLPACK_FLAG_BITMASK_IS_COPIED;
  Ref tensor;
  ASSERT_EQ(TVMFFITensorFromDLPackVersioned(&source, 0, 0, tensor.out()), 0);
  DLManagedTensorVersioned* exported = nullptr;
  ASSERT_EQ(TVMFFITensorToDLPackVersioned(tensor.get(), &exported), 0);
  EXPECT_EQ(exported->flags, uint64_t{DLPACK_FLAG_BITMASK_READ_ONLY});
  exported->deleter(exported);
}

// In contrast to C084, which checks the flags only.
TEST_F(Quirks, AnotherMajorVersionOfDlpackIsNotTouched) {
  static int deleted = 0;
  for (uint32_t major : {0u, 2u, 77u}) {
    DLManagedTensorVersioned source;
    std::memset(&source, 0xAB, sizeof(source));
    source.version = {major, 0};
    source.deleter = [](DLManagedTensorVersioned*) { ++deleted; };
    ExpectRaised(TVMFFITensorFromDLPackVersioned(&source, 64, 1, &handle_), "RuntimeError",
                 "FromDLPack: the tensor has DLPack major version " + std::to_string(major) +
                     ", expected 1");
  }
  EXPECT_EQ(deleted, 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(Quirks, SignalsAreTheProgramsOwn) {
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGINT, SIGTERM, SIGPIPE}) {
    struct sigaction action {};
    ASSERT_EQ(::sigaction(signal, nullptr, &action), 0);
    EXPECT_EQ(action.sa_handler, SIG_DFL) << signal;
  }
}
#endif

}  // namespace
}  // namespace tvmffi::test
