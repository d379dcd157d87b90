// Answers "GET" on a Unix socket with the metrics of the moment, for scrapers that speak HTTP.
#ifndef TVMFFI_HOSTD_OBSERVE_METRICS_SERVER_H_
#define TVMFFI_HOSTD_OBSERVE_METRICS_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hostd/loop/event_loop.h"
#include "hostd/loop/listener.h"
#include "proto/wire/unix_path.h"

namespace tvmffi::hostd {

// A connection gets one answer and is closed; one that takes too long over either is closed too.
class MetricsServer {
 public:
  static constexpr size_t kMaxConnections = 8;
  static constexpr size_t kMaxRequest = 8192;
  static constexpr uint64_t kPatienceMs = 5'000;

  // Listens at `path`; `metrics` makes the text.
  static Result<std::unique_ptr<MetricsServer>> Create(EventLoop* loop, const std::string& path,
                                                       std::function<std::string()> metrics);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  ~MetricsServer();

 private:
  class Connection;
  using Connections = std::map<uint64_t, std::unique_ptr<Connection>>;
  MetricsServer(EventLoop* loop, std::function<std::string()> metrics);
  void OnConnection(UniqueFd socket);

  EventLoop* loop_;
  std::function<std::string()> metrics_;
  std::optional<ListeningSocket> socket_;
  std::unique_ptr<Listener> listener_;
  uint64_t next_ = 0;
  // What ends a connection may come after the server's own end.
  std::shared_ptr<Connections> connections_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_OBSERVE_METRICS_SERVER_H_
