// Which files a worker can read: the system's libraries, its modules with theirs, what was granted.
#ifndef TVMFFI_HOSTD_SANDBOX_READS_H_
#define TVMFFI_HOSTD_SANDBOX_READS_H_

#include <string>
#include <vector>

#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// What every worker can read, whether it exists here or not: folders of the system's libraries,
// the linker's cache, time zones, the processors' topology, harmless devices.
std::vector<std::string> SystemPaths();

// Of the above, the devices, which can be written too.
std::vector<std::string> SystemDevices();

// SystemPaths and what `grants` adds: the granted paths, the shared libraries beside the modules
// and those in the folders of its run paths and of LD_LIBRARY_PATH of this process. Of a folder
// with very many libraries, the folder. Modules themselves come as copies, but for those whose
// names are no library's.
std::vector<std::string> ReadablePaths(const wire::Grants& grants);

// `path` is one of `folders` or lies in one.
bool LiesUnder(const std::string& path, const std::vector<std::string>& folders);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_READS_H_
