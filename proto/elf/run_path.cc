#include "proto/elf/run_path.h"

#include <algorithm>

namespace tvmffi::elf {

void AddSearchPath(std::string_view list, const std::string& origin,
                   std::vector<std::string>* folders) {
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(":;"), list.size());
    std::string folder(list.substr(0, end));
    for (const char* token : {"${ORIGIN}", "$ORIGIN"}) {
      const size_t at = folder.find(token);
      if (at != std::string::npos) folder.replace(at, std::string_view(token).size(), origin);
    }
    if (!folder.empty() && folder[0] == '/') folders->push_back(std::move(folder));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

std::vector<std::string> SearchFolders(const ElfFile& file, const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string origin = slash == 0 ? "/" : path.substr(0, slash);
  std::vector<std::string> folders;
  AddSearchPath(file.rpath, origin, &folders);
  AddSearchPath(file.runpath, origin, &folders);
  return folders;
}

}  // namespace tvmffi::elf
