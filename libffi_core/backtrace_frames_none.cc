#include "libffi_core/backtrace_frames.h"

namespace tvmffi::core {

std::string BacktraceText(const BacktraceRequest& request) {
  if (request.file == nullptr) return std::string();
  return BacktraceLine(request.file, request.line, request.function);
}

}  // namespace tvmffi::core
