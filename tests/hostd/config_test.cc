#include "hostd/config.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/support/test_daemon.h"

namespace tvmffi::hostd {
namespace {

TEST(Config, SharedOnTheDefaultPathWithoutFlags) {
  ::setenv("TVMFFI_HOSTD_SOCKET", "/run/x/s", 1);
  Result<Config> config = ParseConfig({});
  ::unsetenv("TVMFFI_HOSTD_SOCKET");

  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->socket_path, "/run/x/s");
  EXPECT_FALSE(config->private_fd.has_value());
  EXPECT_EQ(config->log_level, "info");
}

TEST(Config, TakesEveryFlag) {
  Result<Config> shared =
      ParseConfig({"--socket", "/a/s", "--worker=/b/w", "--log-level", "debug", "--log-json",
                   "--idle-exit", "1.5", "--without", "netns,userns", "--without=seccomp",
                   "--seccomp-audit", "--debuggable", "--prepared", "3"});
  ASSERT_TRUE(shared.ok()) << shared.status().message;
  EXPECT_EQ(shared->socket_path, "/a/s");
  EXPECT_EQ(shared->worker_program, "/b/w");
  EXPECT_EQ(shared->log_level, "debug");
  EXPECT_TRUE(shared->log_json);
  EXPECT_EQ(shared->idle_exit_seconds, 1.5);
  EXPECT_EQ(shared->without_layers, (std::vector<std::string>{"netns", "userns", "seccomp"}));
  EXPECT_TRUE(shared->seccomp_audit);
  EXPECT_TRUE(shared->debuggable);
  EXPECT_EQ(shared->prepared_workers, 3u);

  Result<Config> alone = ParseConfig({"--private-fd", "5", "--parent-pidfd", "6"});
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ(alone->private_fd, 5);
  EXPECT_EQ(alone->parent_pidfd, 6);
  EXPECT_EQ(alone->log_level, "error");
  EXPECT_FALSE(alone->debuggable);
  EXPECT_EQ(alone->prepared_workers, 1u);
  EXPECT_EQ(ParseConfig({"--prepared=0"})->prepared_workers, 0u);
  EXPECT_TRUE(ParseConfig({"--help"})->show_help);
  EXPECT_TRUE(ParseConfig({"--version"})->show_version);
}

TEST(Config, NamesWhatIsWrong) {
  struct Case {
    std::vector<std::string> arguments;
    const char* words;
  };
  const Case cases[] = {
      {{"--bogus"}, "--bogus"},
      {{"--without", ""}, "--without"},
      {{"--without", "netns,"}, "netns,"},
      {{"--log-json", "--bogus=3"}, "--bogus=3"},
      {{"-x"}, "-x"},
      {{"stray"}, "unexpected argument 'stray'"},
      {{"--log-json", "stray"}, "unexpected argument 'stray'"},
      {{"--socket"}, "'--socket' needs a value"},
      {{"--socket", ""}, "--socket is empty"},
      {{"--worker="}, "--worker is empty"},
      {{"--private-fd", "x"}, "--private-fd is 'x'"},
      {{"--private-fd", "2"}, "--private-fd is '2'"},
      {{"--private-fd", "5x"}, "--private-fd is '5x'"},
      {{"--private-fd", "99999999999"}, "99999999999"},
      {{"--private-fd", "-1"}, "--private-fd is '-1'"},
      {{"--private-fd", "5", "--parent-pidfd", "5"}, "same descriptor 5"},
      {{"--private-fd", "5", "--socket", "/s"}, "exclude each other"},
      {{"--private-fd", "5", "--idle-exit", "1"}, "--idle-exit needs a shared daemon"},
      {{"--idle-exit", "-1"}, "--idle-exit is '-1'"},
      {{"--idle-exit", "nan"}, "--idle-exit is 'nan'"},
      {{"--idle-exit", "1s"}, "--idle-exit is '1s'"},
      {{"--prepared", "-1"}, "--prepared is '-1'"},
      {{"--prepared", "17"}, "from 0 to 16"},
      {{"--prepared", "2x"}, "--prepared is '2x'"},
      {{"--log-level", "loud"}, "--log-level is 'loud'"},
      {{"--log-json=1"}, "--log-json=1"},
  };
  for (const Case& c : cases) {
    Result<Config> config = ParseConfig(c.arguments);
    ASSERT_FALSE(config.ok()) << c.words;
    EXPECT_EQ(config.status().code, Code::kInvalidArgument);
    EXPECT_NE(config.status().message.find(c.words), std::string::npos) << config.status().message;
  }
}

TEST(Config, HelpNamesEveryFlag) {
  for (const char* flag : {"--socket", "--private-fd", "--parent-pidfd", "--worker", "--log-level",
                           "--log-json", "--idle-exit", "--prepared", "--help", "--version"}) {
    EXPECT_NE(HelpText().find(flag), std::string::npos) << flag;
  }
}

int ExitStatus(const std::vector<std::string>& flags, std::string* output) {
  testing::ChildProgram program(testing::DaemonProgram(), flags, {});
  std::optional<int> status = program.Wait();
  *output = program.Output();
  return status.has_value() && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
}

TEST(Config, TheProgramEndsWithTheStatusItDocuments) {
  std::string output;

  EXPECT_EQ(ExitStatus({"--help"}, &output), 0);
  EXPECT_NE(output.find("Usage"), std::string::npos);
  EXPECT_EQ(ExitStatus({"--version"}, &output), 0);
  EXPECT_EQ(output.rfind("tvmffi-hostd ", 0), 0u);
  EXPECT_EQ(ExitStatus({"--bogus"}, &output), 2);
  EXPECT_NE(output.find("--bogus"), std::string::npos);
  EXPECT_EQ(ExitStatus({"--private-fd", "77"}, &output), 1);
  EXPECT_NE(output.find("cannot use --private-fd 77"), std::string::npos) << output;
  EXPECT_EQ(ExitStatus({"--private-fd", "3"}, &output), 1);
  EXPECT_NE(output.find("--private-fd 3"), std::string::npos) << output;
}

}  // namespace
}  // namespace tvmffi::hostd
