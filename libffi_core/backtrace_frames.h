// The calling thread's stack as text lines. One of two implementations is built: with libbacktrace,
// or without frames.
#ifndef TVMFFI_LIBFFI_CORE_BACKTRACE_FRAMES_H_
#define TVMFFI_LIBFFI_CORE_BACKTRACE_FRAMES_H_

#include <string>

namespace tvmffi::core {

// A line `  File "<file>", line <line>, in <function>` and a newline.
std::string BacktraceLine(const char* file, int line, const char* function);

struct BacktraceRequest {
  // A line for the throw site, which knows more than the machine frame it stands in. Both NULL when
  // there is none.
  const char* file;
  int line;
  const char* function;
  // Go on behind the innermost call through the ABI.
  bool cross_boundary;
  // Where TVMFFIBacktrace returns to: frames further in are not listed.
  void* return_address;
  // Its caller's stack pointer: the word below it holds the return address.
  const void* caller_stack;
};

std::string BacktraceText(const BacktraceRequest& request);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_BACKTRACE_FRAMES_H_
