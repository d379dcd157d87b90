"""The version, and a warning when two distributions claim the same import name."""

from __future__ import annotations

import os
import sys
import warnings

try:
    from ._build_info import VERSION as __version__
except ImportError:  # not built
    __version__ = "0.0.0.dev0"

__version_tuple__ = tuple(int(part) if part.isdigit() else part for part in __version__.split("."))

_OTHER = "apache_tvm_ffi-"


def _find_other_distribution() -> str | None:
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.startswith(_OTHER) and name.endswith(".dist-info"):
                return os.path.join(folder, name)
    return None


def warn_of_other_distribution() -> None:
    """Warn once when apache-tvm-ffi is installed too: what `import tvm_ffi` finds depends on the installation order."""
    other = _find_other_distribution()
    if other is not None:
        warnings.warn(
            f"distribution apache-tvm-ffi is installed too ({other}); `import tvm_ffi` found tvmffi-abi in "
            f"{os.path.dirname(__file__)}. Uninstall one of the two.",
            stacklevel=3,
        )
