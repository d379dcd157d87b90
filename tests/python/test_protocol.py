"""Classes that say how they are passed, opaque objects, callables."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading

import pytest
import tvm_ffi

from other_threads import longest_silence_during


class Plain:
    pass


def with_method(name, result):
    return type("WithMethod", (), {name: lambda self: result})()


def test_022_opaque_objects_come_back_identical(echo):
    obj = Plain()
    before = sys.getrefcount(obj)
    held = tvm_ffi.Array([obj])
    assert sys.getrefcount(obj) == before + 1
    assert held[0] is obj and echo(obj) is obj
    del held
    assert sys.getrefcount(obj) == before


def test_023_sets_ranges_and_modules_are_opaque(echo):
    for value in ({1, 2}, range(3), sys):
        assert echo(value) is value


def test_024_opaque_pointer_protocol(echo):
    pointer = echo(with_method("__tvm_ffi_opaque_ptr__", 16))
    assert isinstance(pointer, ctypes.c_void_p) and pointer.value == 16


def test_025_null_pointers(echo):
    assert echo(ctypes.c_void_p(0)).value is None
    assert echo(ctypes.c_void_p(4096)).value == 4096


def test_026_int_and_float_protocols(echo):
    assert echo(with_method("__tvm_ffi_int__", 5)) == 5
    assert echo(with_method("__tvm_ffi_float__", 2.5)) == 2.5


def test_027_errors_of_protocols_propagate(echo):
    class Broken:
        def __tvm_ffi_int__(self):
            raise KeyError("no")

    with pytest.raises(KeyError):
        echo(Broken())


def test_028_protocols_of_instances_are_ignored(echo):
    obj = Plain()
    obj.__tvm_ffi_int__ = lambda: 5
    assert echo(obj) is obj


def test_029_value_protocol_is_recursive(echo):
    value = [1, {"a": 2}]
    for _ in range(3):
        value = with_method("__tvm_ffi_value__", value)
    result = echo(value)
    assert result[0] == 1 and result[1]["a"] == 2


def test_030_object_protocol(echo):
    array = tvm_ffi.Array([1])
    assert echo(with_method("__tvm_ffi_object__", array)).same_as(array)


def test_031_object_convertible(echo):
    class Convertible(tvm_ffi.ObjectConvertible):
        def asobject(self):
            return tvm_ffi.Array([3])

    assert echo(Convertible()) == [3]
    with pytest.raises(NotImplementedError):
        tvm_ffi.ObjectConvertible().asobject()


def test_032_cuda_stream_protocol(echo):
    assert echo(with_method("__cuda_stream__", (0, 0x77))).value == 0x77


def test_033_dlpack_data_type_protocol(echo):
    assert echo(with_method("__dlpack_data_type__", (2, 32, 1))) == tvm_ffi.dtype("float32")


def test_034_dlpack_device_protocol(echo):
    assert echo(with_method("__dlpack_device__", (2, 3))) == tvm_ffi.device("cuda:3")


def test_035_callables_become_functions(echo):
    function = echo(lambda x: x + 1)
    assert type(function) is tvm_ffi.Function and function(2) == 3


def test_036_classes_are_callables(echo):
    assert type(echo(int)) is tvm_ffi.Function
    assert echo(int)("12") == 12


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 10, 300, 5000])
def test_037_any_number_of_arguments(mod, count):
    assert tvm_ffi.convert(lambda *a: len(a))(*range(count)) == count
    assert mod.count_args(*["a text on the heap"] * count) == count
    if count:
        assert mod.last_arg(*range(count)) == count - 1


def test_038_recursion_through_the_boundary(mod):
    def down(n):
        return 0 if n == 0 else 1 + mod.apply(down, n - 1)

    assert down(100) == 100


def test_039_keywords_are_refused(echo):
    with pytest.raises(TypeError):
        echo(x=1)
    assert echo(*[1], **{}) == 1


def test_040_wrappers_compare_by_object(echo):
    function = tvm_ffi.convert(lambda: 1)
    again = echo(function)
    assert again.same_as(function) and again == function and hash(again) == hash(function)
    assert again is not function and not (again != function)


def test_041_a_wrapped_callable_is_counted_once():
    def callback():
        return None

    before = sys.getrefcount(callback)
    function = tvm_ffi.convert(callback)
    assert sys.getrefcount(callback) == before + 1
    del function
    assert sys.getrefcount(callback) == before


def test_042_raw_strings_and_byte_arrays_reach_callbacks_as_copies(mod):
    seen = []
    assert mod.apply_raw(lambda x: seen.append(x) or len(seen)) == 2
    assert seen == ["raw text", b"\0raw\xff"]
    assert [type(x) for x in seen] == [str, bytes]


def test_043_callbacks_from_foreign_threads(mod):
    names = []

    def callback(x):
        names.append(threading.get_ident())
        return x * 2

    assert mod.apply_in_thread(callback, 21) == 42
    assert names[0] != threading.get_ident()


def test_043_errors_of_callbacks_from_foreign_threads(mod):
    def fail():
        raise IndexError("elsewhere")

    with pytest.raises(IndexError, match="elsewhere"):
        mod.apply_in_thread(fail)


def test_043_many_threads_call_and_are_called(mod):
    def worker(results):
        results.append(sum(mod.apply(lambda x: x, i) for i in range(500)))

    results: list[int] = []
    threads = [threading.Thread(target=worker, args=(results,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sum(range(500))] * 8


def test_045_tensor_class_without_exchange_table():
    with pytest.raises(TypeError, match="__dlpack_c_exchange_api__"):
        tvm_ffi.convert_func(lambda x: x, tensor_cls=object)


def test_046_function_from_a_c_address(mod):
    keep = Plain()
    before = sys.getrefcount(keep)
    for make, address in (
        (tvm_ffi.Function.__from_extern_c__, mod.add_one_address()),
        (tvm_ffi.Function.__from_mlir_packed_safe_call__, mod.mlir_add_one_address()),
    ):
        function = make(address, keep_alive_object=keep)
        assert function(1) == 2
        assert sys.getrefcount(keep) == before + 1
        with pytest.raises(TypeError, match="needs an int"):
            function("a")
        del function
        assert sys.getrefcount(keep) == before


def test_047_function_subclass(echo):
    class Named(tvm_ffi.Function):
        __call__ = tvm_ffi.Function.__call__

        def __init__(self, function):
            self.__move_handle_from__(function)

    source = tvm_ffi.convert(lambda x: x + 1)
    named = Named(source)
    assert named(1) == 2 and echo(named)(2) == 3
    assert source.__chandle__() == 0
    with pytest.raises(ValueError):
        source(1)


def test_a_moved_object_arrives_once(mod):
    seen = []
    with pytest.raises(ValueError, match="moved"):
        mod.apply_moved_twice(seen.append, tvm_ffi.Array([1]))
    assert seen[0] == [1] and len(seen) == 1


def test_move_gives_the_object_away(mod, echo):
    array = tvm_ffi.Array([1])
    result = echo(array._move())
    assert array.__chandle__() == 0 and result == [1]
    assert mod.use_count(result) == 1
    with pytest.raises(ValueError):
        echo(array)


def test_empty_wrappers_are_refused_not_dereferenced(echo):
    with pytest.raises(ValueError):
        echo(tvm_ffi.Object())
    with pytest.raises(ValueError):
        tvm_ffi.Function()()
    assert repr(tvm_ffi.Object()) == "Object(chandle=None)"


def test_attributes_can_be_set_on_functions():
    function = tvm_ffi.convert(lambda: 1)
    function.note = "kept"
    assert function.note == "kept"


def test_156_the_gil_is_free_during_a_call(mod):
    sleeper = mod["sleep_ms"]
    assert sleeper.release_gil is True
    # The liveliest of a few calls: a busy machine may keep a thread from running for a while, not each time.
    assert min(longest_silence_during(lambda: sleeper(400)) for _ in range(3)) < 0.1
    sleeper.release_gil = False
    assert longest_silence_during(lambda: sleeper(400)) > 0.39


def test_179_the_gil_default_comes_from_the_environment(module_path):
    program = (
        "import sys, tvm_ffi; f = tvm_ffi.load_module(sys.argv[1]).nop; assert not f.release_gil;"
        "f.release_gil = True; assert f.release_gil; f()"
    )
    import os

    environment = {**os.environ, "TVM_FFI_RELEASE_GIL_BY_DEFAULT": "0"}
    subprocess.run([sys.executable, "-c", program, str(module_path)], env=environment, check=True)


def test_calls_leak_nothing(mod, echo):
    value = Plain()
    callback = lambda x: x  # noqa: E731
    text = "a text that lives on the heap"

    def round_trip():
        echo([value, {"k": value, text: [1, text]}])
        mod.apply(callback, value)
        mod.apply(callback, text)
        echo((1, 2.5, None, b"bytes on the heap", callback))

    round_trip()
    counts = [sys.getrefcount(x) for x in (value, callback, text, None)]
    for _ in range(1000):
        round_trip()
    gc.collect()
    after = [sys.getrefcount(x) for x in (value, callback, text, None)]
    assert after[:3] == counts[:3]
    assert abs(after[3] - counts[3]) < 100


def test_a_result_nobody_wants_is_released(mod, point_index):
    before = mod.live_points()
    for _ in range(100):
        mod.make_point(1, 2.0)
    assert mod.live_points() == before


def test_a_list_that_contains_itself_is_refused(echo):
    loop: list = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        echo(loop)


def test_a_list_changed_while_it_is_converted(echo):
    class Clears:
        def __init__(self, target):
            self.target = target

        def __tvm_ffi_value__(self):
            self.target.clear()
            return 1

    values: list = []
    values += [Clears(values), "a text on the heap", [2]]
    assert echo(values) == [1, "a text on the heap", [2]]
    items: dict = {}
    items.update(a=Clears(items), b="a text on the heap")
    assert echo(items)["a"] == 1
