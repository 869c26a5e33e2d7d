"""A web page's title and main text, read by a process of its own.

A hostile page of 1 MB can take parsers minutes and gigabytes: a tag with many attributes takes time by
their square. The process ends after some seconds, and may only take some memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from typing import Any

LARGEST_HTML, MOST_TAGS = 1_500_000, 50_000
"""Bytes, and number. Within them, no page of text was found that takes longer than 3 s."""
_CPU_SECONDS, _SECONDS = 10, 60.0
_MEMORY = 1_000_000_000
NOT_READ = "the page cannot be read"


@dataclass(frozen=True)
class MainText:
    """The text is Markdown; `problem` is why there is none."""

    title: str = ""
    text: str = ""
    problem: str = ""
    is_for_us: bool = True
    is_missing: bool = False


def main_text(html: bytes) -> MainText:
    """Reads a page in another process."""
    if len(html) > LARGEST_HTML or html.count(b"<") > MOST_TAGS:
        return MainText(problem="the page is too large")
    try:
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-m", __name__],
            input=html,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
        return MainText(**json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return MainText(problem=NOT_READ)


def read(html: bytes) -> MainText:
    """Reads a page in this process."""
    try:
        import trafilatura  # an extra
    except ImportError:
        return MainText(is_missing=True)
    try:
        page = trafilatura.load_html(html)
        title, is_for_us = _head(page)
        if not is_for_us:
            return MainText(is_for_us=False)
        text = trafilatura.extract(
            page,
            output_format="markdown",
            include_comments=False,
            include_tables=True,
            favor_recall=True,
        )
    except Exception:  # hostile pages make parsers raise anything
        return MainText(problem=NOT_READ)
    return MainText(title, str(text)) if text else MainText(problem="the page has no text")


def _head(page: Any) -> tuple[str, bool]:
    """Returns a page's title, and whether it may be indexed."""
    robots = " ".join(
        str(one.get("content") or "").lower()
        for one in page.iter("meta")
        if str(one.get("name") or "").lower() == "robots"
    )
    headings = chain(page.iter("h1"), page.iter("title"))
    titles = (" ".join(" ".join(one.itertext()).split()) for one in headings)
    return next(filter(None, titles), ""), "noindex" not in robots


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.stdout.write(json.dumps(vars(read(sys.stdin.buffer.read()))))
