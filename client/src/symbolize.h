// Names and lines for a dead worker's stack, from a process that may be wrong but can do no harm.
#ifndef TVMFFI_CLIENT_SRC_SYMBOLIZE_H_
#define TVMFFI_CLIENT_SRC_SYMBOLIZE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/src/connection.h"
#include "client/src/module_copy.h"
#include "proto/channel/crash_page.h"

namespace tvmffi::host {

// A function on the stack. Texts are well-formed and without control characters.
struct ReportFrame {
  uint64_t address = 0;
  std::string symbol;  // empty without one
  std::string file;
  uint32_t line = 0;   // 0: not known
  std::string module;  // file name; empty for code that is in none
  uint64_t offset = 0;
  bool inlined = false;
  std::string build_id;  // of the module
};

struct Backtrace {
  std::vector<ReportFrame> frames;  // innermost first, up to the worker's own code
  std::string note;                 // why names are missing; empty when nothing is known to be
};

// Has `crash`, which was read from `page`, unwound and symbolised. `modules` are the libraries that
// the caller had loaded, read from their copies: of files that only the worker names, those beside
// them, beside this library and in the system's folders are opened. Takes bounded time. Never
// fails: without symbols the frames are addresses in modules.
Backtrace SymbolizeCrash(Connection* connection, const CrashPage& page, const Crash& crash,
                         const KnownModules& modules);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_SYMBOLIZE_H_
