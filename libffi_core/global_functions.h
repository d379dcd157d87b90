// The process's functions by name.
#ifndef TVMFFI_LIBFFI_CORE_GLOBAL_FUNCTIONS_H_
#define TVMFFI_LIBFFI_CORE_GLOBAL_FUNCTIONS_H_

#include <tvm/ffi/c_api.h>

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libffi_core/object_handle.h"

namespace tvmffi::core {

class GlobalFunctions {
 public:
  struct Entry {
    std::string name;
    Handle function;
    std::string doc;
    std::string metadata;
    uint64_t order = 0;
  };

  // Lives as long as the process.
  static GlobalFunctions& Global();

  // False, and nothing changed, when the name is taken and `allow_override` is false.
  [[nodiscard]] bool Set(Entry entry, bool allow_override);

  // No handle when there is none of that name.
  Handle Find(std::string_view name) const;

  // False when there was none.
  bool Remove(std::string_view name);

  // In the order of registration.
  std::vector<std::string> Names() const;

  // JSON text, empty when none was given; nothing for an unknown name.
  std::optional<std::string> Metadata(std::string_view name) const;

 private:
  mutable std::shared_mutex mutex_;
  // The keys view the entries' own names.
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries_;
  uint64_t next_order_ = 0;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_GLOBAL_FUNCTIONS_H_
