// Files that appear whole or not at all.
#ifndef TVMFFI_CLIENT_SRC_NEW_FILE_H_
#define TVMFFI_CLIENT_SRC_NEW_FILE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::host {

// Writes a file that only its user can read, and returns its path. `next_name` is asked again when
// there is a file of that name, which stays as it is. On failure nothing is left in `folder`.
Result<std::string> WriteNewFile(const std::string& folder,
                                 const std::function<std::string()>& next_name,
                                 const std::vector<std::string_view>& content);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_NEW_FILE_H_
