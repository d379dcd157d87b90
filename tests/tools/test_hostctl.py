"""tvmffi-hostctl as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("TVMFFI_BUILD_DIR", Path(__file__).resolve().parents[2] / "build" / "release"))


def hostctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BUILD / "bin" / "tvmffi-hostctl"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def inspect(path: Path) -> dict:
    done = hostctl("inspect", str(path), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_inspect_lists_what_a_plugin_offers() -> None:
    found = inspect(BUILD / "plugins" / "faulty.so")
    names = {function["name"] for function in found["functions"]}
    assert {"segfault", "pid", "bad_return_code"} <= names
    assert not any(name.startswith("_") for name in names)
    assert "libtvm_ffi.so" in found["needed"]
    assert "TVMFFIErrorSetRaised" in found["abi_functions"]
    assert found["constructors"] > 0


def test_inspect_runs_nothing_of_the_plugin() -> None:
    for name in ("faulty_init_segfault", "faulty_init_exit", "faulty_init_hang"):
        assert inspect(BUILD / "plugins" / f"{name}.so")["constructors"] > 0


def test_inspect_agrees_with_the_binary_utilities() -> None:
    for library in (BUILD / "lib" / "libtvm_ffi.so", BUILD / "lib" / "libtvmffi_host.so"):
        listed = subprocess.run(["readelf", "-dW", str(library)], capture_output=True, text=True, check=True).stdout
        needed = [line.split("[")[1].rstrip("]") for line in listed.splitlines() if "(NEEDED)" in line]
        notes = subprocess.run(["readelf", "-nW", str(library)], capture_output=True, text=True, check=True).stdout
        found = inspect(library)
        assert found["needed"] == needed
        assert f"Build ID: {found['build_id']}" in notes or "Build ID" not in notes


def test_inspect_prints_a_page_for_people() -> None:
    done = hostctl("inspect", str(BUILD / "plugins" / "llm_ops.so"))
    assert done.returncode == 0
    labels = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"plug-in", "machine", "functions", "needs"} <= set(labels)


def test_terminal_controls_in_names_are_escaped(tmp_path: Path) -> None:
    library = tmp_path / "odd.so"
    content = (BUILD / "plugins" / "faulty.so").read_bytes()
    name = b"__tvm_ffi_stack_overflow\0"
    library.write_bytes(content.replace(name, b"__tvm_ffi_\x1b[2Joverflow".ljust(len(name), b"\0")))
    done = hostctl("inspect", str(library))
    assert "\x1b" not in done.stdout
    assert "\\x1b[2Joverflow" in done.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"#!/bin/sh\n", "not an ELF file"), (b"\x7fELF\x01\x01", "cut off")],
)
def test_what_cannot_be_inspected_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "k.so"
    if content is not None:
        path.write_bytes(content)
    done = hostctl("inspect", str(path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert str(path) in done.stderr and reason in done.stderr


@pytest.mark.parametrize("arguments", [(), ("inspect",), ("explode",), ("inspect", "a.so", "--yaml")])
def test_a_bad_command_line_exits_with_2(arguments: tuple[str, ...]) -> None:
    assert hostctl(*arguments).returncode == 2


def test_help_and_version() -> None:
    assert "inspect" in hostctl("--help").stdout
    assert hostctl("--version").stdout.startswith("tvmffi-hostctl ")
