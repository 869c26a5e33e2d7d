"""The chat widget as one file: the texts of the catalogues, then what `make web` builds of widget/.

One request, because each module of an import chain costs a page view another round trip.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Response, request

from handoff_bot.domain import texts

BUNDLE = Path(__file__).with_name("widget_bundle.js")
CACHED = "public, max-age=300"
"""A new version reaches every page within minutes; after that, the browser revalidates with its ETag."""


@dataclass(frozen=True)
class _File:
    plain: bytes
    packed: bytes
    etag: str


class WidgetFiles:
    """The widget's file, made on its first request."""

    @cached_property
    def _files(self) -> dict[str, _File]:
        texts_first = f"const HANDOFF_LANGUAGES = {languages()};\n"
        return {"widget.js": _packed(texts_first.encode() + BUNDLE.read_bytes())}

    @property
    def packed_size(self) -> int:
        """Returns the bytes that a browser downloads in total."""
        return sum(len(file.packed) for file in self._files.values())

    def answer(self, name: str) -> Response | None:
        """Returns the file in an encoding the browser accepts, None if it does not exist."""
        file = self._files.get(name)
        if file is None:
            return None
        packs = "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(file.packed if packs else file.plain, mimetype="text/javascript")
        if packs:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = CACHED
        # Modules are fetched with CORS; the chat itself checks the website's origin.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.set_etag(file.etag)
        response.make_conditional(request)
        return response


def languages() -> str:
    """Returns the widget's texts in all languages that have them, as JSON."""
    found = {language: dict(_texts(language)) for language in texts.languages("widget")}
    return json.dumps(found, ensure_ascii=False)


def _texts(language: str) -> Iterator[tuple[str, str]]:
    for name, forms in texts.catalogue(language)["widget"].items():
        for category, text in forms.items():
            yield (name if category == "other" else f"{name}.{category}"), text


def _packed(plain: bytes) -> _File:
    packed = gzip.compress(plain, mtime=0)
    return _File(plain, packed, hashlib.sha256(plain).hexdigest()[:16])
