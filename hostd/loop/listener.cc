#include "hostd/loop/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace tvmffi::hostd {
namespace {

constexpr int kAcceptsPerRound = 16;
constexpr uint64_t kRestMs = 100;

bool IsShortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

UniqueFd Spare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Listener::Listener(EventLoop* loop, int socket, std::function<void(UniqueFd)> on_connection)
    : socket_(socket),
      on_connection_(std::move(on_connection)),
      rest_(loop, [this] { watch_->SetEvents(FdWatch::kReadable); }),
      spare_(Spare()) {}

Result<std::unique_ptr<Listener>> Listener::Create(EventLoop* loop, int socket,
                                                   std::function<void(UniqueFd)> on_connection) {
  std::unique_ptr<Listener> listener(new Listener(loop, socket, std::move(on_connection)));
  Result<std::unique_ptr<FdWatch>> watch =
      FdWatch::Create(loop, socket, [raw = listener.get()](int) { raw->Accept(); });
  if (!watch.ok()) return watch.status();
  listener->watch_ = std::move(*watch);
  listener->watch_->SetEvents(FdWatch::kReadable);
  return listener;
}

void Listener::Refuse() {
  spare_.reset();
  UniqueFd refused(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  refused.reset();
  spare_ = Spare();
}

void Listener::Accept() {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    UniqueFd connection(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      on_connection_(std::move(connection));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (IsShortage(errno)) {
      Refuse();
      watch_->SetEvents(0);
      rest_.Start(kRestMs);
    }
    return;
  }
}

}  // namespace tvmffi::hostd
