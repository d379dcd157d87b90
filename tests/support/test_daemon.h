// A real tvmffi-hostd as a child of the test, and the requests a client makes of it.
#ifndef TVMFFI_TESTS_SUPPORT_TEST_DAEMON_H_
#define TVMFFI_TESTS_SUPPORT_TEST_DAEMON_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/unique_fd.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::testing {

// Runs a program; destruction kills and reaps it.
class ChildProgram {
 public:
  // `inherited` maps descriptors of this process to the numbers the program sees them under (3 and
  // up). stdout and stderr are collected in a file.
  ChildProgram(const std::string& program, const std::vector<std::string>& arguments,
               const std::map<int, int>& inherited);
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;
  ~ChildProgram();

  pid_t pid() const { return pid_; }
  void Signal(int signal);
  // The wait status, once it has ended; nothing if it has not within ten seconds.
  std::optional<int> Wait();
  // What it has printed so far.
  std::string Output() const;

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
  std::optional<int> status_;
};

struct CreatedWorker {
  uint32_t id = 0;
  pid_t pid = 0;
  UniqueFd channel, death_page, pidfd, recorder;
};

// One connection. Every call fails the running test and returns something empty when the daemon
// does not answer.
class TestSession {
 public:
  explicit TestSession(UniqueFd socket) : connection_(std::move(socket)) {}

  void Send(const wire::Message& message, std::vector<UniqueFd> fds = {});
  void SendBytes(const std::vector<char>& payload, std::vector<UniqueFd> fds = {});
  // The next message of the daemon.
  wire::Message Receive(std::vector<UniqueFd>* fds = nullptr);
  // True when the daemon closes the connection, within ten seconds.
  bool WaitForEnd();

  wire::Message Hello();
  // A worker whose environment holds `mode` as FAKE_WORKER, and `more`.
  CreatedWorker Create(const std::string& mode, std::vector<std::string> more = {},
                       wire::Limits limits = {});
  wire::ExitReport Kill(uint32_t worker_id, wire::KillCause cause);
  wire::ExitReport AwaitExit(uint32_t worker_id);

  template <typename T>
  T Expect(std::vector<UniqueFd>* fds = nullptr) {
    wire::Message message = Receive(fds);
    if (auto* wanted = std::get_if<T>(&message)) return std::move(*wanted);
    Unexpected(message);
    return {};
  }

  uint64_t NextId() { return ++last_id_; }

 private:
  static void Unexpected(const wire::Message& message);

  ControlConnection connection_;
  uint64_t last_id_ = 0;
};

// A private daemon with its session, and the fake worker as its worker program.
struct TestDaemon {
  explicit TestDaemon(std::vector<std::string> more_flags = {});

  std::unique_ptr<ChildProgram> process;
  std::unique_ptr<TestSession> session;
};

std::string DaemonProgram();
std::string FakeWorkerProgram();

// True once `pid` is no living process any more (gone or a zombie), within ten seconds.
bool WaitUntilGone(pid_t pid);
// Open descriptors of another process of this user.
size_t CountFds(pid_t pid);
// Living children of a process.
std::vector<pid_t> ChildrenOf(pid_t pid);

}  // namespace tvmffi::testing

#endif  // TVMFFI_TESTS_SUPPORT_TEST_DAEMON_H_
