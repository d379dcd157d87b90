#include "proto/wire/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "tests/support/fd_leak_check.h"

namespace {

// What the next calls of sendmsg() fail with: as many as `failures` says.
std::atomic<int> failures{0};
std::atomic<int> failure{0};

}  // namespace

// Stands before the C library's in this program.
extern "C" ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  if (failures > 0) {
    --failures;
    errno = failure;
    return -1;
  }
  return ::syscall(SYS_sendmsg, socket, message, flags);
}

namespace tvmffi {
namespace {

constexpr int kAlways = 1 << 30;

std::vector<char> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

// While it lives, this process may open none.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    // The next free one is just out of reach.
    const UniqueFd next_free(::dup(STDERR_FILENO));
    const rlimit none{static_cast<rlim_t>(next_free.get()), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

class SocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ends = ControlSocketPair();
    ASSERT_TRUE(ends.ok());
    here_ = ControlConnection(std::move(ends->first));
    there_ = ControlConnection(std::move(ends->second));
  }

  // Sends bytes and descriptors past the frame layer.
  void SendRaw(const std::string& bytes, size_t num_fds) {
    std::vector<int> fds(num_fds, STDERR_FILENO);
    std::vector<char> control(CMSG_SPACE(num_fds * sizeof(int)));
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
    std::memcpy(CMSG_DATA(part), fds.data(), num_fds * sizeof(int));
    ASSERT_EQ(::sendmsg(here_.fd(), &message, 0), static_cast<ssize_t>(bytes.size()));
  }

  testing::FdLeakCheck leak_check_;
  ControlConnection here_, there_;
};

TEST_F(SocketTest, CarriesFramesWithTheirDescriptors) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd write_end(ends[1]);
  std::vector<UniqueFd> fds;
  fds.emplace_back(ends[0]);
  ASSERT_TRUE(here_.Send(Bytes("with"), std::move(fds), DeadlineAfter(5)).ok());
  ASSERT_TRUE(here_.Send(Bytes("without"), {}, DeadlineAfter(5)).ok());

  auto with = there_.Receive(DeadlineAfter(5));
  auto without = there_.Receive(DeadlineAfter(5));

  ASSERT_TRUE(with.ok() && without.ok());
  EXPECT_EQ(with->payload_untrusted, Bytes("with"));
  ASSERT_EQ(with->fds.size(), 1u);
  EXPECT_EQ(::fcntl(with->fds[0].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(with->fds[0].get(), &byte, 1), 1);
  EXPECT_EQ(without->payload_untrusted, Bytes("without"));
  EXPECT_TRUE(without->fds.empty());
}

TEST_F(SocketTest, AFrameLargerThanTheSocketBufferArrivesWhole) {
  std::vector<char> payload(kMaxControlPayload);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 31);
  std::thread sender([&] { EXPECT_TRUE(here_.Send(payload, {}, DeadlineAfter(10)).ok()); });

  auto frame = there_.Receive(DeadlineAfter(10));

  sender.join();
  ASSERT_TRUE(frame.ok()) << frame.status().message;
  EXPECT_EQ(frame->payload_untrusted, payload);
}

TEST_F(SocketTest, ReceivingEndsAtTheDeadlineAndCanGoOn) {
  auto nothing = there_.Receive(DeadlineAfter(0.01));
  ASSERT_TRUE(here_.Send(Bytes("late"), {}, DeadlineAfter(5)).ok());
  auto late = there_.Receive(DeadlineAfter(5));

  EXPECT_EQ(nothing.status().code, Code::kDeadlineExceeded);
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->payload_untrusted, Bytes("late"));
}

TEST_F(SocketTest, SendingToAPeerThatDoesNotReadEndsAtTheDeadline) {
  Status status = OkStatus();
  for (int i = 0; i < 100 && status.ok(); ++i) {
    status = here_.Send(std::vector<char>(kMaxControlPayload), {}, DeadlineAfter(0.05));
  }

  EXPECT_EQ(status.code, Code::kDeadlineExceeded);
}

// SIGPIPE would end this program.
TEST_F(SocketTest, SendingToAPeerThatHasGoneIsAnError) {
  there_ = ControlConnection();

  EXPECT_EQ(here_.Send(Bytes("x"), {}, DeadlineAfter(5)).code, Code::kUnavailable);
}

TEST_F(SocketTest, TellsAnEndBetweenFramesFromOneInsideAFrame) {
  here_ = ControlConnection();
  auto between = there_.Receive(DeadlineAfter(5));
  EXPECT_EQ(between.status().code, Code::kUnavailable);
  EXPECT_NE(between.status().message.find("closed"), std::string::npos);

  SetUp();
  ControlHeader header{kControlMagic, kControlVersion, 0, 100};
  ASSERT_EQ(::send(here_.fd(), &header, sizeof(header), 0), 12);
  here_ = ControlConnection();
  auto inside = there_.Receive(DeadlineAfter(5));
  EXPECT_NE(inside.status().message.find("inside a frame"), std::string::npos);
}

TEST_F(SocketTest, C2_4_LostDescriptorsAreAnErrorAndLeakNothing) {
  ControlHeader header{kControlMagic, kControlVersion, 4, 0};
  SendRaw({reinterpret_cast<char*>(&header), sizeof(header)}, 30);

  auto frame = there_.Receive(DeadlineAfter(5));

  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.status().code, Code::kResourceExhausted);
}

TEST_F(SocketTest, DescriptorsThatThisProcessMayNotOpenAreAnError) {
  ControlHeader header{kControlMagic, kControlVersion, 2, 0};
  SendRaw({reinterpret_cast<char*>(&header), sizeof(header)}, 2);

  std::optional<NoMoreDescriptors> shortage(std::in_place);
  auto frame = there_.Receive(DeadlineAfter(5));
  shortage.reset();

  ASSERT_FALSE(frame.ok());
  EXPECT_EQ(frame.status().code, Code::kResourceExhausted);
}

TEST_F(SocketTest, AFrameSaysThatItsDescriptorsWereLostAndTheNextOneArrives) {
  std::vector<UniqueFd> fds;
  fds.emplace_back(::dup(STDERR_FILENO));
  ASSERT_TRUE(here_.Send(Bytes("lost"), std::move(fds), DeadlineAfter(5)).ok());
  fds.emplace_back(::dup(STDERR_FILENO));
  ASSERT_TRUE(here_.Send(Bytes("whole"), std::move(fds), DeadlineAfter(5)).ok());

  std::optional<NoMoreDescriptors> shortage(std::in_place);
  auto lost = there_.Receive(DeadlineAfter(5), LostFds::kNote);
  shortage.reset();
  auto whole = there_.Receive(DeadlineAfter(5), LostFds::kNote);

  ASSERT_TRUE(lost.ok() && whole.ok());
  EXPECT_TRUE(lost->fds_lost && lost->fds.empty());
  EXPECT_EQ(lost->payload_untrusted, Bytes("lost"));
  EXPECT_FALSE(whole->fds_lost);
  EXPECT_EQ(whole->fds.size(), 1u);
}

TEST_F(SocketTest, WhatTheKernelWasShortForIsSentAgain) {
  for (int error : {EINTR, ENOBUFS, ENOMEM, ETOOMANYREFS}) {
    failure = error;
    failures = 3;
    std::vector<UniqueFd> fds;
    fds.emplace_back(::dup(STDERR_FILENO));
    Status sent = here_.Send(Bytes("text"), std::move(fds), DeadlineAfter(10));
    auto frame = there_.Receive(DeadlineAfter(5));

    EXPECT_TRUE(sent.ok()) << sent.message;
    EXPECT_EQ(failures, 0);
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->fds.size(), 1u);
  }
}

TEST_F(SocketTest, AFrameThatCannotBeSentFailsAloneWhenNothingOfItIsOut) {
  failure = ENOBUFS;
  failures = kAlways;
  Status refused = here_.Send(Bytes("refused"), {}, DeadlineAfter(0.05));
  failures = 0;
  Status sent = here_.Send(Bytes("sent"), {}, DeadlineAfter(5));
  auto frame = there_.Receive(DeadlineAfter(5));

  EXPECT_EQ(refused.code, Code::kResourceExhausted);
  ASSERT_TRUE(sent.ok()) << sent.message;
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->payload_untrusted, Bytes("sent"));
}

TEST_F(SocketTest, AnErrorThatIsNoShortageIsNotTriedAgain) {
  failure = EPERM;
  failures = 1;

  EXPECT_EQ(here_.Send(Bytes("x"), {}, DeadlineAfter(5)).code, Code::kPermissionDenied);
  EXPECT_EQ(failures, 0);
}

TEST_F(SocketTest, KnowsItsPeer) {
  auto peer = GetPeerCredentials(here_.fd());

  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
}

TEST(Socket, WhatIsNoSocketIsRefused) {
  UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ControlReceiver receiver;
  ControlSender sender;
  ASSERT_TRUE(sender.Queue({}).ok());

  EXPECT_FALSE(GetPeerCredentials(file.get()).ok());
  EXPECT_FALSE(ReadControl(file.get(), &receiver).ok());
  EXPECT_FALSE(WriteControl(file.get(), &sender).ok());
}

}  // namespace
}  // namespace tvmffi
