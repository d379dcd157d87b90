"""For every suite."""

from __future__ import annotations

import signal

import pytest

# A shell starts background jobs with SIGINT ignored, and what is ignored stays so in every child: then Ctrl-C tests, here
# and in the programs they start, would wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LEFT_OUT = {"slow": "takes more than a few seconds", "exhaustive": "takes minutes"}


def pytest_configure(config: pytest.Config) -> None:
    for mark, why in LEFT_OUT.items():
        config.addinivalue_line("markers", f"{mark}: {why}; run with -m {mark}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for mark, why in LEFT_OUT.items():
        if mark in (config.option.markexpr or ""):
            continue
        skip = pytest.mark.skip(reason=f"{why}: run with -m {mark}")
        for item in items:
            if mark in item.keywords:
                item.add_marker(skip)
