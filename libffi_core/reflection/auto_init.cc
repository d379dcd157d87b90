#include "libffi_core/reflection/auto_init.h"

#include <tvm/ffi/any.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/reflection/creator.h>
#include <tvm/ffi/reflection/registry.h>

#include <utility>

#include "libffi_core/guard.h"
#include "libffi_core/type_table.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Error;
using tvm::ffi::Function;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::PackedArgs;
using tvm::ffi::String;
namespace refl = tvm::ffi::reflection;

bool HasFlag(const TVMFFIFieldInfo& field, int64_t flag) { return (field.flags & flag) != 0; }

bool HasDefault(const TVMFFIFieldInfo& field) {
  return HasFlag(field, kTVMFFIFieldFlagBitMaskHasDefault);
}

const ObjectRef& KeywordMarker() {
  static const auto* marker =
      new ObjectRef(Function::GetGlobalRequired("ffi.GetKwargsObject")().cast<ObjectRef>());
  return *marker;
}

int32_t CountPositional(PackedArgs args) {
  const tvm::ffi::Object* marker = KeywordMarker().get();
  for (int32_t i = 0; i < args.size(); ++i) {
    if (args[i].as<Object>() == marker) return i;
  }
  return args.size();
}

std::string Indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) {
    result.push_back(c);
    if (c == '\n') result.append("  ");
  }
  return result;
}

}  // namespace

// One call: the object being made and which of its fields have a value.
class AutoInit::Call {
 public:
  explicit Call(const AutoInit& init)
      : init_(init),
        object_(tvm::ffi::CreateEmptyObject(init.type_info_)),
        is_set_(init.fields_.size(), false) {}

  void SetPositional(PackedArgs args) {
    const auto given = static_cast<size_t>(args.size());
    const size_t expected = init_.positional_.size();
    if (given > expected) {
      TVM_FFI_THROW(TypeError) << Name() << " takes at most " << expected
                               << " positional argument(s), but " << given << " were given";
    }
    for (size_t i = 0; i < given; ++i) {
      Set(init_.positional_[i], args[static_cast<int>(i)]);
    }
  }

  void SetByKeyword(PackedArgs pairs) {
    if (pairs.size() % 2 != 0) {
      TVM_FFI_THROW(TypeError) << Name()
                               << " KWARGS requires an even number of key-value arguments";
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      const String name = pairs[i].cast<String>();
      const auto found = init_.parameter_by_name_.find(std::string_view(name.data(), name.size()));
      if (found == init_.parameter_by_name_.end()) {
        TVM_FFI_THROW(TypeError) << Name() << " got an unexpected keyword argument '" << name
                                 << "'";
      }
      if (is_set_[found->second]) {
        TVM_FFI_THROW(TypeError) << Name() << " got multiple values for argument '" << name << "'";
      }
      Set(found->second, pairs[i + 1]);
    }
  }

  void SetDefaults() {
    for (size_t i = 0; i < init_.fields_.size(); ++i) {
      const TVMFFIFieldInfo& field = init_.fields_[i];
      if (is_set_[i]) continue;
      if (HasDefault(field)) {
        refl::SetFieldToDefault(&field, Address(field));
      } else if (!HasFlag(field, kTVMFFIFieldFlagBitMaskInitOff)) {
        const bool by_keyword = HasFlag(field, kTVMFFIFieldFlagBitMaskKwOnly);
        TVM_FFI_THROW(TypeError) << Name() << " missing required "
                                 << (by_keyword ? "keyword-only argument: '" : "argument: '")
                                 << ViewOf(field.name) << "'";
      }
    }
  }

  ObjectRef Take() { return ObjectRef(std::move(object_)); }

 private:
  const AutoInit& init_;
  ObjectPtr<Object> object_;
  std::vector<bool> is_set_;

  std::string Name() const {
    return std::string(ViewOf(init_.type_info_->type_key)) + ".__ffi_init__()";
  }

  void* Address(const TVMFFIFieldInfo& field) const {
    return tvm::ffi::details::FieldAddress(object_.get(), &field);
  }

  void Set(size_t index, AnyView value) {
    const TVMFFIFieldInfo& field = init_.fields_[index];
    const TVMFFIAny raw = value.CopyToTVMFFIAny();
    if (refl::CallFieldSetter(&field, Address(field), &raw) != 0) ThrowSetterError(field);
    is_set_[index] = true;
  }

  [[noreturn]] void ThrowSetterError(const TVMFFIFieldInfo& field) const {
    Error error = tvm::ffi::details::MoveFromSafeCallRaised();
    // The host language's own pending error: there is no text to add to.
    if (error.kind() == "EnvErrorAlreadySet") throw error;
    const std::string message =
        Name() + " field '" + std::string(ViewOf(field.name)) + "':\n" + Indented(error.message());
    throw Error(error.kind(), message, error.backtrace(), error.cause_chain(),
                error.extra_context());
  }
};

AutoInit::AutoInit(const TVMFFITypeInfo* type_info) : type_info_(type_info) {
  refl::ForEachFieldInfo(type_info,
                         [this](const TVMFFIFieldInfo* field) { fields_.push_back(*field); });
  std::vector<size_t> with_default;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const TVMFFIFieldInfo& field = fields_[i];
    if (HasFlag(field, kTVMFFIFieldFlagBitMaskInitOff)) continue;
    parameter_by_name_[ViewOf(field.name)] = i;
    if (HasFlag(field, kTVMFFIFieldFlagBitMaskKwOnly)) continue;
    (HasDefault(field) ? with_default : positional_).push_back(i);
  }
  positional_.insert(positional_.end(), with_default.begin(), with_default.end());
}

void AutoInit::operator()(PackedArgs args, Any* result) const {
  const int32_t num_positional = CountPositional(args);
  Call call(*this);
  call.SetPositional(args.Slice(0, num_positional));
  if (num_positional < args.size()) call.SetByKeyword(args.Slice(num_positional + 1));
  call.SetDefaults();
  *result = call.Take();
}

const TVMFFITypeInfo* RequireTypeInfo(int64_t type_index) {
  const bool in_range = type_index >= 0 && type_index <= INT32_MAX;
  const TVMFFITypeInfo* info =
      in_range ? TypeTable::Global().Find(static_cast<int32_t>(type_index)) : nullptr;
  if (info == nullptr) {
    TVM_FFI_THROW(ValueError) << "Cannot find type info for type_index=" << type_index;
  }
  return info;
}

void RegisterAutoInit(int32_t type_index) {
  const TVMFFITypeInfo* info = RequireTypeInfo(type_index);
  refl::registry_details::RegisterTypeAttr(type_index, refl::type_attr::kInit,
                                           Function::FromPacked(AutoInit(info)));
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() { refl::GlobalDef().def("ffi._RegisterFFIInit", RegisterAutoInit); }

}  // namespace
}  // namespace tvmffi::core
