#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/sealed_file.h"
#include "tests/hostd/worker_driver.h"
#include "tests/support/temp_dir.h"

namespace tvmffi::hostd {
namespace {

TVMFFIAny Int(int64_t value) {
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIInt;
  any.v_int64 = value;
  return any;
}

TVMFFIAny Float(double value) {
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIFloat;
  any.v_float64 = value;
  return any;
}

TVMFFIAny RawStr(const char* text) {
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIRawStr;
  any.v_c_str = text;
  return any;
}

// A vector of floats in memory of the test.
struct FloatVector {
  FloatVector(void* data, int64_t size, int64_t stride = 1) : shape{size}, strides{stride} {
    tensor = {data, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, strides, 0};
  }
  TVMFFIAny pointer() {
    TVMFFIAny any = NoneAny();
    any.type_index = kTVMFFIDLTensorPtr;
    any.v_ptr = &tensor;
    return any;
  }
  // An ffi.Tensor over the same memory; this vector outlives it.
  OwnedAny object() {
    managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    managed.dl_tensor = tensor;
    TVMFFIObjectHandle handle = nullptr;
    EXPECT_EQ(TVMFFITensorFromDLPackVersioned(&managed, 0, 0, &handle), 0);
    OwnedAny any;
    TVMFFIAny* out = any.out();
    out->type_index = kTVMFFITensor;
    out->v_obj = static_cast<TVMFFIObject*>(handle);
    return any;
  }
  int64_t shape[1];
  int64_t strides[1];
  DLTensor tensor;
  DLManagedTensorVersioned managed = {};
};

std::string Text(const TVMFFIAny& any) {
  TVMFFIByteArray bytes;
  return ViewText(any, &bytes) ? std::string(bytes.data, bytes.size) : "no text";
}

class Worker : public ::testing::Test {
 protected:
  void SetUp() override { worker_.Start(); }

  CallOutcome Call(const char* function, const std::vector<TVMFFIAny>& args) {
    return worker_.Call(worker_.Function(function), args);
  }

  // Grants arena 500, 501, ... of `size` bytes, counting requests.
  void GrantArenas(size_t size) {
    worker_.grant = [this, size](uint64_t bytes) {
      wanted_.push_back(bytes);
      const uint32_t id = 500 + static_cast<uint32_t>(wanted_.size()) - 1;
      worker_.AddArena(id, size);
      return id;
    };
  }

  WorkerDriver worker_;
  std::vector<uint64_t> wanted_;
};

TEST_F(Worker, LoadsAModuleAndCallsItsFunctions) {
  CallOutcome loaded = worker_.Load(TVMFFI_TEST_PROBE);

  ASSERT_EQ(loaded.op, FrameOp::kReturn) << loaded.error.message;
  EXPECT_EQ(worker_.values().last_key, "ffi.Module");
  EXPECT_EQ(worker_.values().last_static_type_index, kTVMFFIModule);
  CallOutcome sum = Call("add", {Int(40), Int(2)});
  ASSERT_EQ(sum.op, FrameOp::kReturn);
  EXPECT_EQ(sum.result.get().v_int64, 42);
}

TEST(PreparedWorker, ServesLikeAnyOther) {
  WorkerDriver worker;
  worker.StartAfter({wire::WorkerPrepare{}},
                    wire::WorkerStart{1, {}, {}, {}, false, false, false, {"PREPARED=yes"}, 1000});

  EXPECT_NE(worker.Probe(), 0u);
}

TEST(PreparedWorker, C1_2_EndsBeforeItLoadsWhenItIsToBeSomethingElse) {
  const wire::WorkerPrepare other[] = {{{"process"}, false, 0, false},
                                       {{}, true, 0, false},
                                       {{}, false, 1, false},
                                       {{}, false, 0, true}};
  for (const wire::WorkerPrepare& prepare : other) {
    WorkerDriver worker;
    worker.StartAfter({prepare}, wire::WorkerStart{1, {}, {}, {}, false});

    EXPECT_EQ(WEXITSTATUS(worker.Wait()), 71);
    EXPECT_NE(worker.Log().find("prepared for something else"), std::string::npos) << worker.Log();
  }
}

TEST(PreparedWorker, IsPreparedOnce) {
  WorkerDriver worker;
  worker.StartAfter({wire::WorkerPrepare{}, wire::WorkerPrepare{}},
                    wire::WorkerStart{1, {}, {}, {}, false});

  EXPECT_EQ(WEXITSTATUS(worker.Wait()), 71);
  EXPECT_NE(worker.Log().find("expected WorkerStart, got WorkerPrepare"), std::string::npos);
}

TEST_F(Worker, FailsToLoadWithTheTextsOfALocalLoad) {
  testing::TempDir folder;
  const std::string text = folder.path() + "/text.so";
  std::ofstream(text) << std::string(1000, 'x');
  const struct {
    std::string path;
    const char* kind;
  } cases[] = {
      {text, "InternalError"}, {"no_extension", "RuntimeError"}, {"m.xyz", "RuntimeError"}};
  for (const auto& expected : cases) {
    TVMFFIAny path = RawStr(expected.path.c_str());
    OwnedAny ignored;
    ASSERT_NE(TVMFFIFunctionCall(FindGlobal("ffi.ModuleLoadFromFile"), &path, 1, ignored.out()), 0);
    ErrorText local;
    ASSERT_TRUE(TakeRaised(&local));

    CallOutcome outcome = worker_.Load(expected.path);

    EXPECT_EQ(outcome.op, FrameOp::kError);
    EXPECT_EQ(outcome.error.kind, expected.kind);
    EXPECT_EQ(outcome.error.kind, local.kind);
    EXPECT_EQ(outcome.error.message, local.message);
  }
}

TEST_F(Worker, B12_LoadsTheCopyItWasLentWhateverLiesAtThePath) {
  Result<SealedFile> copy = SealedFile::Copy(TVMFFI_TEST_PROBE);
  ASSERT_TRUE(copy.ok());
  worker_.Lend("/nowhere/swapped.so", UniqueFd(::dup(copy->fd())));

  CallOutcome outcome = worker_.Load("/nowhere/swapped.so");

  EXPECT_EQ(outcome.op, FrameOp::kReturn) << outcome.error.message;
}

TEST_F(Worker, B12_RefusesACopyThatCouldStillChange) {
  UniqueFd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  worker_.Lend("/nowhere/open.so", std::move(open));

  EXPECT_EQ(WEXITSTATUS(worker_.Wait()), 71);
  EXPECT_NE(worker_.Log().find("a module's file has seals "), std::string::npos) << worker_.Log();
}

TEST_F(Worker, ReportsErrorsWithKindAndMessage) {
  CallOutcome outcome = Call("fail", {RawStr("ValueError"), RawStr("no such thing")});

  EXPECT_EQ(outcome.op, FrameOp::kError);
  EXPECT_EQ(outcome.error.kind, "ValueError");
  EXPECT_EQ(outcome.error.message, "no such thing");
}

TEST_F(Worker, SaysSoWhenAFunctionFailsWithoutAnError) {
  CallOutcome outcome = Call("fail_without_error", {});

  EXPECT_EQ(outcome.error.kind, "RuntimeError");
  EXPECT_NE(outcome.error.message.find("without raising an error"), std::string::npos)
      << outcome.error.message;
}

TEST_F(Worker, ShowsTheCalleeTheTypeThatTheCallerPassed) {
  const TVMFFIByteArray bytes = {"0123456789", 10};
  TVMFFIAny view = NoneAny();
  view.type_index = kTVMFFIByteArrayPtr;
  view.v_ptr = const_cast<TVMFFIByteArray*>(&bytes);
  FloatVector vector(worker_.AddArena(1, 4096), 4);
  OwnedAny tensor = vector.object();

  EXPECT_EQ(Call("type_index", {RawStr("some text")}).result.get().v_int64, kTVMFFIRawStr);
  EXPECT_EQ(Call("type_index", {view}).result.get().v_int64, kTVMFFIByteArrayPtr);
  EXPECT_EQ(Call("type_index", {vector.pointer()}).result.get().v_int64, kTVMFFIDLTensorPtr);
  EXPECT_EQ(Call("type_index", {tensor.get()}).result.get().v_int64, kTVMFFITensor);
  EXPECT_EQ(Text(Call("echo", {RawStr("a longer text")}).result.get()), "a longer text");
  EXPECT_EQ(Text(Call("echo", {view}).result.get()), "0123456789");
}

TEST_F(Worker, ReadsAndWritesTensorsInPlace) {
  auto* data = reinterpret_cast<float*>(worker_.AddArena(1, 4096));
  for (int i = 0; i < 8; ++i) data[i] = static_cast<float>(i);
  FloatVector even(data, 4, 2);
  FloatVector backwards(data + 7, 8, -1);
  OwnedAny object = even.object();

  EXPECT_EQ(Call("sum", {even.pointer()}).result.get().v_float64, 12);
  EXPECT_EQ(Call("sum", {backwards.pointer()}).result.get().v_float64, 28);
  CallOutcome filled = Call("fill", {object.get(), Float(5)});

  EXPECT_TRUE(filled.notes.empty());
  EXPECT_EQ(std::vector<float>(data, data + 8), (std::vector<float>{5, 1, 5, 3, 5, 5, 5, 7}));
}

TEST_F(Worker, WaitsForAnArenaThatIsOnItsWay) {
  auto* data = reinterpret_cast<float*>(worker_.AddArena(1, 4096, /*share=*/false));
  data[0] = 3;
  FloatVector vector(data, 1);
  const uint64_t sum = worker_.Function("sum");
  FrameWriter writer;
  writer.Start(FrameOp::kCall, sum, 1, 3, 1);  // the third exchange: load, lookup, this
  ASSERT_TRUE(writer.Put(0, vector.pointer(), &worker_.values()).ok());
  const char* frame = writer.Finish();
  worker_.SendRaw(frame, writer.size());

  worker_.ShareArena(1);

  worker_.ExpectExchange(3);
  EXPECT_EQ(worker_.Finish(0).result.get().v_float64, 3);
}

TEST_F(Worker, NamesTheArgumentThatAFunctionReturns) {
  char* data = worker_.AddArena(1, 4096);
  FloatVector first(data, 4);
  FloatVector second(data + 64, 4);
  OwnedAny object = second.object();
  worker_.callbacks.emplace_back();
  OwnedAny callback = MakeCallback(0);

  EXPECT_EQ(Call("echo", {object.get()}).last_argument, 0);
  EXPECT_EQ(Call("echo", {callback.get()}).last_argument, 0);
}

TEST_F(Worker, ReportsTensorsThatAModuleKeepsAndDrops) {
  FloatVector vector(worker_.AddArena(1, 4096), 4);
  OwnedAny object = vector.object();

  CallOutcome kept = Call("keep", {object.get()});
  CallOutcome dropped = Call("forget", {});

  ASSERT_EQ(kept.notes.size(), 1u);
  EXPECT_EQ(kept.notes[0].kind, NoteKind::kRetained);
  EXPECT_EQ(kept.notes[0].id, 77u);
  ASSERT_EQ(dropped.notes.size(), 1u);
  EXPECT_EQ(dropped.notes[0].kind, NoteKind::kDropped);
  EXPECT_EQ(dropped.notes[0].id, 77u);
}

TEST_F(Worker, KeepsMemoryMappedThatAModuleKept) {
  auto* data = reinterpret_cast<float*>(worker_.AddArena(1, 4096));
  data[0] = 11;
  FloatVector vector(data, 1);
  OwnedAny object = vector.object();
  Call("keep", {object.get()});
  worker_.SendControl(wire::RetireArena{1, 1, 1});
  worker_.AddArena(2, 4096);  // shared after the other was retired: a call that uses it comes later
  FloatVector other(worker_.AddArena(3, 4096), 1);
  Call("sum", {other.pointer()});

  CallOutcome kept = Call("kept", {});

  // The arena has no name any more, so what is left of it is copied out.
  EXPECT_EQ(kept.op, FrameOp::kError);
  EXPECT_EQ(kept.error.kind, "MemoryError");
  GrantArenas(4096);
  kept = Call("kept", {});
  ASSERT_EQ(kept.op, FrameOp::kReturn) << kept.error.message;
  EXPECT_EQ(static_cast<float*>(TVMFFITensorGetDLTensorPtr(kept.result.get().v_obj)->data)[0], 11);
}

TEST_F(Worker, AllocatesResultsInMemoryThatItAskedFor) {
  GrantArenas(1u << 20);

  CallOutcome made = Call("make", {Int(1000)});

  ASSERT_EQ(made.op, FrameOp::kReturn) << made.error.message;
  EXPECT_EQ(wanted_, std::vector<uint64_t>{4032});  // 4000 bytes, in units of 64
  const TensorDesc desc = worker_.values().last_tensor;
  EXPECT_EQ(desc.arena_id, 500u);
  EXPECT_EQ(desc.nbytes, 4000u);
  EXPECT_EQ(desc.data_offset % 64, 0u);
  EXPECT_NE(desc.id, 0u);
  EXPECT_EQ(static_cast<float*>(TVMFFITensorGetDLTensorPtr(made.result.get().v_obj)->data)[999],
            999);
}

TEST_F(Worker, UsesAReleasedResultsMemoryAgain) {
  GrantArenas(8192);
  Call("make", {Int(1500)});
  const TensorDesc first = worker_.values().last_tensor;

  worker_.Release(first.id);
  Call("make", {Int(1500)});

  EXPECT_EQ(wanted_.size(), 1u);
  EXPECT_EQ(worker_.values().last_tensor.offset, first.offset);
  Call("make", {Int(1500)});
  EXPECT_EQ(wanted_.size(), 2u);
}

TEST_F(Worker, RaisesMemoryErrorWhenResultsAreRefused) {
  CallOutcome made = Call("make", {Int(1000)});

  EXPECT_EQ(made.op, FrameOp::kError);
  EXPECT_EQ(made.error.kind, "MemoryError");
  EXPECT_NE(made.error.message.find("4032 bytes"), std::string::npos) << made.error.message;
}

TEST_F(Worker, CannotAskForMemoryOnAnotherThread) {
  GrantArenas(8192);
  CallOutcome refused = Call("make_on_thread", {Int(100)});
  EXPECT_EQ(refused.error.kind, "MemoryError");
  EXPECT_TRUE(wanted_.empty());

  Call("make", {Int(1)});
  CallOutcome made = Call("make_on_thread", {Int(100)});

  EXPECT_EQ(made.op, FrameOp::kReturn) << made.error.message;
  EXPECT_EQ(worker_.values().last_tensor.arena_id, 500u);
}

TEST_F(Worker, CopiesAResultOutOfTheModulesOwnMemory) {
  GrantArenas(8192);

  CallOutcome made = Call("make_private", {Int(5)});

  ASSERT_EQ(made.op, FrameOp::kReturn) << made.error.message;
  EXPECT_EQ(worker_.values().last_tensor.arena_id, 500u);
  EXPECT_EQ(static_cast<float*>(TVMFFITensorGetDLTensorPtr(made.result.get().v_obj)->data)[4], 4);
}

TEST_F(Worker, ReturnsAnEmptyTensorWithoutMemory) {
  CallOutcome made = Call("make_private", {Int(0)});

  ASSERT_EQ(made.op, FrameOp::kReturn) << made.error.message;
  EXPECT_EQ(TVMFFITensorGetDLTensorPtr(made.result.get().v_obj)->shape[0], 0);
}

TEST_F(Worker, RefusesTensorsOnOtherDevices) {
  CallOutcome made = Call("make_on_gpu", {});

  EXPECT_EQ(made.error.kind, "ValueError");
  EXPECT_NE(made.error.message.find("device type 2"), std::string::npos) << made.error.message;
}

TEST_F(Worker, CallsBackWithArgumentsAndResult) {
  worker_.callbacks.push_back(
      [](const std::vector<TVMFFIAny>& args, TVMFFIAny* result, ErrorText*) {
        *result = Int(args[0].v_int64 * 10 + static_cast<int64_t>(args.size()));
        return true;
      });
  OwnedAny callback = MakeCallback(0);

  CallOutcome outcome = Call("apply", {callback.get(), Int(7), RawStr("x")});

  ASSERT_EQ(outcome.op, FrameOp::kReturn) << outcome.error.message;
  EXPECT_EQ(outcome.result.get().v_int64, 72);
}

TEST_F(Worker, PassesACallbacksErrorThroughTheFunction) {
  worker_.callbacks.push_back([](const std::vector<TVMFFIAny>&, TVMFFIAny*, ErrorText* error) {
    *error = {"KeyError", "not there", "  File \"caller.py\", line 3, in callback\n"};
    return false;
  });
  OwnedAny callback = MakeCallback(0);

  CallOutcome outcome = Call("apply", {callback.get()});

  EXPECT_EQ(outcome.error.kind, "KeyError");
  EXPECT_EQ(outcome.error.message, "not there");
  EXPECT_EQ(outcome.error.backtrace.find("  File \"caller.py\", line 3, in callback\n"), 0u);
  EXPECT_EQ(outcome.error.backtrace.find("TVMFFIWorkerCallback"), std::string::npos)
      << outcome.error.backtrace;
  EXPECT_EQ(outcome.error.backtrace.find("tvmffi::"), std::string::npos) << outcome.error.backtrace;
}

TEST_F(Worker, AddsTheModulesFramesToACallbacksError) {
  worker_.callbacks.push_back([](const std::vector<TVMFFIAny>&, TVMFFIAny*, ErrorText* error) {
    *error = {"KeyError", "not there", "  File \"caller.py\", line 3, in callback\n"};
    return false;
  });
  OwnedAny callback = MakeCallback(0);
  const TVMFFIByteArray* here = TVMFFIBacktrace(nullptr, 0, nullptr, 1);
  if (here->size == 0) GTEST_SKIP() << "this libtvm_ffi makes no backtraces";

  const std::string backtrace = Call("apply_directly", {callback.get()}).error.backtrace;

  EXPECT_EQ(backtrace.find("  File \"caller.py\", line 3, in callback\n"), 0u);
  EXPECT_NE(backtrace.find("__tvm_ffi_apply_directly"), std::string::npos) << backtrace;
  EXPECT_EQ(backtrace.find("tvmffi::"), std::string::npos) << backtrace;
  EXPECT_EQ(backtrace.find("TVMFFIWorkerCallback"), std::string::npos) << backtrace;
  EXPECT_EQ(backtrace.find("LaneServer"), std::string::npos) << backtrace;
}

TEST_F(Worker, ShowsACallbackTheModulesOwnMemory) {
  GrantArenas(8192);
  worker_.callbacks.push_back([](const std::vector<TVMFFIAny>& args, TVMFFIAny*, ErrorText*) {
    auto* data = static_cast<float*>(TVMFFITensorGetDLTensorPtr(args[0].v_obj)->data);
    EXPECT_EQ(data[3], 3);
    EXPECT_EQ(args[1].type_index, kTVMFFIDLTensorPtr);
    data[0] = 99;
    auto* again = static_cast<float*>(static_cast<DLTensor*>(args[1].v_ptr)->data);
    again[0] = 99;
    return true;
  });
  OwnedAny callback = MakeCallback(0);

  CallOutcome outcome = Call("lend_private", {callback.get()});

  ASSERT_EQ(outcome.op, FrameOp::kReturn) << outcome.error.message;
  EXPECT_EQ(outcome.result.get().v_float64, 99);
}

TEST_F(Worker, RefusesACallbackOnAnotherThread) {
  worker_.callbacks.emplace_back();
  OwnedAny callback = MakeCallback(0);

  CallOutcome outcome = Call("apply_on_thread", {callback.get()});

  EXPECT_EQ(outcome.error.kind, "RuntimeError");
  EXPECT_NE(outcome.error.message.find("another thread"), std::string::npos)
      << outcome.error.message;
}

TEST_F(Worker, C2_10_RefusesACallbackAfterItsCall) {
  worker_.callbacks.emplace_back();
  OwnedAny callback = MakeCallback(0);
  Call("keep", {callback.get()});

  CallOutcome outcome = Call("apply_kept", {});

  EXPECT_EQ(outcome.error.kind, "RuntimeError");
  EXPECT_NE(outcome.error.message.find("after that call had ended"), std::string::npos)
      << outcome.error.message;
}

TEST_F(Worker, HandsOutObjectsAsHandlesUntilTheyAreReleased) {
  CallOutcome made = Call("make_function", {});
  const uint64_t id = HandleId(made.result.get());
  EXPECT_EQ(worker_.values().last_key, "ffi.Function");

  EXPECT_EQ(worker_.Call(id, {}).result.get().v_int64, 42);
  EXPECT_EQ(Call("type_index", {made.result.get()}).result.get().v_int64, kTVMFFIFunction);
  worker_.Release(id);
  EXPECT_EQ(Call("add", {Int(1), Int(1)}).result.get().v_int64, 2);
  EXPECT_EQ(worker_.Call(id, {}).wait, WaitOutcome::kPeerDead);

  EXPECT_TRUE(WIFEXITED(worker_.Wait()));
  EXPECT_NE(
      worker_.Log().find("the client broke the protocol: call of handle " + std::to_string(id)),
      std::string::npos)
      << worker_.Log();
}

TEST_F(Worker, CarriesLargeFramesBothWays) {
  GrantArenas(4u << 20);
  const std::string text(1000000, 'x');

  CallOutcome echoed = Call("echo", {RawStr(text.c_str())});
  CallOutcome made = Call("text", {Int(300000)});

  EXPECT_EQ(Text(echoed.result.get()), text);
  EXPECT_EQ(Text(made.result.get()).size(), 300000u);
}

TEST_F(Worker, CutsLargeErrorsWhenThereIsNoMemoryForThem) {
  const std::string text(200000, 'x');

  CallOutcome outcome = Call("fail", {RawStr("ValueError"), RawStr(text.c_str())});

  EXPECT_EQ(outcome.error.kind, "ValueError");
  EXPECT_EQ(outcome.error.message, text.substr(0, outcome.error.message.size()));
  EXPECT_GE(outcome.error.message.size(), 10000u);
}

TEST_F(Worker, ServesLanesSideBySide) {
  worker_.OpenLane(1);
  worker_.OpenLane(15);
  const uint64_t add = worker_.Function("add");

  EXPECT_EQ(worker_.Call(add, {Int(1), Int(2)}, 1).result.get().v_int64, 3);
  EXPECT_EQ(worker_.Call(add, {Int(3), Int(4)}, 15).result.get().v_int64, 7);
  EXPECT_EQ(worker_.Call(add, {Int(5), Int(6)}, 0).result.get().v_int64, 11);
}

TEST_F(Worker, SaysWhichGlobalFunctionIsMissing) {
  CallOutcome outcome = worker_.CallGlobal("no.such.function", {});

  EXPECT_EQ(outcome.error.kind, "ValueError");
  EXPECT_EQ(outcome.error.message, "Cannot find global function no.such.function");
}

TEST_F(Worker, SendsWhatAModulePrintsToItsLog) {
  Call("print", {RawStr("hello")});

  EXPECT_EQ(worker_.Log(), "printed: hello\n");
}

TEST_F(Worker, EndsWhenItsSocketCloses) {
  Call("add", {Int(1), Int(2)});

  worker_.CloseSocket();

  const int status = worker_.Wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Worker, EndsOnAFrameThatBreaksTheProtocol) {
  Call("add", {Int(1), Int(2)});
  const char garbage[64] = "this is no frame";

  worker_.SendRaw(garbage, sizeof(garbage));

  const int status = worker_.Wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 70);
  EXPECT_NE(worker_.Log().find("broke the protocol"), std::string::npos) << worker_.Log();
}

TEST(WorkerLimits, AreInForceBeforeTheFirstRequest) {
  WorkerDriver worker;
  wire::Limits limits;
  limits.open_files = 77;
  worker.Start(limits);
  worker.CallGlobal("no.such.function", {});

  std::ifstream file("/proc/" + std::to_string(worker.pid()) + "/limits");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};

  EXPECT_NE(text.find("Max open files            77                   77 "), std::string::npos)
      << text;
  EXPECT_NE(text.find("Max core file size        0                    0 "), std::string::npos)
      << text;
}

struct Death {
  const char* how;
  int signal;
  bool has_record;
  uint64_t address;
  bool is_write;
};

class WorkerCrash : public Worker, public ::testing::WithParamInterface<Death> {};

TEST_P(WorkerCrash, LeavesARecordAndTheTrueWaitStatus) {
  const Death& death = GetParam();
  const uint64_t function = worker_.Function("crash");

  EXPECT_EQ(worker_.Call(function, {RawStr(death.how)}).wait, WaitOutcome::kPeerDead);

  const int status = worker_.Wait();
  ASSERT_TRUE(WIFSIGNALED(status)) << worker_.Log();
  EXPECT_EQ(WTERMSIG(status), death.signal);
  const std::optional<Crash> crash = ReadCrash(worker_.crash_page());
  ASSERT_EQ(crash.has_value(), death.has_record);
  if (!death.has_record) return;
  EXPECT_EQ(crash->signal, death.signal);
  EXPECT_EQ(crash->call_id, 1002u);  // after load and lookup
  EXPECT_NE(worker_.crash_page().record.thread, worker_.pid());
  ASSERT_NE(crash->ModuleAt(crash->instruction), nullptr);
  EXPECT_FALSE(crash->registers.empty());
  EXPECT_GE(crash->stack.size(), kPage / 2);
  EXPECT_EQ(crash->modules[0].path, "");
  EXPECT_EQ(crash->stack_overflow, std::string(death.how) == "stack");
  if (death.address != 0) {
    EXPECT_EQ(crash->address, death.address);
    EXPECT_EQ(crash->is_write, death.is_write);
  }
}

INSTANTIATE_TEST_SUITE_P(Signals, WorkerCrash,
                         ::testing::Values(Death{"write", SIGSEGV, true, 0x1230, true},
                                           Death{"read", SIGSEGV, true, 0x4560, false},
                                           Death{"abort", SIGABRT, true, 0, false},
                                           Death{"trap", SIGILL, true, 0, false},
                                           Death{"stack", SIGSEGV, true, 0, false},
                                           Death{"kill", SIGKILL, false, 0, false}),
                         [](const auto& info) { return std::string(info.param.how); });

}  // namespace
}  // namespace tvmffi::hostd
