// Walks the stack, names its frames, and leaves out those that say nothing to a user.
//
// A walk costs microseconds, and programs that raise errors raise them from the same places again.
// So each thread remembers its last few walks: where on the stack each return address was found.
// While these words still hold the same addresses, the frames are the same, and so is the text.
#include "libffi_core/backtrace_frames.h"

#include <unwind.h>

#include <cstdlib>
#include <string_view>
#include <vector>

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

// Return addresses lie between the variables that the address sanitizer knows.
#define TVMFFI_READS_THE_STACK __attribute__((no_sanitize_address))

struct StackWord {
  const uintptr_t* place;
  uintptr_t value;

  TVMFFI_READS_THE_STACK bool IsUnchanged() const { return *place == value; }
};

struct KnownStack {
  // Copies: what the pointers of a request point at may have changed by the next.
  std::string file;
  std::string function;
  bool has_site;
  int line;
  bool cross_boundary;
  int limit;
  unsigned long long num_unloads;
  // Lowest first, so that the first one tells the caller's stack pointer.
  std::vector<StackWord> return_addresses;
  std::string text;

  bool Is(const BacktraceRequest& now, int now_limit, unsigned long long now_num_unloads) const {
    if (return_addresses.empty() || return_addresses[0].place + 1 != now.caller_stack ||
        line != now.line || cross_boundary != now.cross_boundary || limit != now_limit ||
        num_unloads != now_num_unloads || has_site != (now.file != nullptr)) {
      return false;
    }
    if (has_site && (file != now.file || function != now.function)) return false;
    for (const StackWord& word : return_addresses) {
      if (!word.IsUnchanged()) return false;
    }
    return true;
  }
};

// The stack that is remembered for a request, or was and is overwritten.
KnownStack& PlaceFor(const BacktraceRequest& request) {
  constexpr size_t kNumKnown = 4;
  static thread_local KnownStack known[kNumKnown];
  const auto key = reinterpret_cast<uintptr_t>(request.return_address) ^
                   (reinterpret_cast<uintptr_t>(request.caller_stack) >> 4);
  return known[(key ^ (key >> 7)) % kNumKnown];
}

struct Walk {
  const BacktraceRequest& request;
  Symbolizer& symbolizer;
  int lines_left;
  bool skip_calling_frame;
  bool at_caller = false;
  std::string text = {};
  // Empty when the stack has a frame that was not entered by a plain call.
  std::vector<StackWord> return_addresses = {};
  bool all_plain = true;

  TVMFFI_READS_THE_STACK void Remember(uintptr_t stack_pointer, uintptr_t address) {
    const StackWord word{reinterpret_cast<const uintptr_t*>(stack_pointer) - 1, address};
    all_plain = all_plain && stack_pointer % sizeof(uintptr_t) == 0 && word.IsUnchanged();
    return_addresses.push_back(word);
  }

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
    walk->Remember(_Unwind_GetCFA(context), address);
    if (walk->skip_calling_frame) return _URC_NO_REASON;
  } else {
    walk->Remember(_Unwind_GetCFA(context), address);
  }
  // A return address may lie behind its function; the call before it does not.
  const uintptr_t pc = before_instruction != 0 ? address : address - 1;
  return walk->AddFrame(pc) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

}  // namespace

std::string BacktraceText(const BacktraceRequest& request) {
  const int limit = Limit();
  const unsigned long long num_unloads = Symbolizer::Global().ForgetUnloadedCode();
  KnownStack& known = PlaceFor(request);
  if (known.Is(request, limit, num_unloads)) return known.text;
  const bool site_shown = request.file != nullptr && !IsHiddenFrame(request.file, request.function);
  Walk walk{request, Symbolizer::Global(), limit, site_shown};
  if (site_shown) walk.Add(BacktraceLine(request.file, request.line, request.function));
  if (walk.lines_left > 0) _Unwind_Backtrace(OnFrame, &walk);
  if (!walk.all_plain) walk.return_addresses.clear();
  const bool has_site = request.file != nullptr;
  known = KnownStack{has_site ? request.file : "",
                     has_site ? request.function : "",
                     has_site,
                     request.line,
                     request.cross_boundary,
                     limit,
                     num_unloads,
                     std::move(walk.return_addresses),
                     walk.text};
  return std::move(walk.text);
}

}  // namespace tvmffi::core
