// Accepts connections on a listening socket.
#ifndef TVMFFI_HOSTD_LOOP_LISTENER_H_
#define TVMFFI_HOSTD_LOOP_LISTENER_H_

#include <functional>
#include <memory>

#include "hostd/loop/fd_watch.h"
#include "hostd/loop/timer.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

class Listener {
 public:
  // Borrows the listening `socket`. Short of descriptors it drops who is waiting, by one descriptor
  // kept for that, and rests for a moment instead of spinning.
  static Result<std::unique_ptr<Listener>> Create(EventLoop* loop, int socket,
                                                  std::function<void(UniqueFd)> on_connection);

 private:
  Listener(EventLoop* loop, int socket, std::function<void(UniqueFd)> on_connection);
  void Accept();
  void Refuse();

  int socket_;
  std::function<void(UniqueFd)> on_connection_;
  Timer rest_;
  UniqueFd spare_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_LISTENER_H_
