// The C++ interface over a real daemon and real workers.
#include <gtest/gtest.h>
#include <signal.h>
#include <tvm/ffi/tvm_ffi.h>
#include <tvmffi/host/client.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace tvmffi::host {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Error;
using tvm::ffi::Function;
using tvm::ffi::Module;
using tvm::ffi::Shape;
using tvm::ffi::Tensor;

const std::string kPlugins = TVMFFI_TEST_PLUGINS;

Function Get(const Module& module, const char* name) {
  return module->GetFunction(name, false).value();
}

// The kind and the report of what `body` throws.
template <typename Body>
std::pair<std::string, Report> Thrown(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return {error.kind(), GetReport(error).value_or(Report())};
  }
  return {"nothing", Report()};
}

int64_t WorkerPid(const Module& module) { return WorkerInfo(module)["pid"].cast<int64_t>(); }

TEST(Host, CallsAFunctionInAnotherProcess) {
  const Client client = Client::Private();
  const Module values = client.LoadModule(kPlugins + "/values.so");

  EXPECT_EQ(Get(values, "echo_int")(41).cast<int64_t>(), 41);
  EXPECT_NE(Get(values, "pid")().cast<int64_t>(), ::getpid());
  EXPECT_STREQ(values->kind(), "hosted");
}

TEST(Host, ACrashIsAnErrorWithAReportAndTheNextCallWorks) {
  const Module faulty = Client::Private().LoadModule(kPlugins + "/faulty.so");
  const int64_t pid = WorkerPid(faulty);

  const auto [kind, report] = Thrown([&] { Get(faulty, "segfault")(); });

  EXPECT_EQ(kind, kWorkerCrashed);
  EXPECT_EQ(report.signal, SIGSEGV);
  EXPECT_EQ(report.signal_name, "SIGSEGV");
  EXPECT_EQ(report.function, "segfault");
  EXPECT_EQ(report.worker_pid, pid);
  EXPECT_EQ(report.fault_address, 0u);
  EXPECT_EQ(report.is_write, true);
  EXPECT_FALSE(report.fault_argument.has_value());
  EXPECT_GT(report.resource_usage.max_rss_kib, 0);
  EXPECT_EQ(report.bucket.size(), 16u);
  ASSERT_FALSE(report.frames.empty()) << report.frames_note;
  EXPECT_EQ(report.frames[0].symbol, "faulty::Segfault()") << report.frames_note;
  EXPECT_NE(report.frames[0].file.find("crashes.cc"), std::string::npos);
  EXPECT_GT(report.frames[0].line, 0);
  EXPECT_EQ(report.frames[0].module, "faulty.so");
  EXPECT_EQ(Get(faulty, "pid")().type_index(), kTVMFFIInt);
  EXPECT_NE(WorkerPid(faulty), pid);
}

TEST(Host, B8_ACrashIsRecordedWhereThatWasAskedFor) {
  char folder[] = "/tmp/tvmffi-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  LoadOptions options;
  options.record = folder;
  const Module faulty = Client::Private().LoadModule(kPlugins + "/faulty.so", options);
  Get(faulty, "pid")();
  EXPECT_TRUE(std::filesystem::is_empty(folder));

  const auto [kind, report] = Thrown([&] { Get(faulty, "exit_now")(3); });

  EXPECT_EQ(kind, kWorkerCrashed);
  EXPECT_EQ(report.recording.rfind(std::string(folder) + "/faulty-exit_now-", 0), 0u);
  EXPECT_EQ(report.recording_note, "");
  EXPECT_TRUE(std::filesystem::is_regular_file(report.recording));
  std::filesystem::remove_all(folder);
}

TEST(Host, AHangEndsAtTheDeadline) {
  LoadOptions options;
  options.deadline = 1.0;
  const Module faulty = Client::Private().LoadModule(kPlugins + "/faulty.so", options);

  const auto [kind, report] = Thrown([&] { Get(faulty, "hang")(); });

  EXPECT_EQ(kind, kDeadlineExceeded);
  EXPECT_EQ(report.cause, "deadline");
  EXPECT_GE(report.elapsed, 1.0);
}

TEST(Host, AFailedLoadNamesThePath) {
  const Client client = Client::Private();

  try {
    client.LoadModule("/no/such/kernel.so");
    FAIL() << "loaded a file that does not exist";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kLoadFailed);
    EXPECT_NE(error.message().find("/no/such/kernel.so"), std::string::npos);
  }
}

TEST(Host, APluginsErrorHasNoReport) {
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so");

  try {
    Get(values, "raise_value_error")("from the plug-in");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), "ValueError");
    EXPECT_EQ(error.message(), "from the plug-in");
    EXPECT_FALSE(GetReport(error).has_value());
  }
}

TEST(Host, B3_AStoreOnePastAnOutputNamesArgumentAndOffset) {
  const Module faulty = Client::Private().LoadModule(kPlugins + "/faulty.so");
  const DLDataType dtype{kDLFloat, 32, 1};
  const Tensor input = Empty(Shape({1024}), dtype);
  const Tensor output = Empty(Shape({1024}), dtype);

  const auto [kind, report] = Thrown([&] { Get(faulty, "store_one_past")(input, output); });

  EXPECT_EQ(kind, kWorkerCrashed);
  EXPECT_EQ(report.fault_argument, 1);
  EXPECT_EQ(report.fault_offset, 4096);
  EXPECT_EQ(report.is_write, true);
}

TEST(Host, SharedTensorsAreNotCopied) {
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so");
  const Tensor tensor = Empty(Shape({1024}), DLDataType{kDLFloat, 32, 1});
  const auto before = Stats();

  Get(values, "fill")(tensor, 2.5);

  EXPECT_EQ(static_cast<const float*>(tensor.data_ptr())[1023], 2.5f);
  EXPECT_EQ(Stats()["bytes_copied_in"], before["bytes_copied_in"]);
  EXPECT_EQ(Stats()["zero_copy_tensors"], before["zero_copy_tensors"] + 1);
}

TEST(Host, TensorsOfAWorkersPoolAreNotCopiedForIt) {
  const Client client = Client::Private();
  const Module values = client.LoadModule(kPlugins + "/values.so");
  const Module other = client.LoadModule(kPlugins + "/values.so");
  const DLDataType dtype{kDLFloat, 32, 1};
  std::atomic<int> wrong{0};

  const auto use = [&](float value) {
    for (int i = 0; i < 200; ++i) {
      const Tensor tensor = Empty(Shape({100 + i}), dtype, values);
      const float* data = static_cast<const float*>(tensor.data_ptr());
      wrong += std::any_of(data, data + 100 + i, [](float x) { return x != 0; });
      Get(values, "fill")(tensor, value);
      wrong += std::any_of(data, data + 100 + i, [&](float x) { return x != value; });
    }
  };
  std::thread thread(use, 1.0f);
  use(2.0f);
  thread.join();
  EXPECT_EQ(wrong, 0);

  const Tensor tensor = Empty(Shape({1024}), dtype, values);
  auto before = Stats();
  Get(values, "fill")(tensor, 2.5);
  EXPECT_EQ(Stats()["bytes_copied_in"], before["bytes_copied_in"]);
  EXPECT_EQ(Stats()["zero_copy_tensors"], before["zero_copy_tensors"] + 1);
  Get(other, "fill")(tensor, 3.5);
  EXPECT_EQ(Stats()["bytes_copied_in"], before["bytes_copied_in"] + 4096);
  EXPECT_EQ(static_cast<const float*>(tensor.data_ptr())[1023], 3.5f);
}

TEST(Host, CallbacksRunInTheCaller) {
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so");
  const Function add_pid = Function::FromTyped([](int64_t x) -> int64_t { return x + ::getpid(); });

  EXPECT_EQ(Get(values, "apply")(add_pid, 1).cast<int64_t>(), ::getpid() + 1);
}

TEST(Host, C2_10_CallbacksHaveADeadlineOfTheirOwn) {
  LoadOptions options;
  options.callback_deadline = 0.0;
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so", options);
  const Function echo = Function::FromTyped([](int64_t x) { return x; });

  const auto [kind, report] = Thrown([&] { Get(values, "call_twice")(echo, 1); });

  EXPECT_EQ(kind, kDeadlineExceeded);
  EXPECT_EQ(report.cause, "deadline");
  EXPECT_EQ(Get(values, "echo_int")(7).cast<int64_t>(), 7);
}

TEST(Host, ThreadsGetTheirOwnAnswers) {
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so");
  const Function echo = Get(values, "echo_int");
  std::atomic<int> wrong{0};

  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 2000; ++i)
        wrong += echo(t * 1'000'000 + i).cast<int64_t>() != t * 1'000'000 + i;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

TEST(Host, AMillionCallsOfTwoThreadsGetTheirOwnAnswers) {
  constexpr int64_t kCalls = 500'000;
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so");
  const Function echo = Get(values, "echo_int");
  std::atomic<int64_t> right{0};

  const auto call = [&](int64_t thread) {
    for (int64_t i = 0; i < kCalls; ++i)
      right += echo(thread * kCalls + i).cast<int64_t>() == thread * kCalls + i;
  };
  std::thread other(call, 1);
  call(0);
  other.join();

  EXPECT_EQ(right, 2 * kCalls);
}

TEST(Host, InitCallsRunAfterEveryStart) {
  LoadOptions options;
  options.init = {{"retain", {tvm::ffi::String("k"), Any(int64_t{42})}}};
  const Module values = Client::Private().LoadModule(kPlugins + "/values.so", options);
  EXPECT_EQ(Get(values, "retained")("k").cast<int64_t>(), 42);
  const int64_t pid = WorkerPid(values);

  ::kill(static_cast<pid_t>(pid), SIGKILL);

  // The call may meet the dying worker; one of the two runs in the next one.
  if (Thrown([&] { Get(values, "pid")(); }).first != "nothing") Get(values, "pid")();
  EXPECT_EQ(Get(values, "retained")("k").cast<int64_t>(), 42);
  EXPECT_NE(WorkerPid(values), pid);
}

TEST(Host, ARequiredLayerThatDoesNotExistIsRefusedByName) {
  LoadOptions options;
  options.require = {"process", "moat"};

  const Client client = Client::Private();
  std::string message;
  try {
    client.LoadModule(kPlugins + "/values.so", options);
  } catch (const tvm::ffi::Error& error) {
    EXPECT_EQ(error.kind(), kUnavailable);
    message = error.message();
  }

  EXPECT_NE(message.find("'moat'"), std::string::npos) << message;
}

TEST(Host, ClosingASessionEndsItsModules) {
  const Client client = Client::Private();
  const Module values = client.LoadModule(kPlugins + "/values.so");
  const Function pid = Get(values, "pid");

  client.Close();

  EXPECT_EQ(Thrown([&] { pid(); }).first, kUnavailable);
}

}  // namespace
}  // namespace tvmffi::host
