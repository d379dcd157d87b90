"""What a build is made of, as a value: its text for ninja and its key in the cache."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Mapping, Sequence

from .. import _version, libinfo
from . import _toolchain

_OBJECT_SUFFIXES = (".o", ".obj")

_RULES = {
    "c": "$cc -MMD -MF $out.d $cflags -c $in -o $out",
    "cpp": "$cxx -MMD -MF $out.d $cxxflags -c $in -o $out",
    "cuda": "$nvcc --generate-dependencies-with-compile --dependency-output $out.d $cudaflags -c $in -o $out",
    "hip": "$hipcc -MMD -MF $out.d $hipflags -c $in -o $out",
}


def is_object_file(path: str | Path) -> bool:
    """Whether the name is one of an object file."""
    return str(path).endswith(_OBJECT_SUFFIXES)


def _language(path: str) -> str:
    if is_object_file(path):
        return "object"
    return {".c": "c", ".cu": "cuda"}.get(Path(path).suffix, "cpp")


def _escaped(path: str | Path) -> str:
    """A path in a build statement of ninja."""
    return re.sub(r"([$ :])", r"$\1", str(path))


def _in_variable(path: str | Path) -> str:
    """A path in a command line within a variable of ninja."""
    return shlex.quote(str(path)).replace("$", "$$")


def _unique(items: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(items))


@dataclass
class Plan:
    """Sources, flags and the name of what they become. Flags are text for the shell, as their user wrote them."""

    output: str
    sources: list[str]
    extra_cflags: list[str] = field(default_factory=list)
    extra_cuda_cflags: list[str] = field(default_factory=list)
    extra_ldflags: list[str] = field(default_factory=list)
    extra_include_paths: list[str] = field(default_factory=list)
    cubins: list[str] = field(default_factory=list)
    backend: str | None = None

    def __post_init__(self) -> None:
        self.by_language: dict[str, list[str]] = {"cpp": [], "cuda": [], "c": [], "object": []}
        for source in sorted(set(self.sources)):
            self.by_language[_language(source)].append(source)
        gpu = _toolchain.choose_backend(self.backend) if self.by_language["cuda"] else None
        self._variables: dict[str, str] = {}
        self._gpu = gpu
        self._set_variables()

    # --- commands and flags

    def _set_variables(self) -> None:
        folders = _unique([*libinfo.include_paths(), *self.extra_include_paths])
        includes = [f"-I{_in_variable(path)}" for path in folders]
        self._set("cxx", _toolchain.cxx(), ["-std=c++17", "-fPIC", "-O2", *self.extra_cflags, *includes])
        if self.by_language["c"]:
            self._set("cc", _toolchain.cc(), ["-fPIC", "-O2", *self.extra_cflags, *includes])
        library_folder = Path(libinfo.find_libtvm_ffi()).parent
        link = ["-shared", f"-L{_in_variable(library_folder)}", "-ltvm_ffi"]
        if self._gpu == "cuda":
            link += self._use_cuda(includes)
        elif self._gpu == "hip":
            link += self._use_hip(includes)
        self._variables["ldflags"] = " ".join([*link, *self.extra_ldflags])

    def _set(self, compiler: str, command: str, flags: list[str]) -> None:
        names = {"cxx": "cxxflags", "cc": "cflags", "nvcc": "cudaflags", "hipcc": "hipflags"}
        self._variables[compiler] = command
        self._variables[names[compiler]] = " ".join(flags)

    def _use_cuda(self, includes: list[str]) -> list[str]:
        home = _toolchain.cuda_home()
        flags = ["-Xcompiler", "-fPIC", "-std=c++17", "-O2", *_toolchain.cuda_arch_flags()]
        self._set("nvcc", _in_variable(home / "bin" / "nvcc"), [*flags, *self.extra_cuda_cflags, *includes])
        return [f"-L{_in_variable(home / 'lib64')}", "-lcudart"]

    def _use_hip(self, includes: list[str]) -> list[str]:
        home = _toolchain.rocm_home()
        flags = ["-std=c++17", "-O2", "-fPIC", "-D__HIP_PLATFORM_AMD__=1", "-fno-gpu-rdc"]
        flags += [*_toolchain.rocm_arch_flags(), *self.extra_cuda_cflags]
        self._set("hipcc", _in_variable(home / "bin" / "hipcc"), [*flags, *includes])
        return [f"-L{_in_variable(home / 'lib')}", "-lamdhip64"]

    # --- the cache

    def key(self, texts: Mapping[str, str | bytes]) -> str:
        """Sixteen hex digits over everything that decides the result, ``texts`` being what the caller wrote."""
        compilers = [self._variables[name] for name in ("cxx", "cc", "nvcc", "hipcc") if name in self._variables]
        parts = {
            "plan": asdict(self),
            "variables": self._variables,
            "versions": [_version.__version__, *map(_toolchain.version_of, compilers)],
            "texts": {name: _digest(text) for name, text in texts.items()},
        }
        return _digest(json.dumps(parts, sort_keys=True))[:16]

    # --- ninja

    def ninja_text(self) -> str:
        """The contents of build.ninja. Relative names are in its folder."""
        parts = ["ninja_required_version = 1.3"]
        parts += [f"{name} = {value}" for name, value in self._variables.items()]
        statements, objects = self._compile_statements()
        if is_object_file(self.output):
            statements += self._object_statements(objects)
        else:
            statements += self._link_statements(objects)
        rules = {line.split(": ", 1)[1].split(" ", 1)[0] for line in statements if line.startswith("build ")}
        parts += [_rule(name) for name in sorted(rules)]
        return "\n".join([*parts, "", *statements, "", f"default {_escaped(self.output)}", ""])

    def _compile_statements(self) -> tuple[list[str], list[str]]:
        statements, objects = [], []
        for language in ("cpp", "cuda", "c"):
            rule = self._gpu if language == "cuda" else language
            for index, source in enumerate(self.by_language[language]):
                objects.append(f"{language}_{index}.o")
                statements.append(f"build {objects[-1]}: compile_{rule} {_escaped(source)}")
        return statements, objects + [_escaped(path) for path in self.by_language["object"]]

    def _with_cubins(self, objects: list[str], output: str) -> list[str]:
        merged = "unified.o"
        statements = [f"build {merged}: merge_objects {' '.join(objects)}"]
        for index, name in enumerate(self.cubins):
            last = index == len(self.cubins) - 1
            result = output if last else f"unified_with_{name}.o"
            statements += [f"build {_escaped(result)}: embed_cubin {merged} | {name}.cubin", f"  name = {name}"]
            merged = result
        return statements

    def _object_statements(self, objects: list[str]) -> list[str]:
        if self.cubins:
            return self._with_cubins(objects, self.output)
        if objects == [self.output]:
            return []
        rule = "copy_object" if len(objects) == 1 else "merge_objects"
        return [f"build {_escaped(self.output)}: {rule} {' '.join(objects)}"]

    def _link_statements(self, objects: list[str]) -> list[str]:
        statements = []
        if self.cubins:
            merged = f"unified_with_{self.cubins[-1]}.o"
            statements, objects = self._with_cubins(objects, merged), [merged]
        return [*statements, f"build {_escaped(self.output)}: link {' '.join(objects)}"]


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _rule(name: str) -> str:
    if name.startswith("compile_"):
        return f"\nrule {name}\n  depfile = $out.d\n  deps = gcc\n  command = {_RULES[name[8:]]}"
    embed = Path(__file__).parents[1] / "utils" / "embed_cubin.py"
    commands = {
        "merge_objects": "ld -r -o $out $in",
        "copy_object": "cp -f $in $out",
        "link": "$cxx $in $ldflags -o $out",
        "embed_cubin": f"{_in_variable(sys.executable)} {_in_variable(embed)} --output-obj $out --input-obj $in "
        "--cubin $name.cubin --name $name",
    }
    return f"\nrule {name}\n  command = {commands[name]}"
