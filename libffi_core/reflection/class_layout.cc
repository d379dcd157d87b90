// Making, copying and destroying objects of classes that another language defines at run time.
#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/reflection/registry.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/reflection/auto_init.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
namespace refl = tvm::ffi::reflection;

// A field that may refer to an object.
struct OwningField {
  enum class Form {
    kAny,
    kObjectPointer,
    // A pointer, if the getter returns the object it points to: an inherited C++ class may keep
    // plain data of its own kind there.
    kMaybeObjectPointer,
  };
  int64_t offset;
  Form form;
  TVMFFIFieldGetter getter;
};

// What objects of one class consist of. The type's `__ffi_new__` keeps it, as long as the process
// lives.
class ClassLayout {
 public:
  ClassLayout(const TVMFFITypeInfo* type_info, int64_t total_size);

  const TVMFFITypeInfo* type_info() const { return type_info_; }
  // An object of zero bytes.
  ObjectPtr<Object> NewObject() const;
  ObjectPtr<Object> ShallowCopy(const Object* source) const;

 private:
  // In front of the header, so that the deleter finds the layout.
  struct alignas(std::max_align_t) Prefix {
    const ClassLayout* layout;
  };

  const TVMFFITypeInfo* type_info_;
  size_t total_size_;
  std::vector<OwningField> owning_fields_;

  void AddField(const TVMFFIFieldInfo& field);
  [[noreturn]] void Refuse(const TVMFFIFieldInfo& field, const std::string& reason) const;
  static TVMFFIObject* ReferredObject(const OwningField& field, char* object);
  static Prefix* PrefixOf(void* object) { return static_cast<Prefix*>(object) - 1; }
  static void Delete(void* object, int flags);
};

ClassLayout::ClassLayout(const TVMFFITypeInfo* type_info, int64_t total_size)
    : type_info_(type_info), total_size_(static_cast<size_t>(total_size)) {
  if (total_size < static_cast<int64_t>(sizeof(TVMFFIObject)) || total_size > INT32_MAX) {
    TVM_FFI_THROW(ValueError) << "cannot make objects of type `" << ViewOf(type_info->type_key)
                              << "` of " << total_size << " bytes: the header alone has "
                              << sizeof(TVMFFIObject);
  }
  refl::ForEachFieldInfo(type_info, [this](const TVMFFIFieldInfo* field) { AddField(*field); });
}

void ClassLayout::Refuse(const TVMFFIFieldInfo& field, const std::string& reason) const {
  TVM_FFI_THROW(ValueError) << "cannot make objects of type `" << ViewOf(type_info_->type_key)
                            << "`: field `" << ViewOf(field.name) << "` " << reason;
  TVM_FFI_UNREACHABLE();
}

void ClassLayout::AddField(const TVMFFIFieldInfo& field) {
  const auto total_size = static_cast<int64_t>(total_size_);
  if (field.offset < static_cast<int64_t>(sizeof(TVMFFIObject)) || field.size < 0 ||
      field.size > total_size || field.offset > total_size - field.size) {
    Refuse(field, "has " + std::to_string(field.size) + " bytes at " +
                      std::to_string(field.offset) + ", objects have " +
                      std::to_string(total_size));
  }
  using Form = OwningField::Form;
  const int32_t type = field.field_static_type_index;
  const bool is_plain = type > kTVMFFINone && type < kTVMFFIStaticObjectBegin;
  if (is_plain) return;
  Form form;
  if (type >= kTVMFFIStaticObjectBegin && field.size == sizeof(void*)) {
    form = Form::kObjectPointer;
  } else if (type < kTVMFFIStaticObjectBegin && field.size == sizeof(TVMFFIAny)) {
    form = Form::kAny;
  } else if (type < kTVMFFIStaticObjectBegin && field.size == sizeof(void*)) {
    form = Form::kMaybeObjectPointer;
  } else {
    Refuse(field, "of " + std::to_string(field.size) +
                      " bytes is neither plain data, an object pointer nor an Any");
  }
  owning_fields_.push_back({field.offset, form, field.getter});
}

TVMFFIObject* ClassLayout::ReferredObject(const OwningField& field, char* object) {
  char* address = object + field.offset;
  if (field.form == OwningField::Form::kAny) {
    const auto* value = reinterpret_cast<const TVMFFIAny*>(address);
    return IsObject(*value) ? value->v_obj : nullptr;
  }
  auto* pointer = *reinterpret_cast<TVMFFIObject**>(address);
  if (pointer == nullptr || field.form == OwningField::Form::kObjectPointer) return pointer;
  Any value;
  auto* raw = reinterpret_cast<TVMFFIAny*>(&value);
  const bool refers = field.getter(address, raw) == 0 && IsObject(*raw) && raw->v_obj == pointer;
  return refers ? pointer : nullptr;
}

void ClassLayout::Delete(void* object, int flags) {
  Prefix* prefix = PrefixOf(object);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
    for (const OwningField& field : prefix->layout->owning_fields_) {
      TVMFFIObject* referred = ReferredObject(field, static_cast<char*>(object));
      if (referred != nullptr) DecRef(referred);
    }
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) std::free(prefix);
}

ObjectPtr<Object> ClassLayout::NewObject() const {
  auto* prefix = static_cast<Prefix*>(std::calloc(1, sizeof(Prefix) + total_size_));
  if (prefix == nullptr) throw std::bad_alloc();
  prefix->layout = this;
  auto* header = reinterpret_cast<TVMFFIObject*>(prefix + 1);
  tvm::ffi::details::SetFirstReference(header, type_info_->type_index, Delete);
  return tvm::ffi::details::ObjectUnsafe::ObjectPtrFromOwned<Object>(header);
}

ObjectPtr<Object> ClassLayout::ShallowCopy(const Object* source) const {
  ObjectPtr<Object> copy = NewObject();
  auto* to = reinterpret_cast<char*>(tvm::ffi::details::ObjectUnsafe::GetHeader(copy.get()));
  auto* from = reinterpret_cast<char*>(tvm::ffi::details::ObjectUnsafe::GetHeader(source));
  std::memcpy(to + sizeof(TVMFFIObject), from + sizeof(TVMFFIObject),
              total_size_ - sizeof(TVMFFIObject));
  for (const OwningField& field : owning_fields_) {
    TVMFFIObject* referred = ReferredObject(field, to);
    if (referred != nullptr) IncRef(referred);
  }
  return copy;
}

using SharedLayout = std::shared_ptr<const ClassLayout>;

Function NewFunction(const SharedLayout& layout, const std::string& key) {
  return Function::FromTyped([layout] { return ObjectRef(layout->NewObject()); },
                             key + ".__ffi_new__");
}

Function CopyFunction(const SharedLayout& layout, const std::string& key) {
  const auto copy = [layout, key](const Object* source) {
    const int32_t type_index = layout->type_info()->type_index;
    if (!tvm::ffi::details::RuntimeTypeIndexMatch(source->type_index(), type_index)) {
      TVM_FFI_THROW(TypeError) << "cannot copy an object of type `" << source->GetTypeKey()
                               << "` as `" << key << "`";
    }
    return ObjectRef(layout->ShallowCopy(source));
  };
  return Function::FromTyped(copy, key + ".__ffi_shallow_copy__");
}

void RegisterClass(int64_t type_index, int64_t total_size) {
  const TVMFFITypeInfo* info = RequireTypeInfo(type_index);
  const SharedLayout layout = std::make_shared<const ClassLayout>(info, total_size);
  RegisterAutoInit(info->type_index);

  const std::string key(ViewOf(info->type_key));
  using refl::registry_details::RegisterTypeAttr;
  RegisterTypeAttr(info->type_index, refl::type_attr::kNew, NewFunction(layout, key));
  RegisterTypeAttr(info->type_index, refl::type_attr::kShallowCopy, CopyFunction(layout, key));
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::GlobalDef().def("ffi._PyClassRegisterTypeAttrColumns", RegisterClass);
}

}  // namespace
}  // namespace tvmffi::core
