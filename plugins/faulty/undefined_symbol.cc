// Cannot be loaded: a variable, unlike a function, is looked for at once.
extern "C" int faulty_symbol_that_nobody_defines;

extern "C" int* faulty_undefined_symbol() { return &faulty_symbol_that_nobody_defines; }
