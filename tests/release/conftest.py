"""The wheel, installed in an environment that has nothing else."""

import os
from pathlib import Path

import pytest

from tests.release import offline


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that `make wheel` made with pip and an index, or one that is made without."""
    if given := os.environ.get("HANDOFF_INSTALLED"):
        return Path(given)
    folder = tmp_path_factory.mktemp("release")
    return offline.install(offline.build(folder / "dist"), folder / "environment")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty folder, far from any checkout, in which commands run."""
    (folder := tmp_path / "empty").mkdir()
    return folder
