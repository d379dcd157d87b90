"""A call gives the same in process and isolated: value, exception type, message, the plug-in's own traceback lines."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest
import tvm_ffi

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    0.0,
    -2.5,
    float("inf"),
    "",
    "seven..",
    "eight...",
    "naïve ☃ text",
    "nul\0inside",
    "x" * 5_000,
    "y" * 200_000,
    b"",
    b"\0\xff",
    b"z" * 100_000,
    [],
    [1, "two", 3.0, None, [4, [5]]],
    list(range(3000)),
    {},
    {"a": 1, "b": [1, 2], 3: {"c": None}},
    {str(i): i for i in range(300)},
    tvm_ffi.dtype("bfloat16"),
    tvm_ffi.device("cpu", 0),
    tvm_ffi.Shape((1, -2, 3)),
]


def plain(value: Any) -> Any:
    """A value without the wrappers of the binding."""
    if isinstance(value, (tvm_ffi.Map, dict)) or type(value).__name__ == "Dict":
        # Where a tensor lies is the one thing that may differ.
        return {plain(k): plain(v) for k, v in value.items() if k != "address"}
    if isinstance(value, tvm_ffi.Shape):
        return ("shape", tuple(value))
    if isinstance(value, (list, tuple, tvm_ffi.Array)) or type(value).__name__ == "List":
        return [plain(item) for item in value]
    if isinstance(value, tvm_ffi.Tensor):
        return ("tensor", tuple(value.shape), str(value.dtype), np.from_dlpack(value).tolist())
    if isinstance(value, str):
        return str(value)
    return bytes(value) if isinstance(value, (bytes, bytearray)) else value


def plugin_lines(error: BaseException) -> list[tuple[str, int, str]]:
    frames = traceback.extract_tb(error.__traceback__)
    return [(f.filename, f.lineno, f.name) for f in frames if "/plugins/values/" in f.filename]


def outcome(mod: Any, function: str, *args: Any) -> tuple[Any, ...]:
    try:
        return ("value", plain(mod[function](*args)))
    except Exception as error:
        kind = getattr(error, "__tvm_ffi_error__").kind if hasattr(error, "__tvm_ffi_error__") else None
        return ("error", type(error), kind, str(error), plugin_lines(error))


@pytest.mark.parametrize("value", VALUES, ids=lambda v: f"{type(v).__name__}-{str(v)[:12]!r}")
def test_echo_returns_the_value(mod: Any, value: Any) -> None:
    assert plain(mod.echo(value)) == plain(value)


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        ("echo_int", (True,), 1),
        ("echo_float", (3,), 3.0),
        ("echo_bool", (0,), False),
        ("echo_optional_int", (None,), None),
        ("echo_optional_str", ("s",), "s"),
        ("nothing", (), None),
        ("sum8", (1, 2, 3, 4, 5, 6, 7, 8), 36),
        ("make_none", (), None),
        ("array_sum", ([1, 2, 3],), 6),
        ("map_total", ({"a": 1, "b": 41},), 42),
        ("str_size", ("☃" * 1000,), 3000),
        ("bytes_size", (b"abc",), 3),
    ],
)
def test_typed_functions(mod: Any, function: str, args: tuple[Any, ...], expected: Any) -> None:
    result = mod[function](*args)

    assert result == expected
    assert type(result) is type(expected) or isinstance(result, str)


CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("make_str", (3,)),
    ("make_str", (100_000,)),
    ("make_bytes", (9,)),
    ("make_array", (5,)),
    ("make_array", (20_000,)),
    ("make_list", (5,)),
    ("make_map", (5,)),
    ("make_map", (2_000,)),
    ("make_dict", (7,)),
    ("make_nested", (20,)),
    ("make_dtype", ()),
    ("make_device", ()),
    ("make_shape", ()),
    ("type_key", (1,)),
    ("type_key", ("short",)),
    ("type_key", ("longer than seven",)),
    ("type_key", ([1],)),
    ("type_key", ({"a": 1},)),
    ("type_key", (len,)),
    ("type_key", (np.zeros(3, "float32"),)),
    ("echo_int", ("x",)),
    ("echo_int", (1.5,)),
    ("echo_int", (None,)),
    ("echo_int", (np.ones(3, "float32"),)),
    ("echo_int", (np.ones((), "float32"),)),
    ("echo_float", ("1.5",)),
    ("sum8", (1, 2)),
    ("sum8", (1, 2, 3, 4, 5, 6, 7, 8, 9)),
    ("sum8", (1, 2, 3, 4, 5, 6, 7, "8")),
    ("sum8", (1, 2, 3, 4, 5, 6, 7, np.ones(1, "float32"))),
    ("fill", (np.ones((4, 6), "float32")[:, ::2], 1.0)),
    ("fill", (np.ones((4, 6), "float32"), "x")),
    ("fill", (np.ones((4, 6), "float32"),)),
    ("add", (np.ones(3, "float32"), np.ones(4, "float32"), np.ones(3, "float32"))),
    ("add", (np.ones(3, "float32"), np.ones(3, "int32"), np.ones(3, "float32"))),
    ("sum", (None,)),
    ("echo_int", ()),
    ("echo_int", (1, 2)),
    ("echo_str", (1,)),
    ("echo_str", (b"x",)),
    ("echo_bytes", ("x",)),
    ("echo_shape", ("x",)),
    ("echo_array", ({"a": 1},)),
    ("array_sum", ([1, "x"],)),
    ("sum", ("x",)),
    ("sum", (np.arange(6, dtype="float32"),)),
    ("sum", (np.arange(6, dtype="float64"),)),
    ("sum", (np.arange(12, dtype="float32").reshape(3, 4).T,)),
    ("sum", (np.zeros((0, 4), "float32"),)),
    ("sum_all", ([np.ones(3, "float32"), np.ones((2, 2), "float32")],)),
    ("optional_sum", (None,)),
    ("optional_sum", (np.ones(3, "float32"),)),
    ("tensor_info", (np.ones((2, 3), "float32"),)),
    ("tensor_info", (np.ones((4, 6), "int16")[::2, ::3],)),
    ("same", (np.arange(4, dtype="float32"),)),
    ("view", (np.arange(12, dtype="float32").reshape(4, 3), 1, 3)),
    ("make_own", ([2, 2], 1.5)),
    ("raise_value_error", ("a message",)),
    ("raise_type_error", ("é ☃",)),
    ("raise_index_error", ("",)),
    ("raise_key_error", ("k",)),
    ("raise_runtime_error", ("m\nsecond line",)),
    ("raise_internal_error", ("m",)),
    ("raise_custom_error", ("m",)),
    ("raise_error", ("ModuleNotFoundError", "m")),
    ("raise_error", ("", "no kind")),
    ("raise_std", ("m",)),
    ("raise_cause", ("m",)),
    ("raise_deep", (5, "m")),
    ("raise_deep", (-3, "m")),
    ("check_equal", (1, 2)),
    ("check_equal", (2, 2)),
    ("raise_value_error", ("long " * 20_000,)),
]


@pytest.mark.parametrize(("function", "args"), CALLS, ids=lambda v: str(v)[:40] if isinstance(v, tuple) else v)
def test_both_give_the_same(local: Any, isolated: Any, function: str, args: tuple[Any, ...]) -> None:
    expected = outcome(local, function, *args)

    assert outcome(isolated, function, *args) == expected


def test_errors_show_where_the_plugin_raised(mod: Any) -> None:
    with pytest.raises(ValueError, match="deep down") as caught:
        mod.raise_deep(4, "deep down")

    lines = plugin_lines(caught.value)
    assert lines, traceback.format_exception(caught.value)
    assert all(name.endswith("errors.cc") for name, _, _ in lines)


def test_missing_function(mod: Any) -> None:
    with pytest.raises(AttributeError, match="no_such_function"):
        mod.no_such_function  # noqa: B018


class TestTensors:
    def test_a_function_writes_into_a_numpy_array(self, mod: Any) -> None:
        array = np.zeros((3, 4), "float32")

        mod.fill(array, 2.5)

        assert (array == 2.5).all()

    def test_a_function_writes_into_a_strided_view_only(self, mod: Any) -> None:
        array = np.zeros((4, 6), "float32")
        before = outcome(mod, "fill", array[::2, ::3], 1.0)

        if before[0] == "value":
            assert array.sum() == 4.0
        else:
            assert array.sum() == 0.0

    def test_overlapping_arguments_stay_aliased(self, mod: Any) -> None:
        array = np.arange(8, dtype="float32")

        mod.add(array[:6], array[2:], array[2:])

        # Element by element in order: each sum sees the ones before it.
        assert array.tolist() == [0, 1, 2, 4, 6, 9, 12, 16]

    def test_results_outlive_the_call(self, mod: Any) -> None:
        first, second = mod.make_pair(1000)
        others = [mod.make_own([1000], float(i)) for i in range(20)]

        for i, other in enumerate(others):
            assert (np.from_dlpack(other) == i).all()
        assert np.from_dlpack(first).shape == (1000,)
        assert np.from_dlpack(second).shape == (1000,)

    def test_returning_an_argument_returns_the_same_object(self, mod: Any) -> None:
        tensor = tvm_ffi.from_dlpack(np.arange(4, dtype="float32"))

        assert mod.same(tensor).same_as(tensor)

    def test_a_view_of_an_argument_shares_its_memory(self, mod: Any) -> None:
        array = np.zeros((4, 3), "float32")
        view = mod.view(tvm_ffi.from_dlpack(array), 1, 3)

        array[1, 0] = 7.0

        assert np.from_dlpack(view)[0, 0] == 7.0

    def test_torch_in_torch_out(self, mod: Any) -> None:
        torch = pytest.importorskip("torch")
        tensor = torch.arange(6, dtype=torch.float32)

        mod.fill(tensor, 3.0)

        assert tensor.tolist() == [3.0] * 6
        assert isinstance(mod.same(tensor), torch.Tensor)


class TestCallables:
    def test_a_callback_gets_and_gives_values(self, mod: Any) -> None:
        assert mod.apply(lambda a, b: [a + b, str(a)], 2, 3)[0] == 5
        assert mod.call_twice(lambda x: x * 3, 2) == 18

    def test_a_callback_gets_a_tensor(self, mod: Any) -> None:
        array = np.arange(4, dtype="float32")

        total = mod.apply(lambda t: float(np.from_dlpack(t).sum()), array)

        assert total == 6.0

    def test_an_exception_of_a_callback_comes_back(self, mod: Any) -> None:
        def fail(_: Any) -> None:
            raise KeyError("of the callback")

        with pytest.raises(KeyError, match="of the callback") as caught:
            mod.apply(fail, 1)

        assert any(frame.name == "fail" for frame in traceback.extract_tb(caught.value.__traceback__))

    def test_the_plugin_can_catch_it(self, mod: Any) -> None:
        def fail() -> None:
            raise ValueError("caught there")

        kind, message = mod.catch_error(fail)

        assert (str(kind), str(message)) == ("ValueError", "caught there")

    def test_nested_calls(self, mod: Any) -> None:
        def recurse(depth: int) -> int:
            return 0 if depth == 0 else 1 + mod.apply(recurse, depth - 1)

        assert mod.apply(recurse, 8) == 8

    def test_functions_made_by_the_plugin(self, mod: Any) -> None:
        adder = mod.make_adder(5)
        counter = mod.make_counter()

        assert adder(37) == 42
        first = counter()
        assert [counter(), counter()] == [first + 1, first + 2]
        assert mod.compose(adder, adder)(1) == 11
        assert mod.apply(adder, 1) == 6

    def test_a_function_comes_back_as_itself(self, mod: Any) -> None:
        def identity(x: Any) -> Any:
            return x

        assert mod.echo_function(identity)(5) == 5


class TestObjects:
    def test_an_object_goes_back_as_the_one_it_was(self, mod: Any) -> None:
        box = mod.make_box([1, "two"])

        assert plain(mod.box_get(box)) == [1, "two"]
        mod.box_set(box, {"k": 3})
        assert plain(mod.box_get(box)) == {"k": 3}

    def test_modules_made_by_the_plugin(self, mod: Any) -> None:
        counter = mod.counter_module(10)

        counter.increment(5)

        assert counter.value() == 15

    def test_state_outlives_a_call(self, mod: Any) -> None:
        mod.retain("k", [1, 2])

        assert plain(mod.retained("k")) == [1, 2]
        mod.release("k")


def test_module_queries(mod: Any) -> None:
    assert mod.implements_function("echo")
    assert not mod.implements_function("no_such")
    assert mod.get_property_mask() == 3
    assert list(mod.get_write_formats()) == []
    assert str(mod.inspect_source()) == ""
    with pytest.raises(RuntimeError, match="WriteToFile"):
        mod.write_to_file("/tmp/never")
