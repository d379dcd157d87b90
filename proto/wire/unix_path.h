// Where a shared daemon listens, and the checks that keep other users out of the way.
#ifndef TVMFFI_PROTO_WIRE_UNIX_PATH_H_
#define TVMFFI_PROTO_WIRE_UNIX_PATH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi {

// $XDG_RUNTIME_DIR/tvmffi-hostd, else /tmp/tvmffi-hostd-<uid>.
std::string RuntimeFolder();

// $TVMFFI_HOSTD_SOCKET, else hostd.sock in RuntimeFolder.
std::string DefaultSocketPath();

// Where the private daemon of that process number can be asked about its workers.
std::string PrivateSocketPath(int64_t pid);
// Of a folder: those whose daemon runs. Removes what others have left behind. Nothing is looked at
// in a folder that ConnectUnix would refuse.
std::vector<std::string> PrivateSocketPaths(const std::string& folder);

// Creates the folder of `socket_path` with mode 0700 when it is missing (its own parent must
// exist).
Status MakeSocketFolder(const std::string& socket_path);

// Connects, waiting at most until `deadline` (MonotonicNanos) for a busy daemon. Refuses, naming
// the path and both uids, a folder that others may write to, and a socket or daemon of a user who
// is neither this one nor root.
Result<UniqueFd> ConnectUnix(const std::string& path, int64_t deadline);

// A listening socket at a path, mode 0600. Move-only; destruction stops listening and removes the
// path.
class ListeningSocket {
 public:
  // Replaces a socket nobody listens on. Refuses when another daemon lives there, and whatever
  // ConnectUnix refuses.
  static Result<ListeningSocket> Listen(const std::string& path);
  // After MakeSocketFolder, again where another daemon's end removes the folder in between.
  static Result<ListeningSocket> ListenInOwnFolder(const std::string& path);

  ListeningSocket(ListeningSocket&& other) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&& other) = delete;
  ~ListeningSocket();

  int fd() const { return socket_.get(); }
  const std::string& path() const { return path_; }

 private:
  ListeningSocket(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  // Held locked next to the socket, at `path`.lock: says who may replace it. Removed before it is
  // released.
  UniqueFd lock_;
  UniqueFd socket_;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_WIRE_UNIX_PATH_H_
