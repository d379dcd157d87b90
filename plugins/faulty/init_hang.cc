// Loading it never ends.
#include <unistd.h>

namespace {

__attribute__((constructor)) void Hang() {
  for (;;) pause();
}

}  // namespace
