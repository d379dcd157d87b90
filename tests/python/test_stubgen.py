"""tvm-ffi-stubgen: blocks of a file are written, everything else stays."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from unittest import mock

import pytest
import tvm_ffi.cpp
from tvm_ffi.stub import cli

FILE = '''"""What the user wrote."""
# tvm-ffi-stubgen(begin): import-section
# tvm-ffi-stubgen(end)
from somewhere import something

# tvm-ffi-stubgen(begin): global/testing
OLD = 1
# tvm-ffi-stubgen(end)


class TestIntPair(tvm_ffi.Object):
    """A pair."""

    # tvm-ffi-stubgen(begin): object/testing.TestIntPair
    # tvm-ffi-stubgen(end)
    mine = 3


__all__ = [
    # tvm-ffi-stubgen(begin): __all__
    # tvm-ffi-stubgen(end)
    "mine",
]
'''


def stubgen(*arguments, code=0):
    """Run the program in this process and return what it prints."""
    printed = io.StringIO()
    with mock.patch("sys.argv", ["tvm-ffi-stubgen", *map(str, arguments)]):
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                status = cli.__main__()
            except SystemExit as stop:
                status = stop.code
    assert status == code, printed.getvalue()
    return printed.getvalue()


def stubgen_elsewhere(*arguments):
    """Run the program in a process of its own: what it loads stays there."""
    subprocess.run([sys.executable, "-m", "tvm_ffi.stub.cli", *map(str, arguments)], check=True)


@pytest.fixture
def generate(tmp_path):
    def run(text, *arguments, code=0):
        path = tmp_path / "file.py"
        path.write_bytes(text.encode())
        printed = stubgen(path, *arguments, code=code)
        return printed if code else path.read_bytes().decode()

    return run


def blocks_removed(text):
    """The lines outside blocks, and the directives."""
    kept, inside = [], False
    for line in text.splitlines():
        inside = inside and "stubgen(end)" not in line
        if not inside:
            kept.append(line)
        inside = inside or "stubgen(begin)" in line
    return kept


def test_176_blocks_are_written_and_the_rest_stays(generate):
    text = generate(FILE)
    lines = text.splitlines()
    assert blocks_removed(text) == blocks_removed(FILE) and "OLD = 1" not in lines
    assert '_FFI_INIT_FUNC("testing", __name__)' in lines
    assert "    def add_one(_0: int, /) -> int: ..." in lines
    assert "    def echo(*args: Any) -> Any: ..." in lines
    assert "    def TestIntPairSum(_0: TestIntPair, /) -> int: ..." in lines
    assert "    def schema_id_dict_str_int(_0: Mapping[str, int], /) -> MutableMapping[str, int]: ..." in lines
    begin = lines.index("    # tvm-ffi-stubgen(begin): object/testing.TestIntPair")
    assert lines[begin + 1 : begin + 6] == [
        "    # fmt: off",
        "    a: int",
        "    b: int",
        "    if TYPE_CHECKING:",
        "        def __init__(self, a: int, b: int) -> None: ...",
    ]
    assert "        def sum(self, /) -> int: ..." in lines
    assert "from tvm_ffi import init_ffi_api as _FFI_INIT_FUNC" in lines
    assert "    from typing import Any, Callable" in lines
    begin = lines.index("    # tvm-ffi-stubgen(begin): __all__")
    assert lines[begin + 1 : begin + 4] == ['    "TestIntPair",', '    "TestIntPairSum",', '    "add_one",']


def test_176_a_second_run_changes_nothing(generate):
    once = generate(FILE)
    assert generate(once) == once
    compile(once, "file.py", "exec")


def test_176_without_a_path():
    assert "usage:" in stubgen(code=1)


def test_176_what_is_not_to_be_written(generate):
    assert generate(FILE, "--dry-run") == FILE
    skipped = "# tvm-ffi-stubgen(skip-file)\n" + FILE
    assert generate(skipped) == skipped
    unknown_prefix = FILE.replace("global/testing", "global/no_such_prefix")
    assert "OLD = 1" in generate(unknown_prefix)
    crlf = FILE.replace("\n", "\r\n")
    assert "\n" not in generate(crlf).replace("\r\n", "")


def test_176_options(generate, tmp_path):
    assert "\n  def add_one(_0: int, /)" in generate(FILE, "--indent", "2")
    (tmp_path / "file.py").write_text(FILE)
    assert "+    def add_one" in stubgen(tmp_path, "--verbose", "--dry-run")
    assert stubgen(tmp_path / "file.py") == ""
    assert "unchanged" in stubgen(tmp_path, "--verbose")


def test_names_and_imports(generate):
    text = generate(
        "# tvm-ffi-stubgen(ty-map): testing.TestIntPair -> my.pkg.Pair\n"
        "# tvm-ffi-stubgen(ty-map): Array -> list\n"
        "# tvm-ffi-stubgen(import-object): my.mod.Thing;True;_Thing\n"
        "# tvm-ffi-stubgen(import-object): ffi.Object;False;_Object\n"
        "# tvm-ffi-stubgen(begin): import-section\n# tvm-ffi-stubgen(end)\n"
        "# tvm-ffi-stubgen(begin): global/testing@.register\n# tvm-ffi-stubgen(end)\n"
        "class Holder:\n    # tvm-ffi-stubgen(begin): object/testing.TestObjectPtrHolder\n    # tvm-ffi-stubgen(end)\n"
    )
    lines = text.splitlines()
    assert "from .register import init_ffi_api as _FFI_INIT_FUNC" in lines
    assert "from tvm_ffi import Object as _Object" in lines
    assert "    from my.mod import Thing as _Thing" in lines
    assert "    from my.pkg import Pair" in lines
    assert "    from tvm_ffi.testing import TestObjectBase" in lines
    assert "    def TestIntPairSum(_0: Pair, /) -> int: ..." in lines
    assert "    def schema_id_arr_int(_0: list[int], /) -> list[int]: ..." in lines
    assert "    value: TestObjectBase" in lines


def test_constructors_and_static_methods(generate):
    text = generate(
        "class A:\n    # tvm-ffi-stubgen(begin): object/testing.TestCxxKwOnly\n    # tvm-ffi-stubgen(end)\n"
        "class B:\n    # tvm-ffi-stubgen(begin): object/testing.SchemaAllTypes\n    # tvm-ffi-stubgen(end)\n"
    )
    assert "def __init__(self, *, x: int, y: int, z: int, w: int = ...) -> None: ..." in text
    assert "        @staticmethod\n        def make_with(_0: int, _1: float, _2: str, /) -> SchemaAllTypes: ..." in text
    assert "v_variant: str | Sequence[int] | Mapping[str, int]" in text


def test_a_module_passed_on(generate):
    text = generate("# tvm-ffi-stubgen(begin): export/_ffi_api\n# tvm-ffi-stubgen(end)\n")
    assert "from ._ffi_api import *  # noqa: F403\n" in text and "__all__.extend(_ffi_api__all__)\n" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# tvm-ffi-stubgen(begin): global/x\n", "line 1: the block does not end"),
        ("\n# tvm-ffi-stubgen(end)\n", "line 2: no block ends here"),
        ("# tvm-ffi-stubgen(begin): object/no.such\n# tvm-ffi-stubgen(end)\n", "no type `no.such`"),
        ("# tvm-ffi-stubgen(begin): zork/x\n# tvm-ffi-stubgen(end)\n", "unknown block `zork/x`"),
        ("# tvm-ffi-stubgen(begin): global\n# tvm-ffi-stubgen(end)\n", "unknown block `global`"),
        ("# tvm-ffi-stubgen(begin): __all__\n# tvm-ffi-stubgen(begin): __all__\n", "line 2: a block begins inside"),
        ("# tvm-ffi-stubgen(zork): x\n", "unknown directive `zork`"),
        ("# tvm-ffi-stubgen(ty-map): x\n", "ty-map needs"),
        ("# tvm-ffi-stubgen(import-object): x;maybe\n", "import-object needs"),
    ],
)
def test_wrong_directives(generate, text, message):
    assert message in generate(text, code=1)


def test_wrong_arguments(tmp_path):
    assert "there is no" in stubgen(tmp_path / "nothing", code=1)
    assert "no_such_module" in stubgen(tmp_path, "--imports", "no_such_module", code=1)
    assert "no_such.so" in stubgen(tmp_path, "--dlls", "no_such.so", code=1)
    assert "go together" in stubgen(tmp_path, "--init-lib", "x", code=2)


LIBRARY = """
#include <tvm/ffi/reflection/registry.h>
namespace ffi = tvm::ffi;
struct NodeObj : ffi::Object {
  int64_t a = 0;
  explicit NodeObj(int64_t a) : a(a) {}
  TVM_FFI_DECLARE_OBJECT_INFO("stub_pkg.Node", NodeObj, ffi::Object);
};
struct LeafObj : NodeObj {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("stub_pkg.inner.Leaf", LeafObj, NodeObj);
};
TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<NodeObj>().def(refl::init<int64_t>()).def_ro("a", &NodeObj::a);
  refl::ObjectDef<LeafObj>().def(refl::init<int64_t>());
  refl::GlobalDef().def("stub_pkg.twice", [](int64_t x) { return 2 * x; });
}
"""


def test_176_the_files_of_a_new_package(tmp_path):
    (tmp_path / "library.cc").write_text(LIBRARY)
    library = tvm_ffi.cpp.build(
        "stub", sources=str(tmp_path / "library.cc"), output="libstub.so", build_directory=tmp_path / "stub_pkg" / "lib"
    )
    init = ["--dlls", library, "--init-pypkg", "stub-pkg", "--init-lib", "stub", "--init-prefix", "stub_pkg."]
    stubgen_elsewhere(tmp_path, *init)
    written = {path: path.read_text() for path in tmp_path.rglob("*.py")}
    assert sorted(str(path.relative_to(tmp_path / "stub_pkg")) for path in written) == [
        "__init__.py", "_ffi_api.py", "inner/__init__.py", "inner/_ffi_api.py",
    ]  # fmt: skip

    script = "import stub_pkg, stub_pkg.inner as inner; leaf = inner.Leaf(4); "
    script += "print(stub_pkg.twice(3), leaf.a, isinstance(leaf, stub_pkg.Node), stub_pkg.__all__)"
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); " + script, tmp_path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "6 4 True ['LIB', 'Node', 'twice']"

    stubgen_elsewhere(tmp_path, *init)
    assert {path: path.read_text() for path in written} == written
