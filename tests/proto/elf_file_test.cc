#include "proto/elf/elf_file.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>

namespace tvmffi::elf {
namespace {

std::string SamplePath(const std::string& style) {
  return std::string(TVMFFI_ELF_SAMPLES) + "/elf_sample_" + style + ".so";
}

std::vector<char> SampleBytes(const std::string& style = "gnu") {
  std::ifstream stream(SamplePath(style), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string Refusal(const std::vector<char>& bytes) {
  Result<ElfFile> file = ReadElf(bytes.data(), bytes.size());
  return file.ok() ? "accepted" : file.status().message;
}

template <typename T>
void Store(std::vector<char>* bytes, size_t offset, T value) {
  std::memcpy(bytes->data() + offset, &value, sizeof(value));
}

template <typename T>
T Load(const std::vector<char>& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// The place in the file of the first program header of a type.
size_t Segment(const std::vector<char>& bytes, uint32_t type) {
  const auto header = Load<Elf64_Ehdr>(bytes, 0);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const size_t place = header.e_phoff + i * sizeof(Elf64_Phdr);
    if (Load<Elf64_Phdr>(bytes, place).p_type == type) return place;
  }
  return 0;
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name) == 1;
}

class ElfSample : public ::testing::TestWithParam<const char*> {};

TEST_P(ElfSample, SaysWhatItsLinkLineSaid) {
  Result<ElfFile> file = ReadElfFile(SamplePath(GetParam()));
  ASSERT_TRUE(file.ok()) << file.status().message;

  EXPECT_EQ(file->machine, HostMachine());
  EXPECT_EQ(file->soname, "libsample.so.7");
  EXPECT_EQ(file->runpath, "/opt/sample");
  EXPECT_EQ(file->rpath, "");
  EXPECT_EQ(file->build_id, "0123456789abcdef");
  EXPECT_TRUE(Has(file->needed, "libm.so.6")) << file->needed.size();
  EXPECT_TRUE(file->audits.empty());
  EXPECT_FALSE(file->executable_stack);
  EXPECT_FALSE(file->writable_code);
  EXPECT_FALSE(file->text_relocations);
}

TEST_P(ElfSample, ListsItsSymbolsOnce) {
  Result<ElfFile> file = ReadElfFile(SamplePath(GetParam()));
  ASSERT_TRUE(file.ok()) << file.status().message;

  for (const char* name : {"__tvm_ffi_root", "__tvm_ffi_resolved", "sample_weak", "sample_gamma"}) {
    EXPECT_TRUE(Has(file->exports, name)) << name;
  }
  EXPECT_FALSE(Has(file->exports, "sample_hidden"));
  EXPECT_TRUE(Has(file->imports, "lgamma_r"));
  EXPECT_FALSE(Has(file->exports, "lgamma_r"));
}

TEST_P(ElfSample, CountsWhatRunsBeforeAnybodyCalls) {
  Result<ElfFile> file = ReadElfFile(SamplePath(GetParam()));
  ASSERT_TRUE(file.ok()) << file.status().message;
  // Two of its own, and at most the start files' two.
  EXPECT_GE(file->constructors, 2u);
  EXPECT_LE(file->constructors, 4u);
  EXPECT_GE(file->destructors, 1u);
  EXPECT_GE(file->ifuncs, 1u);
}

INSTANTIATE_TEST_SUITE_P(HashStyles, ElfSample, ::testing::Values("gnu", "sysv"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ElfFile, WhatIsNoLibraryIsNamed) {
  const std::string text = "#!/bin/sh\n";
  EXPECT_EQ(Refusal({text.begin(), text.end()}), "not an ELF file");
  EXPECT_EQ(Refusal({}), "not an ELF file");
  std::vector<char> bytes = SampleBytes();
  EXPECT_EQ(Refusal({bytes.begin(), bytes.begin() + 20}),
            "cut off in the ELF header: 20 of 64 bytes");
  bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(Refusal(bytes), "not a 64-bit ELF file");
  bytes = SampleBytes();
  bytes[EI_DATA] = ELFDATA2MSB;
  EXPECT_EQ(Refusal(bytes), "not a little-endian ELF file");
  bytes = SampleBytes();
  Store<uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_machine), EM_386);
  EXPECT_EQ(Refusal(bytes), "for 32-bit x86, this machine is " + MachineName(HostMachine()));
  bytes = SampleBytes();
  Store<uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
  EXPECT_EQ(Refusal(bytes), "ELF type 2 is no shared library (3)");
}

TEST(ElfFile, SegmentsThatLieAreRefused) {
  std::vector<char> bytes = SampleBytes();
  const size_t load = Segment(bytes, PT_LOAD);
  Store<uint64_t>(&bytes, load + offsetof(Elf64_Phdr, p_filesz), bytes.size() + 1);
  EXPECT_NE(Refusal(bytes).find("in a file of"), std::string::npos);

  bytes = SampleBytes();
  Store<uint64_t>(&bytes, load + offsetof(Elf64_Phdr, p_memsz), UINT64_MAX);
  EXPECT_NE(Refusal(bytes).find("impossible size"), std::string::npos);

  // The second where the first is: the linker would map over what was read.
  bytes = SampleBytes();
  const uint64_t first = Load<uint64_t>(bytes, load + offsetof(Elf64_Phdr, p_vaddr));
  const size_t second = load + sizeof(Elf64_Phdr);
  ASSERT_EQ(Load<Elf64_Phdr>(bytes, second).p_type, uint32_t{PT_LOAD});
  Store<uint64_t>(&bytes, second + offsetof(Elf64_Phdr, p_vaddr), first);
  Store<uint64_t>(&bytes, second + offsetof(Elf64_Phdr, p_offset), 0);
  EXPECT_NE(Refusal(bytes).find("overlap"), std::string::npos);

  bytes = SampleBytes();
  Store<uint32_t>(&bytes, Segment(bytes, PT_DYNAMIC), PT_NULL);
  EXPECT_NE(Refusal(bytes).find("no dynamic section"), std::string::npos);

  bytes = SampleBytes();
  Store<uint32_t>(&bytes, Segment(bytes, PT_GNU_STACK), PT_DYNAMIC);
  EXPECT_EQ(Refusal(bytes), "two dynamic sections");

  bytes = SampleBytes();
  Store<uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_phnum), 0xfffe);
  EXPECT_NE(Refusal(bytes).find("program headers"), std::string::npos);
}

TEST(ElfFile, FlagsOfSegmentsAreReported) {
  std::vector<char> bytes = SampleBytes();
  Store<uint32_t>(&bytes, Segment(bytes, PT_GNU_STACK) + offsetof(Elf64_Phdr, p_flags),
                  PF_R | PF_W | PF_X);
  Store<uint32_t>(&bytes, Segment(bytes, PT_LOAD) + offsetof(Elf64_Phdr, p_flags),
                  PF_R | PF_W | PF_X);
  Result<ElfFile> file = ReadElf(bytes.data(), bytes.size());
  ASSERT_TRUE(file.ok()) << file.status().message;
  EXPECT_TRUE(file->executable_stack);
  EXPECT_TRUE(file->writable_code);
}

TEST(ElfFile, EveryTruncationEndsInAnAnswer) {
  for (const char* style : {"gnu", "sysv"}) {
    const std::vector<char> bytes = SampleBytes(style);
    for (size_t size = 0; size < bytes.size(); size += size < 4096 ? 1 : 61) {
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(Refusal(cut).empty());
    }
  }
}

TEST(ElfFile, EveryChangedByteEndsInAnAnswer) {
  for (const char* style : {"gnu", "sysv"}) {
    const std::vector<char> bytes = SampleBytes(style);
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int value : {0x00, 0x7f, 0xff}) {
        std::vector<char> changed = bytes;
        changed[at] = static_cast<char>(value);
        EXPECT_FALSE(Refusal(changed).empty());
      }
    }
  }
}

TEST(ElfFile, FilesThatCannotBeReadAreNamed) {
  Result<ElfFile> missing = ReadElfFile("/nonexistent/k.so");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().message.find("cannot read '/nonexistent/k.so'"), 0u);
  Result<ElfFile> folder = ReadElfFile("/tmp");
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.status().message, "cannot read '/tmp': not a regular file");
  Result<ElfFile> large = ReadElfFile(SamplePath("gnu"), 100);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.status().code, Code::kResourceExhausted);
}

}  // namespace
}  // namespace tvmffi::elf
