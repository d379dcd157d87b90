/*!
 * \file tvm/ffi/extra/json.h
 * \brief JSON text to values and back.
 *
 * null, true and false are None and bool; a number without fraction and exponent is an int if it
 * fits in 64 bits, else a float; strings are String, arrays Array<Any>, objects Map<Any, Any> with
 * String keys in the order of the text. NaN, Infinity and -Infinity are read and written.
 */
#ifndef TVM_FFI_EXTRA_JSON_H_
#define TVM_FFI_EXTRA_JSON_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

namespace tvm {
namespace ffi {
namespace json {

using Value = Any;
using Object = ffi::Map<Any, Any>;
using Array = ffi::Array<Any>;

/*!
 * \brief The value of a JSON text.
 *
 * Of equal keys of an object the last one counts. Texts that nest deeper than 4096 levels and
 * numbers outside the range of double are refused. Strings are not checked for being UTF-8.
 *
 * \param json_str The text.
 * \param error_msg If given, it receives the error's text, or the empty string; nothing is thrown.
 * \return The value; None when there was an error.
 * \note Throws ValueError with texts like Python's: `Expecting value: line 1 column 5 (char 4)`.
 * Lines and columns count from 1, and all three count bytes.
 */
TVM_FFI_EXTRA_CXX_API Value Parse(const String& json_str, String* error_msg = nullptr);

/*!
 * \brief The JSON text of a value made of None, bool, int, float, String, Array, List and Map.
 *
 * \param value The value. Values of any other type, keys that are no strings, and nesting deeper
 * than 4096 levels, such as a List in itself, are a ValueError.
 * \param indent Spaces per level, each element on a line of its own; without it, or with 0, there
 * is no white space at all.
 */
TVM_FFI_EXTRA_CXX_API String Stringify(const Value& value,
                                       const Optional<int>& indent = std::nullopt);

}  // namespace json
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_JSON_H_
