#include "proto/policy/policy.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tvmffi {
namespace {

std::string Problem(const std::string& text) {
  Result<Policy> policy = ParsePolicy(text, "p.toml");
  return policy.ok() ? "" : policy.status().message;
}

TEST(Policy, B18_DeniesByDefault) {
  Result<Policy> policy = ParsePolicy("", "p.toml");

  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE(policy->grants.read.empty());
  EXPECT_FALSE(policy->libraries);
  EXPECT_FALSE(policy->grants.network);
  EXPECT_EQ(policy->grants.tmpfs_bytes, kDefaultTmpfs);
  EXPECT_EQ(policy->limits.memory_bytes, 0u);
}

TEST(Policy, B18_ReadsEveryKey) {
  Result<Policy> policy = ParsePolicy(
      "read = ['/data', '/a b']\nlibrary_path = ['/opt/lib']\ntmpfs = 0\n"
      "libraries = ['libc.so.6', 'libm.so.6']\nmemory = '2 GiB'\n"
      "processes = 64\ncpus = 1.5\ncpu_seconds = 60\nwall_seconds = 600\nopen_files = 256\n"
      "file_size = 4096\naddress_space = '8TiB'\nnetwork = true\nenvironment = ['TZ', 'A=b=c']\n",
      "p.toml");

  ASSERT_TRUE(policy.ok()) << policy.status().message;
  EXPECT_EQ(policy->grants.read, (std::vector<std::string>{"/data", "/a b"}));
  EXPECT_EQ(policy->library_path, std::vector<std::string>{"/opt/lib"});
  EXPECT_EQ(policy->libraries, (std::vector<std::string>{"libc.so.6", "libm.so.6"}));
  EXPECT_EQ(policy->grants.tmpfs_bytes, 0u);
  EXPECT_EQ(policy->limits.memory_bytes, uint64_t{2} << 30);
  EXPECT_EQ(policy->limits.processes, 64u);
  EXPECT_EQ(policy->limits.cpu_percent, 150u);
  EXPECT_EQ(policy->limits.cpu_seconds, 60u);
  EXPECT_EQ(policy->limits.wall_seconds, 600u);
  EXPECT_EQ(policy->limits.open_files, 256u);
  EXPECT_EQ(policy->limits.file_size_bytes, 4096u);
  EXPECT_EQ(policy->limits.address_space_bytes, uint64_t{8} << 40);
  EXPECT_TRUE(policy->grants.network);
  EXPECT_EQ(policy->environment, (std::vector<std::string>{"TZ", "A=b=c"}));
}

TEST(Policy, B18_TheEnvironmentHoldsWhatIsListedAndNothingElse) {
  ::setenv("TVMFFI_TEST_LISTED", "yes", 1);
  ::setenv("TVMFFI_TEST_OTHER", "no", 1);
  ::unsetenv("TVMFFI_TEST_UNSET");
  Policy policy;
  policy.environment = {"TVMFFI_TEST_LISTED", "TVMFFI_TEST_UNSET",
                        "GIVEN=", "TVMFFI_TEST_OTHER=own"};

  EXPECT_EQ(EnvironmentOf(policy), (std::vector<std::string>{"TVMFFI_TEST_LISTED=yes",
                                                             "GIVEN=", "TVMFFI_TEST_OTHER=own"}));
  policy.environment = {};
  EXPECT_TRUE(EnvironmentOf(policy).empty());
  EXPECT_EQ(Policy().environment,
            (std::vector<std::string>{"OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "LANG"}));
}

TEST(Policy, B18_AnEnvironmentThatIsNoneIsRefused) {
  for (const char* list : {"['']", "['=x']", "['1A=x']", "['A B']", "['A=1', 'A']", "[1]", "'A=1'",
                           "['-']", "[\"A=\\u0000\"]"}) {
    EXPECT_NE(Problem("environment = " + std::string(list)), "") << list;
  }
  EXPECT_NE(Problem("environment = ['A=" + std::string(wire::kMaxEnvironmentEntry, 'v') + "']"),
            "");
  std::string text = "environment = [";
  for (size_t i = 0; i <= wire::kMaxEnvironment; ++i) text += "'V" + std::to_string(i) + "',";
  EXPECT_NE(Problem(text + "]"), "");
  EXPECT_EQ(Problem("environment = ['A', 'A=2']"),
            "p.toml:1: 'environment' must be a list that names 'A' once");
}

TEST(Policy, B18_ErrorsNameFileLineAndKey) {
  EXPECT_EQ(Problem("# fine\n\nmemroy = 3\n"), "p.toml:3: there is no key 'memroy' in a policy");
  EXPECT_EQ(Problem("tmpfs = 0\nmemory = -1"),
            "p.toml:2: 'memory' must be a size: a number of bytes, or a text like \"64 MiB\"");
  EXPECT_EQ(Problem("network = 1"), "p.toml:1: 'network' must be true or false");
  EXPECT_EQ(Problem("read = ['data']"),
            "p.toml:1: 'read' must be a list of at most 64 absolute paths");
  EXPECT_EQ(Problem("read = ['/a', 3]"),
            "p.toml:1: 'read' must be a flag, a number, a text or a list of texts");
  EXPECT_EQ(Problem("tmpfs = 0\n [@read]\n"),
            "p.toml:2: a policy has no tables: no line begins with '['");
  EXPECT_EQ(Problem("cpus = nan"), "p.toml:1: 'cpus' must be a number of CPUs from 0.01 to 100000");
  EXPECT_EQ(Problem("library_path = ['/a:/b']"),
            "p.toml:1: 'library_path' must be a list of paths without ':' and ';'");
}

TEST(Policy, B18_D19_AnEmptyListOfLibrariesIsNotNone) {
  Result<Policy> policy = ParsePolicy("libraries = []", "p.toml");

  ASSERT_TRUE(policy.ok()) << policy.status().message;
  EXPECT_EQ(policy->libraries, std::vector<std::string>());
  EXPECT_NE(PolicyText(*policy).find("libraries = []\n"), std::string::npos);
  EXPECT_EQ(PolicyText(Policy()).find("libraries"), std::string::npos);
  for (const char* list : {"'libc.so.6'", "['']", "[\"lib\\u0000c\"]", "true"}) {
    EXPECT_EQ(Problem("libraries = " + std::string(list)),
              "p.toml:1: 'libraries' must be a list of at most 256 names of libraries, like "
              "\"libc.so.6\"");
  }
}

TEST(Policy, B18_WhatIsNoTomlIsRefusedWithItsLine) {
  EXPECT_EQ(Problem("tmpfs = 0\nmemory = \n").rfind("p.toml:2: ", 0), 0u) << Problem("memory = ");
  EXPECT_EQ(Problem("tmpfs = 0\ntmpfs = 1\n").rfind("p.toml:2: ", 0), 0u);
  EXPECT_EQ(Problem(std::string("tmpfs = 0\n[\0read\"", 16)),
            "p.toml:2: a policy is plain ASCII; write other characters as \"\\u00e9\"");
  EXPECT_TRUE(ParsePolicy("read = [\"/caf\\u00e9\"]", "p").ok());
  EXPECT_EQ(Problem(std::string(kMaxPolicyText + 1, '#')).rfind("p.toml: it has ", 0), 0u);
}

TEST(Policy, B18_SizesThatOverflowOrHaveNoSuchUnitAreRefused) {
  for (const char* size : {"16777216 TiB", "3 MB", "MiB", "1.5 GiB", " 1", "1  KiB", ""}) {
    EXPECT_NE(Problem("memory = '" + std::string(size) + "'"), "") << size;
  }
}

TEST(Policy, B18_ItsTextReadsAsTheSamePolicy) {
  Policy policy;
  policy.grants.read = {"/caf\u00e9 \U0001f600", "/with \"quotes\"", "/and\\back\nslash\x01"};
  policy.limits.memory_bytes = UINT64_MAX;
  policy.limits.cpu_percent = 5;
  policy.environment = {"A=\"quoted\" caf\u00e9", "B"};

  Result<Policy> again = ParsePolicy(PolicyText(policy), "again");

  ASSERT_TRUE(again.ok()) << again.status().message;
  EXPECT_EQ(again->grants.read, policy.grants.read);
  EXPECT_EQ(again->limits.memory_bytes, UINT64_MAX);
  EXPECT_EQ(again->limits.cpu_percent, 5u);
  EXPECT_EQ(again->environment, policy.environment);
  EXPECT_EQ(PolicyText(*again), PolicyText(policy));
}

TEST(Policy, B18_AFileThatIsNotThereIsNamed) {
  Result<Policy> policy = ReadPolicyFile("/nowhere/p.toml");

  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.status().code, Code::kNotFound);
  EXPECT_NE(policy.status().message.find("'/nowhere/p.toml'"), std::string::npos);
}

}  // namespace
}  // namespace tvmffi
