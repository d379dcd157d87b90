/*!
 * \file tvm/ffi/extra/serialization.h
 * \brief Graphs of objects to JSON values and back.
 *
 * The JSON value is `{"root_index": i, "nodes": [{"type": key, "data": ...}, ...]}`. Equal plain
 * values share one node, and so do all references to one object; nodes stand before those that
 * refer to them. What `data` is depends on the type:
 *
 * - None has no data; bool, int, float and ffi.String are themselves; DataType its text; Device
 *   `[type, id]`; ffi.Bytes base64 text; ffi.Shape a list of ints;
 * - ffi.Array and ffi.List a list of node indices; ffi.Map and ffi.Dict one of alternately keys and
 *   values;
 * - an enum value its name, or its number if it is an IntEnum;
 * - of an object its reflected fields by name: fields of the types bool, int, float and DataType as
 *   themselves, all others as node indices;
 * - of a type with the attributes `__data_to_json__` and `__data_from_json__` what the former
 *   returns and the latter takes.
 */
#ifndef TVM_FFI_EXTRA_SERIALIZATION_H_
#define TVM_FFI_EXTRA_SERIALIZATION_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/extra/json.h>

namespace tvm {
namespace ffi {

/*!
 * \brief The graph of everything that `value` refers to.
 * \param metadata If not None, it is put under "metadata"; a JSON value. Nothing reads it back.
 * \note TypeError for objects that FromJSONGraph could not make, such as functions and tensors;
 * ValueError for an object that contains itself; RuntimeError for pointers.
 */
TVM_FFI_EXTRA_CXX_API json::Value ToJSONGraph(const Any& value, const Any& metadata = Any(nullptr));

/*!
 * \brief The value of a graph.
 *
 * Fields that a graph does not mention get their defaults, unknown ones are ignored.
 * \note ValueError starting `Invalid JSON Object Graph` for a value that is no such graph: one with
 * cycles, or of more than 10000 levels, as well; TypeError when a field's value does not convert or
 * a required one is missing; RuntimeError for types whose objects cannot be made.
 */
TVM_FFI_EXTRA_CXX_API Any FromJSONGraph(const json::Value& value);

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_SERIALIZATION_H_
