"""Where the vendor data lie that the repository does not carry."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def shared_path(*parts: str) -> Path:
    """Return the path of shared data, skipping the test when it is absent."""
    base = Path(os.environ.get("PARBOOK_SHARED", _ROOT.parent / "shared"))
    path = base.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data absent: {path.relative_to(base)}")
    return path
