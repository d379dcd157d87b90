// Reads an ffi.Map or ffi.Dict by its layout, in insertion order. The layout is part of the ABI:
// inline code of modules reads it too.
#ifndef TVMFFI_PROTO_CODEC_MAP_VIEW_H_
#define TVMFFI_PROTO_CODEC_MAP_VIEW_H_

#include <tvm/ffi/c_api.h>

#include <cstdint>

namespace tvmffi {

// Borrows the map, which must not change meanwhile.
class MapView {
 public:
  explicit MapView(TVMFFIObjectHandle map);

  uint64_t size() const { return size_; }

  // Goes to the next pair, the first one at first. False at the end.
  bool Next();
  const TVMFFIAny& key() const { return pair_[0]; }
  const TVMFFIAny& value() const { return pair_[1]; }

 private:
  const char* data_;
  uint64_t size_;
  bool small_;
  // Small layout: the index of the next pair. Dense layout: its slot, kEnd when there is none.
  uint64_t next_;
  uint64_t seen_ = 0;
  const TVMFFIAny* pair_ = nullptr;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_MAP_VIEW_H_
