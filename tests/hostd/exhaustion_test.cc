// The daemon short of descriptors and processes: every call that needs one fails once.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/shm_segment.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

using testing::ChildrenOf;
using testing::CountFds;
using testing::TestDaemon;

rlim_t SetFileLimit(pid_t pid, rlim_t soft) {
  rlimit limit{};
  EXPECT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = soft;
  EXPECT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
  return before;
}

// The limit under which a process may open `count` descriptors more.
rlim_t LimitThatLeaves(int count, pid_t pid) {
  rlim_t limit = 0;
  for (; count >= 0; ++limit) {
    std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(limit);
    if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) --count;
  }
  return limit - 1;
}

TEST(Exhaustion, C3_5_AWorkerThatCannotBeCreatedLeavesNothing) {
  TestDaemon daemon;
  pid_t pid = daemon.process->pid();
  // Its own first worker: what is opened once and kept is open now.
  daemon.session->Kill(daemon.session->Create("serve").id, wire::KillCause::kClosed);
  size_t before = CountFds(pid);
  rlim_t normal = 0;
  int failures = 0;
  bool created = false;

  for (rlim_t limit = before; limit < before + 40 && !created; ++limit) {
    normal = std::max(normal, SetFileLimit(pid, limit));
    daemon.session->Send(wire::CreateWorker{limit, "w", {}, {"FAKE_WORKER=serve"}, false});
    wire::Message answer = daemon.session->Receive();
    SetFileLimit(pid, normal);
    if (auto* failed = std::get_if<wire::Failed>(&answer)) {
      ++failures;
      EXPECT_EQ(failed->request_id, limit);
      EXPECT_EQ(failed->code, Code::kResourceExhausted) << failed->message;
    } else {
      created = true;
      daemon.session->Kill(std::get<wire::WorkerCreated>(answer).worker_id,
                           wire::KillCause::kClosed);
    }
    // An abandoned worker is reaped on the loop; the answer to this comes after that at the latest.
    for (int tries = 0; tries < 1000 && !ChildrenOf(pid).empty(); ++tries) ::usleep(1000);
    daemon.session->Send(wire::GetStats{1});
    daemon.session->Expect<wire::Stats>();
    for (int tries = 0; tries < 1000 && CountFds(pid) != before; ++tries) ::usleep(1000);
    EXPECT_EQ(CountFds(pid), before) << "with a limit of " << limit;
    EXPECT_TRUE(ChildrenOf(pid).empty());
  }

  EXPECT_TRUE(created);
  EXPECT_GE(failures, 8);
}

// Descriptors that the daemon may not open are lost on the way, so nothing on the connection can be
// trusted any more.
TEST(Exhaustion, C3_5_C2_4_AnArenaThatCannotBeReceivedEndsTheSession) {
  TestDaemon daemon;
  testing::CreatedWorker worker = daemon.session->Create("hang");
  Result<ShmSegment> arena = ShmSegment::Create(4096, "arena");
  ASSERT_TRUE(arena.ok());
  std::vector<UniqueFd> fds;
  for (int i = 0; i < 4; ++i) fds.emplace_back(::dup(arena->fd()));
  pid_t pid = daemon.process->pid();
  SetFileLimit(pid, LimitThatLeaves(3, pid));

  daemon.session->Send(wire::ShareArena{1, worker.id, 1, 4096, false}, std::move(fds));

  EXPECT_TRUE(daemon.session->WaitForEnd());
  EXPECT_EQ(daemon.process->Wait(), 0) << daemon.process->Output();
  EXPECT_TRUE(testing::WaitUntilGone(worker.pid));
}

}  // namespace
}  // namespace tvmffi
