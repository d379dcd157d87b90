#include "tests/support/test_daemon.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tvmffi::testing {
namespace {

constexpr double kPatience = 10;

int64_t Soon() { return DeadlineAfter(kPatience); }

bool PollIn(int fd) {
  pollfd entry{fd, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&entry, 1, static_cast<int>(kPatience * 1000));
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

// Zombie counts as gone: it runs no code and is its parent's affair.
bool IsZombie(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;  // none of a process that ends meanwhile: iterators would throw
  std::getline(file, text, '\0');
  size_t end_of_name = text.rfind(')');
  return end_of_name != std::string::npos && text.substr(end_of_name, 3) == ") Z";
}

[[noreturn]] void ExecChild(const std::string& program, const std::vector<char*>& argv,
                            const std::map<int, int>& inherited, int output) {
  ::dup2(output, 1);
  ::dup2(output, 2);
  // Two steps, so that no target overwrites a source.
  std::map<int, int> moved;
  for (auto [from, to] : inherited) moved[::fcntl(from, F_DUPFD_CLOEXEC, 200)] = to;
  for (auto [from, to] : moved) ::dup2(from, to);
  ::execv(program.c_str(), argv.data());
  std::_Exit(127);
}

}  // namespace

ChildProgram::ChildProgram(const std::string& program, const std::vector<std::string>& arguments,
                           const std::map<int, int>& inherited)
    : output_(::memfd_create("output", MFD_CLOEXEC)) {
  std::vector<std::string> copies = arguments;
  std::string name = program;
  std::vector<char*> argv = {name.data()};
  for (std::string& copy : copies) argv.push_back(copy.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) ExecChild(program, argv, inherited, output_.get());
  EXPECT_GT(pid_, 0);
}

ChildProgram::~ChildProgram() {
  if (status_.has_value()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProgram::Signal(int signal) { ::kill(pid_, signal); }

std::optional<int> ChildProgram::Wait() {
  if (status_.has_value()) return status_;
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!PollIn(pidfd.get())) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  status_ = status;
  return status_;
}

std::string ChildProgram::Output() const {
  std::string text;
  char piece[4096];
  ssize_t size;
  while ((size = ::pread(output_.get(), piece, sizeof(piece), static_cast<off_t>(text.size()))) >
         0) {
    text.append(piece, static_cast<size_t>(size));
  }
  return text;
}

void TestSession::Send(const wire::Message& message, std::vector<UniqueFd> fds) {
  Result<std::vector<char>> payload = wire::Encode(message);
  ASSERT_TRUE(payload.ok()) << payload.status().message;
  SendBytes(*payload, std::move(fds));
}

void TestSession::SendBytes(const std::vector<char>& payload, std::vector<UniqueFd> fds) {
  Status status = connection_.Send(payload, std::move(fds), Soon());
  ASSERT_TRUE(status.ok()) << status.message;
}

wire::Message TestSession::Receive(std::vector<UniqueFd>* fds) {
  Result<ControlFrame> frame = connection_.Receive(Soon());
  if (!frame.ok()) {
    ADD_FAILURE() << "no answer: " << frame.status().message;
    return wire::Done{};
  }
  Result<wire::Message> message = wire::Decode(*frame);
  if (!message.ok()) {
    ADD_FAILURE() << message.status().message;
    return wire::Done{};
  }
  if (fds != nullptr) *fds = std::move(frame->fds);
  return std::move(*message);
}

bool TestSession::WaitForEnd() {
  Result<ControlFrame> frame = connection_.Receive(Soon());
  return !frame.ok() && frame.status().code == Code::kUnavailable;
}

wire::Message TestSession::Hello() {
  Send(wire::Hello{NextId(), wire::kProtocol, "test"});
  return Receive();
}

CreatedWorker TestSession::Create(const std::string& mode, std::vector<std::string> more,
                                  wire::Limits limits) {
  more.push_back("FAKE_WORKER=" + mode);
  uint64_t id = NextId();
  Send(wire::CreateWorker{id, "w-" + mode, limits, std::move(more), false, {}, {}});
  std::vector<UniqueFd> fds;
  auto created = Expect<wire::WorkerCreated>(&fds);
  EXPECT_EQ(created.request_id, id);
  if (fds.size() != 4) return {};
  return {created.worker_id, created.pid,       std::move(fds[0]),
          std::move(fds[1]), std::move(fds[2]), std::move(fds[3])};
}

wire::ExitReport TestSession::Kill(uint32_t worker_id, wire::KillCause cause) {
  Send(wire::KillWorker{NextId(), worker_id, cause});
  auto exited = Expect<wire::WorkerExited>();
  EXPECT_EQ(exited.worker_id, worker_id);
  return exited.report;
}

wire::ExitReport TestSession::AwaitExit(uint32_t worker_id) {
  Send(wire::AwaitExit{NextId(), worker_id});
  auto exited = Expect<wire::WorkerExited>();
  EXPECT_EQ(exited.worker_id, worker_id);
  return exited.report;
}

void TestSession::Unexpected(const wire::Message& message) {
  std::string detail;
  if (auto* failed = std::get_if<wire::Failed>(&message)) detail = ": " + failed->message;
  ADD_FAILURE() << "unexpected " << wire::MessageName(message) << detail;
}

TestDaemon::TestDaemon(std::vector<std::string> more_flags) {
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  if (!ends.ok()) {
    ADD_FAILURE() << ends.status().message;
    return;
  }
  // Debuggable, so that its descriptors can be counted.
  std::vector<std::string> flags = {"--private-fd", "3",          "--worker",  FakeWorkerProgram(),
                                    "--log-level",  "info",       "--without", "all",
                                    "--debuggable", "--prepared", "0"};
  flags.insert(flags.end(), more_flags.begin(), more_flags.end());
  process = std::make_unique<ChildProgram>(DaemonProgram(), flags,
                                           std::map<int, int>{{ends->second.get(), 3}});
  session = std::make_unique<TestSession>(std::move(ends->first));
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(session->Hello())) << process->Output();
}

std::string DaemonProgram() { return TVMFFI_TEST_DAEMON; }
std::string FakeWorkerProgram() { return TVMFFI_TEST_FAKE_WORKER; }

bool WaitUntilGone(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return errno == ESRCH;
  return PollIn(pidfd.get());
}

size_t CountFds(pid_t pid) {
  size_t count = 0;
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) {
    ADD_FAILURE() << "cannot list " << path << ": " << std::strerror(errno);
    return 0;
  }
  while (dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count;
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::string id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) {
    if (!IsZombie(child)) children.push_back(child);
  }
  return children;
}

}  // namespace tvmffi::testing
