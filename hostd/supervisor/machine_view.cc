#include "hostd/supervisor/machine_view.h"

#include <fcntl.h>
#include <poll.h>

#include <utility>

namespace tvmffi::hostd {

MachineView::MachineView(std::vector<std::string> paths)
    : paths_(std::move(paths)), mounts_(::open("/proc/self/mounts", O_RDONLY | O_CLOEXEC)) {
  for (const std::string& path : paths_) seen_.push_back(Look(path));
}

MachineView::Seen MachineView::Look(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? Seen{info.st_dev, info.st_ino} : Seen{};
}

bool MachineView::Changed() {
  bool changed = false;
  // The kernel tells of each change once per opening of that file.
  pollfd mounts{mounts_.get(), POLLPRI, 0};
  if (!mounts_.valid() || (::poll(&mounts, 1, 0) == 1 && (mounts.revents & POLLPRI) != 0)) {
    changed = true;
  }
  for (size_t i = 0; i < paths_.size(); ++i) {
    const Seen now = Look(paths_[i]);
    if (now.device == seen_[i].device && now.inode == seen_[i].inode) continue;
    seen_[i] = now;
    changed = true;
  }
  return changed;
}

}  // namespace tvmffi::hostd
