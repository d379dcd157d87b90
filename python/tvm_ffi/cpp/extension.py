"""Build modules with ninja, in a cache or a folder of the caller's, and load them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Mapping, Sequence, Union

from ..module import load_module
from ._ninja import BuildLock, run_ninja
from ._plan import Plan
from ._toolchain import check_backend

if TYPE_CHECKING:
    from ..module import Module

    Texts = Union[Sequence[str], str, None]

_PRELUDE = """\
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>

"""


def _listed(value: Texts) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, (str, os.PathLike)) else list(value)


def _resolved(paths: Texts) -> list[str]:
    return [str(Path(path).resolve()) for path in _listed(paths)]


def _c_string(text: str) -> str:
    """The text as a literal of C. Bytes outside ASCII are octal: a hex escape has no end."""
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "?": "\\?"}
    return '"' + "".join(
        plain.get(chr(byte)) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in text.encode()
    ) + '"'


def _docs_of(functions: Mapping[str, str] | Texts) -> dict[str, str]:
    return dict(functions) if isinstance(functions, Mapping) else dict.fromkeys(_listed(functions), "")


def _exports(functions: Mapping[str, str] | Texts) -> str:
    lines = []
    for name, doc in _docs_of(functions).items():
        lines.append(f"TVM_FFI_DLL_EXPORT_TYPED_FUNC({name}, {name});\n")
        if doc:
            lines.append(f"TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC({name}, {_c_string(doc)});\n")
    return "".join(lines)


def _cache_folder(name: str, key: str) -> Path:
    root = os.environ.get("TVM_FFI_CACHE_DIR") or Path("~/.cache/tvm-ffi").expanduser()
    return Path(root).resolve() / f"{name}_{key}"


def _write_if_changed(path: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    path.write_bytes(data)


def _build(plan: Plan, files: Mapping[str, str | bytes], folder: Path) -> str:
    """Write ``files`` and build.ninja into the folder, build there, return the output's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with BuildLock(folder):
        for name, content in files.items():
            _write_if_changed(folder / name, content)
        _write_if_changed(folder / "build.ninja", plan.ninja_text())
        run_ninja(folder)
    return str(folder / plan.output)


def build_inline(
    name: str,
    *,
    cpp_sources: Texts = None,
    cuda_sources: Texts = None,
    functions: Mapping[str, str] | Texts = None,
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Sequence[str] | None = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | os.PathLike[str] | None = None,
    embed_cubin: Mapping[str, bytes] | None = None,
    backend: str | None = None,
    output: str | None = None,
) -> str:
    """Compile source text into a library and return its absolute path.

    Parameters
    ----------
    name
        The library's name, and the start of its folder's in the cache.
    cpp_sources, cuda_sources
        Texts, joined with newlines; the headers for tensors, dtypes, errors, streams and functions are included before
        them. CUDA text is HIP text when ``backend`` is ``"hip"``.
    functions
        What to export; a mapping has their documentation, which modules carry when compiled with
        ``-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1``. With C++ text the exports are there, so that functions in the CUDA
        text must be declared in it.
    extra_cflags, extra_cuda_cflags, extra_ldflags, extra_include_paths
        Appended to the flags of C++, of CUDA or HIP, and of the linker. Flags are read by ninja and then a shell.
    build_directory
        Where to build. By default a folder in ``$TVM_FFI_CACHE_DIR`` (``~/.cache/tvm-ffi``) whose name depends on all
        arguments and on the versions of compilers and library: what is there is not compiled again.
    embed_cubin
        Device code by name, for ``TVM_FFI_EMBED_CUBIN(name)``.
    backend
        ``"cuda"`` or ``"hip"`` for the CUDA text. By default TVM_FFI_GPU_BACKEND, what torch was built for, or what is
        installed.
    output
        The file's name, by default ``<name>.so``; an object file when it ends with ``.o``.

    RuntimeError, with everything the compilers wrote, when a source does not compile; ValueError for an unknown
    back end; AssertionError without sources.
    """
    check_backend(backend)
    cpp_text, cuda_text = "\n".join(_listed(cpp_sources)), "\n".join(_listed(cuda_sources))
    if not cpp_text and not cuda_text:
        raise AssertionError(f"cannot build {name!r}: there are neither cpp_sources nor cuda_sources")
    exports = _exports(functions)
    files: dict[str, str | bytes] = {"main.cpp": _PRELUDE + cpp_text + "\n" + (exports if cpp_text else "")}
    if cuda_text:
        files["cuda.cu"] = _PRELUDE + cuda_text + "\n" + ("" if cpp_text else exports)
    cubins = embed_cubin or {}
    for cubin in cubins:
        if not re.fullmatch(r"[A-Za-z_]\w*", cubin, re.ASCII):
            raise ValueError(f"embed_cubin has the name {cubin!r}, which is no identifier")
        files[f"{cubin}.cubin"] = cubins[cubin]

    def plan_in(folder: Path | None) -> Plan:
        compiled = (["main.cpp"] if cpp_text else []) + (["cuda.cu"] if cuda_text else [])
        return Plan(
            output=output or f"{name}.so",
            sources=[str(folder / source) if folder else source for source in compiled],
            extra_cflags=_listed(extra_cflags),
            extra_cuda_cflags=_listed(extra_cuda_cflags),
            extra_ldflags=_listed(extra_ldflags),
            extra_include_paths=_resolved(extra_include_paths),
            cubins=sorted(cubins),
            backend=backend,
        )

    if build_directory is None:
        folder = _cache_folder(name, plan_in(None).key(files))
    else:
        folder = Path(build_directory).resolve()
    return _build(plan_in(folder), files, folder)


def build(
    name: str,
    *,
    sources: Texts = None,
    cpp_files: Texts = None,
    cuda_files: Texts = None,
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Sequence[str] | None = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | os.PathLike[str] | None = None,
    backend: str | None = None,
    output: str | None = None,
) -> str:
    """Compile source files into a library and return its absolute path.

    ``sources``, ``cpp_files`` and ``cuda_files`` are one list: ``.c`` is C, ``.cu`` CUDA or HIP, ``.o`` is linked as it
    is, everything else is C++. A file that changed is compiled again, as is one whose headers changed. The other
    arguments and the errors are those of build_inline().
    """
    check_backend(backend)
    files = _resolved(sources) + _resolved(cpp_files) + _resolved(cuda_files)
    if not files:
        raise AssertionError(f"cannot build {name!r}: there are no sources")
    plan = Plan(
        output=output or f"{name}.so",
        sources=files,
        extra_cflags=_listed(extra_cflags),
        extra_cuda_cflags=_listed(extra_cuda_cflags),
        extra_ldflags=_listed(extra_ldflags),
        extra_include_paths=_resolved(extra_include_paths),
        backend=backend,
    )
    folder = _cache_folder(name, plan.key({})) if build_directory is None else Path(build_directory).resolve()
    return _build(plan, {}, folder)


# The libraries this process loaded, by path: the file's number and time then.
_loaded: dict[str, tuple[int, int]] = {}


def _load_built(path: str, keep_module_alive: bool) -> Module:
    """Load a library; when another one was loaded from this path, by a new name: the loader goes by the path alone."""
    status = os.stat(path)
    identity = status.st_ino, status.st_mtime_ns
    if _loaded.setdefault(path, identity) != identity:
        stem, suffix = os.path.splitext(path)
        path = f"{stem}.{identity[1]:x}{suffix}"
        if not os.path.exists(path):
            shutil.copy2(stem + suffix, path)
    return load_module(path, keep_module_alive)


def load_inline(
    name: str,
    *,
    cpp_sources: Texts = None,
    cuda_sources: Texts = None,
    functions: Mapping[str, str] | Texts = None,
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Sequence[str] | None = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | os.PathLike[str] | None = None,
    embed_cubin: Mapping[str, bytes] | None = None,
    keep_module_alive: bool = True,
    backend: str | None = None,
) -> Module:
    """Compile source text and load it: build_inline(), then load_module()."""
    path = build_inline(
        name,
        cpp_sources=cpp_sources,
        cuda_sources=cuda_sources,
        functions=functions,
        extra_cflags=extra_cflags,
        extra_cuda_cflags=extra_cuda_cflags,
        extra_ldflags=extra_ldflags,
        extra_include_paths=extra_include_paths,
        build_directory=build_directory,
        embed_cubin=embed_cubin,
        backend=backend,
    )
    return _load_built(path, keep_module_alive)


def load(
    name: str,
    *,
    sources: Texts = None,
    cpp_files: Texts = None,
    cuda_files: Texts = None,
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Sequence[str] | None = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | os.PathLike[str] | None = None,
    keep_module_alive: bool = True,
    backend: str | None = None,
) -> Module:
    """Compile source files and load them: build(), then load_module()."""
    path = build(
        name,
        sources=sources,
        cpp_files=cpp_files,
        cuda_files=cuda_files,
        extra_cflags=extra_cflags,
        extra_cuda_cflags=extra_cuda_cflags,
        extra_ldflags=extra_ldflags,
        extra_include_paths=extra_include_paths,
        build_directory=build_directory,
        backend=backend,
    )
    return _load_built(path, keep_module_alive)
