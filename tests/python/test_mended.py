"""What the published package gets wrong: each case by its number in the list of its defects, as it is here."""

from __future__ import annotations

import ctypes
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import tvm_ffi
import tvm_ffi.testing
from tvm_ffi import core


class OnDevice:
    """A producer whose array claims to be on a CUDA device."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __dlpack__(self):
        capsule = np.zeros(2).__dlpack__()
        pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
        pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        device = (ctypes.c_int32 * 2).from_address(pointer_of(capsule, b"dltensor") + ctypes.sizeof(ctypes.c_void_p))
        device[:] = 2, self.index
        return capsule


class WithStream(OnDevice):
    def __tvm_ffi_env_stream__(self):
        return 1000 + self.index


EMPTY_CLASSES = [
    tvm_ffi.Object,
    core.Function,
    core.Error,
    core.OpaquePyObject,
    tvm_ffi.Tensor,
    tvm_ffi.Module,
    tvm_ffi.Array,
    tvm_ffi.List,
    tvm_ffi.Map,
    tvm_ffi.Dict,
    tvm_ffi.StructuralKey,
    tvm_ffi.access_path.AccessPath,
    tvm_ffi.testing.TestIntPair,
]


def _use_everything(empty: object) -> None:
    """Each public member, read and called without and with an argument, and what operators do."""
    cls = type(empty)
    uses = [repr, str, hash, bool, len, list, iter, tvm_ffi.get_global_func("testing.echo"), tvm_ffi.structural_hash]
    uses += [lambda x: x == x, lambda x: x[0], lambda x: 0 in x, lambda x: tvm_ffi.structural_equal(x, x)]
    uses += [lambda x: tvm_ffi.serialization.to_json_graph_str(x), lambda x: x._move(), lambda x: x.__deepcopy__({})]
    for name in dir(cls):
        if name.startswith("_") or inspect.isclass(getattr(cls, name)):
            continue
        uses.append(lambda x, name=name: getattr(x, name))
        for count in range(3):
            uses.append(lambda x, name=name, count=count: getattr(x, name)(*[0] * count))
    for use in uses:
        try:
            use(empty)
        except Exception:  # noqa: BLE001 - any exception is an answer, a crash is none
            pass


@pytest.mark.parametrize("cls", EMPTY_CLASSES, ids=lambda cls: cls.__name__)
def test_defect_01_empty_wrappers_raise(cls):
    empty = cls.__new__(cls)
    assert empty.__chandle__() == 0
    with pytest.raises(ValueError, match="holds no object"):
        tvm_ffi.get_global_func("testing.echo")(empty)
    _use_everything(empty)


def test_defect_01_moved_objects_raise():
    for value in (tvm_ffi.Array([1]), tvm_ffi.Dict({1: 2}), tvm_ffi.convert(len), tvm_ffi.from_dlpack(np.zeros(2))):
        tvm_ffi.get_global_func("testing.echo")(value._move())
        assert value.__chandle__() == 0
        _use_everything(value)


def test_defect_02_a_tensor_may_name_its_stream(mod):
    seen = []

    def look(*_):
        seen.extend((tvm_ffi.get_raw_stream(tvm_ffi.device("cuda", index)) for index in (0, 1)))

    mod.apply(tvm_ffi.convert(look), WithStream(1))
    assert seen == [0, 1001]


def test_defect_02_the_first_tensor_on_a_device_decides(mod):
    seen = []

    def look(*_):
        seen.extend((tvm_ffi.get_raw_stream(tvm_ffi.device("cuda", index)) for index in (0, 1)))

    nested = [WithStream(0), WithStream(1)]
    mod.apply(look, nested)
    assert seen == [1000, 0]
    assert tvm_ffi.get_raw_stream(tvm_ffi.device("cuda", 0)) == 0


def test_defect_03_version_0_is_a_legacy_capsule():
    tensor = tvm_ffi.from_dlpack(np.zeros(3))
    assert '"dltensor"' in repr(tensor.__dlpack__(max_version=(0, 8)))


def test_defect_04_a_class_without_fields_makes_no_empty_objects():
    with pytest.raises(TypeError, match="has no constructor"):
        tvm_ffi.testing.TestFrozenCxx(1, 2)


def test_defect_05_types_and_devices_convert():
    assert tvm_ffi.convert(np.dtype(bool)) == "bool"
    device = tvm_ffi.device("cuda:1")
    assert tvm_ffi.convert(device) is device


def test_defect_06_a_refused_layout_is_a_runtime_error():
    with pytest.raises(RuntimeError):
        tvm_ffi.from_dlpack(np.zeros((4, 4))[:, ::2], require_contiguous=True)


def test_defect_07_streams_as_pointers():
    cuda = tvm_ffi.device("cuda:0")
    with tvm_ffi.use_raw_stream(cuda, ctypes.c_void_p(77)):
        assert tvm_ffi.get_raw_stream(cuda) == 77
    with tvm_ffi.use_raw_stream(cuda, ctypes.c_void_p(None)):
        assert tvm_ffi.get_raw_stream(cuda) == 0


def test_defect_08_kinds_and_texts_stay_as_they_are_there(mod):
    class Special(ValueError):
        pass

    def fail(error):
        raise error()

    for error, kind, text in ((Special, "RuntimeError", ""), (lambda: KeyError("k"), "KeyError", "'k'")):
        with pytest.raises((RuntimeError, KeyError)) as caught:
            mod.apply(lambda error=error: fail(error))
        assert caught.value.__tvm_ffi_error__.kind == kind
        assert caught.value.args == (text,)


def test_defect_09_the_stub_has_the_device_numbers():
    stub = Path(core.__file__).with_name("core.pyi").read_text()
    numbers = dict(re.findall(r"^    (kDL\w+) = (\d+)$", stub, re.MULTILINE))
    assert {name: int(number) for name, number in numbers.items()} == {each.name: each.value for each in tvm_ffi.DLDeviceType}
    assert numbers["kDLMAIA"] == "17" and numbers["kDLTrn"] == "18"


def test_defect_10_big_ints_overflow():
    for value in (2**63, -(2**63) - 1):
        with pytest.raises(OverflowError, match=str(value)):
            tvm_ffi.get_global_func("testing.echo")(value)
