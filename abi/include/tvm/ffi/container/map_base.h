/*!
 * \file tvm/ffi/container/map_base.h
 * \brief The hash table of Map and Dict. Its layout and probing are part of the ABI: modules read
 * each other's tables.
 *
 * Small form, up to 4 entries: pairs in insertion order, searched one by one. Dense form: blocks of
 * 16 slots, each slot a pair and its neighbours in insertion order. A slot's metadata byte says
 * whether a chain of equal home slots starts there and how far it is to the chain's next slot.
 * Growing rewrites the same object in place.
 */
#ifndef TVM_FFI_CONTAINER_MAP_BASE_H_
#define TVM_FFI_CONTAINER_MAP_BASE_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {
namespace details {

inline constexpr int kNumProbes = 126;

struct ProbeTable {
  uint64_t distance[kNumProbes];
};

/*! \brief Distances to the next slot of a chain: 0..15, then triangular numbers. */
constexpr ProbeTable MakeProbeTable() {
  // The triangular number of k is k * (k + 1) / 2; from entry 83 on these k.
  constexpr uint64_t kRoots[] = {
      130,        195,        292,       438,       657,       986,       1478,      2217,
      3326,       4988,       7482,      11223,     16835,     25252,     37877,     56816,
      85223,      127835,     191752,    287627,    431440,    647160,    970740,    1456110,
      2184165,    3276247,    4914370,   7371555,   11057333,  16585999,  24878998,  37318497,
      55977745,   83966618,   125949926, 188924889, 283387334, 425081001, 637621501, 956432251,
      1434648376, 2151972564, 3227958845};
  ProbeTable table{};
  for (int i = 0; i < kNumProbes; ++i) {
    const uint64_t root = i < 16 ? 0 : i < 83 ? static_cast<uint64_t>(i - 10) : kRoots[i - 83];
    table.distance[i] = i < 16 ? static_cast<uint64_t>(i) : root * (root + 1) / 2;
  }
  return table;
}
inline constexpr ProbeTable kProbeTable = MakeProbeTable();
static_assert(kProbeTable.distance[16] == 21 && kProbeTable.distance[82] == 2628 &&
                  kProbeTable.distance[83] == 8515 && kProbeTable.distance[99] == 3631522476 &&
                  kProbeTable.distance[125] == 5209859154120846435ULL,
              "part of the ABI");
}  // namespace details

/*! \brief The object behind Map and Dict. Not locked. */
class MapBaseObj : public Object {
 public:
  /*! \brief A key and its value. */
  using KVType = std::pair<Any, Any>;
  /*! \brief No slot: end of the iteration. */
  static constexpr uint64_t kNoSlot = ~uint64_t{0};

  MapBaseObj(const MapBaseObj&) = delete;
  MapBaseObj& operator=(const MapBaseObj&) = delete;

  size_t size() const { return static_cast<size_t>(size_); }
  bool empty() const { return size_ == 0; }
  size_t count(const Any& key) const { return Find(key) != kNoSlot ? 1 : 0; }
  /*! \brief The value of a key, or KeyError. */
  const Any& at(const Any& key) const {
    const uint64_t slot = Find(key);
    if (TVM_FFI_PREDICT_FALSE(slot == kNoSlot)) {
      ThrowKeyError();
    }
    return PairAt(slot).second;
  }

  /*! \brief Slots in insertion order; kNoSlot is the end. */
  uint64_t FirstSlot() const { return IsSmall() ? (size_ == 0 ? kNoSlot : 0) : dense()->head; }
  uint64_t LastSlot() const {
    return IsSmall() ? (size_ == 0 ? kNoSlot : size_ - 1) : dense()->tail;
  }
  uint64_t NextSlot(uint64_t slot) const {
    return IsSmall() ? (slot + 1 < size_ ? slot + 1 : kNoSlot) : ItemAt(slot).next;
  }
  uint64_t PreviousSlot(uint64_t slot) const {
    if (slot == kNoSlot) {
      return LastSlot();
    }
    return IsSmall() ? slot - 1 : ItemAt(slot).prev;
  }
  KVType& PairAt(uint64_t slot) const { return IsSmall() ? pairs()[slot] : ItemAt(slot).data; }

  uint64_t Find(const Any& key) const {
    if (IsSmall()) {
      for (uint64_t i = 0; i < size_; ++i) {
        if (AnyEqual()(pairs()[i].first, key)) {
          return i;
        }
      }
      return kNoSlot;
    }
    return FindDense(key, AnyHash()(key));
  }

  /*! \brief Adds an entry, or gives an existing key a new value; in the dense form it then comes
   * last. */
  void Set(Any key, Any value) {
    if (IsSmall()) {
      const uint64_t slot = Find(key);
      if (slot != kNoSlot) {
        PairAt(slot).second.swap(value);
        return;
      }
      if (size_ < NumSlots()) {
        new (&pairs()[size_]) KVType(std::move(key), std::move(value));
        ++size_;
        return;
      }
      if (NumSlots() < kMaxSmallSlots) {
        GrowSmall();
        Set(std::move(key), std::move(value));
        return;
      }
      BuildDense(TableSize{}.For(size_));
    }
    SetDense(std::move(key), std::move(value));
  }

  /*! \brief Removes an entry if there is one. */
  void Erase(const Any& key) {
    const uint64_t slot = Find(key);
    if (slot != kNoSlot) {
      EraseSlot(slot);
    }
  }
  void EraseSlot(uint64_t slot) {
    if (IsSmall()) {
      KVType removed = std::move(pairs()[slot]);
      for (uint64_t i = slot; i + 1 < size_; ++i) {
        pairs()[i] = std::move(pairs()[i + 1]);
      }
      pairs()[--size_].~KVType();
    } else {
      EraseDense(slot);
    }
  }

  /*! \brief Removes everything, last entry first; the object goes back to the small form. */
  void Clear() {
    // One by one: a value's destructor may use this container.
    while (size_ != 0) {
      EraseSlot(LastSlot());
    }
    FreeStorage();
    SetEmptySmall(kMinSmallSlots);
  }

 protected:
  MapBaseObj() { SetEmptySmall(kMinSmallSlots); }
  ~MapBaseObj() {
    for (uint64_t slot = FirstSlot(); slot != kNoSlot;) {
      KVType& pair = PairAt(slot);
      slot = NextSlot(slot);
      pair.~KVType();
    }
    FreeStorage();
  }

  /*! \brief An object with room for `capacity` entries. */
  template <typename TObj>
  static ObjectPtr<TObj> MakeEmpty(uint64_t capacity) {
    const uint64_t inline_slots =
        capacity <= kMinSmallSlots || capacity > kMaxSmallSlots ? kMinSmallSlots : kMaxSmallSlots;
    static_assert(sizeof(TObj) == 56, "inline code of other modules expects pairs at offset 56");
    ObjectPtr<TObj> ptr = make_inplace_array_object<TObj, KVType>(inline_slots);
    ptr->SetEmptySmall(inline_slots);
    if (capacity > kMaxSmallSlots) {
      ptr->BuildDense(TableSize{}.For(capacity));
    }
    return ptr;
  }
  template <typename TObj>
  static ObjectPtr<TObj> CopyOf(const MapBaseObj* from) {
    ObjectPtr<TObj> ptr = MakeEmpty<TObj>(from->size_);
    for (uint64_t slot = from->FirstSlot(); slot != kNoSlot; slot = from->NextSlot(slot)) {
      const KVType& pair = from->PairAt(slot);
      ptr->Set(pair.first, pair.second);
    }
    return ptr;
  }

  [[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static void ThrowKeyError() {
    TVM_FFI_THROW(KeyError) << "key is not in Map";
    TVM_FFI_UNREACHABLE();
  }

 private:
  static constexpr uint64_t kSmallMark = uint64_t{1} << 63;
  static constexpr uint64_t kMinSmallSlots = 2;
  static constexpr uint64_t kMaxSmallSlots = 4;
  static constexpr uint64_t kBlockSlots = 16;
  static constexpr uint8_t kEmptySlot = 0xff;
  /*! \brief Holds nothing, but must not be given away. */
  static constexpr uint8_t kProtectedSlot = 0xfe;
  static constexpr uint8_t kBodyBit = 0x80;
  static constexpr uint8_t kJumpMask = 0x7f;
  static constexpr uint64_t kFibonacciMultiplier = 11400714819323198485ULL;

  struct Item {
    KVType data;
    uint64_t prev;
    uint64_t next;
  };
  struct Block {
    uint8_t meta[kBlockSlots];
    alignas(Item) unsigned char items[kBlockSlots * sizeof(Item)];
  };
  static_assert(sizeof(KVType) == 32 && sizeof(Item) == 48 && sizeof(Block) == 784,
                "part of the ABI");

  /*! \brief Lies behind the object in the dense form, over the place of the first small pairs. */
  struct DenseFields {
    uint32_t fib_shift;
    uint64_t head;
    uint64_t tail;
  };

  struct TableSize {
    uint32_t fib_shift{64};
    uint64_t slots{1};
    TableSize For(uint64_t count) const {
      TableSize result = *this;
      for (uint64_t bits = count; bits != 0; bits >>= 1) {
        result = result.Doubled();
      }
      return result.slots < 2 * count ? result.Doubled() : result;
    }
    TableSize Doubled() const { return TableSize{fib_shift - 1, slots << 1}; }
  };

  bool IsSmall() const { return (slots_ & kSmallMark) != 0; }
  uint64_t NumSlots() const { return slots_ & ~kSmallMark; }
  KVType* pairs() const { return static_cast<KVType*>(data_); }
  char* Trailing() const {
    // Through an integer: the compiler must not conclude that the memory ends with this class.
    return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(this) + sizeof(MapBaseObj));
  }
  DenseFields* dense() const { return reinterpret_cast<DenseFields*>(Trailing()); }
  Block* BlockOf(uint64_t slot) const { return static_cast<Block*>(data_) + slot / kBlockSlots; }
  uint8_t& MetaAt(uint64_t slot) const { return BlockOf(slot)->meta[slot % kBlockSlots]; }
  Item& ItemAt(uint64_t slot) const {
    return reinterpret_cast<Item*>(BlockOf(slot)->items)[slot % kBlockSlots];
  }
  bool IsHead(uint64_t slot) const { return (MetaAt(slot) & kBodyBit) == 0; }
  uint64_t HomeSlot(uint64_t hash) const {
    return (kFibonacciMultiplier * hash) >> dense()->fib_shift;
  }
  uint64_t Probe(uint64_t slot, int jump) const {
    return (slot + details::kProbeTable.distance[jump]) & (slots_ - 1);
  }
  /*! \brief The chain's next slot, or kNoSlot. */
  uint64_t NextInChain(uint64_t slot) const {
    const int jump = MetaAt(slot) & kJumpMask;
    return jump == 0 ? kNoSlot : Probe(slot, jump);
  }
  void SetJump(uint64_t slot, int jump) const {
    uint8_t& meta = MetaAt(slot);
    meta = static_cast<uint8_t>((meta & kBodyBit) | jump);
  }

  void SetEmptySmall(uint64_t slots) {
    data_ = Trailing();
    size_ = 0;
    slots_ = slots | kSmallMark;
    data_deleter_ = nullptr;
  }
  static void FreeBlock(void* block) { std::free(block); }

  void FreeStorage() {
    if (data_deleter_ != nullptr) {
      data_deleter_(data_);
    }
  }

  /*! \brief From 2 to 4 pair slots, in a block of their own. */
  void GrowSmall() {
    void* block = details::AlignedAlloc<alignof(KVType)>(kMaxSmallSlots * sizeof(KVType));
    std::memcpy(block, data_, size() * sizeof(KVType));
    FreeStorage();
    data_ = block;
    data_deleter_ = FreeBlock;
    slots_ = kMaxSmallSlots | kSmallMark;
  }

  /*! \brief Moves the entries into a new dense table, larger ones until they all find a place. */
  void BuildDense(TableSize table) {
    // The pairs first move out of the object: the dense fields take their place.
    const uint64_t count = size_;
    KVType* moved =
        static_cast<KVType*>(details::AlignedAlloc<alignof(KVType)>((count + 1) * sizeof(KVType)));
    details::AllocationGuard guard{moved};
    uint64_t n = 0;
    for (uint64_t slot = FirstSlot(); slot != kNoSlot; slot = NextSlot(slot)) {
      // As bytes: the old place is given up without being destroyed.
      std::memcpy(static_cast<void*>(moved + n++), static_cast<const void*>(&PairAt(slot)),
                  sizeof(KVType));
    }
    do {
      void* fresh = NewTable(table.slots);
      FreeStorage();
      data_ = fresh;
      data_deleter_ = FreeBlock;
      size_ = 0;
      slots_ = table.slots;
      *dense() = DenseFields{table.fib_shift, kNoSlot, kNoSlot};
      table = table.Doubled();
    } while (!PlaceAll(moved, count));
  }
  static void* NewTable(uint64_t slots) {
    const uint64_t num_blocks = (slots + kBlockSlots - 1) / kBlockSlots;
    void* table = details::AlignedAlloc<alignof(Block)>(num_blocks * sizeof(Block));
    for (uint64_t i = 0; i < num_blocks; ++i) {
      std::memset(static_cast<Block*>(table)[i].meta, kEmptySlot, kBlockSlots);
    }
    return table;
  }
  /*! \brief Inserts pairs with distinct keys, as bytes. On failure none of them was given up. */
  bool PlaceAll(const KVType* moved, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t slot = ReserveSlot(AnyHash()(moved[i].first));
      if (slot == kNoSlot) {
        return false;
      }
      std::memcpy(static_cast<void*>(&ItemAt(slot).data), static_cast<const void*>(moved + i),
                  sizeof(KVType));
      AppendToOrder(slot);
    }
    return true;
  }

  TVM_FFI_INLINE uint64_t FindDense(const Any& key, uint64_t hash) const {
    const uint64_t home = HomeSlot(hash);
    uint8_t meta = MetaAt(home);
    if ((meta & kBodyBit) != 0) {
      return kNoSlot;
    }
    if (TVM_FFI_PREDICT_TRUE(AnyEqual()(key, ItemAt(home).data.first))) {
      return home;
    }
    for (uint64_t slot = home; (meta & kJumpMask) != 0; meta = MetaAt(slot)) {
      slot = Probe(slot, meta & kJumpMask);
      if (AnyEqual()(key, ItemAt(slot).data.first)) {
        return slot;
      }
    }
    return kNoSlot;
  }

  void SetDense(Any key, Any value) {
    const uint64_t hash = AnyHash()(key);
    uint64_t slot = FindDense(key, hash);
    if (slot != kNoSlot) {
      ItemAt(slot).data.second.swap(value);
      RemoveFromOrder(slot);
      --size_;
      AppendToOrder(slot);
      return;
    }
    while ((slot = ReserveSlot(hash)) == kNoSlot) {
      BuildDense(TableSize{dense()->fib_shift, slots_}.Doubled());
    }
    new (&ItemAt(slot).data) KVType(std::move(key), std::move(value));
    AppendToOrder(slot);
  }

  /*! \brief A slot for one more entry with this hash, linked into its chain; kNoSlot: the table
   * must grow. */
  uint64_t ReserveSlot(uint64_t hash) {
    const uint64_t home = HomeSlot(hash);
    if (size_ + 1 > static_cast<uint64_t>(static_cast<double>(slots_) * 0.99)) {
      return kNoSlot;
    }
    if (MetaAt(home) == kEmptySlot) {
      MetaAt(home) = 0;
      return home;
    }
    if (!IsHead(home)) {
      if (!EvictChainTail(home)) {
        return kNoSlot;
      }
      MetaAt(home) = 0;
      return home;
    }
    uint64_t last = home;
    for (uint64_t next = NextInChain(last); next != kNoSlot; next = NextInChain(last)) {
      last = next;
    }
    return ExtendChain(last);
  }
  /*! \brief Links a free slot behind `last`; kNoSlot when none is in reach. */
  uint64_t ExtendChain(uint64_t last) {
    for (int jump = 1; jump < details::kNumProbes; ++jump) {
      const uint64_t slot = Probe(last, jump);
      if (MetaAt(slot) == kEmptySlot) {
        SetJump(last, jump);
        MetaAt(slot) = kBodyBit;
        return slot;
      }
    }
    return kNoSlot;
  }
  uint64_t PreviousInChain(uint64_t slot) const {
    uint64_t previous = HomeSlot(AnyHash()(ItemAt(slot).data.first));
    for (uint64_t next = NextInChain(previous); next != slot; next = NextInChain(previous)) {
      previous = next;
    }
    return previous;
  }
  /*!
   * \brief Moves the entries of a chain from `slot` on elsewhere, so that another chain can start
   * there.
   *
   * On failure entries may have left their chain; the table is then rebuilt from the insertion
   * order, which stays whole.
   */
  bool EvictChainTail(uint64_t slot) {
    uint64_t last = PreviousInChain(slot);
    SetJump(last, 0);
    for (uint64_t from = slot; from != kNoSlot;) {
      const uint64_t next = NextInChain(from);
      const uint64_t to = ExtendChain(last);
      if (to == kNoSlot) {
        return false;
      }
      MoveItem(from, to);
      MetaAt(from) = from == slot ? kProtectedSlot : kEmptySlot;
      last = to;
      from = next;
    }
    return true;
  }
  void MoveItem(uint64_t from, uint64_t to) {
    const Item& item = ItemAt(from);
    (item.prev == kNoSlot ? dense()->head : ItemAt(item.prev).next) = to;
    (item.next == kNoSlot ? dense()->tail : ItemAt(item.next).prev) = to;
    std::memcpy(static_cast<void*>(&ItemAt(to)), static_cast<const void*>(&item), sizeof(Item));
  }

  void EraseDense(uint64_t slot) {
    RemoveFromOrder(slot);
    KVType removed = std::move(ItemAt(slot).data);
    ItemAt(slot).data.~KVType();
    --size_;
    uint64_t before_last = kNoSlot;
    uint64_t last = slot;
    for (uint64_t next = NextInChain(last); next != kNoSlot; next = NextInChain(last)) {
      before_last = last;
      last = next;
    }
    if (last != slot) {
      MoveItem(last, slot);
      SetJump(before_last, 0);
    } else if (!IsHead(slot)) {
      uint64_t previous = HomeSlot(AnyHash()(removed.first));
      for (uint64_t next = NextInChain(previous); next != slot; next = NextInChain(previous)) {
        previous = next;
      }
      SetJump(previous, 0);
    }
    MetaAt(last) = kEmptySlot;
  }

  void AppendToOrder(uint64_t slot) {
    Item& item = ItemAt(slot);
    item.prev = dense()->tail;
    item.next = kNoSlot;
    (item.prev == kNoSlot ? dense()->head : ItemAt(item.prev).next) = slot;
    dense()->tail = slot;
    ++size_;
  }
  void RemoveFromOrder(uint64_t slot) {
    const Item& item = ItemAt(slot);
    (item.prev == kNoSlot ? dense()->head : ItemAt(item.prev).next) = item.next;
    (item.next == kNoSlot ? dense()->tail : ItemAt(item.next).prev) = item.prev;
  }

  /*! \brief Pairs or blocks. */
  void* data_;
  uint64_t size_;
  /*! \brief Number of slots; bit 63 marks the small form. */
  uint64_t slots_;
  /*! \brief Frees data_; null when the pairs lie inside the object. */
  void (*data_deleter_)(void*);
};

static_assert(sizeof(MapBaseObj) == 56, "part of the ABI");

namespace details {

/*! \brief What Map<K, V> and Dict<K, V> share: reading, by value. */
template <typename K, typename V, typename TObj>
class MapRefBase : public ObjectRef {
 public:
  using key_type = K;
  using mapped_type = V;
  using ContainerType = TObj;
  static constexpr bool _type_is_nullable = false;
  /*! \brief The key and value types matter too. */
  static constexpr bool _type_container_is_exact = false;

  /*! \brief Bidirectional, in insertion order; yields std::pair<K, V> by value. */
  class iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = std::pair<K, V>;
    using pointer = value_type*;
    using reference = value_type;

    iterator() = default;
    iterator(const MapBaseObj* map, uint64_t slot) : map_(map), slot_(slot) {}
    value_type operator*() const {
      const MapBaseObj::KVType& pair = map_->PairAt(slot_);
      return value_type(ElementConverter<K>::convert(pair.first),
                        ElementConverter<V>::convert(pair.second));
    }
    /*! \brief There is no pair to point at. */
    value_type* operator->() const = delete;
    iterator& operator++() {
      slot_ = map_->NextSlot(slot_);
      return *this;
    }
    iterator& operator--() {
      slot_ = map_->PreviousSlot(slot_);
      return *this;
    }
    iterator operator++(int) {
      iterator old = *this;
      ++*this;
      return old;
    }
    iterator operator--(int) {
      iterator old = *this;
      --*this;
      return old;
    }
    bool operator==(const iterator& other) const {
      return map_ == other.map_ && slot_ == other.slot_;
    }
    bool operator!=(const iterator& other) const { return !(*this == other); }

   private:
    const MapBaseObj* map_{nullptr};
    uint64_t slot_{MapBaseObj::kNoSlot};
  };

  /*! \brief The value of a key, or KeyError. */
  V at(const K& key) const {
    return ElementConverter<V>::convert(Required()->at(BorrowedAny<K>(key).get()));
  }
  V operator[](const K& key) const { return at(key); }
  std::optional<V> Get(const K& key) const {
    const uint64_t slot = FindSlot(key);
    if (slot == MapBaseObj::kNoSlot) {
      return std::nullopt;
    }
    return ElementConverter<V>::convert(obj()->PairAt(slot).second);
  }
  size_t count(const K& key) const { return FindSlot(key) == MapBaseObj::kNoSlot ? 0 : 1; }
  iterator find(const K& key) const { return iterator(obj(), FindSlot(key)); }
  iterator begin() const {
    return iterator(obj(), obj() == nullptr ? MapBaseObj::kNoSlot : obj()->FirstSlot());
  }
  iterator end() const { return iterator(obj(), MapBaseObj::kNoSlot); }
  size_t size() const { return obj() == nullptr ? 0 : obj()->size(); }
  bool empty() const { return size() == 0; }

 protected:
  MapRefBase() = default;
  explicit MapRefBase(UnsafeInit tag) : ObjectRef(tag) {}
  explicit MapRefBase(ObjectPtr<TObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}

  TObj* obj() const { return static_cast<TObj*>(data_.get()); }
  TObj* Required() const {
    if (TVM_FFI_PREDICT_FALSE(data_ == nullptr)) {
      TVM_FFI_THROW(IndexError) << "cannot index a null " << TObj::kNoun;
    }
    return obj();
  }
  uint64_t FindSlot(const K& key) const {
    return obj() == nullptr ? MapBaseObj::kNoSlot : obj()->Find(BorrowedAny<K>(key).get());
  }
};

inline bool IsMap(const TVMFFIAny* src) {
  return src->type_index == kTVMFFIMap || src->type_index == kTVMFFIDict;
}

inline const MapBaseObj* MapFromAny(const TVMFFIAny* src) {
  return ObjectUnsafe::RawObjectPtrFromUnowned<MapBaseObj>(src->v_obj);
}

/*! \brief Traits of Map<K, V> and Dict<K, V>. Each accepts the other's entries into a new
 * container. */
template <typename TRef, typename K, typename V, int32_t kTypeIndex>
struct MapTypeTraits : public ObjectRefTypeTraitsBase<TRef> {
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    if (src->type_index != kTypeIndex) {
      return false;
    }
    if constexpr (!std::is_same_v<K, Any> || !std::is_same_v<V, Any>) {
      const MapBaseObj* map = MapFromAny(src);
      for (uint64_t i = map->FirstSlot(); i != MapBaseObj::kNoSlot; i = map->NextSlot(i)) {
        if (!AnyUnsafe::CheckAnyStrict<K>(map->PairAt(i).first) ||
            !AnyUnsafe::CheckAnyStrict<V>(map->PairAt(i).second)) {
          return false;
        }
      }
    }
    return true;
  }
  static std::optional<TRef> TryCastFromAnyView(const TVMFFIAny* src) {
    if (!IsMap(src)) {
      return std::nullopt;
    }
    if (CheckAnyStrict(src)) {
      return TypeTraits<TRef>::CopyFromAnyViewAfterCheck(src);
    }
    TRef result;
    const MapBaseObj* map = MapFromAny(src);
    for (uint64_t i = map->FirstSlot(); i != MapBaseObj::kNoSlot; i = map->NextSlot(i)) {
      std::optional<K> key = TryCastElement<K>(map->PairAt(i).first);
      std::optional<V> value = TryCastElement<V>(map->PairAt(i).second);
      if (!key.has_value() || !value.has_value()) {
        return std::nullopt;
      }
      result.Set(*std::move(key), *std::move(value));
    }
    return result;
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    if (IsMap(src)) {
      const std::string name = TRef::ContainerType::kName;
      const MapBaseObj* map = MapFromAny(src);
      for (uint64_t i = map->FirstSlot(); i != MapBaseObj::kNoSlot; i = map->NextSlot(i)) {
        const MapBaseObj::KVType& pair = map->PairAt(i);
        if (!TryCastElement<K>(pair.first).has_value()) {
          return name + "[some key is " + AnyUnsafe::GetMismatchTypeInfo<K>(pair.first) + ", V]";
        }
        if (!TryCastElement<V>(pair.second).has_value()) {
          return name + "[K, some value is " + AnyUnsafe::GetMismatchTypeInfo<V>(pair.second) + "]";
        }
      }
    }
    return TypeTraitsBase::GetMismatchTypeInfo(src);
  }
  static std::string TypeStr() { return ContainerTypeStr<K, V>(TRef::ContainerType::kName); }
  static std::string TypeSchema() {
    return CompositeTypeSchema<K, V>(TRef::ContainerType::_type_key);
  }
};
}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_MAP_BASE_H_
