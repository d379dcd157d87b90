// B25, D5: notes for a later call, left with the files in memory that this process was lent: where
// the next worker gets the same ones, it finds them.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "attempts.h"

namespace adversarial {
namespace {

using tvm::ffi::TensorView;

constexpr int64_t kMark = 4711;
constexpr mode_t kMode = 0640;
constexpr uint64_t kHint = 3;  // RWH_WRITE_LIFE_MEDIUM

std::string PathOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::vector<int> LentFiles() {
  std::vector<int> files;
  for (int fd = 0; fd < 256; ++fd) {
    char name[64] = "";
    if (readlink(PathOf(fd).c_str(), name, sizeof(name) - 1) < 0) continue;
    const std::string text = name;
    for (const char* lent : {"memfd:tvmffi-module", "memfd:tvmffi-input", "memfd:tvmffi-tensor"}) {
      if (text.find(lent) != std::string::npos) files.push_back(fd);
    }
  }
  return files;
}

bool IsLocked(int fd) {
  const int again = open(PathOf(fd).c_str(), O_RDONLY | O_CLOEXEC);
  if (again < 0) return false;
  const bool locked = flock(again, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(again);
  return locked;
}

}  // namespace

// How many files there are to leave something with. The tensor is for its file.
int64_t Leave(TensorView) {
  for (int fd : LentFiles()) {
    lseek(fd, kMark, SEEK_SET);
    flock(fd, LOCK_EX | LOCK_NB);
    fchmod(fd, kMode);
    const timespec times[] = {{kMark, 0}, {kMark, 0}};
    futimens(fd, times);
    fcntl(fd, F_SET_RW_HINT, &kHint);
  }
  return static_cast<int64_t>(LentFiles().size());
}

Attempts FindLeft(TensorView) {
  bool offset = false, lock = false, mode = false, time = false, hint = false;
  for (int fd : LentFiles()) {
    struct stat info {};
    uint64_t found = 0;
    fstat(fd, &info);
    offset |= lseek(fd, 0, SEEK_CUR) == kMark;
    lock |= IsLocked(fd);
    mode |= (info.st_mode & 0777) == kMode;
    time |= info.st_mtim.tv_sec == kMark;
    hint |= fcntl(fd, F_GET_RW_HINT, &found) == 0 && found == kHint;
  }
  Attempts attempts;
  errno = ENOENT;
  Note(&attempts, "the offset", offset);
  Note(&attempts, "a lock", lock);
  Note(&attempts, "the mode", mode);
  Note(&attempts, "the times", time);
  Note(&attempts, "a hint", hint);
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(leave, Leave);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(find_left, FindLeft);

}  // namespace adversarial
