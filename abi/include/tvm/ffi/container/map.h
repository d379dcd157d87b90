/*!
 * \file tvm/ffi/container/map.h
 * \brief Map<K, V>: a hash map with value semantics. Copies share storage until one of them is
 * changed.
 */
#ifndef TVM_FFI_CONTAINER_MAP_H_
#define TVM_FFI_CONTAINER_MAP_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/container/map_base.h>
#include <tvm/ffi/object.h>

#include <initializer_list>
#include <unordered_map>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief The object behind Map. */
class MapObj : public MapBaseObj {
 public:
  static constexpr const char* kName = "Map";
  static constexpr const char* kNoun = "map";

  MapObj() = default;
  /*! \brief No entries, room for `capacity`. */
  static ObjectPtr<MapObj> Empty(uint64_t capacity = 0) { return MakeEmpty<MapObj>(capacity); }
  static ObjectPtr<MapObj> CopyFrom(const MapBaseObj* from) { return CopyOf<MapObj>(from); }

  static constexpr int32_t _type_index = kTVMFFIMap;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIMap, MapObj, Object);
};

template <typename K, typename V,
          typename = typename std::enable_if_t<details::all_storage_enabled_v<K, V>>>
class Map;

template <typename K, typename V>
inline constexpr bool use_default_type_traits_v<Map<K, V>> = false;
template <typename K, typename V, typename K2, typename V2>
inline constexpr bool type_subsumes_v<Map<K, V>, Map<K2, V2>> =
    type_subsumes_v<K, K2>&& type_subsumes_v<V, V2>;

/*!
 * \brief A map from K to V with copy-on-write, iterated in insertion order.
 *
 * Keys are equal as AnyEqual says. In maps of more than four entries giving an existing key a new
 * value moves it to the end of the order. A moved-from map is null: it is empty, and indexing it
 * throws.
 */
template <typename K, typename V, typename>
class Map : public details::MapRefBase<K, V, MapObj> {
  using Base = details::MapRefBase<K, V, MapObj>;

 public:
  using typename Base::iterator;

  Map() : Base(MapObj::Empty()) {}
  explicit Map(UnsafeInit tag) : Base(tag) {}
  explicit Map(ObjectPtr<Object> ptr) : Base(UnsafeInit{}) { this->data_ = std::move(ptr); }
  Map(const Map&) = default;
  Map(Map&&) noexcept = default;
  Map& operator=(const Map&) = default;
  Map& operator=(Map&&) noexcept = default;
  /*! \brief Shares the storage of a map whose keys and values are all valid here. */
  template <typename K2, typename V2,
            typename = std::enable_if_t<type_subsumes_v<K, K2> && type_subsumes_v<V, V2> &&
                                        !std::is_same_v<Map<K, V>, Map<K2, V2>>>>
  Map(const Map<K2, V2>& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(other);
  }
  template <typename K2, typename V2,
            typename = std::enable_if_t<type_subsumes_v<K, K2> && type_subsumes_v<V, V2> &&
                                        !std::is_same_v<Map<K, V>, Map<K2, V2>>>>
  Map(Map<K2, V2>&& other) : Base(UnsafeInit{}) {  // NOLINT(google-explicit-constructor)
    this->data_ = details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(other));
  }
  Map(std::initializer_list<std::pair<K, V>> init)  // NOLINT(google-explicit-constructor)
      : Map(init.begin(), init.end()) {}
  /*! \brief From a range of pairs; of equal keys the last one counts. */
  template <typename Iter, typename = typename std::iterator_traits<Iter>::iterator_category>
  Map(Iter first, Iter last)
      : Base(MapObj::Empty(static_cast<uint64_t>(std::distance(first, last)))) {
    for (; first != last; ++first) {
      this->obj()->Set(Any(K((*first).first)), Any(V((*first).second)));
    }
  }
  template <typename Hash, typename Equal>
  Map(const std::unordered_map<K, V, Hash, Equal>& init)  // NOLINT(google-explicit-constructor)
      : Map(init.begin(), init.end()) {}

  void Set(const K& key, const V& value) { CopyOnWrite()->Set(Any(key), Any(value)); }
  /*! \brief Removes an entry if there is one. */
  void erase(const K& key) {
    if (this->FindSlot(key) != MapBaseObj::kNoSlot) {
      CopyOnWrite()->Erase(details::BorrowedAny<K>(key).get());
    }
  }
  void clear() {
    if (this->obj() == nullptr) {
      return;
    }
    if (this->data_.unique()) {
      this->obj()->Clear();
    } else {
      this->data_ = MapObj::Empty();
    }
  }
  /*! \brief The storage, made this map's own. */
  MapObj* CopyOnWrite() {
    if (this->obj() == nullptr) {
      this->data_ = MapObj::Empty();
    } else if (!this->data_.unique()) {
      this->data_ = MapObj::CopyFrom(this->obj());
    }
    return this->obj();
  }

 private:
  template <typename, typename, typename>
  friend class Map;
};

/*! \brief The entries of both; those of `rhs` win. */
template <typename K, typename V>
inline Map<K, V> Merge(Map<K, V> lhs, const Map<K, V>& rhs) {
  for (const auto& entry : rhs) {
    lhs.Set(entry.first, entry.second);
  }
  return lhs;
}

template <typename K, typename V>
struct TypeTraits<Map<K, V>> : public details::MapTypeTraits<Map<K, V>, K, V, kTVMFFIMap> {
  static constexpr int32_t field_static_type_index = kTVMFFIMap;
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_MAP_H_
