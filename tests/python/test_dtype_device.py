"""tvm_ffi.dtype and devices."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tvm_ffi
from tvm_ffi import core


def test_115_spellings_of_a_device():
    assert tvm_ffi.device("cuda:1") == tvm_ffi.device("cuda", 1) == tvm_ffi.device(2, 1)
    assert str(tvm_ffi.device("cuda:1")) == "cuda:1"
    assert repr(tvm_ffi.device("cuda:1")) == "device(type='cuda', index=1)"
    assert tvm_ffi.device(tvm_ffi.DLDeviceType.kDLCUDA, 1) == tvm_ffi.device("cuda:1")
    assert tvm_ffi.device("cuda:1", 3).index == 1
    assert tvm_ffi.device("cpu").index == 0 and tvm_ffi.device("cuda -libs=x").type == "cuda"
    assert tvm_ffi.device("cuda", np.int64(2)).index == 2
    assert tvm_ffi.device("cuda:-1").index == -1


@pytest.mark.parametrize("text", ["gpu", "cpu:", "cpu:0:0", "CUDA", "cuda_host", "cuda:x", ""])
def test_116_no_devices(text):
    with pytest.raises(ValueError):
        tvm_ffi.device(text)


def test_117_the_message_names_the_device():
    with pytest.raises(ValueError) as caught:
        tvm_ffi.device("llvm")
    assert str(caught.value) == "Unknown device: llvm"


@pytest.mark.parametrize("index", ["?", 1.0])
def test_118_indices_are_integers(index):
    with pytest.raises(TypeError):
        tvm_ffi.device("cpu", index)


def test_119_aliases():
    assert tvm_ffi.device("mps:1").type == "metal"
    assert tvm_ffi.device("wgpu").type == "webgpu"


def test_120_devices_pickle_and_hash():
    d = tvm_ffi.device("cuda:1")
    assert pickle.loads(pickle.dumps(d)) == d
    assert {d: 1}[tvm_ffi.device("cuda:1")] == 1
    assert d != "cuda:1" and d.dlpack_device_type() == 2


def test_120_an_unknown_type_fails_when_printed():
    d = tvm_ffi.device(99)
    with pytest.raises(KeyError):
        str(d)


def test_120_devices_cross_the_boundary(echo):
    assert echo(tvm_ffi.device("cuda:3")) == tvm_ffi.device("cuda:3")
    assert type(echo(tvm_ffi.device("cpu"))) is core.Device


def test_121_vector_types():
    d = tvm_ffi.dtype("float32x4")
    assert (d.lanes, d.itemsize, d.bits, d.type_code) == (4, 16, 32, 2)
    assert d == "float32x4" and hash(d) == hash("float32x4")
    assert tvm_ffi.dtype("float32").with_lanes(4) == d


def test_122_narrow_types():
    assert tvm_ffi.dtype("int4").itemsize == 1
    d = tvm_ffi.dtype("float4_e2m1fnx2")
    assert (d.type_code, d.bits, d.lanes) == (17, 4, 2)
    assert tvm_ffi.dtype("bool").is_bool and tvm_ffi.dtype("handle").is_handle
    assert tvm_ffi.dtype("uint8").is_integer and tvm_ffi.dtype("bfloat16").is_float


@pytest.mark.parametrize("text", ["Float32", "int8x0", "int999", "complex64", "int8 "])
def test_123_no_dtypes(text):
    with pytest.raises(ValueError):
        tvm_ffi.dtype(text)
    assert not tvm_ffi.dtype.is_dtype(text)


def test_124_dtype_from_numbers():
    assert tvm_ffi.dtype.from_dlpack_data_type((2, 16, 1)) == "float16"
    with pytest.raises(ValueError):
        tvm_ffi.dtype.from_dlpack_data_type((77, 16, 1))


def test_125_numpy_takes_a_dtype():
    assert np.zeros(2, dtype=tvm_ffi.float32).dtype == np.float32


def test_dtypes_cross_the_boundary(echo):
    assert type(echo(tvm_ffi.dtype("int8"))) is tvm_ffi.dtype
    assert echo(core.DataType("int8x4")) == "int8x4"
    assert echo(tvm_ffi.dtype("int")) == "int32"


def test_dtypes_pickle():
    assert pickle.loads(pickle.dumps(tvm_ffi.dtype("int8x4"))) == tvm_ffi.dtype("int8x4")
    assert pickle.loads(pickle.dumps(core.DataType("int8"))) == core.DataType("int8")


def test_raw_data_types_compare_by_numbers():
    assert core.DataType("int") == core.DataType("int32") and core.DataType("int8") != core.DataType("int32")
    assert str(core.DataType("int")) == "int32" and hash(core.DataType("int")) == hash(core.DataType("int32"))


def test_scalable_vectors_have_no_size():
    with pytest.raises(ValueError):
        tvm_ffi.dtype("float32xvscalex4").itemsize
