// The memory layouts and names of the C ABI, in both languages.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <fstream>
#include <set>
#include <string>

#include "c_layout_table.h"

extern "C" int c_abi_004_the_headers_are_c11(void);
bool TheEnvironmentHeaderIsCpp17();

namespace {

const LayoutRow kSizesInCpp[] = {TVMFFI_STRUCTS(TVMFFI_SIZE_ROW)
                                     TVMFFI_ENUMS(TVMFFI_SIZE_ROW){nullptr, 0, 0}};
const LayoutRow kOffsetsInCpp[] = {TVMFFI_FIELDS(TVMFFI_OFFSET_ROW){nullptr, 0, 0}};
const LayoutRow kValuesInCpp[] = {TVMFFI_VALUES(TVMFFI_VALUE_ROW){nullptr, 0, 0}};

void ExpectAsPromised(const LayoutRow* in_c, const LayoutRow* in_cpp) {
  for (; in_cpp->name != nullptr; ++in_c, ++in_cpp) {
    ASSERT_NE(in_c->name, nullptr);
    EXPECT_STREQ(in_c->name, in_cpp->name);
    EXPECT_EQ(in_c->seen, in_c->promised) << in_c->name << " in C";
    EXPECT_EQ(in_cpp->seen, in_cpp->promised) << in_cpp->name << " in C++";
  }
  EXPECT_EQ(in_c->name, nullptr);
}

TEST(CAbi, C001_SizesInCAndInCpp) { ExpectAsPromised(kSizesInC, kSizesInCpp); }

TEST(CAbi, C002_OffsetsInCAndInCpp) { ExpectAsPromised(kOffsetsInC, kOffsetsInCpp); }

TEST(CAbi, C003_EnumeratorsInCAndInCpp) { ExpectAsPromised(kValuesInC, kValuesInCpp); }

TEST(CAbi, C004_TheHeadersNeedNoOthers) {
  EXPECT_EQ(c_abi_004_the_headers_are_c11(), 1);
  EXPECT_TRUE(TheEnvironmentHeaderIsCpp17());
}

// The library that serves this program.
const link_map* LibraryInUse() {
  Dl_info info{};
  void* map = nullptr;
  ::dladdr1(reinterpret_cast<void*>(&TVMFFIGetVersion), &info, &map, RTLD_DL_LINKMAP);
  return static_cast<const link_map*>(map);
}

// Modules link to these by name.
constexpr const char* kCppNames[] = {
    "_ZN3tvm3ffi6Module12LoadFromFileERKNS0_6StringE",
    "_ZN3tvm3ffi6Module19VisitContextSymbolsERKNS0_13TypedFunctionIFvNS0_6StringEPvEEE",
    "_ZN3tvm3ffi9ModuleObj11GetFunctionERKNS0_6StringEb",
    "_ZN3tvm3ffi9ModuleObj14GetFunctionDocERKNS0_6StringEb",
    "_ZN3tvm3ffi9ModuleObj19GetFunctionMetadataERKNS0_6StringEb",
    "_ZN3tvm3ffi9ModuleObj18ImplementsFunctionERKNS0_6StringEb",
    "_ZN3tvm3ffi9ModuleObj12ImportModuleERKNS0_6ModuleE",
    "_ZN3tvm3ffi9ModuleObj12ClearImportsEv",
    "_ZTVN3tvm3ffi9ModuleObjE",
    "_ZTIN3tvm3ffi9ModuleObjE",
    "_ZTSN3tvm3ffi9ModuleObjE",
    "_ZTVN3tvm3ffi5ErrorE",
    "_ZTIN3tvm3ffi5ErrorE",
    "_ZTSN3tvm3ffi5ErrorE",
    "_ZN3tvm3ffi8DeepCopyERKNS0_3AnyE",
    "_ZN3tvm3ffi9ReprPrintERKNS0_3AnyE",
    "_ZN3tvm3ffi13RecursiveHashERKNS0_3AnyE",
    "_ZN3tvm3ffi11RecursiveEqERKNS0_3AnyES3_",
    "_ZN3tvm3ffi11RecursiveLtERKNS0_3AnyES3_",
    "_ZN3tvm3ffi11RecursiveLeERKNS0_3AnyES3_",
    "_ZN3tvm3ffi11RecursiveGtERKNS0_3AnyES3_",
    "_ZN3tvm3ffi11RecursiveGeERKNS0_3AnyES3_",
    "_ZN3tvm3ffi11ToJSONGraphERKNS0_3AnyES3_",
    "_ZN3tvm3ffi13FromJSONGraphERKNS0_3AnyE",
    "_ZN3tvm3ffi14StructuralHash4HashERKNS0_3AnyEbb",
    "_ZN3tvm3ffi15StructuralEqual5EqualERKNS0_3AnyES4_bb",
    "_ZN3tvm3ffi15StructuralEqual16GetFirstMismatchERKNS0_3AnyES4_bb",
    "_ZN3tvm3ffi4json5ParseERKNS0_6StringEPS2_",
    "_ZN3tvm3ffi4json9StringifyERKNS0_3AnyERKNS0_8OptionalIivEE",
    "_ZN3tvm3ffi17VisitErrorContext15FindAccessPathsERKNS0_9ObjectRefERKS1_b",
};

TEST(CAbi, C005_ThePromisedNamesAreExported) {
  void* library = ::dlopen(LibraryInUse()->l_name, RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  std::ifstream promised(TVMFFI_TEST_SYMBOLS);
  std::set<std::string> in_c;
  for (std::string name; std::getline(promised, name);) {
    if (name.empty() || name[0] == '#') continue;
    EXPECT_NE(::dlsym(library, name.c_str()), nullptr) << name;
    if (name.rfind("TVMFFI", 0) == 0) in_c.insert(name);
  }
  // Newer than the convention (abi/README.md).
  EXPECT_EQ(in_c.erase("TVMFFIBigIntFromByteArray"), 1u);
  EXPECT_EQ(in_c.erase("TVMFFIBigIntGetContentByteArray"), 1u);
  EXPECT_EQ(in_c.size(), 48u);
  for (const char* name : kCppNames) EXPECT_NE(::dlsym(library, name), nullptr) << name;
  ::dlclose(library);
}

TEST(CAbi, C006_TheSonameHasNoVersion) {
  const char* strings = nullptr;
  ElfW(Xword) soname = 0;
  for (const ElfW(Dyn)* entry = LibraryInUse()->l_ld; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_SONAME) soname = entry->d_un.d_val;
  }
  ASSERT_NE(strings, nullptr);
  ASSERT_NE(soname, 0u);
  EXPECT_STREQ(strings + soname, "libtvm_ffi.so");
}

}  // namespace
