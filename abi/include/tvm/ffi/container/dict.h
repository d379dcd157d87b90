/*!
 * \file tvm/ffi/container/dict.h
 * \brief Dict<K, V>: a mutable hash map. Copies are the same dict.
 */
#ifndef TVM_FFI_CONTAINER_DICT_H_
#define TVM_FFI_CONTAINER_DICT_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/container/map_base.h>
#include <tvm/ffi/object.h>

#include <initializer_list>
#include <unordered_map>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief The object behind Dict. */
class DictObj : public MapBaseObj {
 public:
  static constexpr const char* kName = "Dict";
  static constexpr const char* kNoun = "dict";

  DictObj() = default;
  /*! \brief No entries, room for `capacity`. */
  static ObjectPtr<DictObj> Empty(uint64_t capacity = 0) { return MakeEmpty<DictObj>(capacity); }

  static constexpr int32_t _type_index = kTVMFFIDict;
  static constexpr bool _type_final = true;
  static constexpr bool _type_mutable = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIDict, DictObj, Object);
};

template <typename K, typename V,
          typename = typename std::enable_if_t<details::all_storage_enabled_v<K, V>>>
class Dict;

template <typename K, typename V>
inline constexpr bool use_default_type_traits_v<Dict<K, V>> = false;
template <typename K, typename V, typename K2, typename V2>
inline constexpr bool type_subsumes_v<Dict<K, V>, Dict<K2, V2>> =
    type_subsumes_v<K, K2>&& type_subsumes_v<V, V2>;

/*! \brief A map from K to V that all its copies share and change, iterated in insertion order. Not
 * locked. */
template <typename K, typename V, typename>
class Dict : public details::MapRefBase<K, V, DictObj> {
  using Base = details::MapRefBase<K, V, DictObj>;

 public:
  using typename Base::iterator;

  Dict() : Base(DictObj::Empty()) {}
  explicit Dict(UnsafeInit tag) : Base(tag) {}
  explicit Dict(ObjectPtr<Object> ptr) : Base(UnsafeInit{}) { this->data_ = std::move(ptr); }
  Dict(const Dict&) = default;
  Dict(Dict&&) noexcept = default;
  Dict& operator=(const Dict&) = default;
  Dict& operator=(Dict&&) noexcept = default;
  /*! \brief The same dict seen with wider key and value types. */
  template <typename K2, typename V2,
            typename = std::enable_if_t<type_subsumes_v<K, K2> && type_subsumes_v<V, V2> &&
                                        !std::is_same_v<Dict<K, V>, Dict<K2, V2>>>>
  Dict(const Dict<K2, V2>& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(other);
  }
  template <typename K2, typename V2,
            typename = std::enable_if_t<type_subsumes_v<K, K2> && type_subsumes_v<V, V2> &&
                                        !std::is_same_v<Dict<K, V>, Dict<K2, V2>>>>
  Dict(Dict<K2, V2>&& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(other));
  }
  Dict(std::initializer_list<std::pair<K, V>> init)  // NOLINT(google-explicit-constructor)
      : Dict(init.begin(), init.end()) {}
  /*! \brief From a range of pairs; of equal keys the last one counts. */
  template <typename Iter, typename = typename std::iterator_traits<Iter>::iterator_category>
  Dict(Iter first, Iter last)
      : Base(DictObj::Empty(static_cast<uint64_t>(std::distance(first, last)))) {
    for (; first != last; ++first) {
      this->obj()->Set(Any(K((*first).first)), Any(V((*first).second)));
    }
  }
  template <typename Hash, typename Equal>
  Dict(const std::unordered_map<K, V, Hash, Equal>& init)  // NOLINT(google-explicit-constructor)
      : Dict(init.begin(), init.end()) {}

  void Set(const K& key, const V& value) {
    if (this->obj() == nullptr) {
      this->data_ = DictObj::Empty();
    }
    this->obj()->Set(Any(key), Any(value));
  }
  /*! \brief Removes an entry if there is one. */
  void erase(const K& key) {
    if (this->obj() != nullptr) {
      this->obj()->Erase(details::BorrowedAny<K>(key).get());
    }
  }
  void clear() {
    if (this->obj() != nullptr) {
      this->obj()->Clear();
    }
  }

 private:
  template <typename, typename, typename>
  friend class Dict;
};

template <typename K, typename V>
struct TypeTraits<Dict<K, V>> : public details::MapTypeTraits<Dict<K, V>, K, V, kTVMFFIDict> {};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_DICT_H_
