// Code addresses to source lines, by libbacktrace, remembered for the life of the code.
#ifndef TVMFFI_LIBFFI_CORE_SYMBOLIZER_H_
#define TVMFFI_LIBFFI_CORE_SYMBOLIZER_H_

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace tvmffi::core {

// Frames of the machinery that every call goes through.
bool IsHiddenFrame(const char* file, const char* function);

struct FrameLine {
  std::string text;
  bool is_hidden;
  // A call into this ABI, or into the interpreter that uses it.
  bool is_boundary;
};

// A file mapped into the process, as the dynamic linker describes it.
struct LoadedObject;

class Symbolizer {
 public:
  // Lives as long as the process.
  static Symbolizer& Global();

  // To be called before a walk: a library may have been unloaded, and another stand at its
  // addresses. Returns the number of unloads so far.
  unsigned long long ForgetUnloadedCode();

  // Calls `visit` for the function at `pc` and those inlined there, innermost first, until it
  // returns false.
  template <typename Visitor>
  bool Visit(uintptr_t pc, Visitor&& visit) {
    {
      std::shared_lock lock(mutex_);
      auto it = lines_.find(pc);
      if (it != lines_.end()) return VisitAll(it->second, visit);
    }
    std::vector<FrameLine> lines = Resolve(pc);
    std::unique_lock lock(mutex_);
    if (lines_.size() >= kMaxCachedAddresses) lines_.clear();
    return VisitAll(lines_.insert_or_assign(pc, std::move(lines)).first->second, visit);
  }

 private:
  static constexpr size_t kMaxCachedAddresses = 1 << 16;
  struct Object;

  template <typename Visitor>
  static bool VisitAll(const std::vector<FrameLine>& lines, Visitor& visit) {
    for (const FrameLine& line : lines) {
      if (!visit(line)) return false;
    }
    return true;
  }

  std::vector<FrameLine> Resolve(uintptr_t pc);
  std::vector<FrameLine> LinesFromFile(LoadedObject& loaded);
  const Object& StateOf(const LoadedObject& loaded, const struct stat& file);

  std::shared_mutex mutex_;
  std::unordered_map<uintptr_t, std::vector<FrameLine>> lines_;
  unsigned long long num_unloads_ = 0;

  std::mutex resolve_mutex_;
  std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_SYMBOLIZER_H_
