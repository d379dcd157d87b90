#include "libffi_core/global_functions.h"

#include <tvm/ffi/c_api.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "libffi_core/guard.h"
#include "libffi_core/type_table.h"

namespace tvmffi::core {

GlobalFunctions& GlobalFunctions::Global() {
  static auto* functions = new GlobalFunctions;
  return *functions;
}

bool GlobalFunctions::Set(Entry entry, bool allow_override) {
  // What is replaced is released after the lock: its deleter may come back here.
  std::unique_ptr<Entry> replaced;
  auto added = std::make_unique<Entry>(std::move(entry));
  std::unique_lock lock(mutex_);
  auto it = entries_.find(added->name);
  if (it != entries_.end()) {
    if (!allow_override) return false;
    added->order = it->second->order;
    replaced = std::move(it->second);
    entries_.erase(it);
  } else {
    added->order = next_order_++;
  }
  const std::string_view key = added->name;
  entries_.emplace(key, std::move(added));
  lock.unlock();
  return true;
}

Handle GlobalFunctions::Find(std::string_view name) const {
  std::shared_lock lock(mutex_);
  auto it = entries_.find(name);
  return it == entries_.end() ? Handle() : Handle::Retain(it->second->function.get());
}

bool GlobalFunctions::Remove(std::string_view name) {
  std::unique_ptr<Entry> removed;
  std::unique_lock lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) return false;
  removed = std::move(it->second);
  entries_.erase(it);
  lock.unlock();
  return true;
}

std::vector<std::string> GlobalFunctions::Names() const {
  std::shared_lock lock(mutex_);
  std::vector<const Entry*> entries;
  for (const auto& item : entries_) entries.push_back(item.second.get());
  std::sort(entries.begin(), entries.end(),
            [](const Entry* a, const Entry* b) { return a->order < b->order; });
  std::vector<std::string> names;
  for (const Entry* entry : entries) names.push_back(entry->name);
  return names;
}

std::optional<std::string> GlobalFunctions::Metadata(std::string_view name) const {
  std::shared_lock lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) return std::nullopt;
  return it->second->metadata;
}

namespace {

TVMFFIObjectHandle RequireFunction(int32_t type_index, TVMFFIObjectHandle handle) {
  if (type_index == kTVMFFIFunction) return handle;
  const TVMFFITypeInfo* info = TypeTable::Global().Find(type_index);
  const std::string key = info != nullptr ? info->type_key.data : "an unknown type";
  throw Failure("TypeError", "Cannot convert from type `" + key + "` to `ffi.Function`");
}

void SetFromMethodInfo(const TVMFFIMethodInfo& info, bool allow_override) {
  const std::string name(ViewOf(info.name));
  TVMFFIObjectHandle function = RequireFunction(info.method.type_index, info.method.v_obj);
  if (function == nullptr) FailNull("TVMFFIFunctionSetGlobalFromMethodInfo: method_info->method");
  GlobalFunctions::Entry entry{name, Handle::Retain(function), std::string(ViewOf(info.doc)),
                               std::string(ViewOf(info.metadata))};
  if (GlobalFunctions::Global().Set(std::move(entry), allow_override)) return;
  const std::string message = "Global Function `" + name +
                              "` is already registered, possible causes:\n"
                              "- two libraries in this process register the same function\n"
                              "- the registration of one function runs twice";
  std::fprintf(stderr, "%s\n", message.c_str());
  throw Failure("RuntimeError", message);
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::Failure;
using tvmffi::core::GlobalFunctions;
using tvmffi::core::Handle;
using tvmffi::core::NotNull;
using tvmffi::core::ViewOf;

extern "C" {

int TVMFFIFunctionSetGlobal(const TVMFFIByteArray* name, TVMFFIObjectHandle f, int allow_override) {
  return tvmffi::core::Guarded([&] {
    const std::string key(ViewOf(NotNull(name, "TVMFFIFunctionSetGlobal: name")));
    const auto& header = NotNull(static_cast<TVMFFIObject*>(f), "TVMFFIFunctionSetGlobal: f");
    Handle function = Handle::Retain(tvmffi::core::RequireFunction(header.type_index, f));
    if (!GlobalFunctions::Global().Set({key, std::move(function), "", ""}, allow_override != 0)) {
      throw Failure("RuntimeError", "Global Function `" + key + "` is already registered");
    }
  });
}

int TVMFFIFunctionSetGlobalFromMethodInfo(const TVMFFIMethodInfo* method_info, int allow_override) {
  return tvmffi::core::Guarded([&] {
    tvmffi::core::SetFromMethodInfo(
        NotNull(method_info, "TVMFFIFunctionSetGlobalFromMethodInfo: method_info"),
        allow_override != 0);
  });
}

int TVMFFIFunctionGetGlobal(const TVMFFIByteArray* name, TVMFFIObjectHandle* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFIFunctionGetGlobal: out");
    const std::string_view key = ViewOf(NotNull(name, "TVMFFIFunctionGetGlobal: name"));
    result = GlobalFunctions::Global().Find(key).Release();
  });
}

}  // extern "C"
