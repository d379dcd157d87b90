#include "hostd/worker/module_table.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "hostd/worker/crash_capture.h"
#include "proto/base/clock.h"
#include "proto/base/sealed_file.h"
#include "proto/elf/elf_file.h"
#include "proto/elf/run_path.h"

namespace tvmffi::hostd {
namespace {

std::string FileOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

Result<std::vector<FileLink>> ModuleTable::Reserve(const std::vector<std::string>& paths) {
  std::vector<FileLink> links;
  for (const std::string& path : paths) {
    if (!elf::HasLibraryName(path) || entries_.count(path) != 0) continue;
    UniqueFd place(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!place.valid()) return ErrnoStatus(errno, "cannot reserve a descriptor for '" + path + "'");
    links.push_back({path, FileOf(place.get())});
    entries_[path].fd = std::move(place);
  }
  return links;
}

void ModuleTable::SetPlaced(const std::vector<FileLink>& links) {
  for (const FileLink& link : links) entries_[link.path].in_place = link.placed;
}

Status ModuleTable::Lend(const std::string& path, UniqueFd fd_untrusted) {
  TVMFFI_RETURN_IF_ERROR(SealedFile::Check(fd_untrusted.get()));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry& entry = entries_[path];
    if (entry.loaded) return OkStatus();
    if (!entry.fd.valid()) {
      entry.fd = std::move(fd_untrusted);
    } else if (::dup3(fd_untrusted.get(), entry.fd.get(), O_CLOEXEC) < 0) {
      return ErrnoStatus(errno, "cannot take the copy of '" + path + "'");
    }
    entry.lent = true;
    if (!entry.in_place) AddModuleName(FileOf(entry.fd.get()).c_str(), path.c_str());
  }
  arrived_.notify_all();
  return OkStatus();
}

void ModuleTable::SetLoaded(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  entries_[path].loaded = true;
}

std::optional<ModuleTable::Loadable> ModuleTable::Await(const std::string& path, int64_t deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    const Entry& entry = entries_[path];
    if (entry.lent) {
      const int fd = entry.fd.get();
      return Loadable{entry.in_place ? path : FileOf(fd), fd, entry.in_place};
    }
    const int64_t left = deadline - MonotonicNanos();
    if (left <= 0) return std::nullopt;
    arrived_.wait_for(lock, std::chrono::nanoseconds(left));
  }
}

void LoadNeighbours(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || info.st_size <= 0) return;
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return;
  Result<elf::ElfFile> file = elf::ReadElf(data, size);
  ::munmap(data, size);
  if (!file.ok() || (file->rpath + file->runpath).find("ORIGIN") == std::string::npos) return;
  for (const std::string& name : file->needed) {
    for (const std::string& folder : elf::SearchFolders(*file, path)) {
      const std::string library = folder + "/" + name;
      if (::access(library.c_str(), R_OK) != 0) continue;
      ::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL);
      break;
    }
  }
}

}  // namespace tvmffi::hostd
