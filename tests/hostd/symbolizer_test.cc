// The program tvmffi-symbolizer, as a client meets it, and what it can no longer do once locked.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostd/symbolizer/lockdown.h"
#include "proto/base/clock.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/crash_page.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

// Whether `attempt` succeeds in a process of its own, locked first if asked for.
bool Succeeds(bool locked, const std::function<bool()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (locked && !hostd::LockDown().ok()) ::_exit(2);
    ::_exit(attempt() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_NE(WEXITSTATUS(status), 2) << "the lock failed";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct Attempt {
  const char* name;
  bool (*run)();
};

class Lock : public ::testing::TestWithParam<Attempt> {};

TEST_P(Lock, B3_C1_7_C1_8_C1_10_TakesThisFromTheSymbolizer) {
  EXPECT_TRUE(Succeeds(false, GetParam().run)) << "the control run must get through";
  EXPECT_FALSE(Succeeds(true, GetParam().run));
}

INSTANTIATE_TEST_SUITE_P(
    Of, Lock,
    ::testing::Values(
        Attempt{"Opening", [] { return ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC) >= 0; }},
        Attempt{"Connecting", [] { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; }},
        Attempt{"Forking",
                [] {
                  const pid_t child = ::fork();
                  if (child == 0) ::_exit(0);
                  return child > 0;
                }},
        Attempt{"Executing", [] { return ::execl("/bin/true", "true", nullptr) == 0; }},
        Attempt{"Signalling", [] { return ::kill(::getppid(), 0) == 0; }},
        Attempt{"MappingCode",
                [] {
                  return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                                -1, 0) != MAP_FAILED;
                }},
        Attempt{"Growing",
                [] { return ::ftruncate(::memfd_create("m", MFD_CLOEXEC), 4096) == 0; }}),
    [](const auto& info) { return info.param.name; });

// A running symbolizer and this end of its connection.
class Symbolizer {
 public:
  explicit Symbolizer(std::pair<UniqueFd, UniqueFd> ends)
      : program_(TVMFFI_TEST_SYMBOLIZER, {}, {{ends.second.get(), 3}}),
        connection_(std::move(ends.first)) {}
  static Symbolizer Start() { return Symbolizer(std::move(*ControlSocketPair())); }

  void Send(const wire::Message& message, UniqueFd fd) {
    std::vector<UniqueFd> fds;
    fds.push_back(std::move(fd));
    ASSERT_TRUE(connection_.Send(*wire::Encode(message), std::move(fds), DeadlineAfter(10)).ok());
  }
  // Nothing when it ended without one that says something.
  std::optional<wire::Symbols> Answer() {
    Result<ControlFrame> frame = connection_.Receive(DeadlineAfter(10));
    if (!frame.ok()) return std::nullopt;
    Result<wire::Message> message = wire::Decode(*frame);
    EXPECT_TRUE(message.ok());
    if (std::holds_alternative<wire::Failed>(*message)) return std::nullopt;
    return std::get<wire::Symbols>(*message);
  }
  std::optional<int> Wait() { return program_.Wait(); }

 private:
  testing::ChildProgram program_;
  ControlConnection connection_;
};

UniqueFd FileOf(const void* data, size_t size) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), data, size), static_cast<ssize_t>(size));
  return file;
}

std::unique_ptr<CrashPage> PageWithOneModule() {
  auto page = std::make_unique<CrashPage>();
  page->record.valid = 1;
  page->record.signal = SIGSEGV;
  page->record.instruction = 0x401234;
  page->record.num_modules = 1;
  page->modules[0] = {0x400000, 0x400000, 0x500000, {1, 2, 3}, 3, "/x.so"};
  return page;
}

TEST(Symbolizer, AnswersWithAddressesWhenItHasNoFiles) {
  Symbolizer symbolizer = Symbolizer::Start();
  auto page = PageWithOneModule();
  symbolizer.Send(wire::Symbolize{7}, FileOf(page.get(), sizeof(*page)));

  const std::optional<wire::Symbols> symbols = symbolizer.Answer();

  ASSERT_TRUE(symbols.has_value());
  EXPECT_EQ(symbols->request_id, 7u);
  ASSERT_EQ(symbols->frames.size(), 1u);
  EXPECT_EQ(symbols->frames[0].address, 0x401234u);
  EXPECT_EQ(symbols->frames[0].offset, 0x1234u);
  EXPECT_EQ(symbols->frames[0].module, 0);
  EXPECT_EQ(symbols->frames[0].symbol, "");
  EXPECT_EQ(symbolizer.Wait(), 0);
}

TEST(Symbolizer, B3_AFileThatIsNotTheLoadedOneIsNamedAndNotUsed) {
  Symbolizer symbolizer = Symbolizer::Start();
  auto page = PageWithOneModule();
  symbolizer.Send(wire::ModuleFile{1, 0},
                  UniqueFd(::open(TVMFFI_TEST_SYMBOLIZER, O_RDONLY | O_CLOEXEC)));
  symbolizer.Send(wire::Symbolize{1}, FileOf(page.get(), sizeof(*page)));

  const std::optional<wire::Symbols> symbols = symbolizer.Answer();

  ASSERT_TRUE(symbols.has_value());
  EXPECT_EQ(symbols->changed, std::vector<uint32_t>{0});
  EXPECT_EQ(symbols->frames[0].symbol, "");
}

TEST(Symbolizer, C1_12_NonsenseEndsItAndNothingElse) {
  auto page = std::make_unique<CrashPage>();
  std::memset(static_cast<void*>(page.get()), 0xa5, sizeof(*page));
  Symbolizer scribbled = Symbolizer::Start();
  scribbled.Send(wire::Symbolize{1}, FileOf(page.get(), sizeof(*page)));
  EXPECT_FALSE(scribbled.Answer().has_value());
  EXPECT_EQ(scribbled.Wait(), 1 << 8);

  Symbolizer cut = Symbolizer::Start();
  cut.Send(wire::Symbolize{1}, FileOf(page.get(), 100));
  EXPECT_FALSE(cut.Answer().has_value());
  EXPECT_EQ(cut.Wait(), 1 << 8);
}

TEST(Symbolizer, C1_12_AFileThatIsNoElfFileIsAMissingOne) {
  Symbolizer symbolizer = Symbolizer::Start();
  auto page = PageWithOneModule();
  const std::string garbage =
      "\x7f"
      "ELF\x02\x01\x01 and then nothing of the kind";
  symbolizer.Send(wire::ModuleFile{1, 0}, FileOf(garbage.data(), garbage.size()));
  symbolizer.Send(wire::ModuleFile{1, 99}, FileOf(garbage.data(), garbage.size()));
  symbolizer.Send(wire::Symbolize{1}, FileOf(page.get(), sizeof(*page)));

  const std::optional<wire::Symbols> symbols = symbolizer.Answer();

  ASSERT_TRUE(symbols.has_value());
  EXPECT_EQ(symbols->frames.size(), 1u);
}

TEST(Symbolizer, TheDaemonEndsOneThatIsNeverAskedAndAnswersMeanwhile) {
  testing::TestDaemon daemon;
  const size_t before = testing::CountFds(daemon.process->pid());
  daemon.session->Send(wire::StartSymbolizer{3});
  std::vector<UniqueFd> fds;
  EXPECT_EQ(daemon.session->Expect<wire::SymbolizerStarted>(&fds).request_id, 3u);
  ASSERT_EQ(fds.size(), 2u);
  const std::vector<pid_t> children = testing::ChildrenOf(daemon.process->pid());
  ASSERT_EQ(children.size(), 1u);

  const int64_t begin = MonotonicNanos();
  daemon.session->Send(wire::GetStats{4});
  daemon.session->Expect<wire::Stats>();
  EXPECT_LT(MonotonicNanos() - begin, 1'000'000'000);

  EXPECT_TRUE(testing::WaitUntilGone(children[0]));
  fds.clear();
  daemon.session->Send(wire::GetStats{5});
  daemon.session->Expect<wire::Stats>();
  EXPECT_EQ(testing::CountFds(daemon.process->pid()), before);
  EXPECT_TRUE(testing::ChildrenOf(daemon.process->pid()).empty());
}

TEST(Symbolizer, ADaemonRunsSoManyAtATime) {
  testing::TestDaemon daemon;
  std::vector<UniqueFd> kept;
  for (uint64_t i = 0; i < 8; ++i) {
    daemon.session->Send(wire::StartSymbolizer{i});
    std::vector<UniqueFd> fds;
    daemon.session->Expect<wire::SymbolizerStarted>(&fds);
    for (UniqueFd& fd : fds) kept.push_back(std::move(fd));
  }

  daemon.session->Send(wire::StartSymbolizer{9});

  EXPECT_EQ(daemon.session->Expect<wire::Failed>().code, Code::kResourceExhausted);
}

}  // namespace
}  // namespace tvmffi
