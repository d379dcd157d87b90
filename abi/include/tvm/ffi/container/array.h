/*!
 * \file tvm/ffi/container/array.h
 * \brief Array<T>: a sequence with value semantics. Copies share storage until one of them is
 * changed.
 */
#ifndef TVM_FFI_CONTAINER_ARRAY_H_
#define TVM_FFI_CONTAINER_ARRAY_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/container/seq_base.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <initializer_list>
#include <utility>
#include <vector>

namespace tvm {
namespace ffi {

/*! \brief The object behind Array: elements follow it in the same allocation. */
class ArrayObj : public SeqBaseObj {
 public:
  static constexpr const char* kName = "Array";
  static constexpr const char* kNoun = "array";
  static constexpr const char* kArticleAndName = "an Array";
  static constexpr int64_t kInitSize = 4;

  /*! \brief No elements, room for `capacity`. */
  static ObjectPtr<ArrayObj> Empty(int64_t capacity = kInitSize) {
    TVM_FFI_ICHECK_GE(capacity, 0);
    ObjectPtr<ArrayObj> ptr =
        make_inplace_array_object<ArrayObj, Any>(static_cast<size_t>(capacity));
    ptr->data = reinterpret_cast<char*>(ptr.get()) + sizeof(ArrayObj);
    ptr->TVMFFISeqCell::capacity = capacity;
    return ptr;
  }
  /*! \brief A copy of the elements of `from`, with room for `capacity`. */
  static ObjectPtr<ArrayObj> CopyFrom(int64_t capacity, const SeqBaseObj* from) {
    ObjectPtr<ArrayObj> ptr = Empty(capacity);
    for (const Any& element : *from) {
      ptr->EmplaceBack(element);
    }
    return ptr;
  }
  /*! \brief The elements of `from`, which nobody else uses, with room for `capacity`. */
  static ObjectPtr<ArrayObj> MoveFrom(int64_t capacity, SeqBaseObj* from) {
    ObjectPtr<ArrayObj> ptr = Empty(capacity);
    std::memcpy(ptr->data, from->data, from->size() * sizeof(Any));
    ptr->TVMFFISeqCell::size = std::exchange(from->TVMFFISeqCell::size, 0);
    return ptr;
  }

  static constexpr int32_t _type_index = kTVMFFIArray;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIArray, ArrayObj, Object);
};

static_assert(sizeof(ArrayObj) == 56, "inline code of other modules expects elements at offset 56");

template <typename T, typename = typename std::enable_if_t<details::storage_enabled_v<T>>>
class Array;

template <typename T>
inline constexpr bool use_default_type_traits_v<Array<T>> = false;
template <typename T, typename U>
inline constexpr bool type_subsumes_v<Array<T>, Array<U>> = type_subsumes_v<T, U>;

/*!
 * \brief A sequence of T with copy-on-write.
 *
 * Elements are handed out by value. Changing an array that shares its storage copies it first; a
 * moved-from array is null: it has size 0 and cannot be indexed.
 */
template <typename T, typename>
class Array : public details::SeqRefBase<Array<T>, T, ArrayObj> {
  using Base = details::SeqRefBase<Array<T>, T, ArrayObj>;

 public:
  using typename Base::iterator;

  Array() : Base(ArrayObj::Empty()) {}
  explicit Array(UnsafeInit tag) : Base(tag) {}
  explicit Array(ObjectPtr<Object> ptr) : Base(UnsafeInit{}) { this->data_ = std::move(ptr); }
  Array(const Array&) = default;
  Array(Array&&) noexcept = default;
  Array& operator=(const Array&) = default;
  Array& operator=(Array&&) noexcept = default;
  /*! \brief Shares the storage of an array whose elements are all valid here. */
  template <typename U, typename = std::enable_if_t<type_subsumes_v<T, U> && !std::is_same_v<T, U>>>
  Array(const Array<U>& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(other);
  }
  template <typename U, typename = std::enable_if_t<type_subsumes_v<T, U> && !std::is_same_v<T, U>>>
  Array(Array<U>&& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(other));
  }
  Array(std::initializer_list<T> init) : Array(init.begin(), init.end()) {}  // NOLINT
  Array(const std::vector<T>& init) : Array(init.begin(), init.end()) {}     // NOLINT
  template <typename Iter, typename = typename std::iterator_traits<Iter>::iterator_category>
  Array(Iter first, Iter last) : Base(UnsafeInit{}) {
    Assign(first, last);
  }
  explicit Array(size_t n, const T& value) : Base(ArrayObj::Empty(static_cast<int64_t>(n))) {
    for (size_t i = 0; i < n; ++i) {
      this->obj()->EmplaceBack(Any(value));
    }
  }

  void push_back(const T& item) {
    // A copy: `item` may lie in this array.
    Append(T(item));
  }
  template <typename... Args>
  void emplace_back(Args&&... args) {
    Append(T(std::forward<Args>(args)...));
  }
  void insert(iterator position, const T& value) {
    const int64_t index = this->IndexOf(position);
    Writable(1)->insert(index, Any(value));
  }
  template <typename Iter>
  void insert(iterator position, Iter first, Iter last) {
    if (first != last) {
      // Collected first: the range may lie in this array.
      const Array<T> items(first, last);
      const int64_t index = this->IndexOf(position);
      ArrayObj* target = Writable(static_cast<int64_t>(items.size()));
      target->insert(index, items.obj()->begin(), items.obj()->end());
    }
  }
  void pop_back() {
    RequireStorage();
    Writable(0)->pop_back();
  }
  void erase(iterator position) {
    RequireStorage();
    const int64_t index = this->IndexOf(position);
    Writable(0)->erase(index);
  }
  void erase(iterator first, iterator last) {
    const int64_t begin = this->IndexOf(first);
    const int64_t end = this->IndexOf(last);
    if (begin != end) {
      RequireStorage();
      Writable(0)->erase(begin, end);
    }
  }
  /*! \brief New elements are None: for a T that has no None they must be set before they are read.
   */
  void resize(int64_t n) {
    Base::CheckResize(n);
    const int64_t size = static_cast<int64_t>(this->size());
    Writable(n > size ? n - size : 0)->resize(n);
  }
  void reserve(int64_t n) {
    if (n > static_cast<int64_t>(this->capacity())) {
      Writable(n - static_cast<int64_t>(this->size()));
    }
  }
  void clear() {
    if (this->obj() == nullptr) {
      return;
    }
    if (this->data_.unique()) {
      this->obj()->clear();
    } else {
      this->data_ = ArrayObj::Empty();
    }
  }
  void Set(int64_t i, T value) {
    this->Required()->at(i);
    Writable(0)->SetItem(i, Any(std::move(value)));
  }
  ArrayObj* GetArrayObj() const { return this->obj(); }

  /*! \brief A new array of fmap(element). */
  template <typename F, typename U = std::invoke_result_t<F, T>>
  Array<U> Map(F fmap) const {
    Array<U> result;
    result.reserve(static_cast<int64_t>(this->size()));
    for (T element : *this) {
      result.push_back(fmap(std::move(element)));
    }
    return result;
  }
  /*! \brief Replaces each element by fmutate(element). */
  template <typename F>
  void MutateByApply(F fmutate) {
    if (this->obj() == nullptr) {
      return;
    }
    for (int64_t i = 0; i < static_cast<int64_t>(this->size()); ++i) {
      Any after(T(fmutate((*this)[i])));
      if (!after.same_as(this->obj()->at(i))) {
        Writable(0)->SetItem(i, std::move(after));
      }
    }
  }
  /*! \brief Replaces the content by a range. */
  template <typename Iter>
  void Assign(Iter first, Iter last) {
    const int64_t n = static_cast<int64_t>(std::distance(first, last));
    TVM_FFI_ICHECK_GE(n, 0) << "the range to assign ends before it begins";
    ObjectPtr<ArrayObj> ptr = ArrayObj::Empty(n);
    for (; first != last; ++first) {
      ptr->EmplaceBack(Any(T(*first)));
    }
    this->data_ = std::move(ptr);
  }
  /*! \brief The storage, made this array's own. */
  ArrayObj* CopyOnWrite() { return Writable(0); }

  /*! \brief All values, and the elements of all arrays, in order. */
  template <typename... Args>
  static Array Agregate(Args... args) {
    Array result;
    (result.AppendAll(args), ...);
    return result;
  }

 private:
  template <typename, typename>
  friend class Array;

  void RequireStorage() {
    if (this->obj() == nullptr) {
      this->data_ = ArrayObj::Empty();
    }
  }
  /*! \brief Storage that is this array's own and has room for `extra` more. */
  TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ArrayObj* Writable(int64_t extra) {
    ArrayObj* obj = this->obj();
    if (obj == nullptr) {
      this->data_ = ArrayObj::Empty(extra > ArrayObj::kInitSize ? extra : ArrayObj::kInitSize);
      return this->obj();
    }
    const int64_t needed = static_cast<int64_t>(obj->size()) + extra;
    const int64_t capacity = static_cast<int64_t>(obj->capacity());
    if (this->data_.unique()) {
      if (needed > capacity) {
        this->data_ = ArrayObj::MoveFrom(Grown(capacity, needed), obj);
      }
    } else {
      this->data_ = ArrayObj::CopyFrom(needed > capacity ? Grown(capacity, needed) : capacity, obj);
    }
    return this->obj();
  }
  static int64_t Grown(int64_t capacity, int64_t needed) {
    const int64_t doubled = capacity * 2 > ArrayObj::kInitSize ? capacity * 2 : ArrayObj::kInitSize;
    return doubled > needed ? doubled : needed;
  }
  TVM_FFI_INLINE void Append(T&& item) {
    ArrayObj* obj = this->obj();
    if (TVM_FFI_PREDICT_FALSE(obj == nullptr || obj->size() == obj->capacity() ||
                              !this->data_.unique())) {
      obj = Writable(1);
    }
    obj->EmplaceBack(std::move(item));
  }
  template <typename U>
  void AppendAll(const U& value) {
    if constexpr (std::is_convertible_v<const U&, T>) {
      push_back(value);
    } else {
      for (const auto& element : value) {
        push_back(element);
      }
    }
  }
};

/*! \brief The elements of `lhs`, then those of `rhs`. */
template <typename T>
inline Array<T> Concat(Array<T> lhs, const Array<T>& rhs) {
  lhs.insert(lhs.end(), rhs.begin(), rhs.end());
  return lhs;
}

template <typename T>
struct TypeTraits<Array<T>> : public details::SeqTypeTraits<Array<T>, T, kTVMFFIArray> {};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_ARRAY_H_
