"""tools/check_layering.py finds what it is there to find, and this tree has none of it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check_layering  # noqa: E402


def violations(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(violation) for violation in check_layering.check(tmp_path)]


def test_this_tree_is_clean():
    assert [str(violation) for violation in check_layering.check(ROOT)] == []


@pytest.mark.parametrize(
    "path, line, named",
    [
        ("hostd/daemon.cc", "#include <tvm/ffi/c_api.h>", "hostd may not include abi"),
        ("hostd/daemon.cc", '#include "proto/codec/value.h"', "hostd may not include proto/codec"),
        ("hostd/daemon.cc", '#include "worker/dispatcher.h"', "hostd may not include hostd/worker"),
        ("proto/base/clock.cc", '#include "proto/wire/frame.h"', "proto/base may not include proto/wire"),
        ("client/src/client.cc", '#include "hostd/daemon.h"', "client may not include hostd"),
        ("plugins/a.cc", '#include "proto/wire/frame.h"', "plugins may not include proto/wire"),
        ("abi/include/tvm/ffi/any.h", '#include "../../../../libffi_core/object.h"', "abi may not include libffi_core"),
        ("hostd/daemon.cc", "#include <uv.h>", "<uv.h> may be included only under hostd/loop, tests"),
        ("client/src/client.cc", "#include <spdlog/spdlog.h>", "only under hostd, tools"),
        ("proto/codec/cuda.cc", "#include <cuda.h>", "<cuda.h> may be included only under"),
    ],
)
def test_a_wrong_include_is_named_with_its_line(tmp_path, path, line, named):
    headers = ["proto/codec/value.h", "hostd/worker/dispatcher.h", "proto/wire/frame.h", "hostd/daemon.h", "libffi_core/object.h"]
    files = {name: "" for name in headers}

    found = violations(tmp_path, {**files, path: f"// first line\n{line}\n"})

    assert len(found) == 1
    assert found[0].startswith(f"{path}:2: ")
    assert named in found[0]


def test_allowed_includes_pass(tmp_path):
    found = violations(
        tmp_path,
        {
            "proto/wire/frame.h": '#include "proto/base/status.h"\n',
            "proto/base/status.h": "#include <string>\n",
            "hostd/loop/event_loop.cc": "#include <uv.h>\n",
            "hostd/worker/main.cc": '#include <tvm/ffi/c_api.h>\n#include "proto/wire/frame.h"\n',
            "tests/hostd/daemon_test.cc": '#include "proto/wire/frame.h"\n#include <tvm/ffi/any.h>\n',
        },
    )

    assert found == []


def test_a_wrong_link_is_found_through_an_alias(tmp_path):
    found = violations(
        tmp_path,
        {
            "libffi_core/CMakeLists.txt": "add_library(core SHARED a.cc)\nadd_library(tvm::core ALIAS core)\n",
            "hostd/CMakeLists.txt": "add_executable(daemon main.cc loop/loop.cc)\ntarget_link_libraries(daemon PRIVATE tvm::core)\n",
        },
    )

    assert found == ["hostd/CMakeLists.txt: daemon (hostd) may not link tvm::core (libffi_core)"]


def test_a_worker_may_link_the_core(tmp_path):
    found = violations(
        tmp_path,
        {
            "libffi_core/CMakeLists.txt": "add_library(core SHARED a.cc)\n",
            "hostd/CMakeLists.txt": "add_executable(w worker/main.cc)\ntarget_link_libraries(w PRIVATE core) # comment\n",
        },
    )

    assert found == []
