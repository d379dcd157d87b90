#include "proto/codec/map_view.h"

#include <cstring>

namespace tvmffi {
namespace {

// Offsets from the object's header.
constexpr size_t kDataAt = 24;
constexpr size_t kSizeAt = 32;
constexpr size_t kSlotsAt = 40;
constexpr size_t kListHeadAt = 64;

constexpr uint64_t kSmallBit = uint64_t{1} << 63;
constexpr uint64_t kEnd = ~uint64_t{0};

constexpr uint64_t kBlockSlots = 16;
constexpr uint64_t kItemBytes = 48;
constexpr uint64_t kBlockBytes = kBlockSlots + kBlockSlots * kItemBytes;
constexpr uint64_t kItemNextAt = 40;

uint64_t ReadWord(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

const char* DenseItem(const char* data, uint64_t slot) {
  return data + slot / kBlockSlots * kBlockBytes + kBlockSlots + slot % kBlockSlots * kItemBytes;
}

}  // namespace

MapView::MapView(TVMFFIObjectHandle map) {
  const char* header = static_cast<const char*>(map);
  std::memcpy(&data_, header + kDataAt, sizeof(data_));
  size_ = ReadWord(header + kSizeAt);
  small_ = (ReadWord(header + kSlotsAt) & kSmallBit) != 0;
  // An empty map's list head is read only when it has the dense layout.
  next_ = small_ ? 0 : (size_ == 0 ? kEnd : ReadWord(header + kListHeadAt));
}

bool MapView::Next() {
  if (seen_ == size_ || next_ == kEnd) return false;
  ++seen_;
  if (small_) {
    pair_ = reinterpret_cast<const TVMFFIAny*>(data_) + 2 * next_;
    ++next_;
  } else {
    const char* item = DenseItem(data_, next_);
    pair_ = reinterpret_cast<const TVMFFIAny*>(item);
    next_ = ReadWord(item + kItemNextAt);
  }
  return true;
}

}  // namespace tvmffi
