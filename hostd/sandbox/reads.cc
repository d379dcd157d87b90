#include "hostd/sandbox/reads.h"

#include <dirent.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "proto/elf/elf_file.h"
#include "proto/elf/run_path.h"

namespace tvmffi::hostd {
namespace {

constexpr size_t kMaxLibraries = 256;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsLibraryName(std::string_view name) {
  const size_t at = name.find(".so");
  return at != std::string_view::npos && (at + 3 == name.size() || name[at + 3] == '.');
}

// Those of `folder` but for `modules`.
void AddLibraries(const std::string& folder, const std::vector<std::string>& modules,
                  std::vector<std::string>* paths) {
  std::unique_ptr<DIR, void (*)(DIR*)> list(::opendir(folder.c_str()),
                                            [](DIR* open) { ::closedir(open); });
  if (list == nullptr) return;
  std::vector<std::string> found;
  while (const dirent* entry = ::readdir(list.get())) {
    if (!IsLibraryName(entry->d_name)) continue;
    std::string path = (folder == "/" ? "" : folder) + "/" + entry->d_name;
    const bool is_module = std::find(modules.begin(), modules.end(), path) != modules.end();
    if (!is_module) found.push_back(std::move(path));
  }
  if (found.size() > kMaxLibraries) found = {folder};
  paths->insert(paths->end(), found.begin(), found.end());
}

}  // namespace

std::vector<std::string> SystemDevices() {
  return {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
}

std::vector<std::string> SystemPaths() {
  std::vector<std::string> paths = {"/lib",
                                    "/lib64",
                                    "/usr/lib",
                                    "/usr/lib64",
                                    "/usr/local/lib",
                                    "/usr/local/lib64",
                                    "/usr/share/zoneinfo",
                                    "/usr/share/locale",
                                    "/etc/ld.so.cache",
                                    "/etc/localtime",
                                    "/sys/devices/system/cpu",
                                    "/sys/devices/system/node"};
  const std::vector<std::string> devices = SystemDevices();
  paths.insert(paths.end(), devices.begin(), devices.end());
  return paths;
}

std::vector<std::string> ReadablePaths(const wire::Grants& grants) {
  std::vector<std::string> paths = SystemPaths();
  paths.insert(paths.end(), grants.read.begin(), grants.read.end());
  std::vector<std::string> folders = grants.run_paths;
  for (const std::string& module : grants.modules) {
    if (!elf::HasLibraryName(module)) paths.push_back(module);
    folders.push_back(FolderOf(module));
  }
  if (const char* list = std::getenv("LD_LIBRARY_PATH")) elf::AddSearchPath(list, "", &folders);
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  for (const std::string& folder : folders) {
    if (!LiesUnder(folder, paths)) AddLibraries(folder, grants.modules, &paths);
  }
  return paths;
}

bool LiesUnder(const std::string& path, const std::vector<std::string>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    if (path.compare(0, folder.size(), folder) != 0) return false;
    return path.size() == folder.size() || folder.back() == '/' || path[folder.size()] == '/';
  });
}

}  // namespace tvmffi::hostd
