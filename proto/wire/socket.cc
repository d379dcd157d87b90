#include "proto/wire/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace tvmffi {
namespace {

constexpr int64_t kFirstPause = 1'000'000;
constexpr int64_t kLongestPause = 32'000'000;
constexpr size_t kControlSpace = CMSG_SPACE(kMaxControlFds * sizeof(int));

// Takes ownership of every descriptor in the message, also of one that is refused right after.
std::vector<UniqueFd> TakeFds(msghdr* message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

ssize_t SendPiece(int socket, const ControlSender::Piece& piece) {
  iovec data{const_cast<char*>(piece.bytes), piece.size};
  alignas(cmsghdr) char control[kControlSpace] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (piece.fds != nullptr) {
    size_t bytes = piece.fds->size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(bytes);
    for (size_t i = 0; i < piece.fds->size(); ++i) {
      int fd = (*piece.fds)[i].get();
      std::memcpy(CMSG_DATA(part) + i * sizeof(int), &fd, sizeof(int));
    }
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// A failed sendmsg has sent nothing.
bool IsShortage(int error_number) {
  return error_number == ENOBUFS || error_number == ENOMEM || error_number == ETOOMANYREFS;
}

void Pause(int64_t nanos) {
  const timespec time{0, static_cast<long>(nanos)};
  ::nanosleep(&time, nullptr);
}

// kOk when the socket is ready for `events` (or has an error to report), kDeadlineExceeded
// otherwise.
Status WaitFor(int socket, short events, int64_t deadline, const char* what) {
  for (;;) {
    int64_t left = deadline == kNever ? kNever : deadline - MonotonicNanos();
    if (left <= 0) return {Code::kDeadlineExceeded, std::string("deadline passed ") + what};
    // Rounded up: waking early would spin through the last millisecond.
    int timeout_ms = static_cast<int>(std::min<int64_t>((left - 1) / 1'000'000 + 1, 1'000'000));
    pollfd entry{socket, events, 0};
    int ready = ::poll(&entry, 1, timeout_ms);
    if (ready > 0) return OkStatus();
    if (ready < 0 && errno == ENOMEM) {
      Pause(kFirstPause);
      continue;
    }
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, std::string("cannot poll ") + what);
  }
}

}  // namespace

Result<PeerCredentials> GetPeerCredentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoStatus(errno, "cannot get the credentials of a socket's peer");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<std::pair<UniqueFd, UniqueFd>> ControlSocketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "cannot create a socket pair");
  }
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<IoOutcome> ReadControl(int socket, ControlReceiver* receiver, LostFds lost_fds) {
  char bytes[ControlReceiver::kMaxPiece];
  alignas(cmsghdr) char control[kControlSpace];
  iovec data{bytes, sizeof(bytes)};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);

  ssize_t size;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return IoOutcome::kWouldBlock;
    return ErrnoStatus(errno, "cannot read from the control socket");
  }
  std::vector<UniqueFd> fds = TakeFds(&message);
  const bool lost = (message.msg_flags & MSG_CTRUNC) != 0;
  if (lost && lost_fds == LostFds::kNote) fds.clear();
  if (lost && lost_fds == LostFds::kFail) {
    return Status{Code::kResourceExhausted,
                  "descriptors sent over the control socket were lost: more than " +
                      std::to_string(kMaxControlFds) + " came, or this process may open no more"};
  }
  if (size == 0) {
    if (!receiver->mid_frame()) return IoOutcome::kEnd;
    return Status{Code::kUnavailable, "the control connection ended inside a frame"};
  }
  TVMFFI_RETURN_IF_ERROR(receiver->Append(bytes, static_cast<size_t>(size), std::move(fds), lost));
  return IoOutcome::kProgress;
}

Result<IoOutcome> WriteControl(int socket, ControlSender* sender) {
  while (!sender->empty()) {
    ssize_t size = SendPiece(socket, sender->Front());
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return IoOutcome::kWouldBlock;
      const bool shortage = IsShortage(errno);
      Status status = ErrnoStatus(errno, "cannot write to the control socket");
      if (!shortage && status.code == Code::kResourceExhausted) status.code = Code::kInternal;
      return status;
    }
    sender->Written(static_cast<size_t>(size));
  }
  return IoOutcome::kProgress;
}

Status ControlConnection::Send(const std::vector<char>& payload, std::vector<UniqueFd> fds,
                               int64_t deadline) {
  TVMFFI_RETURN_IF_ERROR(sender_.Queue(payload, std::move(fds)));
  const int64_t give_up = std::min(deadline, DeadlineAfter(kShortageSeconds));
  int64_t pause = kFirstPause;
  for (;;) {
    Result<IoOutcome> outcome = WriteControl(socket_.get(), &sender_);
    if (!outcome.ok()) {
      TVMFFI_RETURN_IF_ERROR(WaitForKernel(outcome.status(), give_up, &pause));
      continue;
    }
    if (*outcome == IoOutcome::kProgress) return OkStatus();
    TVMFFI_RETURN_IF_ERROR(
        WaitFor(socket_.get(), POLLOUT, deadline, "writing to the control socket"));
  }
}

Status ControlConnection::WaitForKernel(const Status& shortage, int64_t give_up, int64_t* pause) {
  if (shortage.code != Code::kResourceExhausted) return shortage;
  if (MonotonicNanos() >= give_up) {
    return sender_.Withdraw() ? shortage : Status{Code::kInternal, shortage.message};
  }
  Pause(*pause);
  *pause = std::min(2 * *pause, kLongestPause);
  return OkStatus();
}

Result<ControlFrame> ControlConnection::Receive(int64_t deadline, LostFds lost_fds) {
  for (;;) {
    Result<std::optional<ControlFrame>> frame = receiver_.Next();
    if (!frame.ok()) return frame.status();
    if (frame->has_value()) return std::move(**frame);
    Result<IoOutcome> outcome = ReadControl(socket_.get(), &receiver_, lost_fds);
    if (!outcome.ok()) return outcome.status();
    if (*outcome == IoOutcome::kEnd) {
      return Status{Code::kUnavailable, "the peer closed the control connection"};
    }
    if (*outcome == IoOutcome::kWouldBlock) {
      TVMFFI_RETURN_IF_ERROR(
          WaitFor(socket_.get(), POLLIN, deadline, "waiting for the control socket"));
    }
  }
}

}  // namespace tvmffi
