// The C headers as C11; the checks run in the compiler.
#include "c_layout_checks.h"
