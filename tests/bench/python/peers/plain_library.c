/* For ctypes: no Python, no ABI. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void nothing(void) {}
int64_t number(int64_t value) { return value + 1; }
size_t text(const char* text) { return strlen(text); }
void arrays(const float* a, const float* b, const float* c) { (void)a, (void)b, (void)c; }
int64_t apply(int64_t (*function)(int64_t), int64_t value) { return function(value); }
