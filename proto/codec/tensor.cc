#include "proto/codec/tensor.h"

#include <cstring>
#include <string>

namespace tvmffi {
namespace {

__extension__ using Int128 = __int128;

// No byte count or offset of ours comes near this.
constexpr int64_t kMaxBytes = int64_t{1} << 62;

Status Invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

int64_t ElementBits(const DLDataType& dtype) { return int64_t{dtype.bits} * dtype.lanes; }

Status CheckShape(const TensorLayout& layout, bool* empty) {
  if (layout.ndim > kMaxNdim) {
    return Invalid("tensor has " + std::to_string(layout.ndim) + " dimensions, at most " +
                   std::to_string(kMaxNdim) + " are supported");
  }
  // Scalable vectors (negative lanes) have no size either.
  const int16_t lanes = static_cast<int16_t>(layout.dtype.lanes);
  if (layout.dtype.bits == 0 || lanes <= 0) {
    return Invalid("tensor's dtype has " + std::to_string(layout.dtype.bits) + " bits and " +
                   std::to_string(lanes) + " lanes: its elements have no size");
  }
  *empty = false;
  for (uint32_t i = 0; i < layout.ndim; ++i) {
    if (layout.shape[i] < 0) {
      return Invalid("tensor's extent " + std::to_string(i) + " is " +
                     std::to_string(layout.shape[i]));
    }
    *empty |= layout.shape[i] == 0;
  }
  return OkStatus();
}

// Product of the extents, or -1 beyond kMaxBytes.
int64_t CountElements(const TensorLayout& layout) {
  Int128 count = 1;
  for (uint32_t i = 0; i < layout.ndim; ++i) {
    if (layout.shape[i] == 0) return 0;
  }
  for (uint32_t i = 0; i < layout.ndim; ++i) {
    count *= layout.shape[i];
    if (count > kMaxBytes) return -1;
  }
  return static_cast<int64_t>(count);
}

int64_t FloorDiv8(Int128 bits) { return static_cast<int64_t>(bits >> 3); }

void CopyBits(const char* from, char* to, int64_t first_bit, int64_t num_bits) {
  for (int64_t bit = first_bit; bit < first_bit + num_bits; ++bit) {
    const int64_t byte = bit >> 3;
    const unsigned mask = 1u << (bit & 7);
    const unsigned old = static_cast<unsigned char>(to[byte]);
    const unsigned source = static_cast<unsigned char>(from[byte]);
    to[byte] = static_cast<char>((old & ~mask) | (source & mask));
  }
}

// Copies runs of `run` elements; the outer `ndim` dimensions of `layout` are iterated.
class RunCopier {
 public:
  RunCopier(const TensorLayout& layout, const void* from, void* to)
      : layout_(layout), from_(static_cast<const char*>(from)), to_(static_cast<char*>(to)) {}

  void Copy() {
    run_ = 1;
    uint32_t outer = layout_.ndim;
    while (outer > 0 && (layout_.shape[outer - 1] == 1 || layout_.strides[outer - 1] == run_)) {
      run_ *= layout_.shape[--outer];
    }
    CopyOuter(0, outer, 0);
  }

 private:
  void CopyOuter(uint32_t dim, uint32_t outer, int64_t element) {
    if (dim == outer) return CopyRun(element);
    const int64_t extent = layout_.strides[dim] == 0 ? 1 : layout_.shape[dim];
    for (int64_t i = 0; i < extent; ++i)
      CopyOuter(dim + 1, outer, element + i * layout_.strides[dim]);
  }

  void CopyRun(int64_t element) {
    const int64_t bits = ElementBits(layout_.dtype);
    if (bits % 8 == 0) {
      const int64_t at = element * (bits / 8);
      std::memcpy(to_ + at, from_ + at, static_cast<size_t>(run_ * (bits / 8)));
    } else if ((element * bits) % 8 == 0 && (run_ * bits) % 8 == 0) {
      const int64_t at = element * bits / 8;
      std::memcpy(to_ + at, from_ + at, static_cast<size_t>(run_ * bits / 8));
    } else {
      CopyBits(from_, to_, element * bits, run_ * bits);
    }
  }

  const TensorLayout& layout_;
  const char* from_;
  char* to_;
  int64_t run_ = 1;
};

}  // namespace

Status CompactStrides(uint32_t ndim, const int64_t* shape, int64_t* strides) {
  if (ndim > kMaxNdim) {
    return Invalid("tensor has " + std::to_string(ndim) + " dimensions, at most " +
                   std::to_string(kMaxNdim) + " are supported");
  }
  Int128 stride = 1;
  for (uint32_t i = ndim; i-- > 0;) {
    if (shape[i] < 0)
      return Invalid("tensor's extent " + std::to_string(i) + " is " + std::to_string(shape[i]));
    strides[i] = static_cast<int64_t>(stride);
    // An empty tensor's strides are never multiplied with an index; any value serves.
    stride *= shape[i] == 0 ? 1 : shape[i];
    if (stride > kMaxBytes) return Invalid("tensor has more elements than fit an address space");
  }
  return OkStatus();
}

Status LayoutOf(const DLTensor& tensor, int64_t* scratch, TensorLayout* layout) {
  if (tensor.ndim < 0 || static_cast<uint32_t>(tensor.ndim) > kMaxNdim) {
    return Invalid("tensor has " + std::to_string(tensor.ndim) + " dimensions, at most " +
                   std::to_string(kMaxNdim) + " are supported");
  }
  *layout = {tensor.dtype, static_cast<uint32_t>(tensor.ndim), tensor.shape, tensor.strides};
  if (tensor.strides == nullptr) {
    TVMFFI_RETURN_IF_ERROR(CompactStrides(layout->ndim, layout->shape, scratch));
    layout->strides = scratch;
  }
  return OkStatus();
}

Status SpanOf(const TensorLayout& layout, TensorSpan* span) {
  bool empty = false;
  TVMFFI_RETURN_IF_ERROR(CheckShape(layout, &empty));
  *span = {0, 0};
  if (empty) return OkStatus();
  const int64_t bits = ElementBits(layout.dtype);
  const int64_t count = CountElements(layout);
  if (count < 0 || Int128{count} * bits > Int128{kMaxBytes}) {
    return Invalid("tensor has more elements than fit an address space");
  }
  Int128 low = 0;
  Int128 high = 0;
  for (uint32_t i = 0; i < layout.ndim; ++i) {
    const Int128 reach = Int128{layout.shape[i] - 1} * layout.strides[i];
    (reach < 0 ? low : high) += reach;
    if (-low > kMaxBytes || high > kMaxBytes) {
      return Invalid("tensor's stride " + std::to_string(i) + " of " +
                     std::to_string(layout.strides[i]) + " leaves the address space");
    }
  }
  low *= bits;
  high = (high + 1) * bits;
  if (-low > Int128{kMaxBytes} * 8 || high > Int128{kMaxBytes} * 8) {
    return Invalid("tensor's strides leave the address space");
  }
  *span = {FloorDiv8(low), FloorDiv8(high + 7)};
  return OkStatus();
}

Status CheckDesc(const TensorDesc& desc, const int64_t* shape, const int64_t* strides) {
  const TensorLayout layout = {
      {desc.dtype_code, desc.dtype_bits, desc.dtype_lanes}, desc.ndim, shape, strides};
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  uint64_t end = 0;
  if (__builtin_add_overflow(desc.offset, desc.nbytes, &end)) {
    return Invalid("tensor's region at " + std::to_string(desc.offset) + " of " +
                   std::to_string(desc.nbytes) + " bytes wraps around");
  }
  if (desc.data_offset < desc.offset || desc.data_offset > end ||
      Int128{desc.data_offset} + span.low < Int128{desc.offset} ||
      Int128{desc.data_offset} + span.high > Int128{end}) {
    return Invalid("tensor touches bytes " + std::to_string(span.low) + " to " +
                   std::to_string(span.high) + " from " + std::to_string(desc.data_offset) +
                   ", its region is [" + std::to_string(desc.offset) + ", " + std::to_string(end) +
                   ")");
  }
  return OkStatus();
}

uint64_t DenseBytes(const TensorLayout& layout) {
  bool empty = false;
  if (!CheckShape(layout, &empty).ok() || empty) return 0;
  const int64_t count = CountElements(layout);
  const Int128 bits = Int128{count} * ElementBits(layout.dtype);
  return count < 0 || bits > kMaxBytes ? 0 : static_cast<uint64_t>((bits + 7) / 8);
}

bool IsCompact(const TensorLayout& layout) {
  bool compact = true;
  Int128 expected = 1;
  for (uint32_t i = layout.ndim; i-- > 0;) {
    if (layout.shape[i] == 0) return true;
    if (layout.shape[i] == 1) continue;
    compact &= Int128{layout.strides[i]} == expected;
    expected *= layout.shape[i];
    if (expected > kMaxBytes) return false;
  }
  return compact;
}

uint64_t CopyElements(const TensorLayout& layout, const void* from, void* to) {
  const uint64_t bytes = DenseBytes(layout);
  if (bytes != 0) RunCopier(layout, from, to).Copy();
  return bytes;
}

}  // namespace tvmffi
