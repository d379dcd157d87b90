// A library as a module: its exported functions, its embedded imports, and the loader for shared
// objects.
#include <dlfcn.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstring>
#include <string>
#include <vector>

#include "libffi_core/extra/context_symbols.h"
#include "libffi_core/extra/library.h"
#include "libffi_core/extra/library_bin.h"
#include "libffi_core/global_def.h"
#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

namespace symbol = tvm::ffi::symbol;
using tvm::ffi::Bytes;
using tvm::ffi::Function;
using tvm::ffi::Module;
using tvm::ffi::ModuleObj;
using tvm::ffi::Optional;
using tvm::ffi::String;
using tvm::ffi::details::ObjectUnsafe;

// A Function around an exported symbol. It keeps the module, and with it the code, loaded.
struct SymbolFunction {
  TVMFFIObject header;
  TVMFFIFunctionCell cell;
  Handle module;
  TVMFFISafeCallType symbol;
};

// Apart from CallSymbol, which every call passes through and which needs no stack but for this.
[[gnu::cold, gnu::noinline]] int RefuseResult(const TVMFFIAny& result) {
  return Raise("InternalError", "Check failed: result->type_index < kTVMFFIStaticObjectBegin (" +
                                    std::to_string(result.type_index) +
                                    " vs. 64) : the result of a call must " +
                                    "not hold an object on entry");
}

int CallSymbol(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  if (IsObject(*result)) return RefuseResult(*result);
  int code = static_cast<SymbolFunction*>(handle)->symbol(nullptr, args, num_args, result);
  return code == 0 ? 0 : -1;
}

[[noreturn, gnu::cold, gnu::noinline]] void ThrowRaised() {
  throw tvm::ffi::details::MoveFromSafeCallRaised();
}

// For callers that may hold an object in the result, even one that is an argument of this call.
[[gnu::cold, gnu::noinline]] void CallSymbolOverObject(TVMFFISafeCallType symbol,
                                                       const TVMFFIAny* args, int32_t num_args,
                                                       tvm::ffi::Any* result) {
  tvm::ffi::Any fresh;
  if (symbol(nullptr, args, num_args, reinterpret_cast<TVMFFIAny*>(&fresh)) != 0) ThrowRaised();
  *result = std::move(fresh);
}

// The same for callers in C++. A void function leaves the result as it is, so it starts as None.
void CallSymbolFromCpp(const void* handle, const TVMFFIAny* args, int32_t num_args,
                       TVMFFIAny* result) {
  TVMFFISafeCallType symbol = static_cast<const SymbolFunction*>(handle)->symbol;
  if (__builtin_expect(result->type_index != kTVMFFINone, 0)) {
    CallSymbolOverObject(symbol, args, num_args, reinterpret_cast<tvm::ffi::Any*>(result));
  } else if (__builtin_expect(symbol(nullptr, args, num_args, result) != 0, 0)) {
    ThrowRaised();
  }
}

Function NewSymbolFunction(const ModuleObj* module, TVMFFISafeCallType symbol) {
  auto* function = NewObject<SymbolFunction>(
      kTVMFFIFunction, 0,
      TVMFFIFunctionCell{CallSymbol, reinterpret_cast<void*>(CallSymbolFromCpp)},
      Handle::Retain(ObjectUnsafe::GetHeader(module)), symbol);
  return ObjectUnsafe::ObjectRefFromObjectPtr<Function>(
      ObjectUnsafe::ObjectPtrFromOwned<tvm::ffi::Object>(&function->header));
}

std::string_view ViewOf(const String& text) { return {text.data(), text.size()}; }

class LibraryModuleObj final : public ModuleObj {
 public:
  explicit LibraryModuleObj(std::unique_ptr<Library> library) : library_(std::move(library)) {}

  const char* kind() const final { return "library"; }
  int GetPropertyMask() const final { return Module::kBinarySerializable | Module::kRunnable; }
  bool ImplementsFunction(const String& name) final {
    return Find(symbol::tvm_ffi_symbol_prefix, name) != nullptr;
  }
  Optional<Function> GetFunction(const String& name) final {
    TVMFFISafeCallType found = Find(symbol::tvm_ffi_symbol_prefix, name);
    if (found == nullptr) return std::nullopt;
    return NewSymbolFunction(this, found);
  }
  Optional<String> GetFunctionMetadata(const String& name) final {
    return Text(symbol::tvm_ffi_metadata_prefix, name);
  }
  Optional<String> GetFunctionDoc(const String& name) final {
    return Text(symbol::tvm_ffi_doc_prefix, name);
  }

 private:
  TVMFFISafeCallType Find(const char* prefix, const String& name) const {
    return reinterpret_cast<TVMFFISafeCallType>(library_->Find(prefix, ViewOf(name)));
  }

  Optional<String> Text(const char* prefix, const String& name) const {
    TVMFFISafeCallType found = Find(prefix, name);
    if (found == nullptr) return std::nullopt;
    return Function::InvokeExternC(nullptr, found).cast<String>();
  }

  std::unique_ptr<Library> library_;
};

// Atomic: two threads may load the same file, and share its variables.
void Store(void** variable, void* value) { __atomic_store_n(variable, value, __ATOMIC_RELEASE); }

// Makes the modules of an embedded tree. The module of the library itself is made when its entry is
// met.
class TreeLoader {
 public:
  explicit TreeLoader(std::unique_ptr<Library> library)
      : context_(static_cast<void**>(library->Find("", symbol::tvm_ffi_library_ctx))),
        library_(std::move(library)) {}

  Module LibraryModule() {
    auto module = tvm::ffi::make_object<LibraryModuleObj>(std::move(library_));
    if (context_ != nullptr) Store(context_, static_cast<ModuleObj*>(module.get()));
    return Module(tvm::ffi::ObjectPtr<ModuleObj>(std::move(module)));
  }

  Module Load(const LibraryBin& bin) {
    std::vector<Module> modules;
    for (const LibraryBin::Entry& entry : bin.entries) {
      modules.push_back(entry.kind == kLibraryEntryKind ? OnlyLibraryModule() : Custom(entry));
    }
    for (size_t i = 0; i < modules.size(); ++i) {
      for (size_t imported : bin.entries[i].imports) modules[i]->ImportModule(modules[imported]);
    }
    return modules[0];
  }

 private:
  Module OnlyLibraryModule() {
    if (library_ != nullptr) return LibraryModule();
    TVM_FFI_THROW(InternalError) << "library binary has more than one entry of kind _lib";
  }

  static Module Custom(const LibraryBin::Entry& entry) {
    const std::string name = "ffi.Module.load_from_bytes." + std::string(entry.kind);
    std::optional<Function> loader = Function::GetGlobal(name);
    if (!loader.has_value()) {
      TVM_FFI_THROW(RuntimeError)
          << "Library binary was created using {" << entry.kind
          << "} but a loader of that name is not registered. Make sure to have runtime that "
             "registers "
          << name;
    }
    return (*loader)(Bytes(entry.bytes.data(), entry.bytes.size())).cast<Module>();
  }

  void** context_;
  std::unique_ptr<Library> library_;
};

class SharedObject final : public Library {
 public:
  explicit SharedObject(const String& path)
      : handle_(::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      const char* reason = ::dlerror();
      TVM_FFI_THROW(InternalError) << "Failed to load dynamic shared library " << path << ' '
                                   << (reason != nullptr ? reason : "");
    }
  }
  ~SharedObject() final { ::dlclose(handle_); }

  void* Find(std::string_view prefix, std::string_view name) const final {
    char nearly_always[128];
    if (prefix.size() + name.size() >= sizeof(nearly_always)) {
      return ::dlsym(handle_, std::string(prefix).append(name).c_str());
    }
    std::memcpy(nearly_always, prefix.data(), prefix.size());
    std::memcpy(nearly_always + prefix.size(), name.data(), name.size());
    nearly_always[prefix.size() + name.size()] = '\0';
    return ::dlsym(handle_, nearly_always);
  }

 private:
  void* handle_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef().Typed("ffi.Module.load_from_file.so", [](const String& path, const String&) {
    return LoadLibrary(std::make_unique<SharedObject>(path));
  });
}

}  // namespace

Module LoadLibrary(std::unique_ptr<Library> library) {
  // First, as loading the embedded modules may run code of the library.
  for (const ContextSymbol& context : ContextSymbols()) {
    auto* variable = static_cast<void**>(library->Find("", context.name));
    if (variable != nullptr) Store(variable, context.address);
  }
  const auto* bin = static_cast<const char*>(library->Find("", symbol::tvm_ffi_library_bin));
  TreeLoader loader(std::move(library));
  if (bin == nullptr) return loader.LibraryModule();
  uint64_t size;
  std::memcpy(&size, bin, sizeof(size));
  return loader.Load(ParseLibraryBin({bin + sizeof(size), size}));
}

}  // namespace tvmffi::core
