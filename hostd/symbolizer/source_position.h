// Names and lines of one address, from an ELF file's symbols and debug information.
#ifndef TVMFFI_HOSTD_SYMBOLIZER_SOURCE_POSITION_H_
#define TVMFFI_HOSTD_SYMBOLIZER_SOURCE_POSITION_H_

#include <elfutils/libdwfl.h>

#include <vector>

#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// The function at `address` in `module`, after those inlined into it there, the innermost first. At
// least one frame: without debug information it has a symbol at most. Addresses and module of the
// frames are the caller's to fill in.
std::vector<wire::SymbolFrame> FramesAt(Dwfl_Module* module, Dwarf_Addr address);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SYMBOLIZER_SOURCE_POSITION_H_
