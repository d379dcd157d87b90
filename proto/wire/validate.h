// Messages as plain values. Decode is the only code that reads what a peer put into a frame: what
// it returns has been checked, field by field, and owns its memory.
#ifndef TVMFFI_PROTO_WIRE_VALIDATE_H_
#define TVMFFI_PROTO_WIRE_VALIDATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/status.h"
#include "proto/wire/frame.h"

namespace tvmffi::wire {

inline constexpr uint32_t kProtocol = 1;

// Longest strings and vectors, in bytes and elements.
inline constexpr size_t kMaxName = 256;  // labels, versions, layers, causes
inline constexpr size_t kMaxLayers = 20;
inline constexpr size_t kMaxGrants = 64;
inline constexpr size_t kMaxRunPaths = 48;  // the longest CreateWorker fits into a frame
inline constexpr size_t kMaxPath = 4095;
inline constexpr size_t kMaxEnvironment = 64;
inline constexpr size_t kMaxEnvironmentEntry = 4096;
inline constexpr size_t kMaxLogLines = 64;
inline constexpr size_t kMaxLogLine = 8192;
inline constexpr size_t kMaxLimitsHit = 8;
inline constexpr size_t kMaxFrames = 128;
inline constexpr size_t kMaxSymbol = 1024;  // of a function's name, of a path
inline constexpr size_t kMaxErrorText = 64 * 1024;
inline constexpr size_t kMaxDocument = 900 * 1024;
inline constexpr uint64_t kMaxArena = uint64_t{1} << 46;
inline constexpr uint64_t kDefaultTmpfs = 64u << 20;  // of workers whose policy does not say
inline constexpr uint32_t kUsualProcesses = 1024;     // likewise, where something counts them

struct Limits {
  uint64_t address_space_bytes = 0;
  uint64_t file_size_bytes = 0;
  uint32_t open_files = 0;
  uint32_t cpu_seconds = 0;
  uint64_t memory_bytes = 0;
  uint32_t processes = 0;
  uint32_t cpu_percent = 0;
  uint32_t wall_seconds = 0;
};

// All paths are absolute and hold no NUL byte.
struct Grants {
  std::vector<std::string> modules;
  std::vector<std::string> read;
  uint64_t tmpfs_bytes = 0;
  bool network = false;
  std::vector<std::string> run_paths = {};
};

struct Hello {
  uint64_t request_id = 0;
  uint32_t protocol = kProtocol;
  std::string client_version;
};

struct Welcome {
  uint64_t request_id = 0;
  uint32_t protocol = kProtocol;
  std::string daemon_version;
  int32_t daemon_pid = 0;
  std::vector<std::string> layers;
};

struct CreateWorker {
  uint64_t request_id = 0;
  std::string label;
  Limits limits;
  std::vector<std::string> environment;  // "NAME=value", each name once
  bool log_forward = false;
  Grants grants = {};
  std::vector<std::string> require = {};
  bool poison = false;
  bool one_call = false;
};

// The frame's descriptors: channel, death page, pidfd, recorder.
struct WorkerCreated {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  int32_t pid = 0;
  std::vector<std::string> layers;
};

// The frame's descriptor: the arena's memfd. `size` is what ShmSegment::Map will insist on.
struct ShareArena {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  uint32_t arena_id = 0;
  uint64_t size = 0;
  bool read_only = false;
};

struct RetireArena {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  uint32_t arena_id = 0;
};

struct OpenLane {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  uint32_t lane = 0;  // below kMaxLanes
};

enum class KillCause : uint8_t { kClosed = 0, kDeadline, kCancelled, kViolation };

struct KillWorker {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  KillCause cause = KillCause::kClosed;
};

struct AwaitExit {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
};

struct ExitReport {
  std::string cause;  // one of host.fbs's
  int32_t signal = 0;
  int32_t exit_status = -1;
  int32_t pid = 0;
  uint64_t lifetime_us = 0;
  uint64_t user_us = 0;
  uint64_t system_us = 0;
  uint64_t max_rss_kib = 0;
  std::vector<std::string> log_tail;
  uint64_t log_bytes = 0;
  std::vector<std::string> limits_hit;
};

struct WorkerExited {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  ExitReport report;
};

struct GetStats {
  uint64_t request_id = 0;
};

struct Stats {
  uint64_t request_id = 0;
  uint32_t sessions = 0;
  uint32_t workers = 0;
  uint64_t workers_created = 0;
  uint64_t workers_died = 0;
  uint64_t uptime_us = 0;
  uint32_t prepared = 0;
  uint64_t prepared_used = 0;
};

struct Done {
  uint64_t request_id = 0;
};

struct Failed {
  uint64_t request_id = 0;
  Code code = Code::kInternal;  // never kOk
  std::string message;
};

struct WorkerPrepare {
  std::vector<std::string> layers;
  bool audit = false;
  uint64_t tmpfs_bytes = 0;
  bool network = false;
};

// The frame's descriptor: the channel.
struct WorkerStart {
  uint32_t worker_id = 0;
  Limits limits;
  Grants grants = {};
  std::vector<std::string> layers = {};
  bool audit = false;
  bool poison = false;
  bool one_call = false;
  std::vector<std::string> environment = {};
  uint64_t cold_wake_ns = 0;
};

struct StartSymbolizer {
  uint64_t request_id = 0;
};

// The frame's descriptors: a connection, the worker program.
struct SymbolizerStarted {
  uint64_t request_id = 0;
};

// The frame's descriptor: the file.
struct ModuleFile {
  uint64_t request_id = 0;
  uint32_t index = 0;  // below kMaxCrashModules
};

// The frame's descriptor: a sealed copy of the crash page.
struct Symbolize {
  uint64_t request_id = 0;
};

struct SymbolFrame {
  uint64_t address = 0;
  int32_t module = -1;
  uint64_t offset = 0;
  std::string symbol;
  std::string file;
  uint32_t line = 0;
  bool inlined = false;
};

struct Symbols {
  uint64_t request_id = 0;
  std::vector<SymbolFrame> frames;
  std::vector<uint32_t> changed;  // modules whose file is not what the worker had loaded
};

// The frame's descriptor: a file that nobody can change (SealedFile). `path` is absolute.
struct LendModule {
  uint64_t request_id = 0;
  uint32_t worker_id = 0;
  std::string path;
};

enum class DocumentKind : uint8_t { kWorkers = 0, kEnded, kWorker, kLayers, kStats, kMetrics };

struct GetDocument {
  uint64_t request_id = 0;
  DocumentKind kind = DocumentKind::kWorkers;
  int32_t pid = 0;
};

struct Document {
  uint64_t request_id = 0;
  std::string text;
};

struct EndWorker {
  uint64_t request_id = 0;
  int32_t pid = 0;
};

using Message =
    std::variant<Hello, Welcome, CreateWorker, WorkerCreated, ShareArena, RetireArena, OpenLane,
                 KillWorker, AwaitExit, WorkerExited, GetStats, Stats, Done, Failed, WorkerStart,
                 StartSymbolizer, SymbolizerStarted, ModuleFile, Symbolize, Symbols, LendModule,
                 GetDocument, Document, EndWorker, WorkerPrepare>;

// Checks the frame, its number of descriptors included unless it lost them, against the schema and
// the bounds above.
// The frame must be private to this process.
Result<Message> Decode(const ControlFrame& frame);

// The same for bytes and a number of descriptors; without one they are not checked.
Result<Message> Decode(const std::vector<char>& payload_untrusted, std::optional<size_t> num_fds);

// The payload of a frame, or what in `message` Decode would refuse.
Result<std::vector<char>> Encode(const Message& message);

// As the schema and its users spell it: "Hello".
const char* MessageName(const Message& message);

}  // namespace tvmffi::wire

#endif  // TVMFFI_PROTO_WIRE_VALIDATE_H_
