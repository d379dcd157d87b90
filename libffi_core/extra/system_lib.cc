// Symbols that are linked into the program itself, as a library per prefix.
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "libffi_core/extra/library.h"
#include "libffi_core/global_def.h"
#include "libffi_core/guard.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Module;
using tvm::ffi::PackedArgs;
using tvm::ffi::String;

class SystemSymbols {
 public:
  static SystemSymbols& Global() {
    static auto* symbols = new SystemSymbols;
    return *symbols;
  }

  void Set(const char* name, void* address) {
    std::lock_guard lock(mutex_);
    void*& known = addresses_[name];
    if (known != nullptr && known != address) {
      std::fprintf(stderr, "Warning: system library symbol %s moves from %p to %p\n", name, known,
                   address);
    }
    known = address;
  }

  void* Find(const std::string& name) const {
    std::lock_guard lock(mutex_);
    auto it = addresses_.find(name);
    return it == addresses_.end() ? nullptr : it->second;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, void*> addresses_;
};

class SystemLibrary final : public Library {
 public:
  explicit SystemLibrary(std::string prefix) : prefix_(std::move(prefix)) {}

  void* Find(std::string_view prefix, std::string_view name) const final {
    std::string full(prefix);
    void* own = SystemSymbols::Global().Find(full + prefix_ + std::string(name));
    return own != nullptr ? own : SystemSymbols::Global().Find(full.append(name));
  }

 private:
  std::string prefix_;
};

// One module per prefix, for the life of the process. Making one runs loaders of the user's, so
// only its own prefix is locked then.
class SystemModules {
 public:
  static SystemModules& Global() {
    static auto* modules = new SystemModules;
    return *modules;
  }

  Module Get(const std::string& prefix) {
    Slot& slot = SlotOf(prefix);
    // Recursive, so that a loader which needs the module it is loading for is told instead of
    // stuck.
    std::lock_guard lock(slot.mutex);
    if (slot.module.has_value()) return *slot.module;
    if (slot.loading) {
      TVM_FFI_THROW(RuntimeError) << "the system library with prefix \"" << prefix
                                  << "\" is needed by a module that it embeds";
    }
    const Loading loading(&slot.loading);
    slot.module = LoadLibrary(std::make_unique<SystemLibrary>(prefix));
    return *slot.module;
  }

 private:
  struct Slot {
    std::recursive_mutex mutex;
    bool loading = false;
    std::optional<Module> module;
  };

  class Loading {
   public:
    explicit Loading(bool* flag) : flag_(flag) { *flag_ = true; }
    ~Loading() { *flag_ = false; }

   private:
    bool* flag_;
  };

  // Slots stay where they are.
  Slot& SlotOf(const std::string& prefix) {
    std::lock_guard lock(mutex_);
    return slots_[prefix];
  }

  std::mutex mutex_;
  std::map<std::string, Slot> slots_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef().Packed("ffi.SystemLib", [](PackedArgs args, Any* result) {
    const std::string prefix = args.size() == 0 ? std::string() : args[0].cast<std::string>();
    *result = SystemModules::Global().Get(prefix);
  });
}

}  // namespace
}  // namespace tvmffi::core

extern "C" int TVMFFIEnvModRegisterSystemLibSymbol(const char* name, void* symbol) {
  return tvmffi::core::Guarded([&] {
    tvmffi::core::NotNull(name, "TVMFFIEnvModRegisterSystemLibSymbol: name");
    tvmffi::core::SystemSymbols::Global().Set(name, symbol);
  });
}
