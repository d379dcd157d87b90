"""Notes about tests that quote a row of the threat model: what they loaded, which layers they need, how they ended.

With TVMFFI_TEST_RESULTS set, the notes of a run are written there as e2e-<pid>.json, for tools/threats.py.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import tvmffi_host

RESULTS = os.environ.get("TVMFFI_TEST_RESULTS", "")
ROW = re.compile(r"(?:^|[_\[-])(?:c([123])_(\d{1,2})|d(\d{1,2}))(?=[_\]-]|$)")

notes: list[dict[str, Any]] = []
_current: dict[str, Any] = {}


def rows_of(name: str) -> list[str]:
    """``test_c1_7_d14_a_secret[c2_6-jump]`` quotes C1.7, D14 and C2.6."""
    found = ROW.findall(name)
    return [f"C{part}.{number}" if part else f"D{digits}" for part, number, digits in found]


def note_layers(*names: str) -> None:
    """The running test needs these layers: they are what stops the attempt."""
    _current.setdefault("layers", []).extend(name for name in names if name not in _current.get("layers", []))


def _watch_sessions() -> None:
    """Sessions remember what their workers go without, and loads are noted."""
    open_session, load_module = tvmffi_host.Session.__init__, tvmffi_host.Session.load_module

    def opened(self: Any, **options: Any) -> None:
        open_session(self, **options)
        self.goes_without = list(options.get("without") or [])

    def loaded(self: Any, path: Any, **options: Any) -> Any:
        load = {"module": Path(path).stem, "without": self.goes_without}
        if load not in _current.setdefault("loads", []):
            _current["loads"].append(load)
        return load_module(self, path, **options)

    tvmffi_host.Session.__init__, tvmffi_host.Session.load_module = opened, loaded  # type: ignore[method-assign]


if RESULTS:
    _watch_sessions()


def pytest_runtest_setup(item: pytest.Item) -> None:
    _current.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    report = (yield).get_result()
    rows = rows_of(item.name)
    if not rows or (report.when != "call" and report.outcome == "passed"):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ") if report.skipped and isinstance(report.longrepr, tuple) else ""
    note = {"test": item.nodeid.split("::", 1)[-1].replace("::", "."), "rows": rows, "outcome": report.outcome, "reason": reason}
    notes.append({**note, "control": "control" in item.name, **_current})


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not RESULTS or not notes:
        return
    module = tvmffi_host.load_module(os.environ["TVMFFI_BUILD_DIR"] + "/plugins/values.so")
    level = list(tvmffi_host.worker_info(module)["layers"])
    run = {"uid": os.geteuid(), "level": level, "tests": notes}
    Path(RESULTS, f"e2e-{os.getpid()}.json").write_text(json.dumps(run, indent=1))
