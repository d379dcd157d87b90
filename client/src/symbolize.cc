#include "client/src/symbolize.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <tvm/ffi/c_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "client/src/worker_error.h"
#include "proto/base/clock.h"
#include "proto/base/shm_segment.h"

namespace tvmffi::host {
namespace {

// More than the daemon gives a symbolizer.
constexpr double kSeconds = 3.5;
constexpr size_t kMaxFiles = 32;
constexpr size_t kMaxRawFrames = 64;
constexpr char kProgram[] = "tvmffi-worker";
// The caller of every plug-in function has a name that begins so.
constexpr std::string_view kBoundary = "TVMFFIFunctionCall";

std::string Canonical(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real != nullptr ? real.get() : std::string();
}

std::string Folder(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string FolderOfSymbol(const void* symbol) {
  Dl_info info;
  if (::dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  return Folder(Canonical(info.dli_fname));
}

// Which files may be opened because a worker names them.
class Trusted {
 public:
  explicit Trusted(const KnownModules& modules) : modules_(modules) {
    for (const auto& [path, copy] : modules) folders_.insert(Folder(Canonical(path)));
    folders_.insert(FolderOfSymbol(reinterpret_cast<const void*>(&SymbolizeCrash)));
    folders_.insert(FolderOfSymbol(reinterpret_cast<const void*>(&TVMFFIErrorGetCellPtr)));
    folders_.erase("");
  }

  // Invalid when it may not be opened or cannot be.
  UniqueFd Open(const std::string& path) const {
    const auto known = modules_.find(path);
    if (known != modules_.end() && known->second != nullptr) {
      return UniqueFd(::fcntl(known->second->file.fd(), F_DUPFD_CLOEXEC, 0));
    }
    const std::string real = path.front() == '/' ? Canonical(path) : std::string();
    if (real.empty() || (folders_.count(Folder(real)) == 0 && !IsSystem(real))) return {};
    // Whatever it is by now, opening it neither waits nor has effects.
    UniqueFd file(::open(real.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status;
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    return file;
  }

 private:
  static bool IsSystem(const std::string& real) {
    constexpr const char* kRoots[] = {"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/",
                                      "/usr/local/lib/"};
    return std::any_of(std::begin(kRoots), std::end(kRoots),
                       [&](const char* root) { return real.rfind(root, 0) == 0; });
  }

  const KnownModules& modules_;
  std::set<std::string> folders_;
};

std::string Plain(const std::string& text) {
  std::string plain = CleanText(text, wire::kMaxSymbol);
  std::replace_if(
      plain.begin(), plain.end(),
      [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, '?');
  return plain;
}

Status SendTo(ControlConnection* symbolizer, const wire::Message& message, UniqueFd fd,
              int64_t deadline) {
  Result<std::vector<char>> payload = wire::Encode(message);
  if (!payload.ok()) return payload.status();
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(fd));
  return symbolizer->Send(*payload, std::move(fds), deadline);
}

Result<UniqueFd> CopyOf(const CrashPage& page) {
  Result<ShmSegment> segment = ShmSegment::Create(sizeof(page), "tvmffi-crash");
  if (!segment.ok()) return segment.status();
  std::memcpy(segment->data(), &page, sizeof(page));
  UniqueFd copy(::fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return ErrnoStatus(errno, "cannot duplicate a descriptor");
  return copy;
}

Status SendModules(ControlConnection* symbolizer, const Crash& crash, const Trusted& trusted,
                   UniqueFd program, int64_t deadline) {
  for (const LoadedModule* module : ModulesInvolved(crash, kMaxFiles)) {
    UniqueFd file = module->path.empty() ? std::move(program) : trusted.Open(module->path);
    if (!file.valid()) continue;
    const auto index = static_cast<uint32_t>(module - crash.modules.data());
    TVMFFI_RETURN_IF_ERROR(
        SendTo(symbolizer, wire::ModuleFile{0, index}, std::move(file), deadline));
  }
  return OkStatus();
}

Result<wire::Symbols> AskSymbolizer(Connection* connection, const CrashPage& page,
                                    const Crash& crash, const Trusted& trusted) {
  const int64_t deadline = DeadlineAfter(kSeconds);
  Result<Connection::Answer> started = connection->Ask(wire::StartSymbolizer{}, {}, kSeconds);
  if (!started.ok()) return started.status();
  if (!std::holds_alternative<wire::SymbolizerStarted>(started->message)) {
    return Status{Code::kInternal, std::string("the daemon answered StartSymbolizer with ") +
                                       wire::MessageName(started->message)};
  }
  ControlConnection symbolizer(std::move(started->fds[0]));
  Result<UniqueFd> copy = CopyOf(page);
  if (!copy.ok()) return copy.status();
  Status sent = SendModules(&symbolizer, crash, trusted, std::move(started->fds[1]), deadline);
  if (sent.ok()) sent = SendTo(&symbolizer, wire::Symbolize{}, std::move(*copy), deadline);
  // One that ended early may have said why before.
  Result<ControlFrame> frame = symbolizer.Receive(sent.ok() ? deadline : MonotonicNanos());
  if (!frame.ok()) {
    const Status& why = sent.ok() ? frame.status() : sent;
    return Status{why.code, "the symbolizer gave no answer: " + why.message};
  }
  Result<wire::Message> answer = wire::Decode(*frame);
  if (!answer.ok()) return answer.status();
  if (auto* failed = std::get_if<wire::Failed>(&*answer))
    return Status{failed->code, failed->message};
  if (auto* symbols = std::get_if<wire::Symbols>(&*answer)) return std::move(*symbols);
  return Status{Code::kInternal, "the symbolizer sent " + std::string(wire::MessageName(*answer))};
}

void SetModule(const LoadedModule& module, ReportFrame* frame) {
  frame->module = module.path.empty() ? kProgram : Plain(FileName(module.path));
  frame->build_id = module.build_id;
  frame->offset = frame->address - module.bias;
}

// What the worker itself says, for want of better.
std::vector<ReportFrame> RawFrames(const Crash& crash) {
  std::vector<ReportFrame> frames;
  for (uint64_t address : FramePointerChain(crash, kMaxRawFrames)) {
    frames.emplace_back();
    frames.back().address = address;
    const LoadedModule* module = crash.ModuleAt(address);
    if (module != nullptr) SetModule(*module, &frames.back());
  }
  return frames;
}

std::vector<ReportFrame> NamedFrames(const Crash& crash, const wire::Symbols& symbols) {
  std::vector<ReportFrame> frames;
  for (const wire::SymbolFrame& symbol : symbols.frames) {
    if (symbol.symbol.compare(0, kBoundary.size(), kBoundary) == 0) break;
    ReportFrame frame;
    frame.address = symbol.address;
    frame.symbol = Plain(symbol.symbol);
    frame.file = Plain(symbol.file);
    frame.line = symbol.line;
    frame.inlined = symbol.inlined;
    if (symbol.module >= 0 && static_cast<size_t>(symbol.module) < crash.modules.size()) {
      SetModule(crash.modules[static_cast<size_t>(symbol.module)], &frame);
    }
    frames.push_back(std::move(frame));
  }
  return frames;
}

std::string ChangedNote(const Crash& crash, const wire::Symbols& symbols) {
  std::string names;
  for (uint32_t index : symbols.changed) {
    if (index >= crash.modules.size()) continue;
    const std::string& path = crash.modules[index].path;
    names += (names.empty() ? "" : ", ") + Plain(path.empty() ? kProgram : FileName(path));
  }
  return names.empty() ? "" : "no symbols of " + names + ": the file is not the one loaded";
}

}  // namespace

Backtrace SymbolizeCrash(Connection* connection, const CrashPage& page, const Crash& crash,
                         const KnownModules& modules) {
  Result<wire::Symbols> symbols = AskSymbolizer(connection, page, crash, Trusted(modules));
  if (!symbols.ok()) return {RawFrames(crash), "no symbols: " + Plain(symbols.status().message)};
  return {NamedFrames(crash, *symbols), ChangedNote(crash, *symbols)};
}

}  // namespace tvmffi::host
