"""Tensors, element types, devices, shapes."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
import tvm_ffi
from tvm_ffi import core

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


def test_096_a_numpy_array_without_a_copy():
    x = np.arange(6, dtype="int32").reshape(2, 3)
    t = tvm_ffi.from_dlpack(x)
    assert (t.shape, t.strides, t.ndim, t.numel()) == ((2, 3), (3, 1), 2, 6)
    assert t.dtype == "int32" and t.device == tvm_ffi.device("cpu:0")
    assert t.data_ptr() == x.ctypes.data
    assert repr(t) == "int32[2, 3]@cpu:0"


def test_097_numpy_shares_the_memory():
    x = np.zeros(3, dtype="float32")
    np.from_dlpack(tvm_ffi.from_dlpack(x))
    x[1] = 5
    assert np.from_dlpack(tvm_ffi.from_dlpack(x))[1] == 5


def test_098_strides_and_contiguity():
    x = np.zeros((4, 6), dtype="float32")[:, ::2]
    t = tvm_ffi.from_dlpack(x)
    assert t.strides == (6, 2) and not t.is_contiguous()
    with pytest.raises(RuntimeError, match="contiguous"):
        tvm_ffi.from_dlpack(x, require_contiguous=True)


def test_099_alignment():
    raw = np.zeros(256, dtype="uint8")
    offset = 1 if (raw.ctypes.data + 1) % 64 else 2
    with pytest.raises(RuntimeError, match="64"):
        tvm_ffi.from_dlpack(raw[offset:], require_alignment=64)
    with pytest.raises(ValueError):
        tvm_ffi.from_dlpack(raw, require_alignment=-1)


@pytest.mark.parametrize("value", [3, "text", None, object()])
def test_100_what_is_no_tensor(value):
    with pytest.raises(TypeError):
        tvm_ffi.from_dlpack(value)


def test_101_a_capsule_is_used_up():
    for version in (None, (1, 0)):
        capsule = tvm_ffi.from_dlpack(np.zeros(3)).__dlpack__(max_version=version)
        assert tvm_ffi.from_dlpack(capsule).shape == (3,)
        with pytest.raises(TypeError):
            tvm_ffi.from_dlpack(capsule)


def test_102_zero_dimensions():
    t = tvm_ffi.from_dlpack(np.array(1.5))
    assert (t.shape, t.strides, t.numel()) == ((), (), 1)


def test_103_zero_elements():
    t = tvm_ffi.from_dlpack(np.zeros((4, 0)))
    assert t.is_contiguous() and t.numel() == 0


def test_104_size():
    t = tvm_ffi.from_dlpack(np.zeros((2, 3)))
    assert t.size(-1) == 3 and t.size(0) == 2
    for index in (2, -3):
        with pytest.raises(IndexError):
            t.size(index)


def test_105_capsule_names():
    t = tvm_ffi.from_dlpack(np.zeros(3))
    assert '"dltensor"' in repr(t.__dlpack__())
    assert '"dltensor"' in repr(t.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(t.__dlpack__(max_version=(1, 0)))
    assert '"dltensor_versioned"' in repr(t._to_dlpack_versioned())
    assert t.__dlpack_device__() == (1, 0)


def test_106_no_copies_and_no_other_device():
    t = tvm_ffi.from_dlpack(np.zeros(3))
    with pytest.raises(BufferError):
        t.__dlpack__(copy=True)
    with pytest.raises(BufferError):
        t.__dlpack__(dl_device=(2, 0))
    assert t.__dlpack__(copy=False, dl_device=(1, 0), stream=None) is not None


def test_107_the_producer_is_kept_alive():
    x = np.zeros(3)
    before = sys.getrefcount(x)
    t = tvm_ffi.from_dlpack(x)
    assert sys.getrefcount(x) == before + 1
    capsule = t.__dlpack__()
    del t
    assert sys.getrefcount(x) == before + 1
    del capsule
    assert sys.getrefcount(x) == before


def test_107_calls_release_numpy_arrays(mod):
    x = np.arange(4, dtype="float32")
    before = sys.getrefcount(x)
    for _ in range(100):
        assert mod.sum_float32(x) == 6
    assert sys.getrefcount(x) == before


def test_108_read_only_arrays_are_refused(echo):
    x = np.zeros(3)
    x.flags.writeable = False
    with pytest.raises(BufferError):
        tvm_ffi.from_dlpack(x)
    with pytest.raises(BufferError):
        echo(x)
    with pytest.raises(BufferError):
        echo(np.zeros(3, dtype=object))


@needs_torch
def test_109_torch_in_torch_out(echo):
    x = torch.arange(6.0, requires_grad=True)
    y = echo(x)
    assert type(y) is torch.Tensor and y.data_ptr() == x.data_ptr() and not y.requires_grad


@needs_torch
def test_109_torch_fallback_without_exchange_table(module_path):
    import os
    import subprocess

    program = (
        "import sys, torch, tvm_ffi\n"
        "m = tvm_ffi.load_module(sys.argv[1])\n"
        "x = torch.arange(4.0, requires_grad=True)\n"
        "assert m.sum_float32(x) == 6\n"
        "y = m.echo(x)\n"
        "assert type(y) is torch.Tensor and y.data_ptr() == x.data_ptr()\n"
    )
    environment = {**os.environ, "TVM_FFI_SKIP_DLPACK_C_EXCHANGE_API": "1"}
    subprocess.run([sys.executable, "-c", program, str(module_path)], env=environment, check=True)


@needs_torch
def test_110_tensors_inside_containers_come_back_as_torch(echo):
    x = torch.arange(3.0)
    assert type(echo([x, 1])[0]) is torch.Tensor
    assert type(echo([[x]])[0][0]) is torch.Tensor
    assert type(echo(np.zeros(2))) is tvm_ffi.Tensor


@needs_torch
def test_111_callback_arguments(mod):
    seen = []
    x = torch.arange(3.0)
    mod.apply(lambda t: seen.append(t), x)
    mod.apply(tvm_ffi.convert_func(lambda t: seen.append(t), tensor_cls=torch.Tensor), x)
    assert type(seen[0]) is tvm_ffi.Tensor and type(seen[1]) is torch.Tensor
    assert seen[1].data_ptr() == x.data_ptr()


@needs_torch
def test_112_torch_dtypes(echo):
    assert echo(torch.float32) == tvm_ffi.dtype("float32")
    assert echo(torch.bfloat16) == "bfloat16" and echo(torch.bool) == "bool"
    with pytest.raises(ValueError):
        echo(torch.complex64)


def test_112_numpy_dtypes(echo):
    assert echo(np.dtype("int16")) == "int16" and echo(np.dtype(bool)) == "bool"
    for name in ("complex64", "U3", ">i4"):
        with pytest.raises(ValueError):
            echo(np.dtype(name))


def test_113_a_complex_tensor_has_no_printable_dtype():
    t = tvm_ffi.from_dlpack(np.zeros(2, dtype="complex64"))
    with pytest.raises(ValueError):
        t.dtype


def test_114_tensors_compare_by_identity(echo):
    x = np.zeros(2)
    a, b = tvm_ffi.from_dlpack(x), tvm_ffi.from_dlpack(x)
    assert a != b and echo(a) == a and hash(echo(a)) == hash(a)


@needs_torch
def test_180_torch_inside_a_dict(echo):
    x = torch.arange(3.0)
    result = echo({"a": x})
    assert type(result["a"]) is torch.Tensor
    assert type(list(result.values())[0]) is torch.Tensor
    assert type(list(result.items())[0][1]) is torch.Tensor


def test_181_a_callback_returns_numpy(mod):
    assert type(mod.apply(lambda: np.zeros(2))) is tvm_ffi.Tensor


@needs_torch
def test_the_callee_allocates_with_torch(mod):
    x = torch.zeros(3)
    y = mod.alloc_like(x)
    assert type(y) is torch.Tensor and y.shape == x.shape and y.dtype == x.dtype
    assert mod.has_allocator() == 0
    with pytest.raises(RuntimeError):
        mod.alloc_like(np.zeros(3))


@needs_torch
def test_the_allocator_is_restored_after_an_error(mod):
    with pytest.raises(ValueError):
        mod.apply(lambda x: int("no"), torch.zeros(2))
    assert mod.has_allocator() == 0


@needs_torch
def test_calls_see_strided_numpy_data(mod):
    assert mod.sum_float32(np.arange(10, dtype="float32")[::3]) == 18
    assert mod.sum_float32(np.arange(10, dtype="float32")[::-1]) == 45
    assert mod.sum_float32(torch.arange(10, dtype=torch.float32)[::3]) == 18
    assert mod.sum_float32(tvm_ffi.from_dlpack(np.ones(4, "float32"))) == 4


@pytest.mark.parametrize(
    "name", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float64"]
)
def test_numpy_element_types(echo, name):
    x = np.zeros((2, 3), dtype=name)
    t = echo(x)
    assert t.dtype == name and t.shape == (2, 3) and t.data_ptr() == x.ctypes.data


def test_swapped_byte_order_is_refused(echo):
    with pytest.raises(BufferError):
        echo(np.zeros(3, dtype=">i4"))


def test_an_array_outlives_its_last_python_reference(mod):
    held = tvm_ffi.Array([np.arange(1000, dtype="float32")])
    assert mod.sum_float32(held[0]) == 499500


def test_a_view_of_a_dltensor(mod):
    t = mod.tensor_view()
    assert t.__chandle__() == 0 and t.shape == (2, 3) and t.strides == (3, 1) and t.dtype == "float32"
    assert mod.type_index(t) == 7


def test_borrowed_results_are_refused(mod):
    with pytest.raises(ValueError):
        mod.return_raw_str()


def test_tensors_do_not_pickle():
    with pytest.raises(TypeError):
        pickle.dumps(tvm_ffi.from_dlpack(np.zeros(2)))


def test_any_producer_with_dlpack(mod):
    class Producer:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **kwargs):
            return self.array.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    assert mod.sum_float32(Producer(np.ones(3, "float32"))) == 3


def test_the_dlpack_version():
    assert core.__dlpack_version__ == (1, 3)


def test_result_class_can_be_replaced(echo):
    class Mine(tvm_ffi.Tensor):
        pass

    core._set_class_tensor(Mine)
    try:
        assert type(echo(np.zeros(2))) is Mine
    finally:
        core._set_class_tensor(tvm_ffi.Tensor)


# --- Shape


def test_126_shapes():
    assert tvm_ffi.Shape((1, 2)) == (1, 2) and tvm_ffi.Shape((-1,)) == (-1,)
    assert tvm_ffi.Shape((np.int64(3),)) == (3,)
    with pytest.raises(ValueError):
        tvm_ffi.Shape((1.5,))


def test_126_shapes_cross_the_boundary(echo, mod):
    shape = tvm_ffi.Shape((1, 2))
    assert mod.type_index(shape) == 69
    result = echo(shape)
    assert type(result) is tvm_ffi.Shape and result == (1, 2)
    assert echo(result)._tvm_ffi_cached_object.same_as(result._tvm_ffi_cached_object)
    assert type(result[:1]) is tuple and type(result + (3,)) is tuple
    assert pickle.loads(pickle.dumps(result)) == (1, 2)
