// A connection to a running daemon that only asks.
#ifndef TVMFFI_TOOLS_HOSTCTL_DAEMON_LINK_H_
#define TVMFFI_TOOLS_HOSTCTL_DAEMON_LINK_H_

#include <string>
#include <variant>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/status.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostctl {

class DaemonLink {
 public:
  // Unavailable when nobody listens at `path`.
  static Result<DaemonLink> Connect(const std::string& path);
  // Over a connected socket; `name` names it in messages.
  static Result<DaemonLink> Open(UniqueFd socket, std::string name);

  Result<std::string> Document(wire::DocumentKind kind, int32_t pid = 0);
  // Ends a worker, by its process number.
  Status EndWorker(int32_t pid);

  const std::string& path() const { return path_; }
  const wire::Welcome& welcome() const { return welcome_; }

 private:
  DaemonLink(ControlConnection connection, std::string path)
      : connection_(std::move(connection)), path_(std::move(path)) {}
  Result<wire::Message> AskAny(const wire::Message& request);
  template <typename Answer>
  Result<Answer> Ask(const wire::Message& request) {
    Result<wire::Message> answer = AskAny(request);
    if (!answer.ok()) return answer.status();
    if (auto* failed = std::get_if<wire::Failed>(&*answer)) {
      return Status{failed->code, failed->message};
    }
    if (auto* expected = std::get_if<Answer>(&*answer)) return std::move(*expected);
    return Status{Code::kInternal,
                  "the daemon at '" + path_ + "' answered with " + wire::MessageName(*answer)};
  }

  ControlConnection connection_;
  std::string path_;
  wire::Welcome welcome_;
};

struct FoundDaemons {
  std::vector<DaemonLink> links;
  // Of those that are there and cannot be asked: they hang, speak another protocol, are not
  // trusted.
  std::vector<Status> problems;
};

// The daemons of this user: the shared one at the default path and the private ones in the runtime
// folder. Those that have ended are left out.
FoundDaemons FindDaemons();

// Whether nobody listens there any more, as a failed connection or question tells.
bool HasEnded(const Status& status);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_DAEMON_LINK_H_
