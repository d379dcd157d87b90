// ffi.MakeObjectFromPackedArgs: an object from its type and the values of its fields.
#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/reflection/creator.h>
#include <tvm/ffi/reflection/registry.h>

#include <string_view>
#include <utility>
#include <vector>

#include "libffi_core/guard.h"
#include "libffi_core/reflection/auto_init.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::PackedArgs;
using tvm::ffi::String;
namespace refl = tvm::ffi::reflection;

const TVMFFITypeInfo* TypeFromArg(AnyView type) {
  if (std::optional<int64_t> index = type.as<int64_t>()) return RequireTypeInfo(*index);
  const String key = type.cast<String>();
  return tvm::ffi::details::TypeInfoOfKey(std::string_view(key.data(), key.size()));
}

// The pairs of name and value behind the type; each is used by one field.
class NamedValues {
 public:
  explicit NamedValues(PackedArgs pairs) : pairs_(pairs) {
    for (int i = 0; i < pairs.size(); i += 2) names_.push_back(pairs[i].cast<String>());
    is_used_.resize(names_.size(), false);
  }

  std::optional<AnyView> Use(std::string_view name) {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (is_used_[i] || std::string_view(names_[i].data(), names_[i].size()) != name) continue;
      is_used_[i] = true;
      return pairs_[static_cast<int>(2 * i + 1)];
    }
    return std::nullopt;
  }

  const String* FindUnused() const {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!is_used_[i]) return &names_[i];
    }
    return nullptr;
  }

 private:
  PackedArgs pairs_;
  std::vector<String> names_;
  std::vector<bool> is_used_;
};

void SetField(const ObjectPtr<Object>& object, const TVMFFITypeInfo& type,
              const TVMFFIFieldInfo& field, NamedValues* values) {
  void* address = tvm::ffi::details::FieldAddress(object.get(), &field);
  if (std::optional<AnyView> value = values->Use(ViewOf(field.name))) {
    const TVMFFIAny raw = value->CopyToTVMFFIAny();
    TVM_FFI_CHECK_SAFE_CALL(refl::CallFieldSetter(&field, address, &raw));
  } else if ((field.flags & kTVMFFIFieldFlagBitMaskHasDefault) != 0) {
    refl::SetFieldToDefault(&field, address);
  } else {
    TVM_FFI_THROW(TypeError) << "Required field `" << ViewOf(field.name) << "` not set in type `"
                             << ViewOf(type.type_key) << "`";
  }
}

void MakeObject(PackedArgs args, Any* result) {
  if (args.size() % 2 != 1) {
    TVM_FFI_THROW(InternalError) << "ffi.MakeObjectFromPackedArgs takes a type, then pairs of name "
                                    "and value; got "
                                 << args.size() << " arguments";
  }
  const TVMFFITypeInfo* type = TypeFromArg(args[0]);
  const ObjectPtr<Object> object = tvm::ffi::CreateEmptyObject(type);
  NamedValues values(args.Slice(1));
  refl::ForEachFieldInfo(
      type, [&](const TVMFFIFieldInfo* field) { SetField(object, *type, *field, &values); });
  if (const String* name = values.FindUnused()) {
    TVM_FFI_THROW(TypeError) << "Type `" << ViewOf(type->type_key) << "` does not have field `"
                             << *name << "`";
  }
  *result = ObjectRef(object);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::GlobalDef().def_packed("ffi.MakeObjectFromPackedArgs", MakeObject);
}

}  // namespace
}  // namespace tvmffi::core
