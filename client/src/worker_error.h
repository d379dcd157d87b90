// Errors as a worker sent them, made fit for this process.
#ifndef TVMFFI_CLIENT_SRC_WORKER_ERROR_H_
#define TVMFFI_CLIENT_SRC_WORKER_ERROR_H_

#include <string>
#include <string_view>

#include "client/src/abi.h"

namespace tvmffi::host {

// The error a plug-in raised. The kinds of the host become RuntimeError, unless the error is the
// one this process's own callback raised (`callback_error`, may be null) coming back. Texts are
// capped and made UTF-8, the backtrace is written again from the lines that parse.
Failure MakeWorkerError(std::string_view kind, std::string_view message, std::string_view backtrace,
                        TVMFFIObjectHandle callback_error);

// At most `limit` bytes of `text`, ill-formed parts replaced by U+FFFD.
std::string CleanText(std::string_view text, size_t limit);

// Only lines `  File "<file>", line <n>, in <function>`, at most 512, without control characters.
std::string CleanBacktrace(std::string_view backtrace);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_WORKER_ERROR_H_
