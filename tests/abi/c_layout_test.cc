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
  EXPECT_EQ(in_c.size(), 48u);
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
