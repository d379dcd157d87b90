// Addresses that every library opened from now on is given, by the names of its variables.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_CONTEXT_SYMBOLS_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_CONTEXT_SYMBOLS_H_

#include <string>
#include <vector>

namespace tvmffi::core {

struct ContextSymbol {
  std::string name;
  void* address;
};

// A snapshot, in the order of registration.
std::vector<ContextSymbol> ContextSymbols();

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_CONTEXT_SYMBOLS_H_
