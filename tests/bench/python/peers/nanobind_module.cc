#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>

#include <string_view>

namespace nb = nanobind;

using Matrix = nb::ndarray<nb::ndim<2>>;

NB_MODULE(nanobind_module, m) {
  m.def("nothing", [] {});
  m.def("number", [](int64_t value) { return value + 1; });
  m.def("text", [](std::string_view text) { return text.size(); });
  m.def("tensors", [](const Matrix&, const Matrix&, const Matrix&) {});
  m.def("apply", [](const nb::callable& function, int64_t value) { return function(value); });
  m.def("fail", [] { throw nb::value_error("no such thing"); });
}
