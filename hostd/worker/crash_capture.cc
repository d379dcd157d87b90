#include "hostd/worker/crash_capture.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

namespace tvmffi::hostd {
namespace {

// A stack that overflowed points into its guard, or some pages below it.
constexpr uint64_t kGuardPages = 64;
constexpr uint64_t kMaxHeaders = 64;
constexpr uint64_t kMaxNotes = 16;
constexpr size_t kProbeBytes = size_t{1} << 20;

const r_debug* linker_state = nullptr;
uint64_t program_headers = 0;
uint64_t num_program_headers = 0;

struct ModuleName {
  char loaded_as[24];
  char name[sizeof(CrashModule::path)];
};
ModuleName module_names[64];
std::atomic<size_t> num_module_names{0};

template <typename T>
const T* At(uint64_t address) {
  const bool readable = IsReadable(address) && IsReadable(address + sizeof(T) - sizeof(uint64_t));
  return readable ? reinterpret_cast<const T*>(address) : nullptr;
}

// What is read may be anybody's, the variables that the address sanitizer guards included.
#define TVMFFI_READS_ANYTHING __attribute__((no_sanitize_address, no_sanitize_thread))

TVMFFI_READS_ANYTHING void Copy(const void* from, void* to, size_t size) {
  const auto* source = static_cast<const volatile char*>(from);
  auto* target = static_cast<char*>(to);
  for (size_t i = 0; i < size; ++i) target[i] = source[i];
}

void ReadBuildId(uint64_t at, uint64_t end, CrashModule* module) {
  for (uint64_t i = 0; i < kMaxNotes && at + sizeof(ElfW(Nhdr)) <= end; ++i) {
    const auto* note = At<ElfW(Nhdr)>(at);
    if (note == nullptr) return;
    const uint64_t name = at + sizeof(*note);
    const uint64_t text = name + ((uint64_t{note->n_namesz} + 3) & ~uint64_t{3});
    const uint64_t next = text + ((uint64_t{note->n_descsz} + 3) & ~uint64_t{3});
    if (next > end) return;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz <= sizeof(module->build_id)) {
      Copy(reinterpret_cast<const void*>(text), module->build_id, note->n_descsz);
      module->build_id_size = note->n_descsz;
      return;
    }
    at = next;
  }
}

void ReadProgramHeaders(uint64_t headers, uint64_t count, CrashModule* module) {
  module->begin = UINT64_MAX;
  for (uint64_t i = 0; i < std::min(count, kMaxHeaders); ++i) {
    const auto* header = At<ElfW(Phdr)>(headers + i * sizeof(ElfW(Phdr)));
    if (header == nullptr) return;
    const uint64_t begin = module->bias + header->p_vaddr;
    if (header->p_type == PT_LOAD) {
      module->begin = std::min(module->begin, begin);
      module->end = std::max(module->end, begin + header->p_memsz);
    } else if (header->p_type == PT_NOTE && module->build_id_size == 0) {
      ReadBuildId(begin, begin + header->p_memsz, module);
    }
  }
}

void Rename(CrashModule* module) {
  const size_t count = num_module_names.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (std::strcmp(module->path, module_names[i].loaded_as) == 0) {
      std::memcpy(module->path, module_names[i].name, sizeof(module->path));
    }
  }
}

TVMFFI_READS_ANYTHING void CopyPath(const char* path, CrashModule* module) {
  const auto* from = reinterpret_cast<const volatile char*>(path);
  for (size_t i = 0; i + 1 < sizeof(module->path); ++i) {
    module->path[i] = from[i];
    if (from[i] == '\0') return Rename(module);
  }
  module->path[0] = '\0';  // too long to be of use
  module->begin = module->end;
}

void CaptureModule(const link_map* map, bool is_program, CrashModule* module) {
  *module = {};
  module->bias = map->l_addr;
  if (is_program) return ReadProgramHeaders(program_headers, num_program_headers, module);
  const auto* file = At<ElfW(Ehdr)>(map->l_addr);
  if (file == nullptr || file->e_ident[0] != ELFMAG0 || file->e_ident[1] != ELFMAG1) return;
  ReadProgramHeaders(map->l_addr + file->e_phoff, file->e_phnum, module);
  CopyPath(map->l_name, module);
}

}  // namespace

void PrepareCapture() {
  linker_state = &_r_debug;
  program_headers = ::getauxval(AT_PHDR);
  num_program_headers = ::getauxval(AT_PHNUM);
}

void AddModuleName(const char* loaded_as, const char* name) {
  const size_t count = num_module_names.load(std::memory_order_relaxed);
  if (count == std::size(module_names)) return;
  ModuleName& entry = module_names[count];
  if (std::strlen(loaded_as) >= sizeof(entry.loaded_as)) return;
  if (std::strlen(name) >= sizeof(entry.name)) return;
  std::strcpy(entry.loaded_as, loaded_as);
  std::strcpy(entry.name, name);
  num_module_names.store(count + 1, std::memory_order_release);
}

bool IsReadable(uint64_t address) {
  // No way of changing a mask has this number: the kernel reads the new mask, then refuses.
  return ::syscall(SYS_rt_sigprocmask, -1, address, nullptr, sizeof(uint64_t)) == -1 &&
         errno == EINVAL;
}

uint64_t CaptureRegisters(const ucontext_t* context, CrashRecord* record) {
  const mcontext_t& machine = context->uc_mcontext;
#if defined(__x86_64__)
  constexpr int kOrder[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                            REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                            REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  uint32_t count = 0;
  for (int reg : kOrder) record->registers[count++] = static_cast<uint64_t>(machine.gregs[reg]);
  record->num_registers = count;
  record->instruction = static_cast<uint64_t>(machine.gregs[REG_RIP]);
  constexpr long long kPageFault = 14;  // trap number
  constexpr long long kWriteFault = 2;  // page fault error code
  if (machine.gregs[REG_TRAPNO] == kPageFault) {
    const bool is_write = (machine.gregs[REG_ERR] & kWriteFault) != 0;
    record->access = is_write ? kAccessWrite : kAccessRead;
  }
  return static_cast<uint64_t>(machine.gregs[REG_RSP]);
#elif defined(__aarch64__)
  for (int i = 0; i < 31; ++i) record->registers[i] = machine.regs[i];
  record->registers[31] = machine.sp;
  record->registers[32] = machine.pc;
  record->num_registers = 33;
  record->instruction = machine.pc;
  return machine.sp;
#else
  return 0;
#endif
}

uint64_t FindStackEnd() {
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return 0;
  void* end = nullptr;
  size_t size = 0;
  const int error = ::pthread_attr_getstack(&attributes, &end, &size);
  ::pthread_attr_destroy(&attributes);
  return error == 0 ? reinterpret_cast<uintptr_t>(end) : 0;
}

void CaptureStack(uint64_t stack_pointer, uint64_t stack_end, CrashPage* page) {
  CrashRecord& record = page->record;
  uint64_t at = stack_pointer & ~uint64_t{7};
  // Further away it is another stack that the thread has switched to.
  if (at < stack_end && stack_end - at <= kGuardPages * kPage) at = stack_end;
  for (uint64_t i = 0; i < kGuardPages && !IsReadable(at); ++i) at = (at | (kPage - 1)) + 1;
  record.stack_address = at;
  while (record.stack_size < kMaxCrashStack && IsReadable(at)) {
    const uint64_t page_end = (at | (kPage - 1)) + 1;
    const size_t size = std::min<size_t>(page_end - at, kMaxCrashStack - record.stack_size);
    Copy(reinterpret_cast<const void*>(at), page->stack + record.stack_size, size);
    record.stack_size += static_cast<uint32_t>(size);
    at = page_end;
  }
}

void CaptureModules(CrashPage* page) {
  CrashRecord& record = page->record;
  const link_map* map = linker_state->r_map;
  for (bool is_program = true; map != nullptr && record.num_modules < kMaxCrashModules;
       map = map->l_next, is_program = false) {
    if (At<link_map>(reinterpret_cast<uintptr_t>(map)) == nullptr) return;
    CaptureModule(map, is_program, &page->modules[record.num_modules]);
    ++record.num_modules;
  }
}

bool AddressSpaceIsFull() {
  rlimit limit;
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  void* probe = ::mmap(nullptr, kProbeBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return errno == ENOMEM;
  ::munmap(probe, kProbeBytes);
  return false;
}

}  // namespace tvmffi::hostd
