"""Files that live beside the repository and are not part of it: vendor data, published vectors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_path(*parts: str) -> Path:
    """Return a path under the shared folder; skip the calling test, with a reason, when it is absent."""
    path = Path(os.environ.get("PARBOOK_SHARED", ROOT.parent / "shared")).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data is absent: {'/'.join(parts)} (set PARBOOK_SHARED)")
    return path
