// libbacktrace reads the debug information of every object in the process at its first use, and of
// none that is loaded later. Here each object has a state of its own, made when a frame of it is
// first met. To get that, this library is linked with --wrap=dl_iterate_phdr: while a state
// initialises, libbacktrace is shown one object only. --wrap=backtrace_open keeps it from looking
// for debug information outside that object: reading the distribution's for libc alone takes longer
// than most programs' errors together, to name frames that are not shown.
#include "libffi_core/symbolizer.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "libffi_core/backtrace_frames.h"
#include TVMFFI_LIBBACKTRACE_HEADER

extern "C" {
using PhdrCallback = int (*)(dl_phdr_info* info, size_t size, void* data);
int __real_dl_iterate_phdr(PhdrCallback callback, void* data);
int __wrap_dl_iterate_phdr(PhdrCallback callback, void* data);
int __real_backtrace_open(const char* path, backtrace_error_callback on_error, void* data,
                          int* does_not_exist);
int __wrap_backtrace_open(const char* path, backtrace_error_callback on_error, void* data,
                          int* does_not_exist);
}

namespace {
// What libbacktrace is shown, under the symbolizer's resolve mutex; NULL for everybody else.
thread_local dl_phdr_info* only_object = nullptr;
// The file it may read, under the same mutex.
thread_local const char* only_file = nullptr;
}  // namespace

int __wrap_dl_iterate_phdr(PhdrCallback callback, void* data) {
  if (only_object == nullptr) return __real_dl_iterate_phdr(callback, data);
  return callback(only_object, sizeof(*only_object), data);
}

int __wrap_backtrace_open(const char* path, backtrace_error_callback on_error, void* data,
                          int* does_not_exist) {
  if (only_file == nullptr || std::strcmp(path, only_file) == 0) {
    return __real_backtrace_open(path, on_error, data, does_not_exist);
  }
  if (does_not_exist != nullptr) *does_not_exist = 1;
  return -1;
}

namespace tvmffi::core {

struct LoadedObject {
  uintptr_t pc;
  dl_phdr_info info;
  std::string path;
};

namespace {

constexpr std::string_view kHiddenFunctions[] = {
    "tvm::ffi::Function",
    "tvm::ffi::details::",
    "TVMFFIBacktrace",
    "TVMFFIErrorSetRaisedFromCStr",
    "__libc_",
    "ffi_call_",
    "tvmffi::core::",
};
constexpr std::string_view kHiddenFiles[] = {
    "include/tvm/ffi/error.h",
    "include/tvm/ffi/function_details.h",
    "include/tvm/ffi/function.h",
    "include/tvm/ffi/any.h",
    "include/c++/",
};
constexpr std::string_view kBoundaries[] = {
    "TVMFFIFunctionCall", "slot_tp_call", "object_is_", "_Py", "PyObject",
};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool IsBoundaryFrame(std::string_view function) {
  for (std::string_view prefix : kBoundaries) {
    if (StartsWith(function, prefix)) return true;
  }
  return false;
}

std::string Demangled(const char* symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  std::string result(status == 0 && text != nullptr ? text : symbol);
  std::free(text);
  return result;
}

FrameLine MakeLine(const char* file, int line, const char* symbol) {
  const std::string function = Demangled(symbol);
  const char* shown_file = file != nullptr ? file : "<unknown>";
  return {BacktraceLine(shown_file, line, function.c_str()),
          IsHiddenFrame(shown_file, function.c_str()), IsBoundaryFrame(function)};
}

void IgnoreError(void*, const char*, int) {}

int OnSourceLine(void* data, uintptr_t, const char* file, int line, const char* function) {
  // An entry without a name tells no more than the symbol table does.
  if (function != nullptr) {
    static_cast<std::vector<FrameLine>*>(data)->push_back(MakeLine(file, line, function));
  }
  return 0;
}

void OnSymbol(void* data, uintptr_t, const char* symbol, uintptr_t, uintptr_t) {
  if (symbol != nullptr) *static_cast<std::string*>(data) = symbol;
}

std::string HexAddress(uintptr_t pc) {
  char text[2 + 2 * sizeof(pc) + 1];
  std::snprintf(text, sizeof(text), "0x%zx", static_cast<size_t>(pc));
  return text;
}

bool IsLibc(std::string_view path) {
  return StartsWith(path.substr(path.rfind('/') + 1), "libc.so");
}

int FindLoadedObject(dl_phdr_info* info, size_t, void* data) {
  auto* found = static_cast<LoadedObject*>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || found->pc - begin >= segment.p_memsz) continue;
    found->info = *info;
    const bool is_program = info->dlpi_name == nullptr || info->dlpi_name[0] == '\0';
    found->path = is_program ? "/proc/self/exe" : info->dlpi_name;
    return 1;
  }
  return 0;
}

int ReadNumUnloads(dl_phdr_info* info, size_t, void* data) {
  *static_cast<unsigned long long*>(data) = info->dlpi_subs;
  return 1;
}

}  // namespace

bool IsHiddenFrame(const char* file, const char* function) {
  for (std::string_view prefix : kHiddenFunctions) {
    if (StartsWith(function, prefix)) return true;
  }
  const std::string_view path(file);
  for (std::string_view part : kHiddenFiles) {
    if (path.find(part) != std::string_view::npos) return true;
  }
  return false;
}

// One loaded file. A file that is unloaded and loaded again keeps its state if nothing about it
// changed; libbacktrace cannot free one.
struct Symbolizer::Object {
  std::string path;
  uintptr_t load_bias;
  struct stat file;
  backtrace_state* state;

  bool Is(const LoadedObject& loaded, const struct stat& now) const {
    return load_bias == loaded.info.dlpi_addr && path == loaded.path && file.st_dev == now.st_dev &&
           file.st_ino == now.st_ino && file.st_size == now.st_size &&
           file.st_mtim.tv_sec == now.st_mtim.tv_sec && file.st_mtim.tv_nsec == now.st_mtim.tv_nsec;
  }

  std::vector<FrameLine> Lines(uintptr_t pc) const {
    std::vector<FrameLine> lines;
    backtrace_pcinfo(state, pc, OnSourceLine, IgnoreError, &lines);
    if (!lines.empty()) return lines;
    std::string symbol;
    backtrace_syminfo(state, pc, OnSymbol, IgnoreError, &symbol);
    if (!symbol.empty()) lines.push_back(MakeLine(nullptr, 0, symbol.c_str()));
    return lines;
  }
};

Symbolizer& Symbolizer::Global() {
  static auto* symbolizer = new Symbolizer;
  return *symbolizer;
}

unsigned long long Symbolizer::ForgetUnloadedCode() {
  unsigned long long num_unloads = 0;
  __real_dl_iterate_phdr(ReadNumUnloads, &num_unloads);
  {
    std::shared_lock lock(mutex_);
    if (num_unloads == num_unloads_) return num_unloads;
  }
  std::unique_lock lock(mutex_);
  num_unloads_ = num_unloads;
  lines_.clear();
  return num_unloads;
}

// Code of which no more than exported names is ever shown. Its symbol tables are long, and a
// process that raises its first error should not have to sort them.
bool IsMachinery(const LoadedObject& loaded) {
  static const uintptr_t this_library = [] {
    LoadedObject self{reinterpret_cast<uintptr_t>(&IsHiddenFrame), {}, {}};
    return __real_dl_iterate_phdr(FindLoadedObject, &self) != 0 ? self.info.dlpi_addr : 0;
  }();
  return loaded.info.dlpi_addr == this_library || IsLibc(loaded.path);
}

std::vector<FrameLine> Symbolizer::Resolve(uintptr_t pc) {
  LoadedObject loaded{pc, {}, {}};
  const bool found = __real_dl_iterate_phdr(FindLoadedObject, &loaded) != 0;
  const bool is_machinery = found && IsMachinery(loaded);
  if (found && !is_machinery) {
    std::vector<FrameLine> lines = LinesFromFile(loaded);
    if (!lines.empty()) return lines;
  }
  // Not under the mutex: dladdr waits for a dlopen in progress, whose constructors may be on their
  // way here.
  Dl_info symbol{};
  if (::dladdr(reinterpret_cast<void*>(pc), &symbol) != 0 && symbol.dli_sname != nullptr) {
    return {MakeLine(nullptr, 0, symbol.dli_sname)};
  }
  FrameLine line = MakeLine(nullptr, 0, HexAddress(pc).c_str());
  line.is_hidden = line.is_hidden || is_machinery;
  return {std::move(line)};
}

std::vector<FrameLine> Symbolizer::LinesFromFile(LoadedObject& loaded) {
  struct stat file {};
  if (::stat(loaded.path.c_str(), &file) != 0) return {};
  std::lock_guard lock(resolve_mutex_);
  const Object& object = StateOf(loaded, file);
  // An empty name makes libbacktrace take the file that the state was created for.
  loaded.info.dlpi_name = "";
  only_object = &loaded.info;
  only_file = object.path.c_str();
  std::vector<FrameLine> lines = object.Lines(loaded.pc);
  only_object = nullptr;
  only_file = nullptr;
  return lines;
}

const Symbolizer::Object& Symbolizer::StateOf(const LoadedObject& loaded, const struct stat& file) {
  for (const auto& known : objects_) {
    if (known->Is(loaded, file)) return *known;
  }
  auto object = std::make_unique<Object>(Object{loaded.path, loaded.info.dlpi_addr, file, nullptr});
  object->state =
      backtrace_create_state(object->path.c_str(), /*threaded=*/0, IgnoreError, nullptr);
  return *objects_.emplace_back(std::move(object));
}

}  // namespace tvmffi::core
