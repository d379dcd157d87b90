// Registers the library's own global functions.
#ifndef TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_
#define TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_

#include <tvm/ffi/reflection/registry.h>

#include <utility>

#include "libffi_core/guard.h"

namespace tvmffi::core {

class GlobalDef {
 public:
  // A function whose signature says how arguments and result convert.
  template <typename F>
  GlobalDef& Typed(const char* name, F function) {
    def_.def(name, std::move(function));
    return *this;
  }

  // `function(PackedArgs args, Any* result)`.
  template <typename F>
  GlobalDef& Packed(const char* name, F function) {
    def_.def_packed(name, std::move(function));
    return *this;
  }

 private:
  tvm::ffi::reflection::GlobalDef def_;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_
