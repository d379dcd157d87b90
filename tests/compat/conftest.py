"""Published releases as fixtures; a release that cannot be fetched skips its tests and says why."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import published as published_releases  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def build_dir() -> Path:
    return Path(os.environ.get("TVMFFI_BUILD_DIR", ROOT / "build" / "release"))


@pytest.fixture(scope="session", params=published_releases.VERSIONS)
def published(request, build_dir):
    try:
        return published_releases.prepare(request.param, build_dir)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))
