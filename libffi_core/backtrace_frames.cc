// Walks the stack, names its frames, and leaves out those that say nothing to a user.
#include "libffi_core/backtrace_frames.h"

#include <unwind.h>

#include <cstdlib>
#include <string_view>

#include "libffi_core/symbolizer.h"

namespace tvmffi::core {
namespace {

constexpr int kDefaultLimit = 512;

int Limit() {
  const char* text = std::getenv("TVM_TRACEBACK_LIMIT");
  if (text == nullptr) return kDefaultLimit;
  char* end = nullptr;
  const long limit = std::strtol(text, &end, 10);
  return end != text && limit > 0 && limit < 1000000 ? static_cast<int>(limit) : kDefaultLimit;
}

struct Walk {
  const BacktraceRequest& request;
  Symbolizer& symbolizer;
  int lines_left;
  bool skip_calling_frame;
  bool at_caller = false;
  std::string text = {};

  void Add(std::string_view line) {
    text += line;
    --lines_left;
  }

  // False at the end of what is asked for.
  bool AddFrame(uintptr_t pc) {
    return symbolizer.Visit(pc, [this](const FrameLine& line) {
      if (line.is_boundary && !request.cross_boundary) return false;
      if (!line.is_hidden) Add(line.text);
      return lines_left > 0;
    });
  }
};

_Unwind_Reason_Code OnFrame(_Unwind_Context* context, void* data) {
  auto* walk = static_cast<Walk*>(data);
  int before_instruction = 0;
  const uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (address == 0 || address == ~uintptr_t{0}) return _URC_END_OF_STACK;
  if (!walk->at_caller) {
    if (address != reinterpret_cast<uintptr_t>(walk->request.return_address)) return _URC_NO_REASON;
    walk->at_caller = true;
    if (walk->skip_calling_frame) return _URC_NO_REASON;
  }
  // A return address may lie behind its function; the call before it does not.
  const uintptr_t pc = before_instruction != 0 ? address : address - 1;
  return walk->AddFrame(pc) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

}  // namespace

std::string BacktraceText(const BacktraceRequest& request) {
  const bool site_shown = request.file != nullptr && !IsHiddenFrame(request.file, request.function);
  Walk walk{request, Symbolizer::Global(), Limit(), site_shown};
  if (site_shown) walk.Add(BacktraceLine(request.file, request.line, request.function));
  walk.symbolizer.ForgetUnloadedCode();
  if (walk.lines_left > 0) _Unwind_Backtrace(OnFrame, &walk);
  return std::move(walk.text);
}

}  // namespace tvmffi::core
