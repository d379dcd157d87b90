#include "hostd/symbolizer/source_position.h"

#include <cxxabi.h>
#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

namespace tvmffi::hostd {
namespace {

constexpr int kMaxInlined = 16;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Scopes = std::unique_ptr<Dwarf_Die, Free>;

std::string Cut(const char* text) {
  std::string cut = text != nullptr ? text : "";
  cut.resize(std::min(cut.size(), wire::kMaxSymbol));
  return cut;
}

std::string Demangle(const char* name) {
  if (name == nullptr) return {};
  int status = 0;
  std::unique_ptr<char, Free> plain(abi::__cxa_demangle(name, nullptr, nullptr, &status));
  return Cut(status == 0 ? plain.get() : name);
}

std::string NameOf(Dwarf_Die* function) {
  Dwarf_Attribute memory;
  for (unsigned which : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
    if (Dwarf_Attribute* name = ::dwarf_attr_integrate(function, which, &memory)) {
      return Demangle(::dwarf_formstring(name));
    }
  }
  return {};
}

Dwarf_Word Number(Dwarf_Die* die, unsigned which) {
  Dwarf_Attribute memory;
  Dwarf_Word value = 0;
  if (::dwarf_formudata(::dwarf_attr(die, which, &memory), &value) != 0) return 0;
  return value;
}

// The functions that contain `address`, the innermost first: each but the last inlined into the
// next.
std::vector<Dwarf_Die> FunctionsAt(Dwarf_Die* unit, Dwarf_Addr address) {
  std::vector<Dwarf_Die> functions;
  Dwarf_Die* found = nullptr;
  int count = ::dwarf_getscopes(unit, address, &found);
  Scopes at_address(found);
  if (count <= 0) return functions;
  // The lexical parents of the code, not of the inlined function's declaration.
  Dwarf_Die innermost = at_address.get()[0];
  found = nullptr;
  count = ::dwarf_getscopes_die(&innermost, &found);
  Scopes scopes(found);
  for (int i = 0; i < count && functions.size() < kMaxInlined; ++i) {
    const int tag = ::dwarf_tag(&scopes.get()[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    functions.push_back(scopes.get()[i]);
    if (tag == DW_TAG_subprogram) break;
  }
  return functions;
}

void AddLine(Dwfl_Module* module, Dwarf_Addr address, wire::SymbolFrame* frame) {
  Dwfl_Line* line = ::dwfl_module_getsrc(module, address);
  if (line == nullptr) return;
  int number = 0;
  const char* file = ::dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
  if (file == nullptr || number < 0) return;
  frame->file = Cut(file);
  frame->line = static_cast<uint32_t>(number);
}

// Where the call of an inlined function stood.
void AddCallSite(Dwarf_Die* unit, Dwarf_Die* inlined, wire::SymbolFrame* frame) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (::dwarf_getsrcfiles(unit, &files, &count) != 0) return;
  const Dwarf_Word file = Number(inlined, DW_AT_call_file);
  if (file >= count) return;
  frame->file = Cut(::dwarf_filesrc(files, file, nullptr, nullptr));
  frame->line =
      static_cast<uint32_t>(std::min<Dwarf_Word>(Number(inlined, DW_AT_call_line), UINT32_MAX));
}

}  // namespace

std::vector<wire::SymbolFrame> FramesAt(Dwfl_Module* module, Dwarf_Addr address) {
  std::vector<wire::SymbolFrame> frames(1);
  AddLine(module, address, &frames[0]);
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = ::dwfl_module_addrdie(module, address, &bias);
  if (unit != nullptr) {
    std::vector<Dwarf_Die> functions = FunctionsAt(unit, address - bias);
    for (size_t i = 0; i + 1 < functions.size(); ++i) {
      frames.back().symbol = NameOf(&functions[i]);
      frames.back().inlined = true;
      frames.emplace_back();
      AddCallSite(unit, &functions[i], &frames.back());
    }
    if (!functions.empty()) frames.back().symbol = NameOf(&functions.back());
  }
  if (frames.back().symbol.empty()) {
    frames.back().symbol = Demangle(::dwfl_module_addrname(module, address));
  }
  return frames;
}

}  // namespace tvmffi::hostd
