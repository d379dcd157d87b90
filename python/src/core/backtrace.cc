#include "backtrace.h"

#include <charconv>
#include <unordered_map>
#include <vector>

#include "state.h"

namespace tvmffi::python {
namespace {

constexpr std::string_view kFileMark = "  File \"";
constexpr std::string_view kLineMark = "\", line ";
constexpr std::string_view kFuncMark = ", in ";
// The extension's own frames end here, seen from the innermost.
constexpr std::string_view kCallbackEntry = "in TVMFFIPythonCallback";
constexpr size_t kMaxCachedCodes = 4096;

struct FrameLine {
  std::string file;
  int line = 0;
  std::string function;
};

bool ParseLine(std::string_view text, FrameLine* out) {
  if (text.substr(0, kFileMark.size()) != kFileMark) return false;
  text.remove_prefix(kFileMark.size());
  size_t line_at = text.rfind(kLineMark);
  if (line_at == std::string_view::npos) return false;
  std::string_view rest = text.substr(line_at + kLineMark.size());
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out->line);
  if (error != std::errc() || out->line < 0) return false;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  if (rest.substr(0, kFuncMark.size()) != kFuncMark) return false;
  out->file = text.substr(0, line_at);
  out->function = rest.substr(kFuncMark.size());
  return true;
}

// Code objects by line of text: the same C++ lines raise again and again.
PyCodeObject* CodeOf(std::string_view text) {
  static auto& codes = *new std::unordered_map<std::string, PyCodeObject*>();
  std::string key(text);
  auto found = codes.find(key);
  if (found != codes.end()) return found->second;
  FrameLine line;
  if (!ParseLine(text, &line)) return nullptr;
  PyCodeObject* code = PyCode_NewEmpty(line.file.c_str(), line.function.c_str(), line.line);
  if (code == nullptr) {
    PyErr_Clear();
    return nullptr;
  }
  if (codes.size() >= kMaxCachedCodes) {
    for (auto& [unused, old] : codes) Py_DECREF(old);
    codes.clear();
  }
  return codes.emplace(std::move(key), code).first->second;
}

// Empty, without an exception, when there was no memory.
PyRef MakeFrame(PyCodeObject* code) {
  PyFrameObject* frame =
      PyFrame_New(PyThreadState_Get(), code, PyModule_GetDict(g_state.module), nullptr);
  if (frame == nullptr) PyErr_Clear();
  return PyRef::Steal(reinterpret_cast<PyObject*>(frame));
}

// Calls `visit` with every line, without its newline.
template <typename Visit>
void ForEachLine(std::string_view text, Visit visit) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

PyRef Attribute(PyObject* object, const char* name) {
  return PyRef::Steal(PyObject_GetAttrString(object, name));
}

// Empty with a Python exception on failure.
std::string LineOf(PyObject* traceback) {
  PyRef frame = Attribute(traceback, "tb_frame");
  PyRef number = Attribute(traceback, "tb_lineno");
  PyRef code = frame ? Attribute(frame.get(), "f_code") : PyRef();
  PyRef file = code ? Attribute(code.get(), "co_filename") : PyRef();
  PyRef name = code ? Attribute(code.get(), "co_name") : PyRef();
  const char* file_text = file ? PyUnicode_AsUTF8(file.get()) : nullptr;
  const char* name_text = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
  if (!number || file_text == nullptr || name_text == nullptr) return std::string();
  long line = number.get() == Py_None ? 0 : PyLong_AsLong(number.get());
  std::string text(kFileMark);
  text.append(file_text).append(kLineMark).append(std::to_string(line));
  return text.append(kFuncMark).append(name_text).append("\n");
}

}  // namespace

void AddFramesToPendingException(std::string_view text) {
  PyObject *type, *value, *traceback;
  std::vector<PyRef> frames;
  // A frame cannot be made while an exception is pending.
  PyErr_Fetch(&type, &value, &traceback);
  ForEachLine(text, [&](std::string_view line) {
    PyCodeObject* code = CodeOf(line);
    PyRef frame = code != nullptr ? MakeFrame(code) : PyRef();
    if (frame) frames.push_back(std::move(frame));
  });
  PyErr_Restore(type, value, traceback);
  for (const PyRef& frame : frames) {
    PyTraceBack_Here(reinterpret_cast<PyFrameObject*>(frame.get()));
  }
}

std::string TracebackText(PyObject* traceback) {
  std::vector<std::string> lines;
  PyRef at = PyRef::Borrow(traceback);
  while (at && at.get() != Py_None) {
    std::string line = LineOf(at.get());
    if (line.empty()) PyErr_Clear();
    lines.push_back(std::move(line));
    at = Attribute(at.get(), "tb_next");
  }
  if (!at) PyErr_Clear();
  std::string text;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) text += *line;
  return text;
}

std::string CallerBacktrace() {
  const TVMFFIByteArray* all = TVMFFIBacktrace(nullptr, 0, nullptr, 0);
  std::string_view text(all->data, all->size);
  size_t entry = text.find(kCallbackEntry);
  if (entry != std::string_view::npos) {
    size_t line_end = text.find('\n', entry);
    text = line_end == std::string_view::npos ? std::string_view() : text.substr(line_end + 1);
  }
  return std::string(text);
}

}  // namespace tvmffi::python
