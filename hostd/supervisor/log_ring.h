// The last bytes a worker wrote to stdout and stderr.
#ifndef TVMFFI_HOSTD_SUPERVISOR_LOG_RING_H_
#define TVMFFI_HOSTD_SUPERVISOR_LOG_RING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvmffi::hostd {

class LogRing {
 public:
  static constexpr size_t kCapacity = 64 * 1024;
  static constexpr size_t kTailLines = 50;
  static constexpr size_t kMaxLine = 4096;

  void Append(std::string_view bytes_untrusted);

  // The last lines, oldest first, escaped. A line whose beginning was overwritten is left out,
  // unless it is all there is.
  std::vector<std::string> TailLines() const;

  // All that was ever appended.
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  std::string Contents() const;

  // Grows up to kCapacity, then is written round and round; most workers print little.
  std::string bytes_;
  size_t next_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_LOG_RING_H_
