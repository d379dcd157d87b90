#include <tvm/ffi/c_api.h>

#include <exception>
#include <string>

#include "libffi_core/backtrace_frames.h"
#include "libffi_core/guard.h"

namespace tvmffi::core {

std::string BacktraceLine(const char* file, int line, const char* function) {
  return std::string("  File \"") + file + "\", line " + std::to_string(line) + ", in " + function +
         "\n";
}

}  // namespace tvmffi::core

extern "C" {

__attribute__((noinline)) const TVMFFIByteArray* TVMFFIBacktrace(const char* filename, int lineno,
                                                                 const char* func,
                                                                 int cross_ffi_boundary) {
  static thread_local std::string text;
  static thread_local TVMFFIByteArray view;
  const bool has_site = filename != nullptr && func != nullptr;
  try {
    text = tvmffi::core::BacktraceText({has_site ? filename : nullptr, lineno,
                                        has_site ? func : nullptr, cross_ffi_boundary != 0,
                                        __builtin_return_address(0), __builtin_dwarf_cfa()});
  } catch (const std::exception&) {
    // Out of memory: an error without lines is better than none.
    text.clear();
  }
  view = tvmffi::core::BytesOf(text);
  return &view;
}

}  // extern "C"
