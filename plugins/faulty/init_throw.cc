// An exception out of a static initialiser: nothing can catch it.
#include <stdexcept>

namespace {

int Fail() { throw std::runtime_error("static initialiser failed"); }

const int value = Fail();

}  // namespace

extern "C" const int* faulty_init_throw_value() { return &value; }
