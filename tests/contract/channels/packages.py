"""Packages of others, installed where a test can look: `examples/` for real, and some that are wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest

from adapters import registry
from adapters.testing import HarnessBase

ROOT = Path(__file__).resolve().parents[3]
PIGEON = ROOT / "examples" / "pigeon-post"


def install(project: Path, site: Path) -> None:
    """Build the wheel of a project and unpack it, which is all that installing one of pure Python is."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(site.parent)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = site.parent.glob("*.whl")
    ZipFile(wheel).extractall(site)
    wheel.unlink()


def install_made_up(site: Path, name: str, code: str, **points: str) -> None:
    """A package of one module with these entry points, a dot in their names written `__`."""
    (site / f"{name}.py").write_text(code)
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{point.replace('__', '.')} = {name}:{value}" for point, value in points.items()]
    (folder / "entry_points.txt").write_text("\n".join([f"[{registry.GROUP}]", *lines]) + "\n")


@contextmanager
def looked_for(*paths: Path) -> Iterator[None]:
    """This process finds what is installed there, and looks anew."""
    before = dict(registry._loaded)
    forget()
    with pytest.MonkeyPatch.context() as patch:
        for path in paths:
            patch.syspath_prepend(path)
        yield
    forget()
    registry._loaded.clear()
    registry._loaded.update(before)


def forget() -> None:
    """Packages are looked for anew."""
    registry._found.cache_clear()
    registry._unusable.clear()


@contextmanager
def pigeon_post(site: Path) -> Iterator[HarnessBase]:
    """The harness of the example, whose package is installed at `site`."""
    with looked_for(site, PIGEON / "tests"):
        harness: HarnessBase = import_module("pigeon_requests").Harness()
        yield harness
