// Text that others wrote, made safe to show, and shown without waiting.
#ifndef TVMFFI_HOSTD_TEXT_H_
#define TVMFFI_HOSTD_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tvmffi::hostd {

// Valid UTF-8 without control characters, tabs excepted: those become "\x1b", what is no UTF-8
// becomes U+FFFD. A result longer than `max_bytes` is cut and ends in "...".
std::string EscapeLine(std::string_view line_untrusted, size_t max_bytes);

// Writes to a descriptor that may be a full pipe or terminal: what does not fit at once is dropped,
// and false returned. `text` must be shorter than PIPE_BUF.
bool WriteWithoutWaiting(int fd, std::string_view text);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_TEXT_H_
