// Modules whose functions are symbols of a library.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_H_

#include <tvm/ffi/extra/module.h>

#include <memory>
#include <string>
#include <string_view>

namespace tvmffi::core {

// Where symbols are found. Destroyed when no module and no function of it is left.
class Library {
 public:
  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  virtual ~Library() = default;

  // The address of symbol `prefix` + `name`, or NULL.
  virtual void* Find(std::string_view prefix, std::string_view name) const = 0;
};

// Fills the library's context symbols, and makes the module tree that the library describes: the
// tree of its
// `__tvm_ffi__library_bin`, or one module for the library itself.
tvm::ffi::Module LoadLibrary(std::unique_ptr<Library> library);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_H_
