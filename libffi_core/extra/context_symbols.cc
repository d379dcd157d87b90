#include "libffi_core/extra/context_symbols.h"

#include <tvm/ffi/extra/c_env_api.h>

#include <mutex>

#include "libffi_core/guard.h"

namespace tvmffi::core {
namespace {

struct Table {
  std::mutex mutex;
  std::vector<ContextSymbol> symbols;
};

Table& GlobalTable() {
  static auto* table = new Table;
  return *table;
}

}  // namespace

std::vector<ContextSymbol> ContextSymbols() {
  std::lock_guard lock(GlobalTable().mutex);
  return GlobalTable().symbols;
}

}  // namespace tvmffi::core

extern "C" int TVMFFIEnvModRegisterContextSymbol(const char* name, void* symbol) {
  return tvmffi::core::Guarded([&] {
    tvmffi::core::NotNull(name, "TVMFFIEnvModRegisterContextSymbol: name");
    auto& table = tvmffi::core::GlobalTable();
    std::lock_guard lock(table.mutex);
    table.symbols.push_back({name, symbol});
  });
}
