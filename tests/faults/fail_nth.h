// What the preloaded library and the sweep share: a file that both map. sweep.py reads and writes
// it by offset.
#pragma once

#include <stdint.h>

// Whose call it is. A fork of the daemon is "start" until its exec: the namespaces' trials, the
// init, the worker to be.
enum Role { kClient, kDaemon, kStart, kWorker, kSymbolizer, kRoles };

enum {
  kNameSize = 32,
  kObjectSize = 64,
  kMaxFrames = 12,
  kMaxSites = 4096,
};

struct Frame {
  char object[kObjectSize];  // the last part of the file's path
  uint64_t offset;           // in the file's memory image
};

// The call that was made to fail.
struct Failure {
  uint32_t happened;
  uint32_t role;
  int32_t pid;
  int32_t error;
  char name[kNameSize];
  uint32_t depth;
  uint32_t unused;
  struct Frame frames[kMaxFrames];
};

struct Control {
  uint32_t armed;      // calls count
  uint32_t role;       // whose call fails
  uint64_t nth;        // from 1; 0: none
  uint32_t interrupt;  // calls that a signal can interrupt fail with EINTR, and only they count
  uint32_t record_sites;
  uint64_t counts[kRoles];
  struct Failure failure;
  // For every counted call, in order: a hash of the function and the few callers above it.
  uint64_t sites[kRoles][kMaxSites];
};
