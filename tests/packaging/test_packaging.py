"""What a release ships, built from a clean clone of HEAD, and that it installs into an empty environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command outside this checkout's influence and return its output; fail with all it printed."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PARBOOK_", "LD_PRELOAD"))
    }
    done = subprocess.run(command, cwd=cwd, env=kept | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _build(hook: str, source: Path, out: Path) -> Path:
    """Call a PEP 517 hook of the build backend, as pip does, and return the file it made."""
    script = f"import sys; from setuptools import build_meta; build_meta.{hook}(sys.argv[1])"
    _run(sys.executable, "-c", script, out, cwd=source)
    [made] = out.iterdir()
    return made


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout")
    target = tmp_path_factory.mktemp("clone") / "parbook"
    _run("git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), target, cwd=ROOT)
    return target


@pytest.fixture(scope="module")
def sdist(clone, tmp_path_factory) -> Path:
    return _build("build_sdist", clone, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Built from the sdist and nothing else: what the sdist lacks is missed here."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    [source] = unpacked.iterdir()
    return _build("build_wheel", source, tmp_path_factory.mktemp("wheel"))


def _files(folder: Path, *suffixes: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in suffixes}


def test_the_sdist_holds_the_sources_and_nothing_generated(clone, sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = set(_run("git", "ls-files", "engine", "ext", cwd=clone).splitlines())
    assert tracked <= names
    assert {"pyproject.toml", "setup.py", "LICENSE", "README.md", "CHANGELOG.md"} <= names
    assert not [name for name in names if name.endswith((".c", ".so", ".o", ".pyc"))]


def test_the_wheel_holds_the_package_its_stubs_and_every_compiled_module(clone, wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        licence = next(name for name in names if name.endswith("licenses/LICENSE"))
        assert "Apache License" in archive.read(licence).decode()
    assert _files(clone / "engine", ".py", ".pyi", ".typed") <= names
    compiled = {path.stem for path in (clone / "ext/parbook").glob("_*.pyx")}
    assert {Path(name).name.split(".")[0] for name in names if name.endswith(".so")} == compiled
    assert not [name for name in names if name.endswith((".pyx", ".pxd", ".c")) or name.startswith(("tests", "tools"))]
    assert ("none-any" in wheel.name) == (not compiled)


def test_the_wheel_installs_into_an_empty_environment_and_runs(clone, wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    modules = ["parbook", *(f"parbook.{path.stem}" for path in sorted((clone / "ext/parbook").glob("_*.pyx")))]
    printed = _run(python, "-c", f"import {', '.join(modules)}; print(parbook.__file__)", cwd=tmp_path)
    assert printed.startswith(str(tmp_path / "venv"))
    if (clone / "engine/parbook/__main__.py").exists():
        assert "replay" in _run(python, "-m", "parbook", "--help", cwd=tmp_path)
        assert "replay" in _run(tmp_path / "venv/bin/parbook", "--help", cwd=tmp_path)
