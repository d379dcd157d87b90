// Ends the process while it is being loaded.
#include <stdio.h>
#include <unistd.h>

namespace {

__attribute__((constructor)) void Exit() {
  fprintf(stderr, "leaving from a constructor\n");
  _exit(7);
}

}  // namespace
