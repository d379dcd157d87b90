/*!
 * \file tvm/ffi/container/shape.h
 * \brief Shape, an immutable list of extents, and ShapeView, a borrowed one.
 */
#ifndef TVM_FFI_CONTAINER_SHAPE_H_
#define TVM_FFI_CONTAINER_SHAPE_H_

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/type_traits.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace tvm {
namespace ffi {

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winit-list-lifetime"
#endif
/*! \brief Extents that belong to somebody else. From a braced list it is valid until the end of the
 * expression. */
class ShapeView {
 public:
  using const_iterator = const int64_t*;

  ShapeView() : cell_{nullptr, 0} {}
  ShapeView(const int64_t* data, size_t size) : cell_{data, size} {}
  ShapeView(const std::initializer_list<int64_t>& other)  // NOLINT(google-explicit-constructor)
      : cell_{other.begin(), other.size()} {}

  const int64_t* data() const { return cell_.data; }
  size_t size() const { return cell_.size; }
  bool empty() const { return cell_.size == 0; }
  int64_t operator[](size_t i) const { return cell_.data[i]; }
  /*! \brief Throws IndexError. */
  int64_t at(size_t i) const {
    if (i >= cell_.size) {
      TVM_FFI_THROW(IndexError) << "indexing " << i << " on a Shape of size " << cell_.size;
    }
    return cell_.data[i];
  }
  const int64_t* begin() const { return cell_.data; }
  const int64_t* end() const { return cell_.data + cell_.size; }
  int64_t front() const { return at(0); }
  int64_t back() const { return at(cell_.size - 1); }
  /*! \brief Number of elements; 1 without extents. */
  int64_t Product() const {
    int64_t product = 1;
    for (const int64_t extent : *this) {
      product *= extent;
    }
    return product;
  }

 private:
  TVMFFIShapeCell cell_;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/*! \brief The object behind Shape. */
class ShapeObj : public Object, public TVMFFIShapeCell {
 public:
  ShapeObj() : TVMFFIShapeCell{nullptr, 0} {}

  static constexpr int32_t _type_index = kTVMFFIShape;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIShape, ShapeObj, Object);
};

namespace details {

/*! \brief A shape of `size` extents to be filled in at `*mutable_data`. */
inline ObjectPtr<ShapeObj> MakeEmptyShape(size_t size, int64_t** mutable_data) {
  ObjectPtr<ShapeObj> ptr = make_inplace_array_object<ShapeObj, int64_t>(size);
  int64_t* data = reinterpret_cast<int64_t*>(reinterpret_cast<char*>(ptr.get()) + sizeof(ShapeObj));
  ptr->data = data;
  ptr->size = size;
  *mutable_data = data;
  return ptr;
}

template <typename Iter>
inline ObjectPtr<ShapeObj> MakeShape(Iter first, Iter last) {
  int64_t* data = nullptr;
  ObjectPtr<ShapeObj> ptr = MakeEmptyShape(static_cast<size_t>(std::distance(first, last)), &data);
  for (; first != last; ++first) {
    *data++ = *first;
  }
  return ptr;
}

inline void CopyExtents(ShapeView from, int64_t* to) {
  for (const int64_t extent : from) {
    *to++ = extent;
  }
}

/*! \brief Row-major strides of `shape`. */
inline void FillStridesFromShape(ShapeView shape, int64_t* strides) {
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

inline ObjectPtr<ShapeObj> MakeStridesFromShape(ShapeView shape) {
  int64_t* data = nullptr;
  ObjectPtr<ShapeObj> ptr = MakeEmptyShape(shape.size(), &data);
  FillStridesFromShape(shape, data);
  return ptr;
}
}  // namespace details

/*! \brief Immutable extents; never null. */
class Shape : public ObjectRef {
 public:
  using index_type = int64_t;

  Shape() : Shape(details::MakeShape<const int64_t*>(nullptr, nullptr)) {}
  template <typename Iter, typename = typename std::iterator_traits<Iter>::iterator_category>
  Shape(Iter first, Iter last) : Shape(details::MakeShape(first, last)) {}
  Shape(const Array<int64_t>& shape) : Shape(shape.begin(), shape.end()) {}           // NOLINT
  Shape(std::initializer_list<int64_t> shape) : Shape(shape.begin(), shape.end()) {}  // NOLINT
  Shape(const std::vector<int64_t>& shape) : Shape(shape.begin(), shape.end()) {}     // NOLINT
  Shape(ShapeView shape) : Shape(shape.begin(), shape.end()) {}                       // NOLINT

  const int64_t* data() const { return get()->data; }
  size_t size() const { return get()->size; }
  bool empty() const { return size() == 0; }
  /*! \brief Not checked. */
  int64_t operator[](size_t i) const { return data()[i]; }
  /*! \brief Throws IndexError. */
  int64_t at(size_t i) const { return view().at(i); }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + size(); }
  int64_t front() const { return at(0); }
  int64_t back() const { return at(size() - 1); }
  /*! \brief Number of elements; 1 without extents. */
  int64_t Product() const { return view().Product(); }
  /*! \brief Row-major strides of `shape`. */
  static Shape StridesFromShape(ShapeView shape) {
    return Shape(details::MakeStridesFromShape(shape));
  }
  operator ShapeView() const { return view(); }  // NOLINT(google-explicit-constructor)

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Shape, ObjectRef, ShapeObj);

 private:
  explicit Shape(ObjectPtr<ShapeObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}
  ShapeView view() const { return ShapeView(data(), size()); }
};

namespace details {
template <typename Stream>
void PrintShape(Stream& os, const Shape& shape) {
  os << '[';
  for (size_t i = 0; i < shape.size(); ++i) {
    os << (i == 0 ? "" : ", ") << shape[i];
  }
  os << ']';
}
}  // namespace details

template <typename Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                             const Shape& shape) {
  details::PrintShape(os, shape);
  return os;
}
template <typename Stream,
          typename = std::enable_if_t<std::is_same_v<Stream, details::MessageStream>>>
Stream& operator<<(Stream& os, const Shape& shape) {
  details::PrintShape(os, shape);
  return os;
}

template <>
inline constexpr bool use_default_type_traits_v<Shape> = false;

template <>
struct TypeTraits<Shape> : public ObjectRefWithFallbackTraitsBase<Shape, Array<int64_t>> {
  static Shape ConvertFallbackValue(const Array<int64_t>& extents) { return Shape(extents); }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_SHAPE_H_
