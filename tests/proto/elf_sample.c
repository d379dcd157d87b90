// A library with one of everything a description names.
#include <math.h>

__attribute__((constructor)) static void First(void) {}
__attribute__((constructor)) static void Second(void) {}
__attribute__((destructor)) static void Last(void) {}

static int Seven(void) { return 7; }
static int (*ResolveSeven(void))(void) { return Seven; }
int __tvm_ffi_resolved(void) __attribute__((ifunc("ResolveSeven")));

double __tvm_ffi_root(double value) { return sqrt(value); }
__attribute__((weak)) int sample_weak(void) { return 1; }
__attribute__((visibility("hidden"))) int sample_hidden(void) { return 2; }
extern double lgamma_r(double, int*);
double sample_gamma(double value) {
  int sign = 0;
  return lgamma_r(value, &sign);
}
