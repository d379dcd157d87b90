// Modules: lookup through imports, loading by file name, and the functions bindings use.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "libffi_core/extra/context_symbols.h"
#include "libffi_core/global_def.h"

namespace tvm {
namespace ffi {

// What the library needs of ModuleObj and nobody else.
struct ModuleObj::InternalUnsafe {
  static Map<String, Function>* LookupCache(ModuleObj* module) {
    return &module->import_lookup_cache_;
  }
  static void Reflect() {
    namespace refl = tvm::ffi::reflection;
    refl::ObjectDef<ModuleObj>(refl::init(false)).def_ro("imports_", &ModuleObj::imports_);
  }
};

namespace {

// The first result of `find` that is not empty: the module's own, then its imports' in order, depth
// first.
template <typename Result, typename Find>
Optional<Result> FindInTree(ModuleObj* module, bool query_imports, const Find& find) {
  Optional<Result> own = find(module);
  if (own.has_value() || !query_imports) return own;
  for (const Any& import : module->imports()) {
    Optional<Result> imported = FindInTree<Result>(import.cast<Module>().get(), true, find);
    if (imported.has_value()) return imported;
  }
  return std::nullopt;
}

bool Reaches(const ModuleObj* from, const ModuleObj* target,
             std::unordered_set<const ModuleObj*>* visited) {
  if (from == target) return true;
  if (!visited->insert(from).second) return false;
  for (const Any& import : from->imports()) {
    if (Reaches(import.cast<Module>().get(), target, visited)) return true;
  }
  return false;
}

Function FindInImportsOrGlobals(ModuleObj* module, const String& name) {
  for (const Any& import : module->imports()) {
    Optional<Function> found = import.cast<Module>()->GetFunction(name, true);
    if (found.has_value()) return found.value();
  }
  std::optional<Function> global = Function::GetGlobal(name);
  if (global.has_value()) return *global;
  TVM_FFI_THROW(RuntimeError) << "Cannot find function " << name
                              << " in the imported modules or global registry.";
}

// The result belongs to the module's cache. The lock is not held while other modules search: they
// may come back here.
TVMFFIObject* LookupFromImports(ModuleObj* module, const String& name) {
  static auto* mutex = new std::mutex;
  Map<String, Function>* cache = ModuleObj::InternalUnsafe::LookupCache(module);
  {
    std::lock_guard lock(*mutex);
    std::optional<Function> known = cache->Get(name);
    if (known.has_value()) return details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(*known);
  }
  Function found = FindInImportsOrGlobals(module, name);
  std::lock_guard lock(*mutex);
  std::optional<Function> known = cache->Get(name);
  if (!known.has_value()) cache->Set(name, found);
  return details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(known.value_or(found));
}

}  // namespace

Optional<Function> ModuleObj::GetFunction(const String& name, bool query_imports) {
  return FindInTree<Function>(this, query_imports,
                              [&](ModuleObj* module) { return module->GetFunction(name); });
}

Optional<String> ModuleObj::GetFunctionDoc(const String& name, bool query_imports) {
  return FindInTree<String>(this, query_imports,
                            [&](ModuleObj* module) { return module->GetFunctionDoc(name); });
}

Optional<String> ModuleObj::GetFunctionMetadata(const String& name, bool query_imports) {
  return FindInTree<String>(this, query_imports,
                            [&](ModuleObj* module) { return module->GetFunctionMetadata(name); });
}

bool ModuleObj::ImplementsFunction(const String& name, bool query_imports) {
  if (this->ImplementsFunction(name)) return true;
  if (!query_imports) return false;
  for (const Any& import : imports()) {
    if (import.cast<Module>()->ImplementsFunction(name, true)) return true;
  }
  return false;
}

void ModuleObj::ImportModule(const Module& other) {
  std::unordered_set<const ModuleObj*> visited;
  if (Reaches(other.get(), this, &visited)) {
    TVM_FFI_THROW(RuntimeError) << "Cyclic dependency detected during import";
  }
  imports_.push_back(other);
}

void ModuleObj::ClearImports() { imports_.clear(); }

Module Module::LoadFromFile(const String& file_name) {
  const std::string path = file_name;
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos) {
    TVM_FFI_THROW(RuntimeError) << "Failed to get file format from " << path;
  }
  std::string format = path.substr(dot + 1);
  if (format == "dll" || format == "dylib" || format == "dso") format = "so";
  const std::string loader_name = "ffi.Module.load_from_file." + format;
  std::optional<Function> loader = Function::GetGlobal(loader_name);
  if (!loader.has_value()) {
    TVM_FFI_THROW(RuntimeError) << "Cannot load " << path << ": the loader " << loader_name
                                << " of its format is not registered";
  }
  return (*loader)(file_name, String(format)).cast<Module>();
}

void Module::VisitContextSymbols(const TypedFunction<void(String, void*)>& callback) {
  for (const tvmffi::core::ContextSymbol& symbol : tvmffi::core::ContextSymbols()) {
    callback(String(symbol.name), symbol.address);
  }
}

}  // namespace ffi
}  // namespace tvm

namespace tvmffi::core {
namespace {

using tvm::ffi::Module;
using tvm::ffi::ModuleObj;
using tvm::ffi::String;

// Modules that stay loaded although nobody else refers to them.
class PinnedModules {
 public:
  static PinnedModules& Global() {
    static auto* modules = new PinnedModules;
    return *modules;
  }

  void Add(const Module& module) {
    std::lock_guard lock(mutex_);
    modules_.emplace(module.get(), module);
  }

  void Remove(const Module& module) {
    // Released by the caller's reference, not under the lock.
    std::lock_guard lock(mutex_);
    modules_.erase(module.get());
  }

 private:
  std::mutex mutex_;
  std::unordered_map<const ModuleObj*, Module> modules_;
};

void ReflectObject() {
  TVMFFITypeMetadata metadata{};
  metadata.total_size = sizeof(TVMFFIObject);
  TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterMetadata(kTVMFFIObject, &metadata));
}

TVM_FFI_STATIC_INIT_BLOCK() {
  ReflectObject();
  ModuleObj::InternalUnsafe::Reflect();
  GlobalDef()
      .Typed("ffi.ModuleLoadFromFile", Module::LoadFromFile)
      .Typed("ffi.ModuleGetFunction",
             [](const Module& module, const String& name, bool query_imports) {
               return module->GetFunction(name, query_imports);
             })
      .Typed("ffi.ModuleImplementsFunction",
             [](const Module& module, const String& name, bool query_imports) {
               return module->ImplementsFunction(name, query_imports);
             })
      .Typed("ffi.ModuleGetFunctionMetadata",
             [](const Module& module, const String& name, bool query_imports) {
               return module->GetFunctionMetadata(name, query_imports);
             })
      .Typed("ffi.ModuleGetFunctionDoc",
             [](const Module& module, const String& name, bool query_imports) {
               return module->GetFunctionDoc(name, query_imports);
             })
      .Typed("ffi.ModuleGetKind", [](const Module& module) { return String(module->kind()); })
      .Typed("ffi.ModuleGetPropertyMask",
             [](const Module& module) { return module->GetPropertyMask(); })
      .Typed(
          "ffi.ModuleInspectSource",
          [](const Module& module, const String& format) { return module->InspectSource(format); })
      .Typed("ffi.ModuleGetWriteFormats",
             [](const Module& module) { return module->GetWriteFormats(); })
      .Typed("ffi.ModuleWriteToFile",
             [](const Module& module, const String& file, const String& format) {
               module->WriteToFile(file, format);
             })
      .Typed("ffi.ModuleImportModule",
             [](const Module& module, const Module& other) { module->ImportModule(other); })
      .Typed("ffi.ModuleClearImports", [](const Module& module) { module->ClearImports(); })
      .Typed("ffi.ModuleGlobalsAdd",
             [](const Module& module) { PinnedModules::Global().Add(module); })
      .Typed("ffi.ModuleGlobalsRemove",
             [](const Module& module) { PinnedModules::Global().Remove(module); });
}

}  // namespace
}  // namespace tvmffi::core

extern "C" int TVMFFIEnvModLookupFromImports(TVMFFIObjectHandle library_ctx, const char* func_name,
                                             TVMFFIObjectHandle* out) {
  TVM_FFI_SAFE_CALL_BEGIN();
  if (library_ctx == nullptr) {
    TVM_FFI_THROW(RuntimeError) << "cannot look up " << func_name
                                << ": its library was not loaded as a module";
  }
  // The context is the address of the ModuleObj, which starts before its object header.
  *out = tvm::ffi::LookupFromImports(static_cast<tvm::ffi::ModuleObj*>(library_ctx), func_name);
  TVM_FFI_SAFE_CALL_END();
}
