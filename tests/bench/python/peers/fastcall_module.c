/* The floor: the same functions as METH_FASTCALL functions, written by hand. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlpack/dlpack.h>
#include <stddef.h>
#include <structmember.h>

static PyObject* Refuse(const char* message) {
  PyErr_SetString(PyExc_TypeError, message);
  return NULL;
}

static PyObject* Nothing(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self, (void)args;
  if (num_args != 0) return Refuse("expected no argument");
  Py_RETURN_NONE;
}

/* What dropping the GIL costs a call, whatever is called. */
static PyObject* DropGil(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self, (void)args, (void)num_args;
  PyThreadState* thread = PyEval_SaveThread();
  PyEval_RestoreThread(thread);
  Py_RETURN_NONE;
}

/* The same behind an object of a class of its own: the interpreter's short cut is for builtins. */
typedef struct {
  PyObject_HEAD vectorcallfunc call;
} CallableObject;

static PyObject* CallDropGil(PyObject* self, PyObject* const* args, size_t num_args,
                             PyObject* names) {
  (void)names;
  return DropGil(self, args, PyVectorcall_NARGS(num_args));
}

static PyMemberDef kCallableMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(CallableObject, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot kCallableSlots[] = {
    {Py_tp_call, (void*)PyVectorcall_Call}, {Py_tp_members, kCallableMembers}, {0, NULL}};
static PyType_Spec kCallable = {"fastcall_module.Callable", sizeof(CallableObject), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, kCallableSlots};

static int AddCallable(PyObject* module) {
  PyObject* type = PyType_FromSpec(&kCallable);
  if (type == NULL) return -1;
  CallableObject* object = PyObject_New(CallableObject, (PyTypeObject*)type);
  if (object == NULL) return -1;
  object->call = CallDropGil;
  return PyModule_AddObject(module, "object_drop_gil", (PyObject*)object);
}

static PyObject* Number(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self;
  if (num_args != 1) return Refuse("expected an int");
  long long value = PyLong_AsLongLong(args[0]);
  if (value == -1 && PyErr_Occurred()) return NULL;
  return PyLong_FromLongLong(value + 1);
}

static PyObject* Text(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self;
  Py_ssize_t size;
  if (num_args != 1 || PyUnicode_AsUTF8AndSize(args[0], &size) == NULL)
    return Refuse("expected a str");
  return PyLong_FromSsize_t(size);
}

/* Three tensors of one class with an exchange table, which is looked up once. */
static PyObject* Tensors(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self;
  static PyTypeObject* type;
  static const DLPackExchangeAPI* api;
  if (num_args != 3) return Refuse("expected three tensors");
  if (type == NULL) {
    PyObject* table =
        PyObject_GetAttrString((PyObject*)Py_TYPE(args[0]), "__dlpack_c_exchange_api__");
    if (table == NULL) return NULL;
    api = (const DLPackExchangeAPI*)PyCapsule_GetPointer(table, "dlpack_exchange_api");
    Py_DECREF(table);
    if (api == NULL) return NULL;
    type = Py_TYPE(args[0]);
  }
  for (Py_ssize_t i = 0; i < 3; ++i) {
    DLTensor tensor;
    if (Py_TYPE(args[i]) != type) return Refuse("expected tensors of one class");
    if (api->dltensor_from_py_object_no_sync(args[i], &tensor) != 0) return NULL;
    if (tensor.ndim != 2) return Refuse("expected tensors of two dimensions");
  }
  Py_RETURN_NONE;
}

static PyObject* Arrays(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self;
  if (num_args != 3) return Refuse("expected three arrays");
  for (Py_ssize_t i = 0; i < 3; ++i) {
    Py_buffer view;
    if (PyObject_GetBuffer(args[i], &view, PyBUF_FORMAT | PyBUF_STRIDES) != 0) return NULL;
    int ndim = view.ndim;
    PyBuffer_Release(&view);
    if (ndim != 2) return Refuse("expected arrays of two dimensions");
  }
  Py_RETURN_NONE;
}

static PyObject* Apply(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self;
  if (num_args != 2) return Refuse("expected a callable and a value");
  return PyObject_CallOneArg(args[0], args[1]);
}

static PyObject* Fail(PyObject* self, PyObject* const* args, Py_ssize_t num_args) {
  (void)self, (void)args, (void)num_args;
  PyErr_SetString(PyExc_ValueError, "no such thing");
  return NULL;
}

#define ENTRY(name, function) \
  { name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL }
static PyMethodDef kMethods[] = {
    ENTRY("nothing", Nothing), ENTRY("number", Number),    ENTRY("text", Text),
    ENTRY("tensors", Tensors), ENTRY("arrays", Arrays),    ENTRY("apply", Apply),
    ENTRY("fail", Fail),       ENTRY("drop_gil", DropGil), {NULL, NULL, 0, NULL},
};
static PyModuleDef kModule = {
    PyModuleDef_HEAD_INIT, "fastcall_module", NULL, -1, kMethods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_fastcall_module(void) {
  PyObject* module = PyModule_Create(&kModule);
  if (module == NULL || AddCallable(module) != 0) return NULL;
  return module;
}
