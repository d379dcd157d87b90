"""Put device code into an object file, where ``TVM_FFI_EMBED_CUBIN`` of ``cubin_launcher.h`` finds it.

Also a program, which needs nothing but the standard library:
``python -m tvm_ffi.utils.embed_cubin --output-obj OUT --input-obj IN --cubin FILE --name NAME``.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["embed_cubin"]

# The name of the bytes' file; ld makes its symbols from it.
_IMAGE = "image"


def _run(command: list[str], folder: Path, verbose: bool) -> None:
    if verbose:
        print(shlex.join(command))
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise RuntimeError(f"embedding device code needs {command[0]}, which is not on PATH") from None
    if done.returncode != 0:
        raise RuntimeError(
            f"`{shlex.join(command)}` exited with status {done.returncode}:\n{done.stdout}{done.stderr}".rstrip()
        )


def embed_cubin(
    cubin_path: Path, input_obj_path: Path, output_obj_path: Path, name: str, verbose: bool = False
) -> None:
    """Write ``input_obj_path`` with the bytes of ``cubin_path`` added to ``output_obj_path``.

    They lie, read-only, between the symbols ``__tvm_ffi__cubin_<name>`` and ``__tvm_ffi__cubin_<name>_end``, which the
    object alone sees. FileNotFoundError when an input is missing, RuntimeError when a tool of binutils fails.
    """
    cubin, source, output = Path(cubin_path).resolve(), Path(input_obj_path).resolve(), Path(output_obj_path).resolve()
    for path in (cubin, source):
        if not path.is_file():
            raise FileNotFoundError(f"cannot embed device code `{name}`: there is no {path}")
    symbol = f"__tvm_ffi__cubin_{name}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copyfile(cubin, folder / _IMAGE)
        _run(["ld", "-r", "-b", "binary", "-o", "image.o", _IMAGE], folder, verbose)
        rename = ["--redefine-sym", f"_binary_{_IMAGE}_start={symbol}", "--redefine-sym"]
        rename += [f"_binary_{_IMAGE}_end={symbol}_end", "--strip-symbol", f"_binary_{_IMAGE}_size"]
        section = ["--rename-section", ".data=.rodata,alloc,load,readonly,data,contents"]
        # The driver reads the image as an ELF file does: aligned. Without the note the stack would be executable.
        section += ["--set-section-alignment", ".rodata=16", "--add-section", ".note.GNU-stack=/dev/null"]
        _run(["objcopy", *section, "image.o"], folder, verbose)
        _run(["objcopy", *rename, "image.o"], folder, verbose)
        _run(["ld", "-r", "-o", "merged.o", str(source), "image.o"], folder, verbose)
        local = ["--localize-symbol", symbol, "--localize-symbol", f"{symbol}_end"]
        _run(["objcopy", *local, "merged.o"], folder, verbose)
        shutil.copyfile(folder / "merged.o", output)


def main() -> int:
    """Run as a program; the exit status is 1 when the files cannot be merged."""
    parser = argparse.ArgumentParser(description="Put device code into an object file.")
    parser.add_argument("--output-obj", type=Path, required=True, help="the object file to write")
    parser.add_argument("--input-obj", type=Path, required=True, help="the object file to add to")
    parser.add_argument("--cubin", type=Path, required=True, help="the device code")
    parser.add_argument("--name", required=True, help="its name in TVM_FFI_EMBED_CUBIN(name)")
    parser.add_argument("--verbose", action="store_true", help="print the commands")
    arguments = parser.parse_args()
    try:
        embed_cubin(arguments.cubin, arguments.input_obj, arguments.output_obj, arguments.name, arguments.verbose)
    except (FileNotFoundError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
