// Arrays that C structs show to readers who take no lock.
#ifndef TVMFFI_LIBFFI_CORE_PUBLISHED_ARRAY_H_
#define TVMFFI_LIBFFI_CORE_PUBLISHED_ARRAY_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace tvmffi::core {

// Grows by copying into a larger buffer; the old ones are kept, as a reader may still hold them.
// The pointer is published before the count, so a reader that loads the count first never reads
// past the buffer. Writers are serialised by the owner.
template <typename T>
class PublishedArray {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  // At least `size` elements exist afterwards, the new ones equal to `fill`.
  template <typename Count>
  void Resize(int32_t size, const T& fill, const T** published_data, Count* published_size) {
    if (size <= size_) return;
    if (size > capacity_) {
      const int32_t capacity = std::max({size, 2 * capacity_, int32_t{4}});
      auto buffer = std::make_unique<T[]>(static_cast<size_t>(capacity));
      std::copy_n(data(), size_, buffer.get());
      buffers_.push_back(std::move(buffer));
      capacity_ = capacity;
    }
    std::fill(data() + size_, data() + size, fill);
    size_ = size;
    __atomic_store_n(published_data, static_cast<const T*>(data()), __ATOMIC_RELEASE);
    __atomic_store_n(published_size, static_cast<Count>(size), __ATOMIC_RELEASE);
  }

  T* data() { return buffers_.empty() ? nullptr : buffers_.back().get(); }
  const T* begin() const { return buffers_.empty() ? nullptr : buffers_.back().get(); }
  const T* end() const { return begin() + size_; }
  int32_t size() const { return size_; }

 private:
  std::vector<std::unique_ptr<T[]>> buffers_;
  int32_t size_ = 0;
  int32_t capacity_ = 0;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_PUBLISHED_ARRAY_H_
