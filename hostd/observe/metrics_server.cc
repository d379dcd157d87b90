#include "hostd/observe/metrics_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "hostd/loop/fd_watch.h"
#include "hostd/loop/timer.h"
#include "proto/wire/socket.h"

namespace tvmffi::hostd {
namespace {

std::string Response(const std::string& request, const std::function<std::string()>& metrics) {
  const bool is_get = request.rfind("GET ", 0) == 0;
  const std::string body = is_get ? metrics() : "only GET is answered\n";
  return std::string("HTTP/1.0 ") + (is_get ? "200 OK" : "405 Method Not Allowed") +
         "\r\nContent-Type: " +
         (is_get ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain") +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

bool TryLater(int error_number) {
  return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR;
}

}  // namespace

class MetricsServer::Connection {
 public:
  Connection(MetricsServer* server, UniqueFd socket, std::function<void()> on_end)
      : server_(server),
        socket_(std::move(socket)),
        on_end_(std::move(on_end)),
        patience_(server->loop_, [this] { on_end_(); }) {}

  Status Start() {
    Result<std::unique_ptr<FdWatch>> watch =
        FdWatch::Create(server_->loop_, socket_.get(), [this](int) { OnReady(); });
    if (!watch.ok()) return watch.status();
    watch_ = std::move(*watch);
    watch_->SetEvents(FdWatch::kReadable);
    patience_.Start(kPatienceMs);
    return OkStatus();
  }

 private:
  void OnReady() {
    if (response_.empty()) {
      Read();
    } else {
      Write();
    }
  }

  void Read() {
    char piece[1024];
    const ssize_t size = ::recv(socket_.get(), piece, sizeof(piece), 0);
    if (size < 0 && TryLater(errno)) return;
    if (size <= 0) return End();
    request_.append(piece, static_cast<size_t>(size));
    if (request_.size() > kMaxRequest) return End();
    if (request_.find("\r\n\r\n") == std::string::npos) return;
    response_ = Response(request_, server_->metrics_);
    watch_->SetEvents(FdWatch::kWritable);
  }

  void Write() {
    const ssize_t size = ::send(socket_.get(), response_.data() + written_,
                                response_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && TryLater(errno)) return;
    if (size < 0) return End();
    written_ += static_cast<size_t>(size);
    if (written_ == response_.size()) End();
  }

  void End() {
    watch_->SetEvents(0);
    patience_.Stop();
    on_end_();
  }

  MetricsServer* server_;
  UniqueFd socket_;
  std::function<void()> on_end_;
  std::string request_;
  std::string response_;
  size_t written_ = 0;
  Timer patience_;
  std::unique_ptr<FdWatch> watch_;
};

MetricsServer::MetricsServer(EventLoop* loop, std::function<std::string()> metrics)
    : loop_(loop), metrics_(std::move(metrics)), connections_(std::make_shared<Connections>()) {}

MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::Create(EventLoop* loop,
                                                             const std::string& path,
                                                             std::function<std::string()> metrics) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(loop, std::move(metrics)));
  Result<ListeningSocket> socket = ListeningSocket::ListenInOwnFolder(path);
  if (!socket.ok()) return socket.status();
  server->socket_.emplace(std::move(*socket));
  Result<std::unique_ptr<Listener>> listener = Listener::Create(
      loop, server->socket_->fd(),
      [raw = server.get()](UniqueFd connection) { raw->OnConnection(std::move(connection)); });
  if (!listener.ok()) return listener.status();
  server->listener_ = std::move(*listener);
  return server;
}

void MetricsServer::OnConnection(UniqueFd socket) {
  Result<PeerCredentials> peer = GetPeerCredentials(socket.get());
  if (!peer.ok() || (peer->uid != ::geteuid() && peer->uid != 0)) return;
  if (connections_->size() >= kMaxConnections) return;
  const uint64_t number = next_++;
  auto connection = std::make_unique<Connection>(
      this, std::move(socket),
      [loop = loop_, all = std::weak_ptr<Connections>(connections_), number] {
        // It is calling.
        loop->Defer([all, number] {
          if (std::shared_ptr<Connections> left = all.lock()) left->erase(number);
        });
      });
  if (connection->Start().ok()) (*connections_)[number] = std::move(connection);
}

}  // namespace tvmffi::hostd
