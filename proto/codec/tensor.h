// Arithmetic on tensor layouts, shared by both ends. Pure functions: no memory but the tensors' own
// is touched, nothing overflows whatever the numbers are.
#ifndef TVMFFI_PROTO_CODEC_TENSOR_H_
#define TVMFFI_PROTO_CODEC_TENSOR_H_

#include <dlpack/dlpack.h>

#include <cstdint>

#include "proto/base/status.h"
#include "proto/codec/frame.h"

namespace tvmffi {

// A layout without an address: strides count elements and are never null.
struct TensorLayout {
  DLDataType dtype;
  uint32_t ndim;
  const int64_t* shape;
  const int64_t* strides;
};

// What a layout touches, in bytes from its first element: [low, high), low <= 0 <= high. Both 0
// when it has no elements.
struct TensorSpan {
  int64_t low;
  int64_t high;
  int64_t nbytes() const { return high - low; }
};

// Row-major strides for `shape`; InvalidArgument for negative extents, too many dimensions or
// overflow.
Status CompactStrides(uint32_t ndim, const int64_t* shape, int64_t* strides);

// The layout of `tensor`; `scratch` (kMaxNdim) receives the strides it leaves out, and is used
// until the layout is not.
Status LayoutOf(const DLTensor& tensor, int64_t* scratch, TensorLayout* layout);

// InvalidArgument when ndim, an extent, the dtype or the total size is out of bounds. Elements of
// types narrower than a byte are packed: element i starts at bit i * bits * lanes.
Status SpanOf(const TensorLayout& layout, TensorSpan* span);

// Checks that every byte the layout touches, its first element at `desc.data_offset`, lies in
// [desc.offset, desc.offset + desc.nbytes), and that this range does not wrap around.
Status CheckDesc(const TensorDesc& desc, const int64_t* shape, const int64_t* strides);

// Bytes all elements take together without gaps; 0 when there are none, or more than fit an address
// space.
uint64_t DenseBytes(const TensorLayout& layout);

bool IsCompact(const TensorLayout& layout);

// Copies every element of `layout` from `from` to the same place relative to `to` (addresses of the
// first element) and touches nothing between them. The layout must have a valid span. The two must
// not overlap. Returns DenseBytes.
uint64_t CopyElements(const TensorLayout& layout, const void* from, void* to);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_TENSOR_H_
