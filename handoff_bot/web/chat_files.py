"""The chat widget's files: small ES modules, served unchanged and compressed."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Response, request

WIDGET = Path(__file__).parent / "widget"
CACHED = "public, max-age=300"
"""A new version reaches every page within minutes; after that, the browser revalidates with its ETag."""


@dataclass(frozen=True)
class _File:
    plain: bytes
    packed: bytes
    etag: str


class WidgetFiles:
    """All files of the widget, read once."""

    def __init__(self, folder: Path = WIDGET) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.glob("*.js"))}

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


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    packed = gzip.compress(plain, mtime=0)
    return _File(plain, packed, hashlib.sha256(plain).hexdigest()[:16])
