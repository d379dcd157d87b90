/*!
 * \file tvm/ffi/container/seq_base.h
 * \brief Storage of Array and List, and the conversions between them.
 */
#ifndef TVM_FFI_CONTAINER_SEQ_BASE_H_
#define TVM_FFI_CONTAINER_SEQ_BASE_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <cstring>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {

/*!
 * \brief A run of Any elements. Every access is bounds checked and throws IndexError.
 *
 * The methods never grow the storage: who adds elements has made room first.
 */
class SeqBaseObj : public Object, public TVMFFISeqCell {
 public:
  SeqBaseObj() : TVMFFISeqCell{nullptr, 0, 0, nullptr} {}
  SeqBaseObj(const SeqBaseObj&) = delete;
  SeqBaseObj& operator=(const SeqBaseObj&) = delete;
  ~SeqBaseObj() {
    Any* const first = MutableBegin();
    for (Any* last = MutableEnd(); last != first;) {
      // Plain values need no call.
      if ((--last)->type_index() >= kTVMFFIStaticObjectBegin) {
        last->~Any();
      }
    }
    if (data_deleter != nullptr) {
      data_deleter(data);
    }
  }

  size_t size() const { return static_cast<size_t>(TVMFFISeqCell::size); }
  size_t capacity() const { return static_cast<size_t>(TVMFFISeqCell::capacity); }
  bool empty() const { return TVMFFISeqCell::size == 0; }
  const Any* begin() const { return MutableBegin(); }
  const Any* end() const { return MutableBegin() + TVMFFISeqCell::size; }
  Any* MutableBegin() const { return static_cast<Any*>(data); }
  Any* MutableEnd() const { return MutableBegin() + TVMFFISeqCell::size; }

  const Any& at(int64_t i) const {
    CheckIndex(i);
    return begin()[i];
  }
  const Any& operator[](int64_t i) const { return at(i); }
  const Any& front() const {
    CheckNotEmpty("front()");
    return *begin();
  }
  const Any& back() const {
    CheckNotEmpty("back()");
    return end()[-1];
  }
  void SetItem(int64_t i, Any item) {
    CheckIndex(i);
    MutableBegin()[i].swap(item);
  }

  void clear() {
    // The count goes down first: an element's destructor may look at this sequence.
    while (TVMFFISeqCell::size > 0) {
      Any last = std::move(MutableEnd()[-1]);
      --TVMFFISeqCell::size;
    }
  }
  void pop_back() {
    CheckNotEmpty("pop_back");
    Any last = std::move(MutableEnd()[-1]);
    --TVMFFISeqCell::size;
  }
  void erase(int64_t begin, int64_t end) {
    if (begin < 0 || begin > end || end > TVMFFISeqCell::size) {
      TVM_FFI_THROW(IndexError) << "Erase range [" << begin << ", " << end << ") out of bounds "
                                << TVMFFISeqCell::size;
    }
    Any* first = MutableBegin();
    for (int64_t from = end, to = begin; from < TVMFFISeqCell::size; ++from, ++to) {
      first[to].swap(first[from]);
    }
    Truncate(TVMFFISeqCell::size - (end - begin));
  }
  void erase(int64_t i) {
    CheckIndex(i);
    erase(i, i + 1);
  }
  /*! \brief Makes `count` None elements before `i`. */
  Any* InsertGap(int64_t i, int64_t count) {
    if (i < 0 || i > TVMFFISeqCell::size) {
      TVM_FFI_THROW(IndexError) << "Index " << i << " out of bounds " << TVMFFISeqCell::size;
    }
    Any* place = MutableBegin() + i;
    // Values move as bytes; the vacated ones become None.
    std::memmove(static_cast<void*>(place + count), static_cast<const void*>(place),
                 static_cast<size_t>(TVMFFISeqCell::size - i) * sizeof(Any));
    for (int64_t k = 0; k < count; ++k) {
      new (place + k) Any();
    }
    TVMFFISeqCell::size += count;
    return place;
  }
  void insert(int64_t i, Any item) { InsertGap(i, 1)->swap(item); }
  template <typename Iter>
  void insert(int64_t i, Iter first, Iter last) {
    Any* place = InsertGap(i, static_cast<int64_t>(std::distance(first, last)));
    for (; first != last; ++first, ++place) {
      *place = Any(*first);
    }
  }
  template <typename T>
  TVM_FFI_INLINE void EmplaceBack(T&& item) {
    new (MutableEnd()) Any(std::forward<T>(item));
    ++TVMFFISeqCell::size;
  }
  void resize(int64_t n) {
    Truncate(n);
    while (TVMFFISeqCell::size < n) {
      EmplaceBack(Any());
    }
  }
  void Reverse() {
    if (!empty()) {
      for (Any *lo = MutableBegin(), *hi = MutableEnd() - 1; lo < hi; ++lo, --hi) {
        lo->swap(*hi);
      }
    }
  }

 protected:
  void Truncate(int64_t n) {
    while (TVMFFISeqCell::size > n) {
      pop_back();
    }
  }
  void CheckIndex(int64_t i) const {
    if (TVM_FFI_PREDICT_FALSE(i < 0 || i >= TVMFFISeqCell::size)) {
      ThrowIndex(i);
    }
  }

 private:
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ void ThrowIndex(int64_t i) const {
    TVM_FFI_THROW(IndexError) << "Index " << i << " out of bounds " << TVMFFISeqCell::size;
  }
  void CheckNotEmpty(const char* what) const {
    if (TVM_FFI_PREDICT_FALSE(empty())) {
      TVM_FFI_THROW(IndexError) << what << " on empty sequence";
    }
  }
};

namespace details {

/*! \brief What Array<T> and List<T> share: element access by value. */
template <typename Derived, typename T, typename TObj>
class SeqRefBase : public ObjectRef {
 public:
  using value_type = T;
  using iterator = IterAdapter<ElementConverter<T>, const Any*>;
  using reverse_iterator = ReverseIterAdapter<ElementConverter<T>, const Any*>;
  using ContainerType = TObj;
  static constexpr bool _type_is_nullable = false;
  /*! \brief The element type matters too. */
  static constexpr bool _type_container_is_exact = false;

  T operator[](int64_t i) const { return Convert(Required()->at(i)); }
  T at(int64_t i) const { return (*this)[i]; }
  T front() const { return Convert(Required()->front()); }
  T back() const { return Convert(Required()->back()); }
  size_t size() const { return obj() == nullptr ? 0 : obj()->size(); }
  size_t capacity() const { return obj() == nullptr ? 0 : obj()->capacity(); }
  bool empty() const { return size() == 0; }

  iterator begin() const { return iterator(obj() == nullptr ? nullptr : obj()->begin()); }
  iterator end() const { return iterator(obj() == nullptr ? nullptr : obj()->end()); }
  // A reverse iterator stands on its element, so that it needs no temporary.
  reverse_iterator rbegin() const { return reverse_iterator(empty() ? nullptr : obj()->end() - 1); }
  reverse_iterator rend() const { return reverse_iterator(empty() ? nullptr : obj()->begin() - 1); }

 protected:
  SeqRefBase() = default;
  explicit SeqRefBase(UnsafeInit tag) : ObjectRef(tag) {}
  explicit SeqRefBase(ObjectPtr<TObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}

  TObj* obj() const { return static_cast<TObj*>(data_.get()); }
  TObj* Required() const {
    if (TVM_FFI_PREDICT_FALSE(data_ == nullptr)) {
      TVM_FFI_THROW(IndexError) << "cannot index a null " << TObj::kNoun;
    }
    return obj();
  }
  static T Convert(const Any& element) { return ElementConverter<T>::convert(element); }
  int64_t IndexOf(iterator position) const { return position - begin(); }
  static void CheckResize(int64_t n) {
    if (TVM_FFI_PREDICT_FALSE(n < 0)) {
      TVM_FFI_THROW(ValueError) << "cannot resize " << TObj::kArticleAndName << " to negative size";
    }
  }
};

inline bool IsSeq(const TVMFFIAny* src) {
  return src->type_index == kTVMFFIArray || src->type_index == kTVMFFIList;
}

inline const SeqBaseObj* SeqFromAny(const TVMFFIAny* src) {
  return ObjectUnsafe::RawObjectPtrFromUnowned<SeqBaseObj>(src->v_obj);
}

/*! \brief Traits of Array<T> and List<T>. Each accepts the other's elements into a new container.
 */
template <typename TRef, typename T, int32_t kTypeIndex>
struct SeqTypeTraits : public ObjectRefTypeTraitsBase<TRef> {
  static constexpr int32_t field_static_type_index = kTypeIndex;

  static bool CheckAnyStrict(const TVMFFIAny* src) {
    if (src->type_index != kTypeIndex) {
      return false;
    }
    if constexpr (!std::is_same_v<T, Any>) {
      for (const Any& element : *SeqFromAny(src)) {
        if (!AnyUnsafe::CheckAnyStrict<T>(element)) {
          return false;
        }
      }
    }
    return true;
  }
  static std::optional<TRef> TryCastFromAnyView(const TVMFFIAny* src) {
    if (!IsSeq(src)) {
      return std::nullopt;
    }
    if (CheckAnyStrict(src)) {
      return TypeTraits<TRef>::CopyFromAnyViewAfterCheck(src);
    }
    TRef result;
    result.reserve(static_cast<int64_t>(SeqFromAny(src)->size()));
    for (const Any& element : *SeqFromAny(src)) {
      std::optional<T> value = TryCastElement<T>(element);
      if (!value.has_value()) {
        return std::nullopt;
      }
      result.push_back(*std::move(value));
    }
    return result;
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    if (!IsSeq(src)) {
      return TypeTraitsBase::GetMismatchTypeInfo(src);
    }
    const SeqBaseObj* seq = SeqFromAny(src);
    for (size_t i = 0; i < seq->size(); ++i) {
      const Any& element = seq->begin()[i];
      if (!TryCastElement<T>(element).has_value()) {
        return std::string(TRef::ContainerType::kName) + "[index " + std::to_string(i) + ": " +
               AnyUnsafe::GetMismatchTypeInfo<T>(element) + "]";
      }
    }
    return TypeTraitsBase::GetMismatchTypeInfo(src);
  }
  static std::string TypeStr() { return ContainerTypeStr<T>(TRef::ContainerType::kName); }
  static std::string TypeSchema() { return CompositeTypeSchema<T>(TRef::ContainerType::_type_key); }
};
}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_SEQ_BASE_H_
