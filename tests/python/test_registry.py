"""Global functions, classes of types, modules, streams."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import types

import pytest
import tvm_ffi
from tvm_ffi import registry


@pytest.fixture
def name():
    yield "pytest.global"
    tvm_ffi.remove_global_func("pytest.global")


def test_127_duplicates_need_override(name):
    assert tvm_ffi.register_global_func(name, lambda: 1)() == 1
    with pytest.raises(RuntimeError, match="already registered"):
        tvm_ffi.register_global_func(name, lambda: 2)
    tvm_ffi.register_global_func(name, lambda: 2, override=True)
    assert tvm_ffi.get_global_func(name)() == 2


def test_127_decorator_forms(name):
    @tvm_ffi.register_global_func(name)
    def first():
        return 1

    assert type(first) is tvm_ffi.Function and tvm_ffi.get_global_func(name)() == 1

    @tvm_ffi.register_global_func
    def pytest_bare():
        return 2

    assert tvm_ffi.get_global_func("pytest_bare")() == 2
    tvm_ffi.remove_global_func("pytest_bare")


def test_128_missing_functions():
    with pytest.raises(ValueError, match="pytest.nope"):
        tvm_ffi.get_global_func("pytest.nope")
    assert tvm_ffi.get_global_func("pytest.nope", allow_missing=True) is None


def test_129_handles_outlive_the_name(name):
    tvm_ffi.register_global_func(name, lambda x: x + 1)
    function = tvm_ffi.get_global_func(name)
    assert name in registry.list_global_func_names()
    tvm_ffi.remove_global_func(name)
    assert name not in registry.list_global_func_names()
    assert function(1) == 2


def test_130_metadata(name):
    tvm_ffi.register_global_func(name, lambda: 1)
    assert isinstance(tvm_ffi.get_global_func_metadata(name), dict)
    with pytest.raises(RuntimeError):
        tvm_ffi.get_global_func_metadata("pytest.nope")


def test_131_api_of_a_namespace():
    target = types.ModuleType("pytest_api_target")
    sys.modules["pytest_api_target"] = target
    for full in ("pytest_api.one", "pytest_api.sub.two"):
        tvm_ffi.register_global_func(full, lambda: 1)
    try:
        tvm_ffi.init_ffi_api("pytest_api", "pytest_api_target")
        assert target.one() == 1 and target.one.__name__ == "one"
        assert not hasattr(target, "two")
        with pytest.raises(KeyError):
            tvm_ffi.init_ffi_api("pytest_api", "no_such_module")
    finally:
        del sys.modules["pytest_api_target"]
        for full in ("pytest_api.one", "pytest_api.sub.two"):
            tvm_ffi.remove_global_func(full)


def test_132_unknown_type_keys():
    with pytest.raises(ValueError, match="no.such.key"):

        @tvm_ffi.register_object("no.such.key")
        class Unknown(tvm_ffi.Object):
            pass


def test_133_unregistered_types_get_a_class(mod):
    mod.register_point("pytest.sub.Generated")
    point = mod.make_point(3, 0.5)
    cls = type(point)
    assert (cls.__module__, cls.__name__) == ("pytest.sub", "Generated")
    assert tvm_ffi.Object in cls.__mro__ and "enerated" in cls.__doc__
    assert (point.x, point.y, point.norm()) == (3, 0.5, 3.5)
    assert isinstance(cls.x, property) and cls.x.__doc__ == "A coordinate."
    point.x = 4
    assert point.x == 4
    with pytest.raises(AttributeError):
        point.y = 1.0
    with pytest.raises(TypeError, match="x is an int"):
        point.x = "four"


def test_133_registered_classes(mod):
    mod.register_point("pytest.Registered")

    @tvm_ffi.register_object("pytest.Registered")
    class Point(tvm_ffi.Object):
        def double(self):
            return self.x * 2

    point = Point(5, 1.5)
    assert (point.x, point.y, point.norm(), point.double()) == (5, 1.5, 6.5, 10)
    assert type(mod.echo(point)) is Point and mod.echo(point) == point
    before = mod.live_points()
    del point
    assert mod.live_points() == before - 1

    class WithInit(Point):
        def __init__(self, x):
            self.__ffi_init__(x, 0.25)

    assert WithInit(7).norm() == 7.25


def test_133_fields_refuse_other_objects(mod):
    mod.register_point("pytest.Strict")
    cls = type(mod.make_point(1, 1.0))
    with pytest.raises(TypeError):
        cls.x.fget(tvm_ffi.Array([1]))
    with pytest.raises(TypeError):
        cls.x.fget(3)


def test_134_files_that_are_no_modules(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        tvm_ffi.load_module("/nonexistent.so")
    assert caught.value.__tvm_ffi_error__.kind == "InternalError"
    with pytest.raises(RuntimeError):
        tvm_ffi.load_module(str(tmp_path / "x.unknown"))
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(RuntimeError):
        tvm_ffi.load_module(text)


def test_135_functions_of_a_module(mod):
    assert mod.add_one(1) == 2 and mod["add_one"](3) == 4
    for get in (lambda: mod.nope, lambda: mod["nope"]):
        with pytest.raises(AttributeError):
            get()
    with pytest.raises(ValueError):
        mod[3]
    assert mod.implements_function("add_one") and not mod.implements_function("nope")
    assert mod() == 4711


def test_136_hasattr(mod):
    assert not hasattr(mod, "nope")


def test_137_attributes_are_remembered(mod):
    assert mod.add_one is mod.add_one
    assert mod["add_one"] is not mod["add_one"]


def test_138_imports(module_path):
    a, b = tvm_ffi.load_module(module_path), tvm_ffi.load_module(module_path)
    assert not a.same_as(b)
    a.import_module(b)
    assert len(a.imports) == 1 and a.imports[0].same_as(b)
    with pytest.raises(AttributeError):
        a.get_function("nope", query_imports=True)
    with pytest.raises(RuntimeError):
        a.import_module(a)
    with pytest.raises(RuntimeError):
        b.import_module(a)
    a.clear_imports()
    assert len(a.imports) == 0


def test_139_a_function_keeps_its_library_loaded(module_path):
    module = tvm_ffi.load_module(module_path, keep_module_alive=False)
    function = module["add_one"]
    del module
    gc.collect()
    assert function(1) == 2


def test_140_system_library(mod):
    mod.register_system_symbol()
    library = tvm_ffi.system_lib("pytest.")
    assert library["add_one"](10) == 11
    assert tvm_ffi.system_lib("pytest.").same_as(library)


def test_141_streams_nest():
    cuda = tvm_ffi.device("cuda:0")
    with tvm_ffi.use_raw_stream(cuda, 123):
        assert tvm_ffi.get_raw_stream(cuda) == 123
        with tvm_ffi.use_raw_stream(cuda, 456):
            assert tvm_ffi.get_raw_stream(cuda) == 456
            assert tvm_ffi.get_raw_stream(tvm_ffi.device("cuda:1")) == 0
            seen = []
            thread = threading.Thread(target=lambda: seen.append(tvm_ffi.get_raw_stream(cuda)))
            thread.start()
            thread.join()
            assert seen == [0]
        assert tvm_ffi.get_raw_stream(cuda) == 123
    with pytest.raises(KeyError):
        with tvm_ffi.use_raw_stream(cuda, 789):
            raise KeyError
    assert tvm_ffi.get_raw_stream(cuda) == 0


def test_141_stream_handles():
    from ctypes import c_void_p

    cuda = tvm_ffi.device("cuda:0")
    with tvm_ffi.use_raw_stream(cuda, c_void_p(77)):
        assert tvm_ffi.get_raw_stream(cuda) == 77
    with pytest.raises(ValueError):
        tvm_ffi.use_raw_stream(cuda, "stream")


def test_142_functions_see_the_stream(mod):
    with tvm_ffi.use_raw_stream(tvm_ffi.device("cuda:1"), 99):
        assert mod.get_stream(2, 1) == 99
    assert mod.get_stream(2, 1) == 0


def test_module_properties(mod):
    assert mod.kind == "library" and mod.get_property_mask() == 3
    assert mod.is_runnable() and mod.is_binary_serializable() and not mod.is_compilation_exportable()
    assert mod.inspect_source() == "" and list(mod.get_write_formats()) == []
    assert mod.get_function_metadata("add_one") is None and mod.get_function_doc("add_one") is None
    with pytest.raises(RuntimeError):
        mod.write_to_file("x")
    with pytest.raises(TypeError):
        tvm_ffi.Module()


def test_import_needs_neither_numpy_nor_torch(module_path):
    program = (
        "import sys\n"
        "sys.modules['numpy'] = sys.modules['torch'] = None\n"
        "import tvm_ffi\n"
        "assert tvm_ffi.load_module(sys.argv[1]).echo([1, 'text'])[1] == 'text'\n"
    )
    subprocess.run([sys.executable, "-c", program, str(module_path)], check=True)


def test_a_second_distribution_is_announced_once(tmp_path):
    (tmp_path / "apache_tvm_ffi-0.1.0.dist-info").mkdir()
    program = (
        "import sys, warnings\n"
        "sys.path.append(sys.argv[1])\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import tvm_ffi\n"
        "assert len(caught) == 1 and 'apache-tvm-ffi' in str(caught[0].message), caught\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_callbacks_run_in_exit_handlers(module_path):
    program = (
        "import atexit, sys, tvm_ffi\n"
        "m = tvm_ffi.load_module(sys.argv[1])\n"
        "kept = tvm_ffi.register_global_func('pytest.exit', lambda x: x + 1)\n"
        "atexit.register(lambda: print(m.apply(kept, 41)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(module_path)], check=True, capture_output=True, text=True)
    assert done.stdout == "42\n" and done.stderr == ""


def test_141_torch_streams(monkeypatch):
    torch = pytest.importorskip("torch")
    entered = []

    class Context:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *args):
            entered.append("out")

    class Stream:
        device_index = 0
        cuda_stream = 0x55

    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    cuda = tvm_ffi.device("cuda", 0)
    with tvm_ffi.use_torch_stream(Context()):
        assert tvm_ffi.get_raw_stream(cuda) == 0x55 and entered == ["in"]
    assert tvm_ffi.get_raw_stream(cuda) == 0 and entered == ["in", "out"]

    def fail():
        raise RuntimeError("no device")

    monkeypatch.setattr(torch.cuda, "current_stream", fail)
    with pytest.raises(RuntimeError, match="no device"), tvm_ffi.use_torch_stream(Context()):
        pytest.fail("the context was entered")
    assert entered == ["in", "out", "in", "out"]
