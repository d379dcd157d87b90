#include "tools/hostctl/daemon_link.h"

#include <utility>

#include "proto/wire/unix_path.h"

namespace tvmffi::hostctl {
namespace {

constexpr double kSeconds = 5.0;

}  // namespace

Result<DaemonLink> DaemonLink::Connect(const std::string& path) {
  Result<UniqueFd> socket = ConnectUnix(path, DeadlineAfter(kSeconds));
  if (!socket.ok()) return socket.status();
  return Open(std::move(*socket), path);
}

Result<DaemonLink> DaemonLink::Open(UniqueFd socket, std::string name) {
  DaemonLink link(ControlConnection(std::move(socket)), std::move(name));
  Result<wire::Welcome> welcome =
      link.Ask<wire::Welcome>(wire::Hello{1, wire::kProtocol, TVMFFI_VERSION});
  if (!welcome.ok()) {
    return Status{welcome.status().code,
                  "the daemon at '" + link.path_ + "': " + welcome.status().message};
  }
  link.welcome_ = std::move(*welcome);
  return link;
}

Result<wire::Message> DaemonLink::AskAny(const wire::Message& request) {
  Result<std::vector<char>> payload = wire::Encode(request);
  if (!payload.ok()) return payload.status();
  const int64_t deadline = DeadlineAfter(kSeconds);
  TVMFFI_RETURN_IF_ERROR(connection_.Send(*payload, {}, deadline));
  Result<ControlFrame> frame = connection_.Receive(deadline);
  if (!frame.ok()) return frame.status();
  return wire::Decode(*frame);
}

Result<std::string> DaemonLink::Document(wire::DocumentKind kind, int32_t pid) {
  Result<wire::Document> document = Ask<wire::Document>(wire::GetDocument{2, kind, pid});
  if (!document.ok()) return document.status();
  return std::move(document->text);
}

Status DaemonLink::EndWorker(int32_t pid) {
  Result<wire::Done> done = Ask<wire::Done>(wire::EndWorker{3, pid});
  return done.ok() ? OkStatus() : done.status();
}

FoundDaemons FindDaemons() {
  std::vector<std::string> paths = PrivateSocketPaths(RuntimeFolder());
  paths.insert(paths.begin(), DefaultSocketPath());
  FoundDaemons found;
  for (const std::string& path : paths) {
    Result<DaemonLink> link = DaemonLink::Connect(path);
    if (link.ok()) {
      found.links.push_back(std::move(*link));
    } else if (!HasEnded(link.status())) {
      found.problems.push_back(link.status());
    }
  }
  return found;
}

bool HasEnded(const Status& status) {
  return status.code == Code::kNotFound || status.code == Code::kUnavailable;
}

}  // namespace tvmffi::hostctl
