/*!
 * \file tvm/ffi/container/list.h
 * \brief List<T>: a mutable sequence. Copies are the same list.
 */
#ifndef TVM_FFI_CONTAINER_LIST_H_
#define TVM_FFI_CONTAINER_LIST_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/seq_base.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <initializer_list>
#include <new>
#include <utility>
#include <vector>

namespace tvm {
namespace ffi {

/*! \brief The object behind List: elements in a block of their own, so that it can grow in place.
 */
class ListObj : public SeqBaseObj {
 public:
  static constexpr const char* kName = "List";
  static constexpr const char* kNoun = "list";
  static constexpr const char* kArticleAndName = "a List";
  static constexpr int64_t kInitSize = 4;

  ListObj() { data_deleter = DeleteBlock; }

  static ObjectPtr<ListObj> Empty(int64_t capacity = kInitSize) {
    ObjectPtr<ListObj> ptr = make_object<ListObj>();
    ptr->Reserve(capacity);
    return ptr;
  }
  /*! \brief Room for at least `needed` elements. */
  void Reserve(int64_t needed) {
    if (needed > TVMFFISeqCell::capacity) {
      Reallocate(needed);
    }
  }
  /*! \brief Room for `extra` more, with room to spare when it has to grow. */
  void ReserveMore(int64_t extra) {
    const int64_t needed = TVMFFISeqCell::size + extra;
    if (needed > TVMFFISeqCell::capacity) {
      int64_t grown = TVMFFISeqCell::capacity * 2;
      grown = grown > kInitSize ? grown : kInitSize;
      Reallocate(grown > needed ? grown : needed);
    }
  }

  static constexpr int32_t _type_index = kTVMFFIList;
  static constexpr bool _type_final = true;
  static constexpr bool _type_mutable = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIList, ListObj, Object);

 private:
  static void DeleteBlock(void* block) { ::operator delete(block); }
  void Reallocate(int64_t capacity) {
    void* block = ::operator new(static_cast<size_t>(capacity) * sizeof(Any));
    if (TVMFFISeqCell::size != 0) {
      std::memcpy(block, data, size() * sizeof(Any));
    }
    // The old block may come from another module: its own deleter frees it.
    data_deleter(data);
    data = block;
    data_deleter = DeleteBlock;
    TVMFFISeqCell::capacity = capacity;
  }
};

template <typename T, typename = typename std::enable_if_t<details::storage_enabled_v<T>>>
class List;

template <typename T>
inline constexpr bool use_default_type_traits_v<List<T>> = false;
template <typename T, typename U>
inline constexpr bool type_subsumes_v<List<T>, List<U>> = type_subsumes_v<T, U>;

/*! \brief A sequence of T that all its copies share and change. Not locked. */
template <typename T, typename>
class List : public details::SeqRefBase<List<T>, T, ListObj> {
  using Base = details::SeqRefBase<List<T>, T, ListObj>;

 public:
  using typename Base::iterator;

  List() : Base(ListObj::Empty(0)) {}
  explicit List(UnsafeInit tag) : Base(tag) {}
  explicit List(ObjectPtr<Object> ptr) : Base(UnsafeInit{}) { this->data_ = std::move(ptr); }
  List(const List&) = default;
  List(List&&) noexcept = default;
  List& operator=(const List&) = default;
  List& operator=(List&&) noexcept = default;
  /*! \brief The same list seen with a wider element type. */
  template <typename U, typename = std::enable_if_t<type_subsumes_v<T, U> && !std::is_same_v<T, U>>>
  List(const List<U>& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(other);
  }
  template <typename U, typename = std::enable_if_t<type_subsumes_v<T, U> && !std::is_same_v<T, U>>>
  List(List<U>&& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(other));
  }
  List(std::initializer_list<T> init) : List(init.begin(), init.end()) {}  // NOLINT
  List(const std::vector<T>& init) : List(init.begin(), init.end()) {}     // NOLINT
  template <typename Iter, typename = typename std::iterator_traits<Iter>::iterator_category>
  List(Iter first, Iter last) : List() {
    Fill(first, last);
  }
  explicit List(size_t n, const T& value) : List() {
    this->obj()->ReserveMore(static_cast<int64_t>(n));
    for (size_t i = 0; i < n; ++i) {
      this->obj()->EmplaceBack(Any(value));
    }
  }

  void push_back(const T& item) {
    Any value(item);
    Roomy(1)->EmplaceBack(std::move(value));
  }
  template <typename... Args>
  void emplace_back(Args&&... args) {
    Any value(T(std::forward<Args>(args)...));
    Roomy(1)->EmplaceBack(std::move(value));
  }
  void insert(iterator position, const T& value) {
    const int64_t index = this->IndexOf(position);
    Any item(value);
    Roomy(1)->insert(index, std::move(item));
  }
  template <typename Iter>
  void insert(iterator position, Iter first, Iter last) {
    // Collected first: the range may lie in this list.
    const Array<T> items(first, last);
    const int64_t index = this->IndexOf(position);
    ListObj* target = Roomy(static_cast<int64_t>(items.size()));
    target->insert(index, items.GetArrayObj()->begin(), items.GetArrayObj()->end());
  }
  void pop_back() { this->Required()->pop_back(); }
  void erase(iterator position) { this->Required()->erase(this->IndexOf(position)); }
  void erase(iterator first, iterator last) {
    this->Required()->erase(this->IndexOf(first), this->IndexOf(last));
  }
  /*! \brief New elements are None: for a T that has no None they must be set before they are read.
   */
  void resize(int64_t n) {
    Base::CheckResize(n);
    const int64_t size = static_cast<int64_t>(this->size());
    Roomy(n > size ? n - size : 0)->resize(n);
  }
  void reserve(int64_t n) { Roomy(0)->Reserve(n); }
  void clear() {
    if (this->obj() != nullptr) {
      this->obj()->clear();
    }
  }
  void Set(int64_t i, T value) { this->Required()->SetItem(i, Any(std::move(value))); }
  /*! \brief Replaces the content by a range. */
  template <typename Iter>
  void Assign(Iter first, Iter last) {
    const Array<T> items(first, last);
    clear();
    Fill(items.begin(), items.end());
  }
  ListObj* GetListObj() const { return this->obj(); }

 private:
  template <typename, typename>
  friend class List;

  ListObj* Roomy(int64_t extra) {
    if (this->obj() == nullptr) {
      this->data_ = ListObj::Empty(0);
    }
    this->obj()->ReserveMore(extra);
    return this->obj();
  }
  template <typename Iter>
  void Fill(Iter first, Iter last) {
    ListObj* target = Roomy(static_cast<int64_t>(std::distance(first, last)));
    for (; first != last; ++first) {
      target->EmplaceBack(Any(T(*first)));
    }
  }
};

template <typename T>
struct TypeTraits<List<T>> : public details::SeqTypeTraits<List<T>, T, kTVMFFIList> {};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_LIST_H_
