// What this process has mapped.
#ifndef TVMFFI_PLUGINS_ADVERSARIAL_MAPPINGS_H_
#define TVMFFI_PLUGINS_ADVERSARIAL_MAPPINGS_H_

#include <inttypes.h>
#include <stdio.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace adversarial {

struct Mapping {
  uintptr_t begin;
  uintptr_t end;
  std::string access;  // "rw-s"
  off_t offset;
  ino_t inode;
  std::string name;

  bool writable() const { return access[1] == 'w'; }
};

// Empty where /proc is out of reach. Collected before anything is done with it.
inline std::vector<Mapping> Mappings() {
  std::vector<Mapping> mappings;
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return mappings;
  char line[1024];
  while (fgets(line, sizeof(line), maps) != nullptr) {
    Mapping mapping{};
    char access[5] = "";
    char name[512] = "";
    unsigned long offset = 0;
    unsigned long inode = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %lx %*s %lu %511[^\n]", &mapping.begin,
               &mapping.end, access, &offset, &inode, name) < 5) {
      continue;
    }
    mapping.access = access;
    mapping.offset = static_cast<off_t>(offset);
    mapping.inode = static_cast<ino_t>(inode);
    mapping.name = name;
    mappings.push_back(mapping);
  }
  fclose(maps);
  return mappings;
}

// Not this plug-in itself, whose file is a memfd too.
inline bool IsOfTheHost(const Mapping& mapping) {
  return mapping.name.find("memfd:tvmffi-") != std::string::npos &&
         mapping.name.find("memfd:tvmffi-module") == std::string::npos;
}

}  // namespace adversarial

#endif  // TVMFFI_PLUGINS_ADVERSARIAL_MAPPINGS_H_
