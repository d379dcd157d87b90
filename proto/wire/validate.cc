#include "proto/wire/validate.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <type_traits>

#include "proto/channel/layout.h"
#include "proto/schema/host_generated.h"

namespace tvmffi::wire {
namespace {

// What one message may hold in a vector before the exact bounds are
// looked at. An offset can be named twice, so a small buffer could otherwise grow into a huge
// value.
constexpr size_t kMaxElements = 128;
constexpr size_t kMaxTextBytes = kMaxControlPayload;
constexpr uint32_t kMaxTables = 160;
constexpr uint32_t kMaxNesting = 8;

Status Invalid(const std::string& what) {
  return {Code::kInvalidArgument, "invalid control message: " + what};
}

// Copies text out of a verified buffer within a budget.
class TextReader {
 public:
  std::string Read(const flatbuffers::String* text) {
    if (text == nullptr) return {};
    if (text->size() > left_) {
      within_budget_ = false;
      return {};
    }
    left_ -= text->size();
    return text->str();
  }

  std::vector<std::string> Read(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* texts) {
    std::vector<std::string> result;
    if (texts == nullptr) return result;
    if (!Allows(texts->size())) return result;
    for (const flatbuffers::String* text : *texts) result.push_back(Read(text));
    return result;
  }

  // A vector of that many elements.
  bool Allows(size_t elements) {
    if (elements > kMaxElements) within_budget_ = false;
    return elements <= kMaxElements;
  }

  bool within_budget() const { return within_budget_; }

 private:
  size_t left_ = kMaxTextBytes;
  bool within_budget_ = true;
};

Limits Read(const schema::Limits* limits) {
  if (limits == nullptr) return {};
  return {limits->address_space_bytes(), limits->file_size_bytes(), limits->open_files(),
          limits->cpu_seconds(),         limits->memory_bytes(),    limits->processes(),
          limits->cpu_percent(),         limits->wall_seconds()};
}

Grants Read(const schema::Grants* grants, TextReader* text) {
  if (grants == nullptr) return {};
  return {text->Read(grants->modules()), text->Read(grants->read()), grants->tmpfs_bytes(),
          grants->network(), text->Read(grants->run_paths())};
}

ExitReport Read(const schema::ExitReport* report, TextReader* text) {
  if (report == nullptr) return {};
  ExitReport result;
  result.cause = text->Read(report->cause());
  result.signal = report->signal();
  result.exit_status = report->exit_status();
  result.pid = report->pid();
  result.lifetime_us = report->lifetime_us();
  result.user_us = report->user_us();
  result.system_us = report->system_us();
  result.max_rss_kib = report->max_rss_kib();
  result.log_tail = text->Read(report->log_tail());
  result.log_bytes = report->log_bytes();
  result.limits_hit = text->Read(report->limits_hit());
  return result;
}

SymbolFrame Read(const schema::SymbolFrame& frame, TextReader* text) {
  return {frame.address(),          frame.module_(), frame.offset(), text->Read(frame.symbol()),
          text->Read(frame.file()), frame.line(),    frame.inlined()};
}

Symbols Read(const schema::Symbols& symbols, TextReader* text) {
  Symbols result;
  result.request_id = symbols.request_id();
  const size_t num_frames = symbols.frames() != nullptr ? symbols.frames()->size() : 0;
  const size_t num_changed = symbols.changed() != nullptr ? symbols.changed()->size() : 0;
  if (!text->Allows(num_frames) || !text->Allows(num_changed)) return result;
  for (size_t i = 0; i < num_frames; ++i) {
    result.frames.push_back(Read(*symbols.frames()->Get(static_cast<uint32_t>(i)), text));
  }
  for (size_t i = 0; i < num_changed; ++i) {
    result.changed.push_back(symbols.changed()->Get(static_cast<uint32_t>(i)));
  }
  return result;
}

// A schema enumerator out of range stays out of range here, for Check to see.
Message Read(const schema::Envelope& envelope, TextReader* text) {
  switch (envelope.message_type()) {
    case schema::Message::Hello: {
      auto* m = envelope.message_as_Hello();
      return Hello{m->request_id(), m->protocol(), text->Read(m->client_version())};
    }
    case schema::Message::Welcome: {
      auto* m = envelope.message_as_Welcome();
      return Welcome{m->request_id(), m->protocol(), text->Read(m->daemon_version()),
                     m->daemon_pid(), text->Read(m->layers())};
    }
    case schema::Message::CreateWorker: {
      auto* m = envelope.message_as_CreateWorker();
      return CreateWorker{m->request_id(),
                          text->Read(m->label()),
                          Read(m->limits()),
                          text->Read(m->environment()),
                          m->log_forward(),
                          Read(m->grants(), text),
                          text->Read(m->require()),
                          m->poison(),
                          m->one_call()};
    }
    case schema::Message::WorkerCreated: {
      auto* m = envelope.message_as_WorkerCreated();
      return WorkerCreated{m->request_id(), m->worker_id(), m->pid(), text->Read(m->layers())};
    }
    case schema::Message::ShareArena: {
      auto* m = envelope.message_as_ShareArena();
      return ShareArena{m->request_id(), m->worker_id(), m->arena_id(), m->size(), m->read_only()};
    }
    case schema::Message::RetireArena: {
      auto* m = envelope.message_as_RetireArena();
      return RetireArena{m->request_id(), m->worker_id(), m->arena_id()};
    }
    case schema::Message::OpenLane: {
      auto* m = envelope.message_as_OpenLane();
      return OpenLane{m->request_id(), m->worker_id(), m->lane()};
    }
    case schema::Message::KillWorker: {
      auto* m = envelope.message_as_KillWorker();
      return KillWorker{m->request_id(), m->worker_id(), static_cast<KillCause>(m->cause())};
    }
    case schema::Message::AwaitExit: {
      auto* m = envelope.message_as_AwaitExit();
      return AwaitExit{m->request_id(), m->worker_id()};
    }
    case schema::Message::WorkerExited: {
      auto* m = envelope.message_as_WorkerExited();
      return WorkerExited{m->request_id(), m->worker_id(), Read(m->report(), text)};
    }
    case schema::Message::GetStats:
      return GetStats{envelope.message_as_GetStats()->request_id()};
    case schema::Message::Stats: {
      auto* m = envelope.message_as_Stats();
      return Stats{m->request_id(),   m->sessions(),  m->workers(),  m->workers_created(),
                   m->workers_died(), m->uptime_us(), m->prepared(), m->prepared_used()};
    }
    case schema::Message::Done:
      return Done{envelope.message_as_Done()->request_id()};
    case schema::Message::Failed: {
      auto* m = envelope.message_as_Failed();
      return Failed{m->request_id(), static_cast<Code>(m->code()), text->Read(m->message())};
    }
    case schema::Message::WorkerStart: {
      auto* m = envelope.message_as_WorkerStart();
      return WorkerStart{m->worker_id(),
                         Read(m->limits()),
                         Read(m->grants(), text),
                         text->Read(m->layers()),
                         m->audit(),
                         m->poison(),
                         m->one_call(),
                         text->Read(m->environment()),
                         m->cold_wake_ns()};
    }
    case schema::Message::WorkerPrepare: {
      auto* m = envelope.message_as_WorkerPrepare();
      return WorkerPrepare{text->Read(m->layers()), m->audit(), m->tmpfs_bytes(), m->network()};
    }
    case schema::Message::StartSymbolizer:
      return StartSymbolizer{envelope.message_as_StartSymbolizer()->request_id()};
    case schema::Message::SymbolizerStarted:
      return SymbolizerStarted{envelope.message_as_SymbolizerStarted()->request_id()};
    case schema::Message::ModuleFile: {
      auto* m = envelope.message_as_ModuleFile();
      return ModuleFile{m->request_id(), m->index()};
    }
    case schema::Message::Symbolize:
      return Symbolize{envelope.message_as_Symbolize()->request_id()};
    case schema::Message::Symbols:
      return Read(*envelope.message_as_Symbols(), text);
    case schema::Message::LendModule: {
      auto* m = envelope.message_as_LendModule();
      return LendModule{m->request_id(), m->worker_id(), text->Read(m->path())};
    }
    case schema::Message::GetDocument: {
      auto* m = envelope.message_as_GetDocument();
      return GetDocument{m->request_id(), static_cast<DocumentKind>(m->kind()), m->pid()};
    }
    case schema::Message::Document: {
      auto* m = envelope.message_as_Document();
      return Document{m->request_id(), text->Read(m->text())};
    }
    case schema::Message::EndWorker: {
      auto* m = envelope.message_as_EndWorker();
      return EndWorker{m->request_id(), m->pid()};
    }
    case schema::Message::NONE:
      break;
  }
  return GetStats{};
}

Status CheckText(const char* field, const std::string& text, size_t limit) {
  if (text.size() <= limit) return OkStatus();
  return Invalid(std::string(field) + " has " + std::to_string(text.size()) + " bytes, limit is " +
                 std::to_string(limit));
}

Status CheckTexts(const char* field, const std::vector<std::string>& texts, size_t limit,
                  size_t text_limit) {
  if (texts.size() > limit) {
    return Invalid(std::string(field) + " has " + std::to_string(texts.size()) +
                   " entries, limit is " + std::to_string(limit));
  }
  for (const std::string& text : texts) TVMFFI_RETURN_IF_ERROR(CheckText(field, text, text_limit));
  return OkStatus();
}

bool IsVariableName(std::string_view name) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !is_letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

Status CheckEnvironment(const std::vector<std::string>& environment) {
  TVMFFI_RETURN_IF_ERROR(
      CheckTexts("environment", environment, kMaxEnvironment, kMaxEnvironmentEntry));
  std::set<std::string_view> names;
  for (const std::string& entry : environment) {
    size_t equals = entry.find('=');
    if (equals == std::string::npos || entry.find('\0') != std::string::npos) {
      return Invalid("an environment entry is not of the form NAME=value");
    }
    std::string_view name = std::string_view(entry).substr(0, equals);
    if (!IsVariableName(name)) {
      return Invalid("an environment entry's name is not letters, digits and underscores");
    }
    if (!names.insert(name).second) {
      return Invalid("environment names '" + std::string(name) + "' twice");
    }
  }
  return OkStatus();
}

Status CheckPaths(const char* field, const std::vector<std::string>& paths,
                  size_t max_paths = kMaxGrants) {
  TVMFFI_RETURN_IF_ERROR(CheckTexts(field, paths, max_paths, kMaxPath));
  for (const std::string& path : paths) {
    if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
      return Invalid(std::string(field) + " holds a path that is not absolute");
    }
  }
  return OkStatus();
}

Status CheckGrants(const Grants& grants) {
  TVMFFI_RETURN_IF_ERROR(CheckPaths("modules", grants.modules));
  TVMFFI_RETURN_IF_ERROR(CheckPaths("read", grants.read));
  return CheckPaths("run_paths", grants.run_paths, kMaxRunPaths);
}

// One overload per message that has more to check than its types say.
template <typename T>
Status CheckFields(const T&) {
  return OkStatus();
}
Status CheckFields(const Hello& m) {
  return CheckText("client_version", m.client_version, kMaxName);
}
Status CheckFields(const Welcome& m) {
  TVMFFI_RETURN_IF_ERROR(CheckText("daemon_version", m.daemon_version, kMaxName));
  return CheckTexts("layers", m.layers, kMaxLayers, kMaxName);
}
Status CheckFields(const CreateWorker& m) {
  TVMFFI_RETURN_IF_ERROR(CheckText("label", m.label, kMaxName));
  TVMFFI_RETURN_IF_ERROR(CheckGrants(m.grants));
  TVMFFI_RETURN_IF_ERROR(CheckTexts("require", m.require, kMaxLayers, kMaxName));
  return CheckEnvironment(m.environment);
}
Status CheckFields(const WorkerStart& m) {
  TVMFFI_RETURN_IF_ERROR(CheckGrants(m.grants));
  TVMFFI_RETURN_IF_ERROR(CheckTexts("layers", m.layers, kMaxLayers, kMaxName));
  return CheckEnvironment(m.environment);
}
Status CheckFields(const WorkerPrepare& m) {
  return CheckTexts("layers", m.layers, kMaxLayers, kMaxName);
}
Status CheckFields(const WorkerCreated& m) {
  if (m.pid <= 0) return Invalid("pid is " + std::to_string(m.pid) + ", expected a positive one");
  return CheckTexts("layers", m.layers, kMaxLayers, kMaxName);
}
Status CheckFields(const ShareArena& m) {
  if (m.size > 0 && m.size <= kMaxArena) return OkStatus();
  return Invalid("arena size is " + std::to_string(m.size) + ", expected 1 to " +
                 std::to_string(kMaxArena));
}
Status CheckFields(const OpenLane& m) {
  if (m.lane < kMaxLanes) return OkStatus();
  return Invalid("lane is " + std::to_string(m.lane) + ", limit is " + std::to_string(kMaxLanes));
}
Status CheckFields(const KillWorker& m) {
  if (m.cause <= KillCause::kViolation) return OkStatus();
  return Invalid("kill cause is " + std::to_string(static_cast<int>(m.cause)) + ", limit is " +
                 std::to_string(static_cast<int>(KillCause::kViolation)));
}
Status CheckFields(const WorkerExited& m) {
  static constexpr std::array<std::string_view, 7> kCauses = {
      "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed"};
  if (std::find(kCauses.begin(), kCauses.end(), m.report.cause) == kCauses.end()) {
    return Invalid("an exit report's cause is none of those known");
  }
  TVMFFI_RETURN_IF_ERROR(CheckTexts("log_tail", m.report.log_tail, kMaxLogLines, kMaxLogLine));
  return CheckTexts("limits_hit", m.report.limits_hit, kMaxLimitsHit, kMaxName);
}
Status CheckModule(const char* field, int64_t index) {
  if (index >= 0 && index < kMaxCrashModules) return OkStatus();
  return Invalid(std::string(field) + " is " + std::to_string(index) + ", limit is " +
                 std::to_string(kMaxCrashModules));
}
Status CheckFields(const ModuleFile& m) { return CheckModule("module", m.index); }
Status CheckFields(const Symbols& m) {
  if (m.frames.size() > kMaxFrames || m.changed.size() > kMaxFrames) {
    return Invalid(std::to_string(std::max(m.frames.size(), m.changed.size())) +
                   " frames or modules, limit is " + std::to_string(kMaxFrames));
  }
  for (const SymbolFrame& frame : m.frames) {
    if (frame.module != -1) TVMFFI_RETURN_IF_ERROR(CheckModule("a frame's module", frame.module));
    TVMFFI_RETURN_IF_ERROR(CheckText("symbol", frame.symbol, kMaxSymbol));
    TVMFFI_RETURN_IF_ERROR(CheckText("file", frame.file, kMaxSymbol));
  }
  for (uint32_t index : m.changed) TVMFFI_RETURN_IF_ERROR(CheckModule("changed", index));
  return OkStatus();
}
Status CheckFields(const LendModule& m) { return CheckPaths("path", {m.path}); }
Status CheckFields(const GetDocument& m) {
  if (m.kind <= DocumentKind::kMetrics) return OkStatus();
  return Invalid("document kind is " + std::to_string(static_cast<int>(m.kind)) + ", limit is " +
                 std::to_string(static_cast<int>(DocumentKind::kMetrics)));
}
Status CheckFields(const Document& m) { return CheckText("text", m.text, kMaxDocument); }
Status CheckFields(const Failed& m) {
  if (m.code == Code::kOk || m.code > Code::kInternal) {
    return Invalid("failure code is " + std::to_string(static_cast<int>(m.code)) +
                   ", expected 1 to " + std::to_string(static_cast<int>(Code::kInternal)));
  }
  return CheckText("message", m.message, kMaxErrorText);
}

Status Check(const Message& message) {
  return std::visit([](const auto& m) { return CheckFields(m); }, message);
}

size_t ExpectedFds(const Message& message) {
  if (std::holds_alternative<WorkerCreated>(message)) return 4;
  if (std::holds_alternative<ShareArena>(message)) return 1;
  if (std::holds_alternative<WorkerStart>(message)) return 1;
  if (std::holds_alternative<SymbolizerStarted>(message)) return 2;
  if (std::holds_alternative<ModuleFile>(message)) return 1;
  if (std::holds_alternative<Symbolize>(message)) return 1;
  if (std::holds_alternative<LendModule>(message)) return 1;
  return 0;
}

using Builder = flatbuffers::FlatBufferBuilder;
using Union = std::pair<schema::Message, flatbuffers::Offset<void>>;

auto Write(Builder& b, const Limits& limits) {
  return schema::CreateLimits(b, limits.address_space_bytes, limits.file_size_bytes,
                              limits.open_files, limits.cpu_seconds, limits.memory_bytes,
                              limits.processes, limits.cpu_percent, limits.wall_seconds);
}

auto Write(Builder& b, const Grants& grants) {
  auto modules = b.CreateVectorOfStrings(grants.modules);
  auto read = b.CreateVectorOfStrings(grants.read);
  auto run_paths = b.CreateVectorOfStrings(grants.run_paths);
  return schema::CreateGrants(b, modules, read, grants.tmpfs_bytes, grants.network, run_paths);
}

Union Write(Builder& b, const Hello& m) {
  auto version = b.CreateString(m.client_version);
  return {schema::Message::Hello,
          schema::CreateHello(b, m.request_id, m.protocol, version).Union()};
}
Union Write(Builder& b, const Welcome& m) {
  auto version = b.CreateString(m.daemon_version);
  auto layers = b.CreateVectorOfStrings(m.layers);
  return {
      schema::Message::Welcome,
      schema::CreateWelcome(b, m.request_id, m.protocol, version, m.daemon_pid, layers).Union()};
}
Union Write(Builder& b, const CreateWorker& m) {
  auto label = b.CreateString(m.label);
  auto limits = Write(b, m.limits);
  auto environment = b.CreateVectorOfStrings(m.environment);
  auto grants = Write(b, m.grants);
  auto require = b.CreateVectorOfStrings(m.require);
  return {schema::Message::CreateWorker,
          schema::CreateCreateWorker(b, m.request_id, label, limits, environment, m.log_forward,
                                     grants, require, m.poison, m.one_call)
              .Union()};
}
Union Write(Builder& b, const WorkerCreated& m) {
  auto layers = b.CreateVectorOfStrings(m.layers);
  return {schema::Message::WorkerCreated,
          schema::CreateWorkerCreated(b, m.request_id, m.worker_id, m.pid, layers).Union()};
}
Union Write(Builder& b, const ShareArena& m) {
  return {schema::Message::ShareArena,
          schema::CreateShareArena(b, m.request_id, m.worker_id, m.arena_id, m.size, m.read_only)
              .Union()};
}
Union Write(Builder& b, const RetireArena& m) {
  return {schema::Message::RetireArena,
          schema::CreateRetireArena(b, m.request_id, m.worker_id, m.arena_id).Union()};
}
Union Write(Builder& b, const OpenLane& m) {
  return {schema::Message::OpenLane,
          schema::CreateOpenLane(b, m.request_id, m.worker_id, m.lane).Union()};
}
Union Write(Builder& b, const KillWorker& m) {
  return {schema::Message::KillWorker,
          schema::CreateKillWorker(b, m.request_id, m.worker_id,
                                   static_cast<schema::KillCause>(m.cause))
              .Union()};
}
Union Write(Builder& b, const AwaitExit& m) {
  return {schema::Message::AwaitExit,
          schema::CreateAwaitExit(b, m.request_id, m.worker_id).Union()};
}
Union Write(Builder& b, const WorkerExited& m) {
  const ExitReport& r = m.report;
  auto cause = b.CreateString(r.cause);
  auto log_tail = b.CreateVectorOfStrings(r.log_tail);
  auto limits_hit = b.CreateVectorOfStrings(r.limits_hit);
  auto report =
      schema::CreateExitReport(b, cause, r.signal, r.exit_status, r.pid, r.lifetime_us, r.user_us,
                               r.system_us, r.max_rss_kib, log_tail, r.log_bytes, limits_hit);
  return {schema::Message::WorkerExited,
          schema::CreateWorkerExited(b, m.request_id, m.worker_id, report).Union()};
}
Union Write(Builder& b, const GetStats& m) {
  return {schema::Message::GetStats, schema::CreateGetStats(b, m.request_id).Union()};
}
Union Write(Builder& b, const Stats& m) {
  return {schema::Message::Stats,
          schema::CreateStats(b, m.request_id, m.sessions, m.workers, m.workers_created,
                              m.workers_died, m.uptime_us, m.prepared, m.prepared_used)
              .Union()};
}
Union Write(Builder& b, const Done& m) {
  return {schema::Message::Done, schema::CreateDone(b, m.request_id).Union()};
}
Union Write(Builder& b, const Failed& m) {
  auto message = b.CreateString(m.message);
  return {schema::Message::Failed,
          schema::CreateFailed(b, m.request_id, static_cast<uint8_t>(m.code), message).Union()};
}
Union Write(Builder& b, const WorkerStart& m) {
  auto limits = Write(b, m.limits);
  auto grants = Write(b, m.grants);
  auto layers = b.CreateVectorOfStrings(m.layers);
  auto environment = b.CreateVectorOfStrings(m.environment);
  return {schema::Message::WorkerStart,
          schema::CreateWorkerStart(b, m.worker_id, limits, grants, layers, m.audit, m.poison,
                                    m.one_call, environment, m.cold_wake_ns)
              .Union()};
}
Union Write(Builder& b, const WorkerPrepare& m) {
  auto layers = b.CreateVectorOfStrings(m.layers);
  return {schema::Message::WorkerPrepare,
          schema::CreateWorkerPrepare(b, layers, m.audit, m.tmpfs_bytes, m.network).Union()};
}
Union Write(Builder& b, const StartSymbolizer& m) {
  return {schema::Message::StartSymbolizer, schema::CreateStartSymbolizer(b, m.request_id).Union()};
}
Union Write(Builder& b, const SymbolizerStarted& m) {
  return {schema::Message::SymbolizerStarted,
          schema::CreateSymbolizerStarted(b, m.request_id).Union()};
}
Union Write(Builder& b, const ModuleFile& m) {
  return {schema::Message::ModuleFile, schema::CreateModuleFile(b, m.request_id, m.index).Union()};
}
Union Write(Builder& b, const Symbolize& m) {
  return {schema::Message::Symbolize, schema::CreateSymbolize(b, m.request_id).Union()};
}
auto Write(Builder& b, const SymbolFrame& f) {
  auto symbol = b.CreateString(f.symbol);
  auto file = b.CreateString(f.file);
  return schema::CreateSymbolFrame(b, f.address, f.module, f.offset, symbol, file, f.line,
                                   f.inlined);
}
Union Write(Builder& b, const Symbols& m) {
  std::vector<flatbuffers::Offset<schema::SymbolFrame>> offsets;
  for (const SymbolFrame& frame : m.frames) offsets.push_back(Write(b, frame));
  auto frames = b.CreateVector(offsets);
  auto changed = b.CreateVector(m.changed);
  return {schema::Message::Symbols,
          schema::CreateSymbols(b, m.request_id, frames, changed).Union()};
}

Union Write(Builder& b, const LendModule& m) {
  auto path = b.CreateString(m.path);
  return {schema::Message::LendModule,
          schema::CreateLendModule(b, m.request_id, m.worker_id, path).Union()};
}

Union Write(Builder& b, const GetDocument& m) {
  return {
      schema::Message::GetDocument,
      schema::CreateGetDocument(b, m.request_id, static_cast<schema::DocumentKind>(m.kind), m.pid)
          .Union()};
}
Union Write(Builder& b, const Document& m) {
  auto text = b.CreateString(m.text);
  return {schema::Message::Document, schema::CreateDocument(b, m.request_id, text).Union()};
}
Union Write(Builder& b, const EndWorker& m) {
  return {schema::Message::EndWorker, schema::CreateEndWorker(b, m.request_id, m.pid).Union()};
}

}  // namespace

Result<Message> Decode(const ControlFrame& frame) {
  return Decode(frame.payload_untrusted,
                frame.fds_lost ? std::nullopt : std::optional<size_t>(frame.fds.size()));
}

Result<Message> Decode(const std::vector<char>& payload_untrusted, std::optional<size_t> num_fds) {
  auto* bytes = reinterpret_cast<const uint8_t*>(payload_untrusted.data());
  size_t size = payload_untrusted.size();
  // Its identifier check reads eight bytes before any size is looked at.
  if (size < sizeof(flatbuffers::uoffset_t) + flatbuffers::kFileIdentifierLength) {
    return Invalid("it has " + std::to_string(size) + " bytes only");
  }
  flatbuffers::Verifier verifier(bytes, size, kMaxNesting, kMaxTables);
  if (!schema::VerifyEnvelopeBuffer(verifier)) {
    return Invalid("its " + std::to_string(size) + " bytes are no envelope");
  }
  const schema::Envelope& envelope = *schema::GetEnvelope(bytes);
  if (envelope.message() == nullptr || envelope.message_type() == schema::Message::NONE ||
      envelope.message_type() > schema::Message::MAX) {
    return Invalid("its type is " + std::to_string(static_cast<int>(envelope.message_type())) +
                   ", known are 1 to " + std::to_string(static_cast<int>(schema::Message::MAX)));
  }
  TextReader text;
  Message message = Read(envelope, &text);
  if (!text.within_budget()) return Invalid("too many or too long strings");
  TVMFFI_RETURN_IF_ERROR(Check(message));
  if (num_fds && *num_fds != ExpectedFds(message)) {
    return Invalid(std::string(MessageName(message)) + " came with " + std::to_string(*num_fds) +
                   " descriptors, expected " + std::to_string(ExpectedFds(message)));
  }
  return message;
}

Result<std::vector<char>> Encode(const Message& message) {
  TVMFFI_RETURN_IF_ERROR(Check(message));
  Builder builder(512);
  auto [type, offset] =
      std::visit([&](const auto& m) -> Union { return Write(builder, m); }, message);
  schema::FinishEnvelopeBuffer(builder, schema::CreateEnvelope(builder, type, offset));
  auto* bytes = reinterpret_cast<const char*>(builder.GetBufferPointer());
  return std::vector<char>(bytes, bytes + builder.GetSize());
}

const char* MessageName(const Message& message) {
  static constexpr std::array<const char*, std::variant_size_v<Message>> kNames = {
      "Hello",
      "Welcome",
      "CreateWorker",
      "WorkerCreated",
      "ShareArena",
      "RetireArena",
      "OpenLane",
      "KillWorker",
      "AwaitExit",
      "WorkerExited",
      "GetStats",
      "Stats",
      "Done",
      "Failed",
      "WorkerStart",
      "StartSymbolizer",
      "SymbolizerStarted",
      "ModuleFile",
      "Symbolize",
      "Symbols",
      "LendModule",
      "GetDocument",
      "Document",
      "EndWorker",
      "WorkerPrepare"};
  return kNames[message.index()];
}

}  // namespace tvmffi::wire
