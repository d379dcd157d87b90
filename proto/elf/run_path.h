// Where the dynamic linker is told to look for libraries.
#ifndef TVMFFI_PROTO_ELF_RUN_PATH_H_
#define TVMFFI_PROTO_ELF_RUN_PATH_H_

#include <string>
#include <string_view>
#include <vector>

#include "proto/elf/elf_file.h"

namespace tvmffi::elf {

// Adds the folders of a list as the linker reads it, with `origin` in place of its $ORIGIN.
// Relative entries mean nothing to a worker and are left out.
void AddSearchPath(std::string_view list, const std::string& origin,
                   std::vector<std::string>* folders);

// The folders in which the library at `path` says its own libraries are.
std::vector<std::string> SearchFolders(const ElfFile& file, const std::string& path);

}  // namespace tvmffi::elf

#endif  // TVMFFI_PROTO_ELF_RUN_PATH_H_
