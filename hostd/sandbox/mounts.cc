#include "hostd/sandbox/mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "hostd/sandbox/reads.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

// Where the old and the new tree are while the new one is made.
constexpr const char* kStage = "/tmp";
constexpr const char* kOld = "/old";
constexpr const char* kNew = "/new";

Status Failed(const std::string& what) { return ErrnoStatus(errno, "cannot " + what); }

Status Mount(const char* source, const std::string& target, const char* type, unsigned long flags,
             const std::string& data) {
  if (::mount(source, target.c_str(), type, flags, data.c_str()) == 0) return OkStatus();
  return Failed("mount " + std::string(source) + " at '" + target + "'");
}

Status Restrict(const std::string& target, uint64_t attributes, unsigned flags) {
  mount_attr attr{};
  attr.attr_set = attributes;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, target.c_str(), flags, &attr, sizeof(attr)) == 0)
    return OkStatus();
  return Failed("make '" + target + "' read-only");
}

Status PivotRoot(const char* new_root, const char* put_old) {
  if (::syscall(SYS_pivot_root, new_root, put_old) == 0) return OkStatus();
  return Failed(std::string("make '") + new_root + "' the root");
}

Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return OkStatus();
  return Failed("create folder '" + path + "'");
}

Status MakeParents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    TVMFFI_RETURN_IF_ERROR(MakeFolder(path.substr(0, slash)));
  }
  return OkStatus();
}

Status MakeFile(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0644));
  return file.valid() || errno == EEXIST ? OkStatus() : Failed("create file '" + path + "'");
}

struct Source {
  std::string path;       // as the worker will name it
  std::string canonical;  // without symbolic links
  bool is_folder;
};

// In the old tree: its absolute symbolic links lead nowhere elsewhere.
std::vector<Source> FindSources(const std::vector<std::string>& paths) {
  std::vector<Source> sources;
  for (const std::string& path : paths) {
    std::unique_ptr<char, void (*)(void*)> canonical(::realpath(path.c_str(), nullptr), &::free);
    struct stat info {};
    if (canonical == nullptr || ::stat(canonical.get(), &info) != 0) continue;
    sources.push_back({path, canonical.get(), S_ISDIR(info.st_mode)});
    if (path != canonical.get()) {
      sources.push_back({canonical.get(), canonical.get(), S_ISDIR(info.st_mode)});
    }
  }
  // A folder before what lies in it.
  std::stable_sort(sources.begin(), sources.end(),
                   [](const Source& a, const Source& b) { return a.path.size() < b.path.size(); });
  return sources;
}

Status BindOne(const Source& source) {
  const std::string target = kNew + source.path;
  TVMFFI_RETURN_IF_ERROR(MakeParents(target));
  TVMFFI_RETURN_IF_ERROR(source.is_folder ? MakeFolder(target) : MakeFile(target));
  const std::string from = kOld + source.canonical;
  TVMFFI_RETURN_IF_ERROR(Mount(from.c_str(), target, nullptr, MS_BIND | MS_REC, ""));
  return Restrict(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, AT_RECURSIVE);
}

Status PlaceLinks(const std::vector<std::string>& bound, std::vector<FileLink>* links) {
  for (FileLink& link : *links) {
    if (LiesUnder(link.path, bound)) continue;
    const std::string place = kNew + link.path;
    TVMFFI_RETURN_IF_ERROR(MakeParents(place));
    // A folder on the way may be a link into one that was bound.
    link.placed = ::symlink(link.target.c_str(), place.c_str()) == 0;
  }
  return OkStatus();
}

Status MountProc(bool own) {
  const std::string target = std::string(kNew) + "/proc";
  TVMFFI_RETURN_IF_ERROR(MakeFolder(target));
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (own) return Mount("proc", target, "proc", kFlags | MS_RDONLY, "");
  const std::string from = std::string(kOld) + "/proc";
  TVMFFI_RETURN_IF_ERROR(Mount(from.c_str(), target, nullptr, MS_BIND | MS_REC, ""));
  return Restrict(target, MOUNT_ATTR_RDONLY, AT_RECURSIVE);
}

Status MountTmp(uint64_t bytes) {
  if (bytes == 0) return OkStatus();
  const std::string target = std::string(kNew) + "/tmp";
  TVMFFI_RETURN_IF_ERROR(MakeFolder(target));
  return Mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
               "mode=1777,nr_inodes=16k,size=" + std::to_string(bytes));
}

Status LeaveOldRoot() {
  if (::chdir(kNew) != 0) return Failed("enter the new root");
  TVMFFI_RETURN_IF_ERROR(PivotRoot(".", "."));
  if (::umount2(".", MNT_DETACH) != 0) return Failed("leave the old root");
  if (::chdir("/") != 0) return Failed("enter the new root");
  return Restrict("/", MOUNT_ATTR_RDONLY, 0);
}

}  // namespace

Status NewRoot::Make(const RootSpec& spec) {
  // Nothing that happens here shows outside, nor the other way round.
  TVMFFI_RETURN_IF_ERROR(Mount("none", "/", nullptr, MS_REC | MS_PRIVATE, ""));
  TVMFFI_RETURN_IF_ERROR(Mount("tmpfs", kStage, "tmpfs", 0, "mode=755,size=64k"));
  const std::string stage = kStage;
  TVMFFI_RETURN_IF_ERROR(MakeFolder(stage + kOld));
  TVMFFI_RETURN_IF_ERROR(MakeFolder(stage + kNew));
  TVMFFI_RETURN_IF_ERROR(PivotRoot(kStage, (stage + kOld).c_str()));
  if (::chdir("/") != 0) return Failed("enter the stage");
  TVMFFI_RETURN_IF_ERROR(Mount("tmpfs", kNew, "tmpfs", MS_NOSUID, "mode=755,size=4m"));
  TVMFFI_RETURN_IF_ERROR(MountProc(spec.own_proc));
  // Before the rest: what may be read can lie in /tmp.
  return MountTmp(spec.tmpfs_bytes);
}

Status NewRoot::InOldTree(const std::function<void()>& look) const {
  if (::chroot(kOld) != 0) return Failed("look into the old tree");
  look();
  // The working folder is still the stage.
  if (::chroot(".") != 0) return Failed("leave the old tree");
  return OkStatus();
}

Status NewRoot::Bind(const std::vector<std::string>& paths) {
  std::vector<Source> sources;
  TVMFFI_RETURN_IF_ERROR(InOldTree([&] { sources = FindSources(paths); }));
  for (const Source& source : sources) {
    if (LiesUnder(source.path, bound_)) continue;
    TVMFFI_RETURN_IF_ERROR(BindOne(source));
    bound_.push_back(source.path);
  }
  return OkStatus();
}

Status NewRoot::Enter(std::vector<FileLink>* links) {
  TVMFFI_RETURN_IF_ERROR(PlaceLinks(bound_, links));
  return LeaveOldRoot();
}

}  // namespace tvmffi::hostd
