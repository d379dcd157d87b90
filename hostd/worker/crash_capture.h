// What a fault handler keeps of the state it finds. Everything here is async-signal-safe, bounded
// and without allocations, and expects memory to be broken.
#ifndef TVMFFI_HOSTD_WORKER_CRASH_CAPTURE_H_
#define TVMFFI_HOSTD_WORKER_CRASH_CAPTURE_H_

#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#include "proto/channel/layout.h"

namespace tvmffi::hostd {

// To be called once, before the handler may run.
void PrepareCapture();

// Whether eight bytes at `address` can be read. Asks the kernel: nothing faults.
bool IsReadable(uint64_t address);

// Instruction, access and registers. Returns the stack pointer, 0 on machines not known here.
uint64_t CaptureRegisters(const ucontext_t* context, CrashRecord* record);

// The lowest address of the calling thread's stack, 0 when the system does not say. Not for signal
// handlers.
uint64_t FindStackEnd();

// The stack from `stack_pointer` up, or from the first readable page above a guard. A large frame
// puts the pointer of a full stack on the far side of its guard, where memory may be readable:
// `stack_end` is as from FindStackEnd.
void CaptureStack(uint64_t stack_pointer, uint64_t stack_end, CrashPage* page);

// In what is captured, `name` stands for what the dynamic linker calls `loaded_as`. Names beyond
// the first 64, and longer ones than a CrashModule holds, are dropped. Not async-signal-safe, one
// thread at a time.
void AddModuleName(const char* loaded_as, const char* name);

// The dynamic linker's list, as a debugger reads it: without its locks.
void CaptureModules(CrashPage* page);

// Whether even a little more memory could not be mapped.
bool AddressSpaceIsFull();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_CRASH_CAPTURE_H_
