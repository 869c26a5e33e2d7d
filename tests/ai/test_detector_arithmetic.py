"""The detector's arithmetic, beside plain and slow definitions of the same."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.arrays import read_arrays
from handoff_bot.ai.detector.encoder import BEGIN, END, Encoder, Vocabulary
from handoff_bot.ai.detector.heads import Head, Joined
from handoff_bot.ai.detector.local import MODEL
from handoff_bot.ai.detector.model import ENCODER, Model
from handoff_bot.domain.errors import ModelError

TEXTS = (
    "Can I please speak to a human being?",
    "Où est ma commande ? Ça fait 3 semaines, c'est n'importe quoi !!",
    "配送はいつですか?人と話したいです。",
    "मुझे किसी इंसान से बात करनी है",
    "ok 👍🏽",
    "x",
    "",
)


@pytest.fixture(scope="module")
def encoder():
    return Encoder.of(read_arrays(ENCODER))


@pytest.mark.parametrize("words", TEXTS)
def test_features_are_the_checksums_of_characters_tokens_and_pairs(words):
    said = text.tokens(text.fold(words))
    framed = ["^", *said, "$"] if said else []
    expected = [f"w {word}" for word in said]
    for padded in (f"<{word}>" for word in said):
        expected += [
            padded[start : start + size]
            for size in range(1, 6)
            for start in range(len(padded) - size + 1)
        ]
    for start in range(len(framed) - 1):
        expected += [" ".join(framed[start : start + size]) for size in (2, 3)]
    expected += [f"{one} _ {other}" for one, other in zip(framed, framed[2:], strict=False)]

    buckets = {zlib.crc32(feature.encode()) & 0x1FFFF for feature in expected}
    assert text.features(words).tolist() == sorted(buckets)


def test_a_classifier_gives_each_of_several_texts_what_it_gives_it_alone():
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (64, 3)).astype(np.int8)
    head = Head(weights, np.array([0.1, 0.2, 0.3]), np.array([1.0, -1.0, 0.0]))
    texts = [np.arange(9, dtype=np.int32), np.empty(0, np.int32), np.arange(60, 90, dtype=np.int32)]

    found = head.logits_of(Joined.of(texts))

    for row, ids in zip(found, texts, strict=True):
        sums = weights[ids & 63].astype(float).sum(axis=0) * head.scale
        np.testing.assert_allclose(row, head.bias + sums / max(1.0, len(ids)) ** 0.5, atol=1e-12)
    assert head.logits_of(Joined.of([])).shape == (0, 3)


def plainly(encoder, words):
    """The vector of one text by the network's definition, in 64 bits."""
    net = {name: one.steps * one.scale.astype(float) for name, one in encoder.matrices.items()}
    net |= {name: one.astype(float) for name, one in encoder.biases.items()}
    ids = np.array([BEGIN, *encoder.pieces.ids(words), END])
    embedded = np.concatenate([encoder._embedded(np.array([one])) for one in ids]).astype(float)
    entry = normalised(embedded @ net["proj"] + net["proj_b"])
    entry = entry * net["inner_gain"] + net["inner_bias"]
    rows = [embedded]
    for place, (size, left) in enumerate(((2, 0), (3, 1), (5, 2))):
        branch = entry[:, place * 256 : (place + 1) * 256]
        for layer in "12":
            padded = np.pad(branch, ((left, size - 1 - left), (0, 0)))
            windows = [padded[start : start + size].ravel() for start in range(len(ids))]
            found = np.array(windows) @ net[f"w{layer}_{size}"] + net[f"b{layer}_{size}"]
            branch = branch + np.maximum(found, 0)
        rows.append(branch)
    outer = normalised(np.concatenate(rows, axis=1)) * net["outer_gain"] + net["outer_bias"]
    mean = (outer @ net["cnn_W"] + net["cnn_b"]).sum(axis=0) / len(ids) ** 0.5
    first = np.maximum(mean @ net["d0"], 0)
    second = np.maximum(mean @ net["p1"] + first @ net["d1"], 0)
    third = np.maximum(second @ net["d2"], 0)
    vector = np.tanh(second @ net["p3"] + third @ net["d3"])
    return vector / np.linalg.norm(vector)


def normalised(rows):
    return (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)


def test_the_encoder_computes_what_its_network_defines(encoder):
    found = encoder.vectors(TEXTS)

    for words, vector in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(vector, plainly(encoder, words), atol=1e-6)


def test_every_beginning_of_a_piece_is_known_as_one_and_most_others_are_not():
    pieces = ["▁the", "▁them", "é", "好的", "x" * 30]
    vocabulary = Vocabulary("\n".join(pieces).encode())
    for piece in (one.encode() for one in pieces):
        for end in range(1, len(piece) + 1):
            assert vocabulary.may_begin(zlib.crc32(piece[:end]))
    others = [f"no piece begins like {n}".encode() for n in range(1000)]
    assert sum(vocabulary.may_begin(zlib.crc32(other)) for other in others) < 10


def test_the_encoders_matrices_stay_in_the_file(encoder):
    in_place = [*(one.steps for one in encoder.matrices.values()), encoder.fine.codes]
    assert all(not array.flags.owndata and not array.flags.writeable for array in in_place)


def test_a_flipped_byte_of_what_stays_in_the_file_is_a_clear_error(tmp_path):
    raw = bytearray(ENCODER.read_bytes())
    raw[-len(raw) // 3] ^= 0xFF
    path = tmp_path / "encoder.npz"
    path.write_bytes(raw)

    with pytest.raises(ModelError, match=r"encoder\.npz is damaged"):
        Model.load(MODEL, path)
