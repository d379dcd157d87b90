/*!
 * \file tvm/ffi/base_details.h
 * \brief Compiler macros and the hash functions that every module must agree on.
 */
#ifndef TVM_FFI_BASE_DETAILS_H_
#define TVM_FFI_BASE_DETAILS_H_

#include <tvm/ffi/c_api.h>
#include <tvm/ffi/endian.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

#if defined(_MSC_VER)
#define TVM_FFI_INLINE [[msvc::forceinline]] inline
#define TVM_FFI_NO_INLINE [[msvc::noinline]]
#define TVM_FFI_COLD_CODE
#define TVM_FFI_UNREACHABLE() __assume(false)
#define TVM_FFI_PREDICT_TRUE(cond) (cond)
#define TVM_FFI_PREDICT_FALSE(cond) (cond)
#define TVM_FFI_UNSAFE_ASSUME(cond) __assume(cond)
#define TVM_FFI_FUNC_SIG __FUNCSIG__
#else
#define TVM_FFI_INLINE [[gnu::always_inline]] inline
#define TVM_FFI_NO_INLINE [[gnu::noinline]]
/*! \brief Rarely runs: kept away from the hot code. */
#define TVM_FFI_COLD_CODE [[gnu::cold]]
#define TVM_FFI_UNREACHABLE() __builtin_unreachable()
#define TVM_FFI_PREDICT_TRUE(cond) (__builtin_expect(static_cast<bool>(cond), 1))
#define TVM_FFI_PREDICT_FALSE(cond) (__builtin_expect(static_cast<bool>(cond), 0))
#if defined(__clang__)
#define TVM_FFI_UNSAFE_ASSUME(cond) __builtin_assume(cond)
#else
#define TVM_FFI_UNSAFE_ASSUME(cond) \
  do {                              \
    if (!(cond)) {                  \
      __builtin_unreachable();      \
    }                               \
  } while (false)
#endif
/*! \brief The enclosing function as it is shown in backtraces. */
#define TVM_FFI_FUNC_SIG __PRETTY_FUNCTION__
#endif

/*! \brief Not part of a module's dynamic symbols: no other library's copy can replace it. */
#if defined(_MSC_VER) || defined(__EMSCRIPTEN__)
#define TVM_FFI_HIDDEN_
#else
#define TVM_FFI_HIDDEN_ __attribute__((visibility("hidden")))
#endif

#define TVM_FFI_STR_CONCAT_(a, b) a##b
#define TVM_FFI_STR_CONCAT(a, b) TVM_FFI_STR_CONCAT_(a, b)

/*!
 * \brief Starts a block that runs when the library is loaded; any number per file.
 *
 * \code
 * TVM_FFI_STATIC_INIT_BLOCK() { Register(); }
 * \endcode
 */
#if defined(_MSC_VER)
#define TVM_FFI_STATIC_INIT_BLOCK_(Name) \
  static void Name();                    \
  static const bool Name##_done = []() { \
    Name();                              \
    return true;                         \
  }();                                   \
  static void Name()
#else
#define TVM_FFI_STATIC_INIT_BLOCK_(Name) __attribute__((constructor)) static void Name()
#endif
#define TVM_FFI_STATIC_INIT_BLOCK() \
  TVM_FFI_STATIC_INIT_BLOCK_(TVM_FFI_STR_CONCAT(TVMFFIStaticInitBlock, __COUNTER__))

#define TVM_FFI_DEFINE_DEFAULT_COPY_MOVE_AND_ASSIGN(TypeName) \
  TypeName(const TypeName& other) = default;                  \
  TypeName(TypeName&& other) = default;                       \
  TypeName& operator=(const TypeName& other) = default;       \
  TypeName& operator=(TypeName&& other) = default

/*! \brief Opens the body of a C function that has no way to report an error: an exception ends the
 * process. */
#define TVM_FFI_LOG_EXCEPTION_CALL_BEGIN() try {
#define TVM_FFI_LOG_EXCEPTION_CALL_END(Name)                                      \
  }                                                                               \
  catch (const std::exception& err) {                                             \
    std::fprintf(stderr, "Exception caught during %s:\n%s\n", #Name, err.what()); \
    std::exit(-1);                                                                \
  }

/*! \brief Clears the upper half of a pointer payload on 32-bit hosts; nothing elsewhere. */
#if UINTPTR_MAX == UINT64_MAX
#define TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(result)
#else
#define TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(result) (result)->v_int64 = 0
#endif

namespace tvm {
namespace ffi {
namespace details {

template <typename F, typename... Args, size_t... I>
TVM_FFI_INLINE void for_each_(std::index_sequence<I...>, F& f, Args&&... args) {
  (f(I, std::forward<Args>(args)), ...);
}

/*! \brief Calls f(0, arg0), f(1, arg1), ... */
template <typename F, typename... Args>
TVM_FFI_INLINE void for_each(F f, Args&&... args) {
  for_each_(std::index_sequence_for<Args...>{}, f, std::forward<Args>(args)...);
}

/*! \brief Mixes `value` into `key`. Part of the ABI: containers made by one module are probed by
 * another. */
template <typename T>
TVM_FFI_INLINE uint64_t StableHashCombine(uint64_t key, T value) {
  return key ^ (static_cast<uint64_t>(value) + 0x9e3779b9ULL + (key << 6) + (key >> 2));
}

inline constexpr uint64_t kStableHashMultiplier = 1099511628211ULL;
inline constexpr uint64_t kStableHashModulus = 2147483647ULL;

/*! \brief `value % kStableHashModulus`, without the long way through a product's upper half. */
TVM_FFI_INLINE uint64_t StableHashReduce(uint64_t value) {
  // The modulus is 2^31 - 1, so 31-bit digits can simply be added.
  uint64_t sum =
      (value & kStableHashModulus) + ((value >> 31) & kStableHashModulus) + (value >> 62);
  sum = (sum & kStableHashModulus) + (sum >> 31);
  return sum >= kStableHashModulus ? sum - kStableHashModulus : sum;
}

/*! \brief The eight bytes at `data` as a little-endian number. */
TVM_FFI_INLINE uint64_t LoadLittleEndian8(const char* data) {
  uint64_t word = 0;
#if TVM_FFI_LITTLE_ENDIAN
  std::memcpy(&word, data, 8);
#else
  for (size_t i = 0; i < 8; ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
  }
#endif
  return word;
}

/*! \brief The fewer than eight bytes at `data` as a little-endian number. */
inline uint64_t LoadLittleEndianPart(const char* data, size_t num_bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < num_bytes; ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
  }
  return word;
}

/*! \brief Hash of a byte string; part of the ABI. */
inline uint64_t StableHashBytes(const void* data_ptr, size_t size) {
  const char* data = static_cast<const char*>(data_ptr);
  const char* const end = data + size;
  uint64_t result = 0;
  for (; end - data >= 8; data += 8) {
    result = StableHashReduce(result * kStableHashMultiplier + LoadLittleEndian8(data));
  }
  const size_t rest = static_cast<size_t>(end - data);
  if (rest != 0) {
    // The last eight bytes, without those that were part of the word before.
    const uint64_t word = size >= 8 ? LoadLittleEndian8(end - 8) >> (8 * (8 - rest))
                                    : LoadLittleEndianPart(data, rest);
    result = StableHashReduce(result * kStableHashMultiplier + word);
  }
  return result;
}

/*! \brief StableHashBytes of the content of a small string or small bytes. */
TVM_FFI_INLINE uint64_t StableHashSmallStrBytes(const TVMFFIAny* data) {
#if TVM_FFI_LITTLE_ENDIAN
  return data->v_uint64 % kStableHashModulus;
#else
  return StableHashBytes(data->v_bytes, data->small_str_len);
#endif
}

}  // namespace details
/*! \brief The name newer code uses for the same internals. */
namespace detail = details;
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_BASE_DETAILS_H_
