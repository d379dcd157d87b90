"""Errors both ways: kinds, messages, tracebacks."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback

import pytest
import tvm_ffi
from tvm_ffi import core


@pytest.fixture
def error_tables():
    saved = dict(core.ERROR_NAME_TO_TYPE), dict(core.ERROR_TYPE_TO_NAME)
    yield
    for table, old in zip((core.ERROR_NAME_TO_TYPE, core.ERROR_TYPE_TO_NAME), saved):
        table.clear()
        table.update(old)


KNOWN = [ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, MemoryError, RuntimeError]


@pytest.mark.parametrize("cls", KNOWN)
def test_061_kinds_become_their_classes(mod, cls):
    with pytest.raises(cls) as caught:
        mod.raise_error(cls.__name__, "what happened")
    assert type(caught.value) is cls
    assert caught.value.args == ("what happened",)


@pytest.mark.parametrize("kind", ["InternalError", "OSError", "", "Of no class"])
def test_062_other_kinds_are_runtime_errors(mod, kind):
    with pytest.raises(RuntimeError) as caught:
        mod.raise_error(kind, "x")
    assert type(caught.value) is RuntimeError
    assert caught.value.__tvm_ffi_error__.kind == kind


class Own(Exception):
    pass


class SubValueError(ValueError):
    pass


@pytest.mark.parametrize("cls", [OSError, ZeroDivisionError, Own, SubValueError, KeyboardInterrupt, StopIteration])
def test_064_unregistered_classes_become_runtime_error(mod, cls):
    def fail():
        raise cls("the text")

    with pytest.raises(RuntimeError, match="the text") as caught:
        mod.apply(fail)
    assert type(caught.value) is RuntimeError


@pytest.mark.parametrize("cls", KNOWN)
def test_064_registered_classes_come_back(mod, cls):
    def fail():
        raise cls("the text")

    with pytest.raises(cls, match="the text"):
        mod.apply(fail)


@pytest.mark.parametrize(
    "register",
    [
        lambda cls: tvm_ffi.register_error("Own", cls),
        lambda cls: tvm_ffi.register_error(cls),
        lambda cls: tvm_ffi.register_error("Own")(cls),
        lambda cls: tvm_ffi.register_error()(cls),
    ],
)
def test_065_registered_errors_go_both_ways(mod, error_tables, register):
    assert register(Own) is Own

    def fail():
        raise Own("again")

    with pytest.raises(Own, match="again"):
        mod.apply(fail)
    with pytest.raises(Own, match="direct"):
        mod.raise_error("Own", "direct")


def test_065_only_exception_classes_can_be_registered():
    with pytest.raises(TypeError):
        tvm_ffi.register_error("Thing", int)


def test_066_backtrace_lines_become_frames_below_the_call(mod):
    with pytest.raises(ValueError) as caught:
        mod.raise_from_line_42()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [(f.filename, f.lineno, f.name) for f in frames[-2:]] == [
        ("outer.cc", 7, "Outer"),
        ('inner \\"file\\".cc', 42, "tvm::Inner(int, char)"),
    ]
    assert frames[-3].name == "test_066_backtrace_lines_become_frames_below_the_call"


def test_067_callback_frames_appear_innermost(mod):
    def inner_python():
        raise ValueError("from Python")

    with pytest.raises(ValueError) as caught:
        mod.apply(lambda: inner_python())
    names = [f.name for f in traceback.extract_tb(caught.value.__traceback__)]
    assert names[0] == "test_067_callback_frames_appear_innermost"
    assert names[-2:] == ["<lambda>", "inner_python"]
    assert not [name for name in names if "TVMFFIPythonCallback" in name or "tvmffi::python" in name]


def test_067_each_frame_appears_once_through_nested_callbacks(mod):
    def innermost():
        mod.raise_from_line_42()

    with pytest.raises(ValueError, match="deep") as caught:
        mod.apply(lambda: mod.apply(innermost))
    names = [f.name for f in traceback.extract_tb(caught.value.__traceback__)]
    for name in ("innermost", "<lambda>", "Outer", "tvm::Inner(int, char)"):
        assert names.count(name) == 1
    order = [names.index(name) for name in ("<lambda>", "innermost", "Outer", "tvm::Inner(int, char)")]
    assert order == sorted(order)


def test_067_the_error_object_survives_crossings(mod):
    handles = []

    def record():
        try:
            mod.raise_error("ValueError", "same")
        except ValueError as error:
            handles.append(error.__tvm_ffi_error__.__chandle__())
            raise

    with pytest.raises(ValueError) as caught:
        mod.apply(record)
    assert caught.value.__tvm_ffi_error__.__chandle__() == handles[0]


def test_068_an_exception_as_value_carries_its_traceback(echo):
    def thrower():
        raise IndexError("as value")

    try:
        thrower()
    except IndexError as error:
        converted = echo(error)
    assert isinstance(converted, core.Error)
    assert (converted.kind, converted.message) == ("IndexError", "as value")
    assert "in thrower" in converted.backtrace
    assert converted.backtrace.index("in thrower") < converted.backtrace.index("in test_068")


def test_069_errors_make_no_reference_cycle(mod):
    class Local:
        died = False

        def __del__(self):
            Local.died = True

    def run():
        keep = Local()
        try:
            mod.apply(lambda: mod.raise_error("ValueError", "x"))
        except ValueError:
            pass
        assert keep is not None

    gc.disable()
    try:
        run()
        assert Local.died
    finally:
        gc.enable()


def test_070_an_error_object_is_no_exception():
    with pytest.raises(TypeError):
        raise core.Error("ValueError", "x", "")


def test_071_ctrl_c_reaches_a_function_that_asks(mod):
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    begin = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            mod.wait_for_signal(5000)
    finally:
        timer.join()
    assert time.monotonic() - begin < 4


def test_071_no_callback_runs_before_a_noticed_signal_is_delivered(mod):
    called = []
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            mod.call_after_signal(5000, lambda: called.append(1))
    finally:
        timer.join()
    assert called == []


def test_endless_recursion_through_the_boundary_is_an_error(mod):
    def down():
        return mod.apply(down)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(250)
    try:
        with pytest.raises(RuntimeError, match="recursion"):
            down()
    finally:
        sys.setrecursionlimit(limit)


def test_072_a_half_converted_list_is_released(mod, point_index):
    point = mod.make_point(1, 2.0)
    with pytest.raises(OverflowError):
        mod.echo([point, ["a text on the heap", 2**64]])
    assert mod.use_count(point) == 1


def test_error_objects_can_be_made_and_changed():
    error = core.Error("KeyError", "message", '  File "a.py", line 3, in f\n')
    assert (error.kind, error.message, error.extra_context) == ("KeyError", "message", None)
    error.update_backtrace('  File "b.py", line 4, in g\n')
    assert error.backtrace == '  File "b.py", line 4, in g\n'
    exception = error.py_error()
    assert type(exception) is KeyError and exception.__tvm_ffi_error__.same_as(error)
    assert traceback.extract_tb(exception.__traceback__)[0].name == "g"


def test_extra_context_is_any_object(mod):
    context = tvm_ffi.Map({"cause": "signal"})
    with pytest.raises(RuntimeError) as caught:
        mod.raise_with_context(context)
    assert caught.value.__tvm_ffi_error__.extra_context.same_as(context)


def test_errors_without_context_fields_are_read_safely(mod):
    with pytest.raises(KeyError, match="from long ago") as caught:
        mod.raise_old_error()
    assert caught.value.__tvm_ffi_error__.extra_context is None


def test_a_failure_without_an_error_is_reported(mod):
    with pytest.raises(RuntimeError, match="raised no error"):
        mod.raise_nothing()


def test_a_message_that_is_no_utf8_does_not_hide_the_error(mod):
    error = core.Error("ValueError", "\N{SNOWMAN}", "")
    assert str(error.py_error()) == "\N{SNOWMAN}"

    def surrogate():
        raise ValueError("\ud800")

    with pytest.raises(ValueError, match="ud800"):
        mod.apply(surrogate)


def test_an_exception_whose_str_fails(mod):
    class Silent(ValueError):
        def __str__(self):
            raise TypeError("no text")

    def fail():
        raise Silent

    with pytest.raises(RuntimeError, match="str"):
        mod.apply(fail)


def test_errors_leak_nothing(mod):
    class Marker:
        pass

    marker = Marker()

    def fail():
        held = marker  # noqa: F841
        raise ValueError("x")

    def once():
        try:
            mod.apply(fail)
        except ValueError:
            pass

    once()
    before = sys.getrefcount(marker), sys.getrefcount(fail)
    for _ in range(200):
        once()
    assert (sys.getrefcount(marker), sys.getrefcount(fail)) == before


def test_a_callback_result_that_cannot_be_converted_fails_the_call(mod):
    with pytest.raises(RuntimeError, match="64-bit"):
        mod.apply(lambda: 2**70)
