#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string_view>

namespace py = pybind11;

namespace {

void RequireMatrix(const py::array& array) {
  if (array.ndim() != 2) throw py::type_error("expected arrays of two dimensions");
}

}  // namespace

PYBIND11_MODULE(pybind11_module, m) {
  m.def("nothing", [] {});
  m.def("number", [](int64_t value) { return value + 1; });
  m.def("text", [](std::string_view text) { return text.size(); });
  m.def("arrays", [](const py::array& a, const py::array& b, const py::array& c) {
    for (const py::array* array : {&a, &b, &c}) RequireMatrix(*array);
  });
  m.def("apply", [](const py::function& function, int64_t value) { return function(value); });
  m.def("fail", [] { throw py::value_error("no such thing"); });
}
