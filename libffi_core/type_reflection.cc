// What types say of themselves: fields, methods, metadata.
#include <tvm/ffi/c_api.h>

#include <cstdio>
#include <mutex>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/type_table.h"

namespace tvmffi::core {
namespace {

TVMFFIByteArray KeepString(TypeEntry* entry, const TVMFFIByteArray& text) {
  return BytesOf(entry->strings.emplace_back(ViewOf(text)));
}

const TVMFFIFieldInfo* FindField(const TVMFFITypeInfo& info, std::string_view name) {
  for (int32_t i = 0; i < info.num_fields; ++i) {
    if (ViewOf(info.fields[i].name) == name) return &info.fields[i];
  }
  return nullptr;
}

void CheckFieldName(const TypeEntry& entry, std::string_view name) {
  if (FindField(entry.info, name) != nullptr) {
    throw Failure("InternalError", "Duplicate field name \"" + std::string(name) + "\" in type \"" +
                                       entry.key + "\"");
  }
  for (const TVMFFITypeInfo* ancestor : entry.ancestors) {
    if (FindField(*ancestor, name) == nullptr) continue;
    const std::string parent(ViewOf(ancestor->type_key));
    std::fprintf(stderr, "Warning: field \"%s\" of type \"%s\" shadows the one of \"%s\"\n",
                 std::string(name).c_str(), entry.key.c_str(), parent.c_str());
  }
}

}  // namespace

void TypeTable::AddField(int32_t index, const TVMFFIFieldInfo& field) {
  TypeEntry& entry = RequireEntry(index);
  std::unique_lock lock(mutex_);
  CheckFieldName(entry, ViewOf(field.name));

  TVMFFIFieldInfo kept = field;
  const bool has_default = (field.flags & kTVMFFIFieldFlagBitMaskHasDefault) != 0;
  kept.default_value_or_factory =
      has_default ? OwnedFromView(field.default_value_or_factory) : NoneAny();
  if ((field.flags & kTVMFFIFieldFlagBitSetterIsFunctionObj) != 0 && field.setter != nullptr) {
    IncRef(field.setter);
  }
  kept.name = KeepString(&entry, field.name);
  kept.doc = KeepString(&entry, field.doc);
  kept.metadata = KeepString(&entry, field.metadata);
  entry.fields.Resize(entry.fields.size() + 1, kept, &entry.info.fields, &entry.info.num_fields);
}

void TypeTable::AddMethod(int32_t index, const TVMFFIMethodInfo& method) {
  TypeEntry& entry = RequireEntry(index);
  std::unique_lock lock(mutex_);
  TVMFFIMethodInfo kept = method;
  kept.method = OwnedFromView(method.method);
  kept.name = KeepString(&entry, method.name);
  kept.doc = KeepString(&entry, method.doc);
  kept.metadata = KeepString(&entry, method.metadata);
  entry.methods.Resize(entry.methods.size() + 1, kept, &entry.info.methods,
                       &entry.info.num_methods);
}

void TypeTable::SetMetadata(int32_t index, const TVMFFITypeMetadata& metadata) {
  TypeEntry& entry = RequireEntry(index);
  std::unique_lock lock(mutex_);
  if (entry.info.metadata != nullptr) {
    const std::string message = "Overriding " + entry.key +
                                ", possible causes:\n"
                                "- two libraries in this process register the same type\n"
                                "- the registration of one type runs twice";
    std::fprintf(stderr, "%s\n", message.c_str());
    throw Failure("RuntimeError", message);
  }
  entry.metadata = metadata;
  entry.metadata.doc = KeepString(&entry, metadata.doc);
  const TVMFFITypeMetadata* kept = &entry.metadata;
  __atomic_store_n(&entry.info.metadata, kept, __ATOMIC_RELEASE);
}

}  // namespace tvmffi::core

using tvmffi::core::NotNull;
using tvmffi::core::TypeTable;

extern "C" {

int TVMFFITypeRegisterField(int32_t type_index, const TVMFFIFieldInfo* info) {
  return tvmffi::core::Guarded([&] {
    TypeTable::Global().AddField(type_index, NotNull(info, "TVMFFITypeRegisterField: info"));
  });
}

int TVMFFITypeRegisterMethod(int32_t type_index, const TVMFFIMethodInfo* info) {
  return tvmffi::core::Guarded([&] {
    TypeTable::Global().AddMethod(type_index, NotNull(info, "TVMFFITypeRegisterMethod: info"));
  });
}

int TVMFFITypeRegisterMetadata(int32_t type_index, const TVMFFITypeMetadata* metadata) {
  return tvmffi::core::Guarded([&] {
    TypeTable::Global().SetMetadata(type_index,
                                    NotNull(metadata, "TVMFFITypeRegisterMetadata: metadata"));
  });
}

}  // extern "C"
