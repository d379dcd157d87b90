#include "proto/wire/unix_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/wire/socket.h"

namespace tvmffi {
namespace {

std::string Quoted(const std::string& path) { return "'" + path + "'"; }

constexpr char kPrivate[] = "private-";
constexpr char kSocket[] = ".sock";
// At a folder that somebody goes on removing.
constexpr int kMaxAttempts = 1000;
// Each is opened: what is more than that waits for the next look.
constexpr size_t kMaxPrivate = 1024;

// "private-<pid>.sock", or the lock beside it.
bool IsPrivate(std::string_view name) {
  const std::string_view begin = kPrivate;
  if (name.substr(0, begin.size()) != begin) return false;
  name.remove_prefix(begin.size());
  const size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  const std::string_view end = name.substr(digits);
  return digits > 0 && (end == kSocket || end == std::string(kSocket) + ".lock");
}

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsTrusted(uid_t owner) { return owner == ::geteuid() || owner == 0; }

Status OwnedByAnother(const std::string& what, uid_t owner) {
  return {Code::kPermissionDenied, what + " belongs to uid " + std::to_string(owner) +
                                       ", this process runs as uid " + std::to_string(::geteuid())};
}

Status CheckFolder(const std::string& path) {
  std::string folder = FolderOf(path);
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return ErrnoStatus(errno,
                       "cannot use socket path " + Quoted(path) + ": folder " + Quoted(folder));
  }
  std::string what = "cannot use socket path " + Quoted(path) + ": folder " + Quoted(folder);
  if (!S_ISDIR(info.st_mode)) return {Code::kInvalidArgument, what + " is not a directory"};
  if (!IsTrusted(info.st_uid)) return OwnedByAnother(what, info.st_uid);
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof(mode), "%04o", info.st_mode & 07777);
    return {Code::kPermissionDenied,
            what + " has mode " + mode + ": others may write to it (need 0755 or less)"};
  }
  return OkStatus();
}

struct SocketFile {
  Status status;
  bool exists = false;
};

// Looks at what stands at the path and refuses whatever is no socket, or belongs to another user
// than this one or root.
SocketFile CheckSocketFile(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {OkStatus(), false};
    return {ErrnoStatus(errno, "cannot use socket path " + Quoted(path)), false};
  }
  if (S_ISDIR(info.st_mode)) {
    return {{Code::kInvalidArgument, "socket path " + Quoted(path) + " is a directory"}, true};
  }
  if (!S_ISSOCK(info.st_mode)) {
    return {{Code::kInvalidArgument, "socket path " + Quoted(path) + " is not a socket"}, true};
  }
  if (!IsTrusted(info.st_uid)) {
    return {OwnedByAnother("socket " + Quoted(path), info.st_uid), true};
  }
  return {OkStatus(), true};
}

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Status{Code::kInvalidArgument, "socket path is empty or holds a zero byte"};
  }
  if (path.size() >= sizeof(address.sun_path)) {
    return Status{Code::kInvalidArgument, "socket path " + Quoted(path) + " has " +
                                              std::to_string(path.size()) + " bytes, limit is " +
                                              std::to_string(sizeof(address.sun_path) - 1)};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<UniqueFd> NewSocket(int flags = 0) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket.valid()) return ErrnoStatus(errno, "cannot create a socket");
  return socket;
}

int ConnectTo(int socket, const sockaddr_un& address) {
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// connect() blocks while the daemon's backlog is full; a send timeout bounds that.
Status BoundConnect(int socket, int64_t deadline) {
  timeval timeout{};
  if (deadline != kNever) {
    int64_t left_us = std::max<int64_t>((deadline - MonotonicNanos()) / 1000, 1);
    timeout.tv_sec = static_cast<time_t>(left_us / 1'000'000);
    timeout.tv_usec = static_cast<suseconds_t>(left_us % 1'000'000);
  }
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0) {
    return OkStatus();
  }
  return ErrnoStatus(errno, "cannot set a socket's timeout");
}

// The lock file at `path`.lock, locked. Its holder alone may replace the socket.
Result<UniqueFd> LockPath(const std::string& path) {
  std::string lock_path = path + ".lock";
  for (;;) {
    UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock.valid()) return ErrnoStatus(errno, "cannot open " + Quoted(lock_path));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "cannot lock " + Quoted(lock_path));
      return Status{Code::kUnavailable, "another daemon is running on socket path " + Quoted(path)};
    }
    // Its last holder may have removed it between our open and our lock.
    struct stat ours {
    }, current{};
    if (::fstat(lock.get(), &ours) == 0 && ::stat(lock_path.c_str(), &current) == 0 &&
        ours.st_ino == current.st_ino && ours.st_dev == current.st_dev) {
      return lock;
    }
  }
}

// Removes a socket that nobody listens on any more.
Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  Result<UniqueFd> probe = NewSocket(SOCK_NONBLOCK);
  if (!probe.ok()) return probe.status();
  if (ConnectTo(probe->get(), address) == 0 || errno != ECONNREFUSED) {
    return {Code::kUnavailable, "another program listens on socket path " + Quoted(path)};
  }
  if (::unlink(path.c_str()) == 0) return OkStatus();
  return ErrnoStatus(errno, "cannot remove the stale socket " + Quoted(path));
}

// The socket's file is there from bind() on, and whoever waits for it would be refused until
// listen(): it gets its name last, and its mode before. The name until then is short whatever the
// length of `path`.
Status ListenAt(int socket, const std::string& path) {
  const std::string folder = FolderOf(path);
  UniqueFd there(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!there.valid()) return ErrnoStatus(errno, "cannot open " + Quoted(folder));
  const std::string name = ".tvmffi-hostd-" + std::to_string(::getpid());
  const std::string whole = "/proc/self/fd/" + std::to_string(there.get()) + "/" + name;
  Result<sockaddr_un> address = AddressOf(whole);
  if (!address.ok()) return address.status();
  ::unlinkat(there.get(), name.c_str(), 0);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&*address), sizeof(*address)) != 0) {
    return ErrnoStatus(errno, "cannot bind socket path " + Quoted(path));
  }
  if (::fchmodat(there.get(), name.c_str(), 0600, 0) == 0 && ::listen(socket, 64) == 0 &&
      ::renameat(there.get(), name.c_str(), AT_FDCWD, path.c_str()) == 0) {
    return OkStatus();
  }
  const Status failed = ErrnoStatus(errno, "cannot listen on socket path " + Quoted(path));
  ::unlinkat(there.get(), name.c_str(), 0);
  return failed;
}

}  // namespace

std::string RuntimeFolder() {
  if (const char* folder = std::getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder == '/') {
    return std::string(folder) + "/tvmffi-hostd";
  }
  return "/tmp/tvmffi-hostd-" + std::to_string(::geteuid());
}

std::string DefaultSocketPath() {
  if (const char* path = std::getenv("TVMFFI_HOSTD_SOCKET"); path != nullptr && *path != '\0') {
    return path;
  }
  return RuntimeFolder() + "/hostd.sock";
}

std::string PrivateSocketPath(int64_t pid) {
  return RuntimeFolder() + "/" + kPrivate + std::to_string(pid) + kSocket;
}

std::vector<std::string> PrivateSocketPaths(const std::string& folder) {
  if (!CheckFolder(folder + "/" + kPrivate).ok()) return {};
  std::set<std::string> paths;
  std::unique_ptr<DIR, void (*)(DIR*)> list(::opendir(folder.c_str()),
                                            [](DIR* open) { ::closedir(open); });
  if (list == nullptr) return {};
  while (paths.size() < kMaxPrivate) {
    const dirent* entry = ::readdir(list.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (!IsPrivate(name)) continue;
    paths.insert(folder + "/" + name.substr(0, name.rfind(kSocket) + std::strlen(kSocket)));
  }
  std::vector<std::string> running;
  for (const std::string& path : paths) {
    Result<UniqueFd> lock = LockPath(path);
    if (!lock.ok()) {
      running.push_back(path);
    } else {
      ::unlink(path.c_str());
      ::unlink((path + ".lock").c_str());
    }
  }
  return running;
}

Status MakeSocketFolder(const std::string& socket_path) {
  std::string folder = FolderOf(socket_path);
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return OkStatus();
  return ErrnoStatus(errno, "cannot create folder " + Quoted(folder) + " for the daemon's socket");
}

Result<UniqueFd> ConnectUnix(const std::string& path, int64_t deadline) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  TVMFFI_RETURN_IF_ERROR(CheckFolder(path));
  SocketFile file = CheckSocketFile(path);
  TVMFFI_RETURN_IF_ERROR(file.status);
  if (!file.exists) {
    return Status{Code::kNotFound, "no daemon: socket path " + Quoted(path) + " does not exist"};
  }
  Result<UniqueFd> socket = NewSocket();
  if (!socket.ok()) return socket.status();
  TVMFFI_RETURN_IF_ERROR(BoundConnect(socket->get(), deadline));
  while (ConnectTo(socket->get(), *address) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EINPROGRESS) {
      return Status{Code::kDeadlineExceeded, "deadline passed connecting to " + Quoted(path)};
    }
    return ErrnoStatus(errno, "cannot connect to the daemon at " + Quoted(path));
  }
  TVMFFI_RETURN_IF_ERROR(BoundConnect(socket->get(), kNever));
  Result<PeerCredentials> daemon = GetPeerCredentials(socket->get());
  if (!daemon.ok()) return daemon.status();
  if (!IsTrusted(daemon->uid)) return OwnedByAnother("the daemon at " + Quoted(path), daemon->uid);
  return socket;
}

Result<ListeningSocket> ListeningSocket::Listen(const std::string& path) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  TVMFFI_RETURN_IF_ERROR(CheckFolder(path));
  TVMFFI_RETURN_IF_ERROR(CheckSocketFile(path).status);
  Result<UniqueFd> lock = LockPath(path);
  if (!lock.ok()) return lock.status();
  ListeningSocket result(path, std::move(*lock));
  // Looked at again: its last owner may have gone, and removed it, before it gave up the lock.
  SocketFile file = CheckSocketFile(path);
  TVMFFI_RETURN_IF_ERROR(file.status);
  if (file.exists) TVMFFI_RETURN_IF_ERROR(RemoveStale(path, *address));
  Result<UniqueFd> socket = NewSocket();
  if (!socket.ok()) return socket.status();
  TVMFFI_RETURN_IF_ERROR(ListenAt(socket->get(), path));
  result.socket_ = std::move(*socket);
  return result;
}

Result<ListeningSocket> ListeningSocket::ListenInOwnFolder(const std::string& path) {
  for (int attempt = 1;; ++attempt) {
    TVMFFI_RETURN_IF_ERROR(MakeSocketFolder(path));
    Result<ListeningSocket> socket = Listen(path);
    const bool gone = !socket.ok() && socket.status().code == Code::kNotFound;
    if (!gone || attempt == kMaxAttempts) return socket;
  }
}

ListeningSocket::~ListeningSocket() {
  if (socket_.valid()) ::unlink(path_.c_str());
  if (lock_.valid()) ::unlink((path_ + ".lock").c_str());
}

}  // namespace tvmffi
