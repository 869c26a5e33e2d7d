"""Which functions of the product run, found out while they do: for journeys, and for what is never drawn."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("handoff_bot", "channels", "app.py")
INNER = frozenset({"<lambda>", "<module>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
"""Code without a name of its own: it counts as a part of the function that it stands in."""


@dataclass
class Trace:
    """What ran.

    Attributes:
        functions: file and name -> how often it was called.
        moves: calls from a function in one file into a function in another.
    """

    functions: dict[tuple[str, str], int] = field(default_factory=dict)
    moves: int = 0

    @property
    def files(self) -> list[str]:
        """The files entered."""
        return sorted({file for file, _ in self.functions})

    @property
    def calls(self) -> int:
        return sum(self.functions.values())


class Tracer:
    """Sees what runs in this thread, and in all that begin within `installed`; counts within `tracing`."""

    def __init__(self) -> None:
        self._trace: Trace | None = None
        self._guard = threading.Lock()
        self._known: dict[CodeType, str] = {}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Threads that run already are not seen: begin before what is to be traced is built."""
        before = sys.getprofile()
        threading.setprofile(self._hook)
        sys.setprofile(self._hook)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    @contextmanager
    def tracing(self) -> Iterator[Trace]:
        """Count what is called from here on."""
        self._trace = trace = Trace()
        try:
            yield trace
        finally:
            self._trace = None

    def _hook(self, frame: FrameType, event: str, _argument: Any) -> None:
        trace = self._trace
        if trace is None or event != "call":
            return
        code = frame.f_code
        file = self._file(code)
        if not file or code.co_name in INNER or _is_resumed(frame):
            return
        caller = self._caller(frame)
        with self._guard:
            key = (file, code.co_qualname)
            trace.functions[key] = trace.functions.get(key, 0) + 1
            trace.moves += caller != file

    def _file(self, code: CodeType) -> str:
        """Of the product, relative to the root; "" for anything else."""
        known = self._known.get(code)
        if known is None:
            known = self._known[code] = product_file(code.co_filename)
        return known

    def _caller(self, frame: FrameType) -> str:
        """The product's file that this was called from, through whatever library; "" for none."""
        outer = frame.f_back
        while outer is not None:
            if file := self._file(outer.f_code):
                return file
            outer = outer.f_back
        return ""


def product_file(path: str) -> str:
    """The path of a file of the product relative to the root; "" for anything else."""
    try:
        parts = Path(path).resolve().relative_to(ROOT).parts
    except ValueError:
        return ""
    return "/".join(parts) if parts[0] in PRODUCT else ""


def _is_resumed(frame: FrameType) -> bool:
    """A generator's first step is its call; the others go on, as the argument of RESUME says."""
    code = frame.f_code
    return bool(code.co_flags & CO_GENERATOR and code.co_code[frame.f_lasti + 1] & 3)
