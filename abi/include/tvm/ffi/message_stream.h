/*!
 * \file tvm/ffi/message_stream.h
 * \brief The stream that error messages are written to: a std::ostream for those who need one,
 * without its header for those who do not.
 */
#ifndef TVM_FFI_MESSAGE_STREAM_H_
#define TVM_FFI_MESSAGE_STREAM_H_

#include <tvm/ffi/base_details.h>

#include <iosfwd>
#include <string>
#include <string_view>

namespace tvm {
namespace ffi {
namespace details {

/*!
 * \brief A std::ostream that a message continues in, once something is written that only
 * std::ostream can print. Its format flags then hold for all that follows.
 */
class StdStream {
 public:
  virtual ~StdStream() = default;
  virtual void Write(std::string_view text) = 0;
  virtual void Write(long long value) = 0;           // NOLINT(runtime/int)
  virtual void Write(unsigned long long value) = 0;  // NOLINT(runtime/int)
  virtual void Write(double value) = 0;
  virtual void Write(const void* value) = 0;
};

/*! \brief StdStream over a string. A template, so that only its users need <ostream>. */
template <typename Char>
class StdStreamOver final : public StdStream, private std::basic_streambuf<Char> {
 public:
  explicit StdStreamOver(std::string* text) : text_(text), stream_(this) {}
  std::basic_ostream<Char>& stream() { return stream_; }

  void Write(std::string_view text) override { stream_ << text; }
  void Write(long long value) override { stream_ << value; }           // NOLINT(runtime/int)
  void Write(unsigned long long value) override { stream_ << value; }  // NOLINT(runtime/int)
  void Write(double value) override { stream_ << value; }
  void Write(const void* value) override { stream_ << value; }

 private:
  using Traits = std::char_traits<Char>;
  typename Traits::int_type overflow(typename Traits::int_type c) override {
    if (!Traits::eq_int_type(c, Traits::eof())) {
      text_->push_back(Traits::to_char_type(c));
    }
    return Traits::not_eof(c);
  }
  std::streamsize xsputn(const Char* data, std::streamsize size) override {
    text_->append(data, static_cast<size_t>(size));
    return size;
  }

  std::string* text_;
  std::basic_ostream<Char> stream_;
};

/*! \brief Whether std::ostream, as far as it is known here, prints a T. */
template <typename T, typename = void>
inline constexpr bool is_ostream_printable_v = false;
template <typename T>
inline constexpr bool is_ostream_printable_v<
    T,
    std::void_t<decltype(std::declval<std::basic_ostream<char>&>() << std::declval<const T&>())>> =
    true;

template <typename T>
inline constexpr bool is_object_pointer_v =
    std::is_pointer_v<T> && !std::is_function_v<std::remove_pointer_t<T>>;

/*! \brief Enums that convert to int print as that when nobody defined otherwise. */
template <typename T>
inline constexpr bool is_int_like_enum_v = std::is_enum_v<T>&& std::is_convertible_v<T, int>;

/*!
 * \brief Collects a message with `<<`, in the format of a fresh std::ostream.
 *
 * Numbers, pointers and text need nothing else. What std::ostream prints by an overload of the
 * type's own is printed by that; such overloads found only where the `<<` stands work too, as this
 * converts to std::ostream&. Both need <ostream>, which whoever defines an overload has included.
 */
class MessageStream {
 public:
  MessageStream() = default;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;
  ~MessageStream() {
    if (TVM_FFI_PREDICT_FALSE(std_ != nullptr)) {
      delete std_;
    }
  }

  const std::string& str() const { return text_; }

  MessageStream& operator<<(const char* text) {
    return text == nullptr ? *this : Text(text, std::strlen(text));
  }
  MessageStream& operator<<(const std::string& text) { return Text(text.data(), text.size()); }
  MessageStream& operator<<(std::string_view text) { return Text(text.data(), text.size()); }
  MessageStream& operator<<(char c) { return Text(&c, 1); }
  MessageStream& operator<<(signed char c) { return *this << static_cast<char>(c); }
  MessageStream& operator<<(unsigned char c) { return *this << static_cast<char>(c); }
  MessageStream& operator<<(bool value) { return Signed(value); }
  MessageStream& operator<<(short value) { return Signed(value); }                 // NOLINT
  MessageStream& operator<<(unsigned short value) { return Unsigned(value); }      // NOLINT
  MessageStream& operator<<(int value) { return Signed(value); }                   // NOLINT
  MessageStream& operator<<(unsigned value) { return Unsigned(value); }            // NOLINT
  MessageStream& operator<<(long value) { return Signed(value); }                  // NOLINT
  MessageStream& operator<<(unsigned long value) { return Unsigned(value); }       // NOLINT
  MessageStream& operator<<(long long value) { return Signed(value); }             // NOLINT
  MessageStream& operator<<(unsigned long long value) { return Unsigned(value); }  // NOLINT
  MessageStream& operator<<(float value) { return Float(value); }
  MessageStream& operator<<(double value) { return Float(value); }
  MessageStream& operator<<(long double value) { return Float(static_cast<double>(value)); }
  MessageStream& operator<<(const void* value) { return Pointer(value); }
  MessageStream& operator<<(std::nullptr_t) { return *this << "nullptr"; }

  template <typename Char = char>
  MessageStream& operator<<(std::basic_ostream<Char>& (*manipulator)(std::basic_ostream<Char>&)) {
    AsStd<Char>() << manipulator;
    return *this;
  }
  template <typename Base = std::ios_base>
  MessageStream& operator<<(Base& (*manipulator)(Base&)) {
    AsStd<std::conditional_t<std::is_same_v<Base, std::ios_base>, char, void>>() << manipulator;
    return *this;
  }

  template <typename T,
            typename = std::enable_if_t<is_ostream_printable_v<T> || is_int_like_enum_v<T> ||
                                        is_object_pointer_v<T>>>
  MessageStream& operator<<(const T& value) {
    if constexpr (std::is_convertible_v<T, const char*>) {
      return *this << static_cast<const char*>(value);
    } else if constexpr (is_object_pointer_v<T>) {
      return Pointer(const_cast<const void*>(static_cast<const volatile void*>(value)));
    } else if constexpr (is_ostream_printable_v<T>) {
      AsStd<char>() << value;
      return *this;
    } else {
      return Signed(static_cast<long long>(value));  // NOLINT(runtime/int)
    }
  }

  template <typename Stream,
            typename = std::enable_if_t<std::is_same_v<Stream, std::basic_ostream<char>>>>
  operator Stream&() {  // NOLINT(google-explicit-constructor)
    return AsStd<typename Stream::char_type>();
  }

 private:
  template <typename Char>
  std::basic_ostream<Char>& AsStd() {
    if (std_ == nullptr) {
      std_ = new StdStreamOver<Char>(&text_);
    }
    return static_cast<StdStreamOver<Char>*>(std_)->stream();
  }

  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ MessageStream& Text(const char* data,
                                                                          size_t size) {
    if (std_ != nullptr) {
      std_->Write(std::string_view(data, size));
    } else {
      text_.append(data, size);
    }
    return *this;
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ MessageStream& Signed(
      long long value) {  // NOLINT(runtime/int)
    if (std_ != nullptr) {
      std_->Write(value);
      return *this;
    }
    if (value < 0) {
      *this << '-';
    }
    const auto magnitude = static_cast<unsigned long long>(value);  // NOLINT(runtime/int)
    return Unsigned(value < 0 ? 0 - magnitude : magnitude);
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ MessageStream& Unsigned(
      unsigned long long value) {  // NOLINT(runtime/int)
    if (std_ != nullptr) {
      std_->Write(value);
      return *this;
    }
    char digits[20];
    char* const end = digits + sizeof(digits);
    char* begin = end;
    do {
      *--begin = static_cast<char>('0' + value % 10);
    } while ((value /= 10) != 0);
    return Text(begin, static_cast<size_t>(end - begin));
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ MessageStream& Float(double value) {
    if (std_ != nullptr) {
      std_->Write(value);
      return *this;
    }
    char text[32];
    return Text(text, static_cast<size_t>(std::snprintf(text, sizeof(text), "%g", value)));
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ MessageStream& Pointer(const void* value) {
    if (std_ != nullptr) {
      std_->Write(value);
      return *this;
    }
    if (value == nullptr) {
      return *this << '0';
    }
    char text[32];
    return Text(text, static_cast<size_t>(std::snprintf(text, sizeof(text), "%p", value)));
  }

  std::string text_;
  StdStream* std_{nullptr};
};

}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_MESSAGE_STREAM_H_
