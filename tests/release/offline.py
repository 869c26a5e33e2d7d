"""An environment with the wheel and what it declares, made without an index.

The dependencies are links into the environment that runs the tests, so that nothing is fetched. Only what
the wheel declares is linked, with what that declares in turn: a missing declaration is an ImportError.
"""

import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.docs.pages import ROOT


def build(folder: Path, source: Path = ROOT) -> Path:
    """The wheel, built from a checkout or a source archive."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """The new environment's folder."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    pip("--python", python, "install", "--no-deps", str(wheel))
    ours = distribution_in(site_packages(folder))
    for name in sorted(closure(ours.requires or [])):
        link(name, site_packages(folder))
    pip("--python", python, "check")
    return folder


def site_packages(environment: Path) -> Path:
    bases = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path("purelib", "venv", bases))


def distribution_in(site: Path):
    from importlib.metadata import Distribution

    (found,) = Distribution.discover(name="handoff-bot", path=[str(site)])
    return found


def closure(required: list[str]) -> set[str]:
    """The names of all distributions that these requirements need on this machine."""
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in required]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        found.add(wanted.name)
        for inner in ("", *wanted.extras):
            if (wanted.name, inner) not in seen:
                seen.add((wanted.name, inner))
                further = distribution(wanted.name).requires or []
                waiting += [(Requirement(line), inner) for line in further]
    return found


def link(name: str, site: Path) -> None:
    """Links a distribution's modules, packages and metadata into the other environment."""
    found = distribution(name)
    for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
        target = Path(str(found.locate_file(top)))
        if not (site / top).exists():
            (site / top).symlink_to(target)


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
