// The CPython headers, in the order they need: Python.h before everything.
#ifndef TVMFFI_PYTHON_CORE_PYTHON_API_H_
#define TVMFFI_PYTHON_CORE_PYTHON_API_H_

#define PY_SSIZE_T_CLEAN
// clang-format off
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>
#if PY_VERSION_HEX < 0x030B0000
#include <longintrepr.h>
#endif
// clang-format on

#endif  // TVMFFI_PYTHON_CORE_PYTHON_API_H_
