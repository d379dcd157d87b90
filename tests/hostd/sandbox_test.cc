// The parts of the sandbox that can be looked at without locking this process.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "hostd/sandbox/layers.h"
#include "hostd/sandbox/policy.h"
#include "hostd/sandbox/reads.h"
#include "tests/support/temp_dir.h"

namespace tvmffi::hostd {
namespace {

LayerReport SomeLayers() {
  LayerReport report;
  report.Add(kProcess, OkStatus());
  report.Add(kLandlock, OkStatus());
  report.Add(kSeccomp, {Code::kUnavailable, "the kernel is too old"});
  return report;
}

bool Contains(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

TEST(Layers, ActiveAreThoseThatAreNotMissing) {
  EXPECT_EQ(SomeLayers().Active(), (std::vector<std::string>{"process", "landlock"}));
}

TEST(Layers, RequireNamesTheMissingOneAndWhy) {
  Status status = SomeLayers().Require({"landlock", "seccomp"});

  EXPECT_EQ(status.code, Code::kUnavailable);
  EXPECT_EQ(status.message, "the required layer 'seccomp' is missing: the kernel is too old");
  EXPECT_TRUE(SomeLayers().Require({"process", "landlock"}).ok());
  EXPECT_EQ(SomeLayers().Require({"moat"}).code, Code::kInvalidArgument);
}

TEST(Layers, SwitchingOffLeavesWhatEveryWorkerHas) {
  LayerReport report = SomeLayers();

  EXPECT_TRUE(report.SwitchOff({"all"}).ok());

  EXPECT_EQ(report.Active(), std::vector<std::string>{"process"});
  EXPECT_FALSE(report.SwitchOff({"process"}).ok());
  EXPECT_FALSE(report.SwitchOff({"moat"}).ok());
}

TEST(Layers, ProbingSaysOfEachLayerThatItIsThereOrWhyNot) {
  Result<LayerReport> report = ProbeLayers(Cgroups::Find(), {});

  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->layers().size(), 20u);
  for (const Layer& layer : report->layers()) {
    EXPECT_TRUE(layer.missing.empty() || layer.missing.size() > 10) << layer.name;
  }
}

TEST(Layers, AWorkerOfRootHasAnotherUserOrAUserNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const std::vector<std::string>& without : {std::vector<std::string>{}, {"userns"}}) {
    Result<LayerReport> report = ProbeLayers(Cgroups::Find(), without);

    ASSERT_TRUE(report.ok());
    EXPECT_NE(report->Require({"userns"}).ok(), report->Require({"uid"}).ok());
  }
}

TEST(Layers, WithoutAUserNamespaceOnlyRootHasTheOthers) {
  Result<LayerReport> report = ProbeLayers(Cgroups::Find(), {"userns"});

  ASSERT_TRUE(report.ok());
  if (::geteuid() == 0) GTEST_SKIP() << "needs a normal user";
  for (std::string_view name : {kPidNamespace, kMountNamespace, kNetNamespace, kIpcNamespace}) {
    EXPECT_FALSE(report->Require({std::string(name)}).ok()) << name;
  }
}

TEST(Reads, AModuleComesWithTheLibrariesBesideIt) {
  testing::TempDir folder;
  for (const char* name : {"mod.so", "libdep.so.3", "weights.bin", "notes.so.txt", "x.sort"}) {
    std::ofstream(folder.path() + "/" + name) << "x";
  }
  wire::Grants grants;
  grants.modules = {folder.path() + "/mod.so"};

  const std::vector<std::string> paths = ReadablePaths(grants);

  // It comes as a copy, and a link to that stands at its place.
  EXPECT_FALSE(Contains(paths, folder.path() + "/mod.so"));
  EXPECT_TRUE(Contains(paths, folder.path() + "/libdep.so.3"));
  EXPECT_FALSE(Contains(paths, folder.path() + "/weights.bin"));
  EXPECT_FALSE(Contains(paths, folder.path() + "/x.sort"));
  EXPECT_FALSE(Contains(paths, folder.path()));
}

// The file that stands at a module's path by now has no say in it.
TEST(Reads, B12_LibrariesAreReadableInTheRunPathsOfTheModulesThatWereChecked) {
  testing::TempDir checked, other;
  for (const testing::TempDir* folder : {&checked, &other}) {
    std::ofstream(*folder / "libdep.so") << "x";
  }
  wire::Grants grants;
  grants.modules = {"/nowhere/mod.so"};
  grants.run_paths = {checked.path()};

  const std::vector<std::string> paths = ReadablePaths(grants);

  EXPECT_TRUE(Contains(paths, checked / "libdep.so"));
  EXPECT_FALSE(Contains(paths, other / "libdep.so"));
}

TEST(Reads, AFolderIsNotAboveOneWhoseNameBeginsLikeIt) {
  EXPECT_TRUE(LiesUnder("/usr/lib/x", {"/usr/lib"}));
  EXPECT_TRUE(LiesUnder("/usr/lib", {"/usr/lib"}));
  EXPECT_TRUE(LiesUnder("/usr/lib", {"/"}));
  EXPECT_FALSE(LiesUnder("/usr/libexec", {"/usr/lib"}));
  EXPECT_FALSE(LiesUnder("/usr", {"/usr/lib"}));
}

TEST(WorkerPolicy, AGrantOfWhatIsNotThereIsRefused) {
  wire::CreateWorker request;
  request.label = "w";
  request.grants.read = {"/no/such/place"};

  Result<Policy> policy = MakePolicy(request);

  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.status().code, Code::kNotFound);
  EXPECT_NE(policy.status().message.find("'/no/such/place'"), std::string::npos);
}

TEST(WorkerPolicy, VariablesThatAreReadOnceCannotBeSetLater) {
  for (const char* name : {"LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "GLIBCXX_TUNABLES"}) {
    EXPECT_FALSE(CanBeSetLater(name)) << name;
  }
  for (const char* name : {"OMP_NUM_THREADS", "LANG", "TZ", "LDX", "CUDA_VISIBLE_DEVICES"}) {
    EXPECT_TRUE(CanBeSetLater(name)) << name;
  }
}

}  // namespace
}  // namespace tvmffi::hostd
