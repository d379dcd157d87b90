#include "hostd/symbolizer/unwinder.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>

#include <memory>
#include <string>
#include <utility>

#include "hostd/symbolizer/source_position.h"

namespace tvmffi::hostd {
namespace {

constexpr pid_t kThread = 1;  // any number: libdwfl never looks for the process
constexpr size_t kMaxPhysicalFrames = 64;

#if defined(__aarch64__)
constexpr size_t kStackRegister = 31;
#else
constexpr size_t kStackRegister = 7;
#endif

struct EndDwfl {
  void operator()(Dwfl* dwfl) const { ::dwfl_end(dwfl); }
};

// What libdwfl's callbacks work on.
struct State {
  const Crash* crash;
  std::vector<uint64_t> registers;
  uint64_t instruction;
  // The instruction to start from is one that was being returned to.
  bool starts_at_return = false;
  std::vector<std::pair<uint64_t, bool>> addresses;  // and whether it is a return address
};

int NoDebugFile(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                char**) {
  return -1;
}

int NoFile(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

// A call to where no code is: goes on with the caller.
void StepOutOfNowhere(State* state) {
#if defined(__x86_64__)
  constexpr size_t kInstructionRegister = 16;
  if (state->crash->ModuleAt(state->instruction) != nullptr ||
      state->registers.size() <= kInstructionRegister) {
    return;
  }
  const std::optional<uint64_t> caller = state->crash->StackWord(state->registers[kStackRegister]);
  if (!caller || state->crash->ModuleAt(*caller) == nullptr) return;
  state->addresses.emplace_back(state->instruction, false);
  state->instruction = state->registers[kInstructionRegister] = *caller;
  state->registers[kStackRegister] += sizeof(uint64_t);
  state->starts_at_return = true;
#else
  static_cast<void>(state);
#endif
}

pid_t NextThread(Dwfl*, void* self, void** thread_arg) {
  if (*thread_arg != nullptr) return 0;
  *thread_arg = self;
  return kThread;
}

bool GetThread(Dwfl*, pid_t thread, void* self, void** thread_arg) {
  *thread_arg = self;
  return thread == kThread;
}

bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* self) {
  const std::optional<uint64_t> word = static_cast<State*>(self)->crash->StackWord(address);
  if (word) *result = *word;
  return word.has_value();
}

bool SetRegisters(Dwfl_Thread* thread, void* self) {
  const auto* state = static_cast<State*>(self);
  const std::vector<uint64_t>& registers = state->registers;
  if (registers.empty()) return false;
    // The last is the program counter, which on some machines has no number of its own.
#if defined(__aarch64__)
  const auto count = static_cast<unsigned>(registers.size() - 1);
#else
  const auto count = static_cast<unsigned>(registers.size());
#endif
  if (!::dwfl_thread_state_registers(thread, 0, count, registers.data())) return false;
  ::dwfl_thread_state_register_pc(thread, state->instruction);
  return true;
}

int TakeFrame(Dwfl_Frame* frame, void* self) {
  auto* state = static_cast<State*>(self);
  Dwarf_Addr address = 0;
  bool is_activation = false;
  if (!::dwfl_frame_pc(frame, &address, &is_activation)) return DWARF_CB_ABORT;
  const bool is_first = state->addresses.empty();
  const bool is_return = state->starts_at_return || (!is_activation && !is_first);
  state->addresses.emplace_back(address, is_return);
  return state->addresses.size() < kMaxPhysicalFrames ? DWARF_CB_OK : DWARF_CB_ABORT;
}

std::string BuildId(Dwfl_Module* module) {
  const unsigned char* bits = nullptr;
  GElf_Addr where = 0;
  const int size = ::dwfl_module_build_id(module, &bits, &where);
  return size > 0 ? Hex(bits, static_cast<size_t>(size)) : std::string();
}

// Null for a file that is not what was loaded, or no ELF file at all.
Dwfl_Module* Report(Dwfl* dwfl, const LoadedModule& module, UniqueFd file, bool* changed) {
  const std::string name = std::to_string(module.begin);
  const int fd = file.release();  // the library's
  Dwfl_Module* reported =
      ::dwfl_report_elf(dwfl, name.c_str(), name.c_str(), fd, module.bias, /*add_p_vaddr=*/true);
  if (reported == nullptr) return nullptr;
  *changed = BuildId(reported) != module.build_id;
  return reported;
}

std::vector<ModuleSource> WithoutChanged(const Crash& crash, std::vector<ModuleSource> sources,
                                         wire::Symbols* symbols) {
  static const Dwfl_Callbacks callbacks = {NoFile, NoDebugFile, nullptr, nullptr};
  std::vector<ModuleSource> same;
  for (ModuleSource& source : sources) {
    std::unique_ptr<Dwfl, EndDwfl> dwfl(::dwfl_begin(&callbacks));
    bool changed = true;
    UniqueFd copy(::fcntl(source.file.get(), F_DUPFD_CLOEXEC, 0));
    if (dwfl == nullptr || !copy.valid()) continue;
    Report(dwfl.get(), crash.modules[source.index], std::move(copy), &changed);
    if (changed) {
      symbols->changed.push_back(source.index);
    } else {
      same.push_back(std::move(source));
    }
  }
  return same;
}

void AddFrames(Dwfl* dwfl, const Crash& crash, uint64_t address, bool is_return,
               wire::Symbols* symbols) {
  const uint64_t lookup = is_return ? address - 1 : address;
  std::vector<wire::SymbolFrame> frames(1);
  if (Dwfl_Module* module = ::dwfl_addrmodule(dwfl, lookup)) frames = FramesAt(module, lookup);
  const LoadedModule* module = crash.ModuleAt(lookup);
  for (wire::SymbolFrame& frame : frames) {
    if (symbols->frames.size() == wire::kMaxFrames) return;
    frame.address = address;
    if (module != nullptr) {
      frame.module = static_cast<int32_t>(module - crash.modules.data());
      frame.offset = address - module->bias;
    }
    symbols->frames.push_back(std::move(frame));
  }
}

}  // namespace

wire::Symbols Unwind(const Crash& crash, std::vector<ModuleSource> sources) {
  static const Dwfl_Callbacks callbacks = {NoFile, NoDebugFile, nullptr, nullptr};
  static const Dwfl_Thread_Callbacks threads = {NextThread,   GetThread, ReadMemory,
                                                SetRegisters, nullptr,   nullptr};
  wire::Symbols symbols;
  State state{&crash, crash.registers, crash.instruction, false, {}};
  StepOutOfNowhere(&state);
  std::unique_ptr<Dwfl, EndDwfl> dwfl(::dwfl_begin(&callbacks));
  if (dwfl != nullptr) {
    sources = WithoutChanged(crash, std::move(sources), &symbols);
    ::dwfl_report_begin(dwfl.get());
    for (ModuleSource& source : sources) {
      bool changed = false;
      Report(dwfl.get(), crash.modules[source.index], std::move(source.file), &changed);
    }
    ::dwfl_report_end(dwfl.get(), nullptr, nullptr);
    if (::dwfl_attach_state(dwfl.get(), nullptr, kThread, &threads, &state)) {
      ::dwfl_getthread_frames(dwfl.get(), kThread, TakeFrame, &state);
    }
  }
  if (state.addresses.size() < 2) {
    state.addresses.clear();
    for (uint64_t address : FramePointerChain(crash, kMaxPhysicalFrames)) {
      state.addresses.emplace_back(address, !state.addresses.empty());
    }
  }
  for (const auto& [address, is_return] : state.addresses) {
    AddFrames(dwfl.get(), crash, address, is_return, &symbols);
  }
  return symbols;
}

}  // namespace tvmffi::hostd
