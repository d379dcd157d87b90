// What an ELF shared library says of itself to the dynamic linker, read without loading it.
//
// The bytes may be hostile: everything is bounds-checked, and what the linker would read in two
// ways is refused. Only the program headers and the dynamic section count, as for the linker;
// section headers are not looked at.
#ifndef TVMFFI_PROTO_ELF_ELF_FILE_H_
#define TVMFFI_PROTO_ELF_ELF_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::elf {

struct ElfFile {
  uint16_t machine = 0;  // EM_*
  std::string soname;
  std::vector<std::string> needed;   // DT_NEEDED, in order
  std::vector<std::string> filters;  // DT_AUXILIARY and DT_FILTER: loaded as well
  std::vector<std::string> audits;   // DT_AUDIT and DT_DEPAUDIT: run in the linker itself
  std::string rpath;
  std::string runpath;
  std::string build_id;  // lower-case hexadecimal digits
  // Code that runs while the library is loaded and dropped, before anybody has called it.
  uint32_t constructors = 0;
  uint32_t destructors = 0;
  uint32_t ifuncs = 0;  // resolvers of indirect functions
  bool executable_stack = false;
  bool text_relocations = false;
  bool writable_code = false;  // a segment that is both
  // Names in the dynamic symbol table, sorted, each once.
  std::vector<std::string> exports;           // defined here, global or weak, visible to others
  std::vector<std::string> imports;           // taken from other libraries
  std::vector<std::string> optional_imports;  // of these, the weak ones: they may be missing
};

// Whether the convention takes a file of this name for a shared library: ".so", ".dylib", ".dll",
// ".dso".
bool HasLibraryName(const std::string& path);

// Bounds on what a file may make its reader allocate.
inline constexpr size_t kMaxSymbols = 1u << 20;
inline constexpr size_t kMaxNames = 64u << 20;  // bytes of all names together

// The machine (EM_*) of this process.
uint16_t HostMachine();
// "x86-64", or "machine 62" for one this program has no name of.
std::string MachineName(uint16_t machine);

// InvalidArgument, saying what is wrong with them, for bytes that are no loadable 64-bit
// little-endian shared library of this machine.
Result<ElfFile> ReadElf(const void* data, size_t size);

// The same of a file, at most `max_size` bytes of it. The path is in every message.
Result<ElfFile> ReadElfFile(const std::string& path, size_t max_size = size_t{2} << 30);

}  // namespace tvmffi::elf

#endif  // TVMFFI_PROTO_ELF_ELF_FILE_H_
