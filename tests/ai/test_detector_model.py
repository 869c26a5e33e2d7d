"""The model file: read without pickles, refused in plain words when it is not right."""

from __future__ import annotations

import numpy as np
import pytest

from handoff_bot.ai.detector.local import MODEL, LocalDetector
from handoff_bot.ai.detector.model import ENCODER, Model
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
    "a signal of another size": lambda: arrays() | {"stage.request": np.zeros(3)},
    "too few classes": lambda: arrays() | {"acts.bias": np.zeros(1)},
    "odd number of buckets": lambda: arrays() | {"replies.weights": np.zeros((3, 3), np.int8)},
    "a flat head": lambda: arrays() | {"intent.weights": np.zeros(8, np.int8)},
    "thresholds of another shape": lambda: arrays() | {"thresholds": np.zeros(4)},
    "no head for mentions": lambda: without("mentions.weights"),
    "a threshold for danger is missing": lambda: arrays() | {"urgent": np.zeros(2)},
    "not a number": lambda: arrays() | {"stage.sentiment": np.full(9, np.nan)},
    "a network of another width": lambda: arrays() | {"intent_meant.hidden": np.zeros((9, 3))},
    "a pickle": lambda: arrays() | {"languages": np.array([{"en": 1}], dtype=object)},
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_a_clear_error(tmp_path, make):
    path = tmp_path / "local.npz"
    np.savez(path, **make())

    with pytest.raises(ModelError, match=r"local\.npz is damaged"):
        LocalDetector.load(path)


@pytest.mark.parametrize("size", [0, 10, 5_000], ids=["empty", "ten bytes", "cut off"])
def test_a_cut_off_file_is_a_clear_error(tmp_path, size):
    path = tmp_path / "local.npz"
    path.write_bytes(MODEL.read_bytes()[:size])

    with pytest.raises(ModelError, match="damaged"):
        LocalDetector.load(path)


def test_a_flipped_byte_is_a_clear_error(tmp_path):
    raw = bytearray(MODEL.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path = tmp_path / "local.npz"
    path.write_bytes(raw)

    with pytest.raises(ModelError, match="damaged"):
        LocalDetector.load(path)


def test_a_missing_model_is_a_clear_error(tmp_path):
    with pytest.raises(ModelError, match=r"local\.npz is missing"):
        LocalDetector.load(tmp_path / "local.npz")


def encoder():
    with np.load(ENCODER) as file:
        return {name: file[name] for name in file.files}


BROKEN_ENCODERS = {
    "a matrix is missing": lambda arrays: arrays.pop("d0"),
    "codes of another size": lambda arrays: arrays.update(fine=np.zeros((9, 9), np.uint8)),
    "a book of another size": lambda arrays: arrays.update({"coarse.book": np.zeros((64, 2, 8))}),
    "too few rows": lambda arrays: arrays.update(coarse=arrays["coarse"][:-1]),
    "a score too many": lambda arrays: arrays.update(scores=np.zeros(len(arrays["scores"]) + 1)),
    "not a number": lambda arrays: arrays.update(spread=np.full_like(arrays["spread"], np.nan)),
}


@pytest.mark.parametrize("spoil", BROKEN_ENCODERS.values(), ids=BROKEN_ENCODERS)
def test_a_broken_encoder_is_a_clear_error(tmp_path, spoil):
    changed = encoder()
    spoil(changed)
    path = tmp_path / "encoder.npz"
    np.savez(path, **changed)

    with pytest.raises(ModelError, match=r"encoder\.npz is damaged"):
        Model.load(MODEL, path)


def test_the_shipped_files_are_small():
    assert MODEL.stat().st_size + ENCODER.stat().st_size < 14_000_000
