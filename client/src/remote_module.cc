// What is used of ModuleObj, the library's C++ class: the object pointer is 8 bytes before the
// ABI's header and begins with the vptr; behind the header lie one reference to an Array (imports)
// and one to a Map (lookup cache); the virtual functions are those of HostedModule below, in that
// order, without a virtual destructor. Class-type results are returned in memory, which is what a
// non-trivial destructor makes of the stand-ins here.
//
// One thing differs between versions of the library: GetFunction returns 8 bytes, or 16 in 0.1.13
// and its first post-release. The version number does not tell, so the library is asked.
#include "client/src/remote_module.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <new>
#include <utility>

#include "client/src/exchange.h"
#include "proto/base/clock.h"

namespace tvmffi::host {
namespace {

// tvm::ffi::String, Bytes and Optional<String>: one owned value.
struct AnyResult {
  TVMFFIAny value;
  // The receiver owns what is in it.
  ~AnyResult() {}
};

// Optional<Function> and Array<String>: one owned reference, null for none.
struct ReferenceResult {
  explicit ReferenceResult(TVMFFIAny owned)
      : object(owned.type_index >= kTVMFFIStaticObjectBegin ? owned.v_obj : nullptr) {}
  TVMFFIObjectHandle object;
  ~ReferenceResult() {}
};

// Optional<Function> of the versions that have 16 bytes for it.
struct WideReferenceResult {
  explicit WideReferenceResult(TVMFFIAny owned) : value(owned) {}
  TVMFFIAny value;
  ~WideReferenceResult() {}
};

std::string_view TextOf(const TVMFFIAny& string) {
  TVMFFIByteArray bytes;
  return ViewText(string, &bytes) ? std::string_view(bytes.data, bytes.size) : std::string_view();
}

[[noreturn]] void Throw(Failure failure) {
  Raise(std::move(failure));
  throw ::tvm::ffi::details::MoveFromSafeCallRaised();
}

[[noreturn]] void ThrowRuntimeError(const std::string& message) {
  Throw(MakeError("RuntimeError", message));
}

// What all kinds of hosted modules do.
class ModuleCalls {
 public:
  explicit ModuleCalls(std::shared_ptr<RemoteReference> reference)
      : reference_(std::move(reference)) {}

  const RemoteReference* reference() const { return reference_.get(); }

  // The worker's answer to `global`(this module, args...); an owned value.
  TVMFFIAny Ask(const char* global, std::initializer_list<TVMFFIAny> args) const {
    TVMFFIAny result = NoneAny();
    Failure failure = OnLane([&](WorkerSlot* slot, CallLane* lane, uint64_t handle,
                                 const ModuleSpec& spec, int64_t deadline) {
      const HandleView self(handle);
      std::vector<TVMFFIAny> values = {self.any()};
      values.insert(values.end(), args.begin(), args.end());
      CallSpec call;
      call.op = FrameOp::kCallGlobal;
      call.text = global;
      call.args = values.data();
      call.num_args = static_cast<int32_t>(values.size());
      call.function = global;
      call.module = spec.name;
      call.deadline = deadline;
      call.time_limit = spec.deadline;
      call.callback_limit = spec.callback_deadline;
      return Exchange(slot, lane, call).Run(&result);
    });
    if (failure) Throw(std::move(failure));
    return result;
  }

  TVMFFIAny FindFunction(const TVMFFIAny& name) const {
    TVMFFIAny result = NoneAny();
    Failure failure = OnLane([&](WorkerSlot* slot, CallLane* lane, uint64_t module,
                                 const ModuleSpec& spec, int64_t deadline) {
      const std::string text(TextOf(name));
      uint64_t handle = 0;
      Failure looked_up = LookUpFunction(slot, lane, module, text, spec, deadline, &handle);
      if (looked_up || handle == 0) return looked_up;
      return RemoteFunction::MakeFound(reference_, text, lane->worker, handle, &result);
    });
    if (failure) Throw(std::move(failure));
    return result;
  }

 private:
  template <typename Body>
  Failure OnLane(Body body) const {
    std::shared_ptr<WorkerSlot> slot = reference_->slot();
    const ModuleSpec& spec = slot->module(reference_->module().value_or(0));
    int64_t deadline;
    Failure failure;
    CallLane* lane = slot->AcquireFor(spec, MonotonicNanos(), &deadline, &failure);
    if (lane == nullptr) return failure;
    Result<uint64_t> handle = reference_->HandleIn(*lane->worker);
    failure = handle.ok()
                  ? body(slot.get(), lane, *handle, spec, deadline)
                  : MakeError("RuntimeError", "cannot use a module: " + handle.status().message);
    slot->GiveBack(lane);
    return failure;
  }

  std::shared_ptr<RemoteReference> reference_;
};

void DeleteModule(void* self, int flags);

template <typename FunctionResult>
class HostedModule {
 public:
  explicit HostedModule(std::shared_ptr<RemoteReference> reference) : calls_(std::move(reference)) {
    header_.combined_ref_count = (uint64_t{1} << 32) | 1;
    header_.type_index = kTVMFFIModule;
    header_.deleter = &DeleteModule;
  }

  virtual const char* kind() const { return "hosted"; }
  virtual int GetPropertyMask() const {
    return static_cast<int>(calls_.Ask("ffi.ModuleGetPropertyMask", {}).v_int64);
  }
  virtual FunctionResult GetFunction(const TVMFFIAny& name) {
    return FunctionResult(calls_.FindFunction(name));
  }
  virtual bool ImplementsFunction(const TVMFFIAny& name) {
    return calls_.Ask("ffi.ModuleImplementsFunction", {name, BoolAny(false)}).v_int64 != 0;
  }
  virtual AnyResult GetFunctionDoc(const TVMFFIAny& name) {
    return {calls_.Ask("ffi.ModuleGetFunctionDoc", {name, BoolAny(false)})};
  }
  virtual AnyResult GetFunctionMetadata(const TVMFFIAny& name) {
    return {calls_.Ask("ffi.ModuleGetFunctionMetadata", {name, BoolAny(false)})};
  }
  virtual void WriteToFile(const TVMFFIAny& file, const TVMFFIAny& format) const {
    calls_.Ask("ffi.ModuleWriteToFile", {file, format});
  }
  virtual ReferenceResult GetWriteFormats() const {
    return ReferenceResult(calls_.Ask("ffi.ModuleGetWriteFormats", {}));
  }
  virtual AnyResult SaveToBytes() const {
    ThrowRuntimeError("Module[hosted] does not support SaveToBytes");
  }
  virtual AnyResult InspectSource(const TVMFFIAny& format) const {
    return {calls_.Ask("ffi.ModuleInspectSource", {format})};
  }
  virtual void ImportModule(const TVMFFIObjectHandle&) {
    ThrowRuntimeError(
        "a hosted module cannot import another module: they live in different processes; load both "
        "into one "
        "worker with session.load_module(path, worker=module)");
  }
  virtual void ClearImports() {}

  // At the place of ModuleObj's.
  TVMFFIObject header_ = {};
  TVMFFIObjectHandle imports_ = nullptr;
  TVMFFIObjectHandle cache_ = nullptr;
  ModuleCalls calls_;

 protected:
  // Never used: a virtual one would have a place among the virtual functions.
  ~HostedModule() = default;
};

using NarrowModule = HostedModule<ReferenceResult>;
using WideModule = HostedModule<WideReferenceResult>;

// Both kinds have the same members.
NarrowModule* FromHeader(void* header) {
  return reinterpret_cast<NarrowModule*>(static_cast<char*>(header) - sizeof(void*));
}

void DeleteModule(void* self, int flags) {
  NarrowModule* module = FromHeader(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
    TVMFFIObjectDecRef(module->imports_);
    TVMFFIObjectDecRef(module->cache_);
    module->calls_.~ModuleCalls();
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) ::operator delete(module);
}

}  // namespace

// The 16 bytes a library of either kind may write.
struct RawResult {
  unsigned char bytes[16];
  ~RawResult() {}
};

// As much of a module of the library's own as is needed to ask it. Outside the unnamed namespace:
// there the compiler would know that nothing implements it.
class LibraryModule {
 public:
  virtual const char* kind() const = 0;
  virtual int GetPropertyMask() const = 0;
  virtual RawResult GetFunction(const TVMFFIAny& name) = 0;

 protected:
  ~LibraryModule() = default;
};

namespace {

enum class ModuleShape { kNarrow, kWide, kUnknown };

__attribute__((no_sanitize("vptr"))) ModuleShape AskLibrary() {
  OwnedAny system_lib;
  if (!CallGlobal("ffi.SystemLib", {}, &system_lib) ||
      system_lib.get().type_index != kTVMFFIModule) {
    TakeRaised();
    return ModuleShape::kUnknown;
  }
  auto* module = reinterpret_cast<LibraryModule*>(reinterpret_cast<char*>(system_lib.get().v_obj) -
                                                  sizeof(void*));
  const OwnedAny name = StringAny("-");
  constexpr unsigned char kPoison = 0xA5;
  alignas(RawResult) unsigned char storage[sizeof(RawResult)];
  std::memset(storage, kPoison, sizeof(storage));
  // The compiler must not think that the constructor below makes this dead.
  asm volatile("" : : "r"(storage) : "memory");
  const RawResult* result = new (storage) RawResult(module->GetFunction(name.get()));
  const auto all = [](const unsigned char* begin, unsigned char value) {
    return std::all_of(begin, begin + 8, [value](unsigned char byte) { return byte == value; });
  };
  if (!all(result->bytes, 0)) return ModuleShape::kUnknown;
  if (all(result->bytes + 8, kPoison)) return ModuleShape::kNarrow;
  return all(result->bytes + 8, 0) ? ModuleShape::kWide : ModuleShape::kUnknown;
}

// The virtual table of hosted modules, with the type information of the library's ModuleObj in
// place of HostedModule's: casts and sanitizers in other code ask it what the object is.
template <typename Module>
void** MakeTable(Module* module) {
  constexpr size_t kBefore = 2;  // offset to top, type information
  constexpr size_t kFunctions = 12;
  void** own = *reinterpret_cast<void***>(module) - kBefore;
  static void* table[kBefore + kFunctions];
  std::copy(own, own + kBefore + kFunctions, table);
  if (void* type_info = FindInLibrary("_ZTIN3tvm3ffi9ModuleObjE")) table[1] = type_info;
  return table + kBefore;
}

template <typename Module>
Status MakeModule(std::shared_ptr<RemoteReference> reference, TVMFFIAny* out) {
  OwnedAny imports;
  OwnedAny cache;
  if (!CallGlobal("ffi.Array", {}, &imports) || !CallGlobal("ffi.Map", {}, &cache)) {
    return RaisedStatus(Code::kInternal, "cannot make a module");
  }
  auto* module = new (::operator new(sizeof(Module))) Module(std::move(reference));
  static void** const table = MakeTable(module);
  *reinterpret_cast<void***>(module) = table;
  module->imports_ = imports.release().v_obj;
  module->cache_ = cache.release().v_obj;
  *out = ObjectAny(&module->header_);
  return OkStatus();
}

}  // namespace

Status MakeRemoteModule(std::shared_ptr<RemoteReference> reference, TVMFFIAny* out) {
  static const ModuleShape shape = AskLibrary();
  static_assert(sizeof(NarrowModule) == sizeof(WideModule));
  switch (shape) {
    case ModuleShape::kNarrow:
      return MakeModule<NarrowModule>(std::move(reference), out);
    case ModuleShape::kWide:
      return MakeModule<WideModule>(std::move(reference), out);
    default:
      return {Code::kInternal,
              "the modules of this process's libtvm_ffi have a shape this library does not know"};
  }
}

const RemoteReference* ReferenceOfModule(TVMFFIObjectHandle object) {
  const TVMFFIObject* header = static_cast<const TVMFFIObject*>(object);
  if (header->type_index != kTVMFFIModule || header->deleter != &DeleteModule) return nullptr;
  return FromHeader(object)->calls_.reference();
}

}  // namespace tvmffi::host
