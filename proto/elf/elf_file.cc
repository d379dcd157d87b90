#include "proto/elf/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "proto/base/unique_fd.h"

namespace tvmffi::elf {
namespace {

// The linker maps segments in whole pages; the largest page size of the machines we know.
constexpr uint64_t kPageSize = 4096;
constexpr uint16_t kMaxSegments = 1024;
constexpr size_t kMaxDynamic = 65536;

Status Malformed(std::string what) { return {Code::kInvalidArgument, std::move(what)}; }

std::string Range(uint64_t offset, uint64_t size) {
  return std::to_string(size) + " bytes at " + std::to_string(offset);
}

bool Fits(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// Values of the dynamic section, the last of each tag, as the linker takes them.
struct Dynamic {
  std::optional<uint64_t> strtab, strsz, symtab, syment, hash, gnu_hash, soname, rpath, runpath;
  std::optional<uint64_t> init, fini, init_arraysz, fini_arraysz, preinit_arraysz;
  std::optional<uint64_t> rela, relasz, jmprel, pltrelsz;
  uint64_t flags = 0;
  bool textrel = false;
  std::vector<uint64_t> needed, filters, audits;
};

class Reader {
 public:
  Reader(const void* data, size_t size) : data_(static_cast<const char*>(data)), size_(size) {}

  Result<ElfFile> Read() {
    TVMFFI_RETURN_IF_ERROR(ReadHeader());
    TVMFFI_RETURN_IF_ERROR(ReadSegments());
    TVMFFI_RETURN_IF_ERROR(ReadDynamic());
    TVMFFI_RETURN_IF_ERROR(ReadNames());
    TVMFFI_RETURN_IF_ERROR(ReadSymbols());
    TVMFFI_RETURN_IF_ERROR(ReadCode());
    ReadBuildId();
    return std::move(file_);
  }

 private:
  template <typename T>
  bool Load(uint64_t offset, T* out) const {
    if (!Fits(offset, sizeof(T), size_)) return false;
    std::memcpy(out, data_ + offset, sizeof(T));
    return true;
  }

  Status ReadHeader();
  Status ReadSegments();
  Status CheckLoad(const Elf64_Phdr& segment, uint64_t* end) const;
  Status ReadDynamic();
  void TakeDynamic(const Elf64_Dyn& entry);
  Status ReadNames();
  Status ReadSymbols();
  Status CountSymbols(uint64_t* count) const;
  Status CountHashed(uint64_t address, uint64_t* count) const;
  Status CountGnuHashed(uint64_t address, uint64_t* count) const;
  Status TakeSymbol(const Elf64_Sym& symbol);
  Status ReadCode();
  Status CountIfuncs(std::optional<uint64_t> table, std::optional<uint64_t> bytes);
  void ReadBuildId();

  // Where in the file the linker finds `size` bytes at a virtual address.
  bool Place(uint64_t address, uint64_t size, uint64_t* offset) const;
  // A string of the dynamic string table.
  Status Name(uint64_t index, const char* what, std::string* out);

  const char* data_;
  size_t size_;
  Elf64_Ehdr header_ = {};
  std::vector<Elf64_Phdr> segments_;
  Dynamic dynamic_;
  uint64_t strings_ = 0;  // file offset
  size_t name_bytes_ = 0;
  ElfFile file_;
};

Status Reader::ReadHeader() {
  if (size_ < SELFMAG || std::memcmp(data_, ELFMAG, SELFMAG) != 0) {
    return Malformed("not an ELF file");
  }
  if (!Load(0, &header_)) {
    return Malformed("cut off in the ELF header: " + std::to_string(size_) + " of " +
                     std::to_string(sizeof(header_)) + " bytes");
  }
  if (header_.e_ident[EI_CLASS] != ELFCLASS64) return Malformed("not a 64-bit ELF file");
  if (header_.e_ident[EI_DATA] != ELFDATA2LSB) return Malformed("not a little-endian ELF file");
  if (header_.e_machine != HostMachine()) {
    return Malformed("for " + MachineName(header_.e_machine) + ", this machine is " +
                     MachineName(HostMachine()));
  }
  if (header_.e_type != ET_DYN) {
    return Malformed("ELF type " + std::to_string(header_.e_type) + " is no shared library (" +
                     std::to_string(ET_DYN) + ")");
  }
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) {
    return Malformed("program headers of " + std::to_string(header_.e_phentsize) + " bytes, not " +
                     std::to_string(sizeof(Elf64_Phdr)));
  }
  file_.machine = header_.e_machine;
  return OkStatus();
}

Status Reader::CheckLoad(const Elf64_Phdr& segment, uint64_t* end) const {
  if (!Fits(segment.p_offset, segment.p_filesz, size_)) {
    return Malformed("a segment of " + Range(segment.p_offset, segment.p_filesz) +
                     " in a file of " + std::to_string(size_));
  }
  if (segment.p_filesz > segment.p_memsz || segment.p_vaddr > UINT64_MAX - segment.p_memsz ||
      segment.p_vaddr + segment.p_memsz > UINT64_MAX - kPageSize) {
    return Malformed("a segment of impossible size " + std::to_string(segment.p_memsz));
  }
  if ((segment.p_vaddr - segment.p_offset) % kPageSize != 0) {
    return Malformed("a segment at address " + std::to_string(segment.p_vaddr) +
                     " that cannot be mapped from offset " + std::to_string(segment.p_offset));
  }
  const uint64_t first_page = segment.p_vaddr / kPageSize * kPageSize;
  if (first_page < *end) {
    return Malformed("segments that overlap or are not in order, at address " +
                     std::to_string(segment.p_vaddr));
  }
  *end = (segment.p_vaddr + segment.p_memsz + kPageSize - 1) / kPageSize * kPageSize;
  return OkStatus();
}

Status Reader::ReadSegments() {
  const uint64_t bytes = uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr);
  if (header_.e_phnum > kMaxSegments || !Fits(header_.e_phoff, bytes, size_)) {
    return Malformed(std::to_string(header_.e_phnum) + " program headers, " +
                     Range(header_.e_phoff, bytes) + ", in a file of " + std::to_string(size_));
  }
  uint64_t end = 0;
  for (uint16_t i = 0; i < header_.e_phnum; ++i) {
    Elf64_Phdr segment;
    Load(header_.e_phoff + uint64_t{i} * sizeof(segment), &segment);
    if (segment.p_type == PT_LOAD) {
      TVMFFI_RETURN_IF_ERROR(CheckLoad(segment, &end));
      if ((segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0) {
        file_.writable_code = true;
      }
    }
    if (segment.p_type == PT_GNU_STACK) file_.executable_stack = (segment.p_flags & PF_X) != 0;
    segments_.push_back(segment);
  }
  return OkStatus();
}

bool Reader::Place(uint64_t address, uint64_t size, uint64_t* offset) const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const uint64_t in_segment = address - segment.p_vaddr;
    if (!Fits(in_segment, size, segment.p_filesz)) continue;
    *offset = segment.p_offset + in_segment;
    return true;
  }
  return false;
}

void Reader::TakeDynamic(const Elf64_Dyn& entry) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_NEEDED:
      dynamic_.needed.push_back(value);
      break;
    case DT_AUXILIARY:
    case DT_FILTER:
      dynamic_.filters.push_back(value);
      break;
    case DT_AUDIT:
    case DT_DEPAUDIT:
      dynamic_.audits.push_back(value);
      break;
    case DT_FLAGS:
      dynamic_.flags = value;
      break;
    case DT_TEXTREL:
      dynamic_.textrel = true;
      break;
    default: {
      struct Place {
        int64_t tag;
        std::optional<uint64_t> Dynamic::*value;
      };
      static constexpr Place kPlaces[] = {
          {DT_STRTAB, &Dynamic::strtab},
          {DT_STRSZ, &Dynamic::strsz},
          {DT_SYMTAB, &Dynamic::symtab},
          {DT_SYMENT, &Dynamic::syment},
          {DT_HASH, &Dynamic::hash},
          {DT_GNU_HASH, &Dynamic::gnu_hash},
          {DT_SONAME, &Dynamic::soname},
          {DT_RPATH, &Dynamic::rpath},
          {DT_RUNPATH, &Dynamic::runpath},
          {DT_INIT, &Dynamic::init},
          {DT_FINI, &Dynamic::fini},
          {DT_INIT_ARRAYSZ, &Dynamic::init_arraysz},
          {DT_FINI_ARRAYSZ, &Dynamic::fini_arraysz},
          {DT_PREINIT_ARRAYSZ, &Dynamic::preinit_arraysz},
          {DT_RELA, &Dynamic::rela},
          {DT_RELASZ, &Dynamic::relasz},
          {DT_JMPREL, &Dynamic::jmprel},
          {DT_PLTRELSZ, &Dynamic::pltrelsz},
      };
      for (const Place& place : kPlaces) {
        if (place.tag == entry.d_tag) dynamic_.*place.value = value;
      }
    }
  }
}

Status Reader::ReadDynamic() {
  const Elf64_Phdr* found = nullptr;
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_DYNAMIC) continue;
    if (found != nullptr) return Malformed("two dynamic sections");
    found = &segment;
  }
  if (found == nullptr) return Malformed("no dynamic section: not a shared library");
  uint64_t offset = 0;
  if (!Place(found->p_vaddr, sizeof(Elf64_Dyn), &offset)) {
    return Malformed("a dynamic section at address " + std::to_string(found->p_vaddr) +
                     ", which is in no segment");
  }
  for (size_t i = 0; i < kMaxDynamic; ++i) {
    const uint64_t address = found->p_vaddr + i * sizeof(Elf64_Dyn);
    Elf64_Dyn entry;
    if (!Place(address, sizeof(entry), &offset) || !Load(offset, &entry)) {
      return Malformed("a dynamic section without an end");
    }
    if (entry.d_tag == DT_NULL) return OkStatus();
    TakeDynamic(entry);
  }
  return Malformed("a dynamic section of more than " + std::to_string(kMaxDynamic) + " entries");
}

Status Reader::Name(uint64_t index, const char* what, std::string* out) {
  const uint64_t size = *dynamic_.strsz;
  if (index >= size) {
    return Malformed(std::string(what) + " at byte " + std::to_string(index) +
                     " of a string table of " + std::to_string(size));
  }
  const char* begin = data_ + strings_ + index;
  const char* end = static_cast<const char*>(std::memchr(begin, '\0', size - index));
  if (end == nullptr) return Malformed(std::string(what) + " without an end");
  name_bytes_ += static_cast<size_t>(end - begin);
  if (name_bytes_ > kMaxNames) {
    return Malformed("more than " + std::to_string(kMaxNames) + " bytes of names");
  }
  out->assign(begin, end);
  return OkStatus();
}

Status Reader::ReadNames() {
  if (!dynamic_.strtab || !dynamic_.strsz) return Malformed("no dynamic string table");
  if (!Place(*dynamic_.strtab, *dynamic_.strsz, &strings_)) {
    return Malformed("a string table of " + Range(*dynamic_.strtab, *dynamic_.strsz) +
                     ", which is in no segment");
  }
  struct List {
    const std::vector<uint64_t>* indices;
    const char* what;
    std::vector<std::string>* names;
  };
  for (const List& list : {List{&dynamic_.needed, "a needed library", &file_.needed},
                           List{&dynamic_.filters, "a filter", &file_.filters},
                           List{&dynamic_.audits, "an audit library", &file_.audits}}) {
    for (uint64_t index : *list.indices) {
      TVMFFI_RETURN_IF_ERROR(Name(index, list.what, &list.names->emplace_back()));
    }
  }
  struct Single {
    std::optional<uint64_t> index;
    const char* what;
    std::string* name;
  };
  for (const Single& single : {Single{dynamic_.soname, "the soname", &file_.soname},
                               Single{dynamic_.rpath, "the rpath", &file_.rpath},
                               Single{dynamic_.runpath, "the runpath", &file_.runpath}}) {
    if (single.index) TVMFFI_RETURN_IF_ERROR(Name(*single.index, single.what, single.name));
  }
  return OkStatus();
}

Status Reader::CountHashed(uint64_t address, uint64_t* count) const {
  uint64_t offset = 0;
  Elf64_Word sizes[2] = {};
  if (!Place(address, sizeof(sizes), &offset) || !Load(offset, &sizes)) {
    return Malformed("a hash table at address " + std::to_string(address) +
                     ", which is in no segment");
  }
  *count = sizes[1];
  return OkStatus();
}

// The table does not say how many symbols there are: the chain of the highest bucket ends it.
Status Reader::CountGnuHashed(uint64_t address, uint64_t* count) const {
  struct Header {
    uint32_t num_buckets, first_symbol, bloom_words, bloom_shift;
  } header;
  uint64_t offset = 0;
  if (!Place(address, sizeof(header), &offset) || !Load(offset, &header)) {
    return Malformed("a hash table at address " + std::to_string(address) +
                     ", which is in no segment");
  }
  const uint64_t buckets = address + sizeof(header) + uint64_t{header.bloom_words} * 8;
  const uint64_t bucket_bytes = uint64_t{header.num_buckets} * 4;
  if (!Place(buckets, bucket_bytes, &offset)) {
    return Malformed("a hash table of " + std::to_string(header.num_buckets) +
                     " buckets that leaves its segment");
  }
  uint32_t last = 0;
  for (uint32_t i = 0; i < header.num_buckets; ++i) {
    uint32_t first = 0;
    Load(offset + uint64_t{i} * 4, &first);
    last = std::max(last, first);
  }
  *count = header.first_symbol;
  if (last < header.first_symbol) return OkStatus();
  for (uint64_t symbol = last;; ++symbol) {
    uint32_t hash = 0;
    const uint64_t place = buckets + bucket_bytes + (symbol - header.first_symbol) * 4;
    if (symbol > kMaxSymbols || !Place(place, sizeof(hash), &offset) || !Load(offset, &hash)) {
      return Malformed("a hash table whose last chain has no end");
    }
    if ((hash & 1) == 0) continue;
    *count = symbol + 1;
    return OkStatus();
  }
}

Status Reader::CountSymbols(uint64_t* count) const {
  // The linker prefers this one.
  if (dynamic_.gnu_hash) return CountGnuHashed(*dynamic_.gnu_hash, count);
  if (dynamic_.hash) return CountHashed(*dynamic_.hash, count);
  return Malformed("no hash table of its symbols");
}

Status Reader::TakeSymbol(const Elf64_Sym& symbol) {
  const unsigned binding = ELF64_ST_BIND(symbol.st_info);
  if (binding != STB_GLOBAL && binding != STB_WEAK && binding != STB_GNU_UNIQUE) return OkStatus();
  const bool is_defined = symbol.st_shndx != SHN_UNDEF;
  if (is_defined && ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC) ++file_.ifuncs;
  const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  if (visibility == STV_HIDDEN || visibility == STV_INTERNAL) return OkStatus();
  std::string name;
  TVMFFI_RETURN_IF_ERROR(Name(symbol.st_name, "a symbol", &name));
  if (name.empty()) return OkStatus();
  if (!is_defined && binding == STB_WEAK) file_.optional_imports.push_back(name);
  (is_defined ? file_.exports : file_.imports).push_back(std::move(name));
  return OkStatus();
}

void SortUnique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

Status Reader::ReadSymbols() {
  if (!dynamic_.symtab) return Malformed("no dynamic symbol table");
  if (dynamic_.syment.value_or(sizeof(Elf64_Sym)) != sizeof(Elf64_Sym)) {
    return Malformed("symbols of " + std::to_string(*dynamic_.syment) + " bytes, not " +
                     std::to_string(sizeof(Elf64_Sym)));
  }
  uint64_t count = 0;
  TVMFFI_RETURN_IF_ERROR(CountSymbols(&count));
  uint64_t offset = 0;
  if (count > kMaxSymbols || !Place(*dynamic_.symtab, count * sizeof(Elf64_Sym), &offset)) {
    return Malformed(std::to_string(count) + " symbols, more than its segment or " +
                     std::to_string(kMaxSymbols));
  }
  for (uint64_t i = 0; i < count; ++i) {
    Elf64_Sym symbol;
    Load(offset + i * sizeof(symbol), &symbol);
    TVMFFI_RETURN_IF_ERROR(TakeSymbol(symbol));
  }
  SortUnique(&file_.exports);
  SortUnique(&file_.imports);
  SortUnique(&file_.optional_imports);
  return OkStatus();
}

Status Reader::CountIfuncs(std::optional<uint64_t> table, std::optional<uint64_t> bytes) {
  if (!table || bytes.value_or(0) == 0) return OkStatus();
  uint64_t offset = 0;
  if (!Place(*table, *bytes, &offset)) {
    return Malformed("relocations of " + Range(*table, *bytes) + ", which are in no segment");
  }
  const uint32_t irelative =
      header_.e_machine == EM_AARCH64 ? R_AARCH64_IRELATIVE : R_X86_64_IRELATIVE;
  for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= *bytes; at += sizeof(Elf64_Rela)) {
    Elf64_Rela relocation;
    Load(offset + at, &relocation);
    if (ELF64_R_TYPE(relocation.r_info) == irelative) ++file_.ifuncs;
  }
  return OkStatus();
}

Status Reader::ReadCode() {
  auto entries = [](std::optional<uint64_t> bytes) {
    return static_cast<uint32_t>(std::min<uint64_t>(bytes.value_or(0) / 8, UINT32_MAX / 4));
  };
  file_.constructors = entries(dynamic_.init_arraysz) + entries(dynamic_.preinit_arraysz) +
                       (dynamic_.init.value_or(0) != 0 ? 1 : 0);
  file_.destructors = entries(dynamic_.fini_arraysz) + (dynamic_.fini.value_or(0) != 0 ? 1 : 0);
  file_.text_relocations = dynamic_.textrel || (dynamic_.flags & DF_TEXTREL) != 0;
  TVMFFI_RETURN_IF_ERROR(CountIfuncs(dynamic_.rela, dynamic_.relasz));
  return CountIfuncs(dynamic_.jmprel, dynamic_.pltrelsz);
}

// Whatever is wrong with a note, the library can be loaded: it has no build id then.
void Reader::ReadBuildId() {
  constexpr uint64_t kMaxId = 64;
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_NOTE || !Fits(segment.p_offset, segment.p_filesz, size_)) continue;
    uint64_t at = segment.p_offset;
    const uint64_t end = segment.p_offset + segment.p_filesz;
    Elf64_Nhdr note;
    while (Fits(at, sizeof(note), end) && Load(at, &note)) {
      const uint64_t name = at + sizeof(note);
      const uint64_t content = name + (uint64_t{note.n_namesz} + 3) / 4 * 4;
      const uint64_t next = content + (uint64_t{note.n_descsz} + 3) / 4 * 4;
      if (next > end) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= kMaxId &&
          std::memcmp(data_ + name, "GNU", 4) == 0) {
        static constexpr char kDigits[] = "0123456789abcdef";
        file_.build_id.clear();
        for (uint64_t i = 0; i < note.n_descsz; ++i) {
          const unsigned char byte = static_cast<unsigned char>(data_[content + i]);
          file_.build_id += {kDigits[byte >> 4], kDigits[byte & 15]};
        }
      }
      at = next;
    }
  }
}

}  // namespace

bool HasLibraryName(const std::string& path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos) return false;
  const std::string_view extension = std::string_view(path).substr(dot + 1);
  return extension == "so" || extension == "dylib" || extension == "dll" || extension == "dso";
}

uint16_t HostMachine() {
#if defined(__x86_64__)
  return EM_X86_64;
#elif defined(__aarch64__)
  return EM_AARCH64;
#else
#error "a machine whose ELF number is not known here"
#endif
}

std::string MachineName(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "machine " + std::to_string(machine);
  }
}

Result<ElfFile> ReadElf(const void* data, size_t size) { return Reader(data, size).Read(); }

Result<ElfFile> ReadElfFile(const std::string& path, size_t max_size) {
  const std::string what = "cannot read '" + path + "'";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(errno, what);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, what);
  if (!S_ISREG(info.st_mode)) return Status{Code::kInvalidArgument, what + ": not a regular file"};
  const size_t size = static_cast<size_t>(info.st_size);
  if (size > max_size) {
    return Status{Code::kResourceExhausted, what + ": it has " + std::to_string(size) +
                                                " bytes, at most " + std::to_string(max_size) +
                                                " are read"};
  }
  // A copy: a mapping would change, or end this program, with the file.
  std::unique_ptr<char[]> bytes(new char[size]);
  size_t filled = 0;
  while (filled < size) {
    const ssize_t count =
        ::pread(fd.get(), bytes.get() + filled, size - filled, static_cast<off_t>(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, what);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  Result<ElfFile> file = ReadElf(bytes.get(), filled);
  if (file.ok()) return file;
  return Status{file.status().code, what + ": " + file.status().message};
}

}  // namespace tvmffi::elf
