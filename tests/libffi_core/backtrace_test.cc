#include <dlfcn.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/libffi_core/abi_test_util.h"

// Not static, and called with something behind the call: each is a frame with a name of its own.
#define FRAME extern "C" __attribute__((noinline, visibility("default")))
#define STAY_A_FRAME() asm volatile("")

namespace {
thread_local std::string captured;
}

FRAME void tvmffi_test_inner(const char* file, const char* function, int cross) {
  captured = tvmffi::test::Text(*TVMFFIBacktrace(file, 12, function, cross));
  STAY_A_FRAME();
}

FRAME void tvmffi_test_outer(const char* file, const char* function, int cross) {
  tvmffi_test_inner(file, function, cross);
  STAY_A_FRAME();
}

FRAME int tvmffi_test_callback(void* cross, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  tvmffi_test_outer(nullptr, nullptr, cross != nullptr ? 1 : 0);
  STAY_A_FRAME();
  return 0;
}

FRAME void tvmffi_test_behind_boundary(TVMFFIObjectHandle function) {
  TVMFFIAny result = tvmffi::test::None();
  TVMFFIFunctionCall(function, nullptr, 0, &result);
  STAY_A_FRAME();
}

namespace tvmffi::test {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

bool IsFrame(const std::string& line, const std::string& file, const std::string& function) {
  const std::string end = ", in " + function;
  return line.rfind("  File \"", 0) == 0 && line.find(file + "\", line ") != std::string::npos &&
         line.size() > end.size() && line.compare(line.size() - end.size(), end.size(), end) == 0;
}

constexpr const char* kThisFile = "backtrace_test.cc";

TEST(CAbi, C024_BacktraceIsNeverNullAndAGivenSiteComesFirst) {
  const TVMFFIByteArray* none = TVMFFIBacktrace(nullptr, 0, nullptr, 0);
  ASSERT_NE(none, nullptr);
  EXPECT_NE(none->data, nullptr);

  const std::string text = Text(*TVMFFIBacktrace("f.cc", 12, "fn", 0));
  EXPECT_EQ(text.rfind("  File \"f.cc\", line 12, in fn\n", 0), 0u);
}

// The same stack pointer and the same innermost return address, but another caller or another site.
TEST(Backtrace, ARememberedStackIsNotTakenForAnother) {
  char file[] = "a.cc";
  std::string outer, inner;
  for (int i = 0; i < 3; ++i) {
    tvmffi_test_outer(file, "fn", 0);
    EXPECT_TRUE(i == 0 || captured == outer) << captured;
    outer = captured;
    tvmffi_test_inner(file, "fn", 0);
    EXPECT_TRUE(i == 0 || captured == inner) << captured;
    inner = captured;
  }
#if TVMFFI_TEST_HAS_LIBBACKTRACE
  EXPECT_NE(outer.find("tvmffi_test_outer"), std::string::npos);
#endif
  EXPECT_EQ(inner.find("tvmffi_test_outer"), std::string::npos);
  file[0] = 'b';
  tvmffi_test_inner(file, "fn", 0);
  EXPECT_EQ(captured.rfind("  File \"b.cc\"", 0), 0u);
}

#if !TVMFFI_TEST_HAS_LIBBACKTRACE
TEST(CAbi, C024_WithoutLibbacktraceThereIsOneLineOrNone) {
  EXPECT_EQ(Text(*TVMFFIBacktrace("f.cc", 12, "fn", 0)), "  File \"f.cc\", line 12, in fn\n");
  EXPECT_EQ(Text(*TVMFFIBacktrace(nullptr, 12, "fn", 0)), "");
}
#else

TEST(Backtrace, WithoutASiteTheCallingFrameIsListed) {
  tvmffi_test_outer(nullptr, nullptr, 0);
  const std::vector<std::string> lines = Lines(captured);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_TRUE(IsFrame(lines[0], kThisFile, "tvmffi_test_inner")) << lines[0];
  EXPECT_TRUE(IsFrame(lines[1], kThisFile, "tvmffi_test_outer")) << lines[1];
}

TEST(Backtrace, ASiteReplacesTheCallingFrame) {
  tvmffi_test_outer("f.cc", "fn", 0);
  const std::vector<std::string> lines = Lines(captured);
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines[0], "  File \"f.cc\", line 12, in fn");
  EXPECT_TRUE(IsFrame(lines[1], kThisFile, "tvmffi_test_outer")) << lines[1];
  EXPECT_EQ(captured.find("tvmffi_test_inner"), std::string::npos);
}

TEST(Backtrace, ASiteInsideTheHeadersIsNotShown) {
  tvmffi_test_outer("/x/include/tvm/ffi/function_details.h", "fn", 0);
  EXPECT_EQ(captured.find("function_details.h"), std::string::npos);
  EXPECT_NE(captured.find("tvmffi_test_outer"), std::string::npos);

  tvmffi_test_outer("/x/own.cc", "tvm::ffi::details::unpack_call", 0);
  EXPECT_EQ(captured.find("unpack_call"), std::string::npos);
}

TEST(Backtrace, ItEndsAtACallThroughTheAbiUnlessAskedToCross) {
  for (const bool cross : {false, true}) {
    Ref function;
    ASSERT_EQ(TVMFFIFunctionCreate(cross ? &function : nullptr, tvmffi_test_callback, nullptr,
                                   function.out()),
              0);
    // With a NULL self the callback gets the function itself, so it is told by another way.
    if (!cross) {
      ASSERT_EQ(TVMFFIFunctionCreate(
                    nullptr,
                    [](void*, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
                      return tvmffi_test_callback(nullptr, args, num_args, result);
                    },
                    nullptr, function.out()),
                0);
    }
    tvmffi_test_behind_boundary(function.get());
    EXPECT_NE(captured.find("tvmffi_test_outer"), std::string::npos);
    EXPECT_EQ(captured.find("tvmffi_test_behind_boundary") != std::string::npos, cross) << captured;
  }
}

TEST(Backtrace, TheLimitOfTheEnvironmentHolds) {
  ::setenv("TVM_TRACEBACK_LIMIT", "2", 1);
  tvmffi_test_outer("f.cc", "fn", 0);
  ::unsetenv("TVM_TRACEBACK_LIMIT");
  EXPECT_EQ(Lines(captured).size(), 2u) << captured;
}

// Loads the module, lets it raise, unloads it.
std::string BacktraceOfModule(const char* name) {
  const std::string path = std::string(TVMFFI_TEST_MODULE_DIR "/") + name;
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return ::dlerror();
  auto raise = reinterpret_cast<TVMFFISafeCallType>(::dlsym(library, "__tvm_ffi_raise"));
  TVMFFIAny result = None();
  EXPECT_EQ(raise(nullptr, nullptr, 0, &result), -1);
  ::dlclose(library);
  return TakeRaised().backtrace;
}

TEST(Backtrace, LibrariesLoadedLaterAreNamedToo) {
  tvmffi_test_outer(nullptr, nullptr, 0);
  for (int i = 0; i < 3; ++i) {
    const std::vector<std::string> lines = Lines(BacktraceOfModule("raising.so"));
    ASSERT_GE(lines.size(), 3u);
    EXPECT_TRUE(IsFrame(lines[0], "modules/raising.c", "RaiseDeep")) << lines[0];
    EXPECT_NE(lines[0].find("line 5,"), std::string::npos) << lines[0];
    EXPECT_TRUE(IsFrame(lines[1], "modules/raising.c", "CallRaiseDeep")) << lines[1];
    EXPECT_TRUE(IsFrame(lines[2], "modules/raising.c", "__tvm_ffi_raise")) << lines[2];
  }
}

TEST(Backtrace, CodeWithoutDebugInformationIsNamedByItsSymbols) {
  const std::vector<std::string> lines = Lines(BacktraceOfModule("raising_without_debug_info.so"));
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[2], "  File \"<unknown>\", line 0, in __tvm_ffi_raise");
}

TEST(Backtrace, ModulesThatTakeTurnsAtAnAddressAreNotConfused) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(BacktraceOfModule("raising.so").find("raising.c\", line 5"), std::string::npos);
    EXPECT_EQ(BacktraceOfModule("raising_without_debug_info.so").find("raising.c"),
              std::string::npos);
  }
}

TEST(Backtrace, ThreadsCaptureAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 200; ++n) {
        tvmffi_test_outer(nullptr, nullptr, 0);
        EXPECT_NE(captured.find("tvmffi_test_outer"), std::string::npos);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}
#endif

}  // namespace
}  // namespace tvmffi::test
