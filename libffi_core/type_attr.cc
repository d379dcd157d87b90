// Attribute columns: one value per type under a name. Modules keep pointers to them.
#include <tvm/ffi/c_api.h>

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/published_array.h"
#include "libffi_core/type_table.h"

namespace tvmffi::core {
namespace {

// Modules look these up once, at their first use, and remember the answer: the columns exist from
// the start.
constexpr const char* kBuiltinColumns[] = {
    "__any_hash__",    "__any_equal__",    "__ffi_new__",          "__ffi_init__",
    "__ffi_convert__", "__ffi_repr__",     "__ffi_shallow_copy__", "__ffi_hash__",
    "__ffi_eq__",      "__ffi_compare__",  "__s_equal__",          "__s_hash__",
    "__s_visit__",     "__data_to_json__", "__data_from_json__",   "__ffi_enum__",
};

struct Column {
  TVMFFITypeAttrColumn view{};  // begin_index stays 0: code older than 0.1.9 reads size as 8 bytes.
  PublishedArray<TVMFFIAny> values;
};

class AttrTable {
 public:
  static AttrTable& Global() {
    static auto* table = new AttrTable;
    return *table;
  }

  const TVMFFITypeAttrColumn* Find(std::string_view name) const {
    std::shared_lock lock(mutex_);
    auto it = columns_.find(std::string(name));
    return it == columns_.end() ? nullptr : &it->second->view;
  }

  void Set(int32_t type_index, std::string_view name, const TVMFFIAny& value) {
    std::unique_lock lock(mutex_);
    Column& column = Ensure(name);
    if (type_index == kTVMFFINone) return;
    if (type_index < column.values.size() &&
        column.values.data()[type_index].type_index != kTVMFFINone) {
      throw Failure("RuntimeError",
                    "TypeAttr `" + std::string(name) + "` is already registered for type index " +
                        std::to_string(type_index) +
                        ". Do two libraries register the same type? A value that changes is a "
                        "List or Dict registered once.");
    }
    const TVMFFIAny owned = OwnedFromView(value);
    column.values.Resize(type_index + 1, NoneAny(), &column.view.data, &column.view.size);
    Publish(owned, column.values.data() + type_index);
  }

 private:
  AttrTable() {
    for (const char* name : kBuiltinColumns) Ensure(name);
  }

  Column& Ensure(std::string_view name) {
    std::unique_ptr<Column>& column = columns_[std::string(name)];
    if (column == nullptr) column = std::make_unique<Column>();
    return *column;
  }

  // The type index last: while it says None, a reader takes the entry for absent.
  static void Publish(const TVMFFIAny& value, TVMFFIAny* slot) {
    slot->v_uint64 = value.v_uint64;
    slot->zero_padding = value.zero_padding;
    __atomic_store_n(&slot->type_index, value.type_index, __ATOMIC_RELEASE);
  }

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Column>> columns_;
};

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::AttrTable;
using tvmffi::core::ViewOf;

extern "C" {

int TVMFFITypeRegisterAttr(int32_t type_index, const TVMFFIByteArray* attr_name,
                           const TVMFFIAny* attr_value) {
  return tvmffi::core::Guarded([&] {
    if (tvmffi::core::TypeTable::Global().Find(type_index) == nullptr) {
      throw tvmffi::core::Failure("InternalError",
                                  "Cannot find type index " + std::to_string(type_index));
    }
    AttrTable::Global().Set(type_index, ViewOf(*attr_name), *attr_value);
  });
}

const TVMFFITypeAttrColumn* TVMFFIGetTypeAttrColumn(const TVMFFIByteArray* attr_name) {
  return tvmffi::core::GuardedOrExit("TVMFFIGetTypeAttrColumn",
                                     [&] { return AttrTable::Global().Find(ViewOf(*attr_name)); });
}

}  // extern "C"
