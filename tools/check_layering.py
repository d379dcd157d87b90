#!/usr/bin/env python3
"""Checks which folder includes and links which: prints every violation, exits 1 if there is one.

The tables below are the project's dependency rules. `#include` lines and CMake's target_link_libraries are read as text,
so the check needs no build.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Set

# Layer -> the layers it may include and link, beside itself. A file belongs to the longest matching path.
LAYERS: Dict[str, Set[str]] = {
    "abi": set(),
    "libffi_core": {"abi"},
    "proto/schema": set(),
    "proto/base": set(),
    "proto/elf": {"proto/base"},
    "proto/wire": {"proto/schema", "proto/base", "proto/channel"},
    "proto/policy": {"proto/base", "proto/wire"},
    "proto/recording": {"proto/schema", "proto/base"},
    "proto/channel": {"proto/base"},
    "proto/codec": {"abi", "libffi_core", "proto/schema", "proto/base", "proto/wire", "proto/channel"},
    "hostd": {"proto/schema", "proto/base", "proto/elf", "proto/wire", "proto/channel"},
    "hostd/worker": {"abi", "libffi_core", "proto/schema", "proto/base", "proto/elf", "proto/wire", "proto/channel", "proto/codec", "hostd"},
    "client": {"abi", "libffi_core", "proto/schema", "proto/base", "proto/elf", "proto/wire", "proto/policy", "proto/recording", "proto/channel", "proto/codec"},
    "python": {"abi", "libffi_core"},
    "plugins": {"abi", "libffi_core"},
    "tools": {"abi", "libffi_core", "proto/schema", "proto/base", "proto/elf", "proto/wire", "proto/policy", "proto/recording", "proto/channel", "proto/codec", "client"},
    "tests": {"*"},
}

# Headers of other projects that only some folders may include, and the folders. hostd/loop is inside hostd: a path rule.
EXTERNAL_HEADERS = [
    (re.compile(r"uv(/.*)?\.h"), ["hostd/loop", "tests"]),
    (re.compile(r"spdlog/.*"), ["hostd", "tools", "tests"]),
    (re.compile(r"(cuda|cuda_runtime|cuda_runtime_api|cuda_bf16)\.h"), ["abi/include/tvm/ffi/extra/cuda", "plugins", "tests"]),
    (re.compile(r"toml\+\+/.*"), ["proto/policy"]),
    (re.compile(r"seccomp\.h"), ["hostd/sandbox", "hostd/symbolizer"]),
    (re.compile(r"Python\.h"), ["python/include", "python/src", "tests"]),
]

# Path prefixes of quoted and angled includes that mean one of our layers.
INCLUDE_ROOTS = [("tvm/ffi/", "abi"), ("dlpack/", "abi"), ("tvmffi/host/", "client"), ("host_generated.h", "proto/schema"), ("recording_generated.h", "proto/schema")]

SOURCE_SUFFIXES = {".h", ".hpp", ".cuh", ".c", ".cc", ".cpp", ".cu"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMAND = re.compile(r"\b(add_library|add_executable|target_sources|target_link_libraries|tvmffi_add_\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.S)


class Violation(NamedTuple):
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def layer_of(path: str) -> Optional[str]:
    """The layer that holds `path` (relative, with slashes), or None for a file of no layer."""
    matches = [layer for layer in LAYERS if path == layer or path.startswith(layer + "/")]
    return max(matches, key=len, default=None)


def may_use(user: str, used: str) -> bool:
    return user == used or used in LAYERS[user] or "*" in LAYERS[user]


def is_under(path: str, folders: List[str]) -> bool:
    return any(path.startswith(folder + "/") for folder in folders)


class Tree:
    def __init__(self, root: Path):
        self.root = root

    def files(self, *names: str) -> Iterator[Path]:
        for folder in sorted({layer.split("/")[0] for layer in LAYERS}):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and (path.suffix in SOURCE_SUFFIXES if not names else path.name in names):
                    yield path

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def included_layer(self, source: Path, quoted: bool, name: str) -> Optional[str]:
        """The layer that an include names, or None for a header from outside."""
        if quoted and (source.parent / name).exists():
            return layer_of((source.parent / name).resolve().relative_to(self.root).as_posix())
        for prefix, layer in INCLUDE_ROOTS:
            if name.startswith(prefix) or name.endswith("/" + prefix):
                return layer
        return layer_of(name) if (self.root / name).exists() else None

    def check_includes(self) -> Iterator[Violation]:
        for source in self.files():
            path = self.relative(source)
            layer = layer_of(path)
            for number, line in enumerate(source.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match or layer is None:
                    continue
                quoted, name = match[1] == '"', match[2]
                used = self.included_layer(source, quoted, name)
                if used is not None and not may_use(layer, used):
                    yield Violation(f"{path}:{number}", f"{layer} may not include {used} ({name})")
                for pattern, folders in EXTERNAL_HEADERS:
                    if used is None and pattern.fullmatch(name) and not is_under(path, folders):
                        yield Violation(f"{path}:{number}", f"<{name}> may be included only under {', '.join(folders)}")

    def targets(self) -> Dict[str, Set[str]]:
        """Every CMake target of ours and the layers its sources lie in."""
        targets: Dict[str, Set[str]] = {name: {"proto/schema"} for name in ("tvmffi_schema", "tvmffi_recording_schema")}
        aliases: Dict[str, str] = {}
        for lists in self.files("CMakeLists.txt"):
            folder = self.relative(lists.parent)
            if layer_of(folder + "/") == "tests":  # stand-ins for real targets are defined there
                continue
            for command, words in self.commands(lists):
                if command == "target_link_libraries" or not words:
                    continue
                if "ALIAS" in words:
                    aliases[words[0]] = words[words.index("ALIAS") + 1]
                    continue
                sources = [f"{folder}/{word}" for word in words[1:] if Path(word).suffix in SOURCE_SUFFIXES]
                layers = {layer_of(path) for path in sources or [folder + "/"]} - {None}
                targets.setdefault(words[0], set()).update(layers)
        for alias, target in aliases.items():
            targets[alias] = targets.get(target, set())
        return targets

    @staticmethod
    def commands(lists: Path) -> Iterator[tuple]:
        text = re.sub(r"#[^\n]*", "", lists.read_text())
        for match in COMMAND.finditer(text):
            yield match[1], match[2].split()

    def check_links(self) -> Iterator[Violation]:
        targets = self.targets()
        for lists in self.files("CMakeLists.txt"):
            path = self.relative(lists)
            for command, words in self.commands(lists):
                if command != "target_link_libraries" or not words or words[0] not in targets:
                    continue
                user = words[0]
                for used in words[1:]:
                    layers = targets.get(used, set())
                    # One library may hold two layers, one above the other: some part must be allowed some part.
                    if layers and not any(may_use(mine, layer) for mine in targets[user] for layer in layers):
                        text = f"{user} ({self.names(targets[user])}) may not link {used} ({self.names(layers)})"
                        yield Violation(path, text)

    @staticmethod
    def names(layers: Set[str]) -> str:
        return ", ".join(sorted(layers))


def check(root: Path) -> List[Violation]:
    tree = Tree(root.resolve())
    return [*tree.check_includes(), *tree.check_links()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    violations = check(parser.parse_args().root)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
