/* An extension module that knows only the public headers. */
#include <pthread.h>
#include <tvm_ffi_python_helpers.h>

static void* DropReference(void* handle) {
  TVMFFIObjectDecRef(handle);
  return NULL;
}

/* Wraps its argument and drops the wrapper on a thread that Python has never seen. */
static PyObject* HoldAndDrop(PyObject* self, PyObject* object) {
  TVMFFIObjectHandle opaque = NULL;
  pthread_t thread;
  (void)self;
  if (TVMFFIPyObjectToOpaque(object, &opaque) != 0 ||
      pthread_create(&thread, NULL, DropReference, opaque) != 0) {
    return PyErr_Format(PyExc_RuntimeError, "cannot hand the object to a thread");
  }
  Py_BEGIN_ALLOW_THREADS pthread_join(thread, NULL);
  Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static int ReturnSelf(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  PyGILState_STATE state = PyGILState_Ensure();
  int code;
  (void)args, (void)num_args;
  result->type_index = kTVMFFIOpaquePyObject;
  result->zero_padding = 0;
  code = TVMFFIPyObjectToOpaque((PyObject*)self, (TVMFFIObjectHandle*)&result->v_obj);
  PyGILState_Release(state);
  return code;
}

/* Registers a global function that returns `object` and owns it. */
static PyObject* Register(PyObject* self, PyObject* args) {
  TVMFFIByteArray name;
  Py_ssize_t size;
  PyObject* object;
  TVMFFIObjectHandle function = NULL;
  int code;
  (void)self;
  if (!PyArg_ParseTuple(args, "s#O", &name.data, &size, &object)) return NULL;
  name.size = (size_t)size;
  Py_INCREF(object);
  if (TVMFFIFunctionCreate(object, ReturnSelf, TVMFFIPyReleaseObject, &function) != 0) {
    return PyErr_Format(PyExc_RuntimeError, "no function");
  }
  code = TVMFFIFunctionSetGlobal(&name, function, 1);
  TVMFFIObjectDecRef(function);
  if (code != 0) return PyErr_Format(PyExc_RuntimeError, "cannot register");
  Py_RETURN_NONE;
}

/* Calls a tvm_ffi.Function with an int; the result must be an int. */
static PyObject* Call(PyObject* self, PyObject* args) {
  TVMFFIAny arg = {.type_index = kTVMFFIInt}, result = {.type_index = kTVMFFINone};
  TVMFFIObjectHandle handle;
  PyObject* function;
  long long value;
  (void)self;
  if (!PyArg_ParseTuple(args, "OL", &function, &value)) return NULL;
  if ((handle = TVMFFIPyBorrowHandle(function)) == NULL) return NULL;
  arg.v_int64 = value;
  if (TVMFFIFunctionCall(handle, &arg, 1, &result) != 0 || result.type_index != kTVMFFIInt) {
    return PyErr_Format(PyExc_RuntimeError, "the call failed");
  }
  return PyLong_FromLongLong(result.v_int64);
}

static PyMethodDef kMethods[] = {
    {"hold_and_drop", HoldAndDrop, METH_O, NULL},
    {"register", Register, METH_VARARGS, NULL},
    {"call", Call, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef kModule = {
    PyModuleDef_HEAD_INIT, "python_helpers_module", NULL, -1, kMethods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_python_helpers_module(void) { return PyModule_Create(&kModule); }
