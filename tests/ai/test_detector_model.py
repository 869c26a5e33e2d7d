"""The model file: read without pickles, refused in plain words when it is not right."""

from __future__ import annotations

import numpy as np
import pytest

from handoff_bot.ai.detector.local import MODEL, LocalDetector
from handoff_bot.domain.errors import ModelError


def arrays():
    with np.load(MODEL) as file:
        return {name: file[name] for name in file.files}


def without(name):
    return {key: array for key, array in arrays().items() if key != name}


BROKEN = {
    "another format": lambda: arrays() | {"format": np.array(99)},
    "a head is missing": lambda: without("intent.weights"),
    "no format": lambda: without("format"),
    "a signal is missing": lambda: without("stage.request"),
    "a signal of another size": lambda: arrays() | {"stage.request": np.zeros(9)},
    "too few classes": lambda: arrays() | {"acts.bias": np.zeros(1)},
    "odd number of buckets": lambda: arrays() | {"replies.weights": np.zeros((3, 2), np.int8)},
    "a flat head": lambda: arrays() | {"intent.weights": np.zeros(8, np.int8)},
    "thresholds of another shape": lambda: arrays() | {"thresholds": np.zeros(4)},
    "not a number": lambda: arrays() | {"stage.sentiment": np.full(4, np.nan)},
    "a pickle": lambda: arrays() | {"languages": np.array([{"en": 1}], dtype=object)},
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_a_clear_error(tmp_path, make):
    path = tmp_path / "local.npz"
    np.savez(path, **make())

    with pytest.raises(ModelError, match=r"local\.npz is broken"):
        LocalDetector.load(path)


@pytest.mark.parametrize("size", [0, 10, 5_000], ids=["empty", "ten bytes", "cut off"])
def test_a_cut_off_file_is_a_clear_error(tmp_path, size):
    path = tmp_path / "local.npz"
    path.write_bytes(MODEL.read_bytes()[:size])

    with pytest.raises(ModelError, match="broken"):
        LocalDetector.load(path)


def test_a_flipped_byte_is_a_clear_error(tmp_path):
    raw = bytearray(MODEL.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path = tmp_path / "local.npz"
    path.write_bytes(raw)

    with pytest.raises(ModelError, match="broken"):
        LocalDetector.load(path)


def test_a_missing_model_is_a_clear_error(tmp_path):
    with pytest.raises(ModelError, match=r"local\.npz is missing"):
        LocalDetector.load(tmp_path / "local.npz")


def test_the_shipped_model_is_small():
    assert MODEL.stat().st_size < 4_000_000
