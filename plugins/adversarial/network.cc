// C1.8: the network, and sockets of this machine.

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "attempts.h"

namespace adversarial {

using tvm::ffi::String;

namespace {

sockaddr_in Local(int64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool ConnectUnix(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return file >= 0 && connect(file, reinterpret_cast<sockaddr*>(&address), size) == 0;
}

}  // namespace

// Reaches a listener on `port` of this machine, one at the abstract name and one at the path.
Attempts Reach(int64_t port, String abstract_name, String path) {
  Attempts attempts;
  sockaddr_in address = Local(port);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Note(&attempts, "connect by TCP", tcp >= 0 && connect(tcp, generic, sizeof(address)) == 0);
  const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Note(&attempts, "send by UDP", udp >= 0 && sendto(udp, "x", 1, 0, generic, sizeof(address)) == 1);
  sockaddr_in any = Local(0);
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Note(&attempts, "listen",
       server >= 0 && bind(server, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0 &&
           listen(server, 1) == 0);
  Note(&attempts, "connect to an abstract socket",
       ConnectUnix(std::string(1, '\0') + std::string(abstract_name)));
  Note(&attempts, "connect to a socket in a folder", ConnectUnix(std::string(path)));
  Note(&attempts, "netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) >= 0);
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(reach, Reach);

}  // namespace adversarial
