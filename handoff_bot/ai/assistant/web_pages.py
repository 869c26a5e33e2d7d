"""Fetches the operator's web pages into the knowledge folder: polite, bounded, and only from listed hosts."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import monotonic
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import yaml

from handoff_bot import __version__
from handoff_bot.ai import safe_requests
from handoff_bot.ai.assistant.documents import MISSING
from handoff_bot.ai.assistant.library import NOT_WRITABLE, write_file
from handoff_bot.ai.assistant.main_text import MainText, main_text
from handoff_bot.ai.assistant.web_state import STATE, known_pages
from handoff_bot.ai.safe_requests import Address, Limits, RequestError, Response
from handoff_bot.domain.articles import Crawled
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.text import one_line
from handoff_bot.domain.web_requests import WebAddress, elsewhere, may_connect

# -- requests, only for pages that an operator has listed

AGENT = "HandoffBot"
_SECONDS = 30.0
TOO_SLOW = "takes longer than half a minute"
_LARGEST = 3_000_000
"""Bytes of a page, unpacked."""
_MOST_REDIRECTS = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USUAL = (80, 443)
_HEADERS = {
    "User-Agent": f"{AGENT}/{__version__}",
    "Accept": "text/html,application/xml;q=0.9,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


class FetchError(HandoffError):
    """A page cannot be fetched; the text says why."""


class Fetched(Response):
    """A page's response."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").lower()


class Fetcher:
    """Gets pages of the listed hosts, also after redirects.

    Args:
        listed: addresses that the operator has listed.
        may_contact: decides about an IP address.
    """

    def __init__(
        self, listed: Iterable[str], may_contact: Callable[[Address], bool] = may_connect
    ) -> None:
        origins = [WebAddress.parse(one).origin for one in listed]
        self._allowed = {(one.host, port) for one in origins for port in (*_USUAL, one.port)}
        self._may_contact = may_contact

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        may_follow: Callable[[str], object] = lambda _url: None,
    ) -> Fetched:
        """Returns the response, after redirects, within half a minute.

        Args:
            may_follow: called with the target of a redirect before it is requested; what it raises
                refuses the target.

        Raises:
            FetchError: no response, a refused host, a redirect from https to http, or too large.
            Malformed: the address is ambiguous.
        """
        address, left = WebAddress.parse(url), _SECONDS
        for _ in range(_MOST_REDIRECTS + 1):
            began = monotonic()
            fetched = self._once(address, headers, left)
            left -= monotonic() - began  # without the time of `may_follow`
            if fetched.status not in _REDIRECTS or "location" not in fetched.headers:
                return fetched
            target = elsewhere(address, fetched.headers["location"])
            if (address.origin.scheme, target.origin.scheme) == ("https", "http"):
                raise FetchError("redirects from https to http")
            may_follow(str(target))
            address = target
        raise FetchError("too many redirects")

    def _once(self, address: WebAddress, headers: Mapping[str, str], left: float) -> Fetched:
        origin = address.origin
        if (origin.host, origin.port) not in self._allowed:
            raise FetchError(f"{origin.host} is not a listed host; add it to KNOWLEDGE_URLS")
        limits = Limits(left, _LARGEST, unpacks=True)
        try:
            found = safe_requests.get(address, {**_HEADERS, **headers}, limits, self._may_contact)
        except RequestError as error:
            reasons = {
                safe_requests.NOT_ALLOWED: f"{origin.host} is not on the public internet",
                safe_requests.TIMEOUT: TOO_SLOW,
                safe_requests.TOO_LARGE: f"larger than {_LARGEST // 1_000_000} MB",
            }
            raise FetchError(reasons.get(error.kind, f"cannot be reached ({error})")) from error
        return Fetched(found.status, found.body, found.headers)


# -- the pages
# Each page becomes a Markdown file below `web/` that names its address. What is known of each page
# is in a hidden file beside them, so that an unchanged page is neither sent nor written again.

FOLDER = "web"
MOST_PAGES, MOST_SITEMAPS = 500, 20
LONGEST_RUN = 600.0
"""Seconds; the pages that were checked longest ago come first in the next run."""
DELAY, LONGEST_DELAY = 1.0, 10.0
"""Seconds between two requests, unless robots.txt asks for more."""
_LARGEST_SITEMAP, _MOST_TAGS_OF_A_SITEMAP = 10_000_000, 600_000
_LARGEST_ROBOTS = 500_000
"""Bytes; more need not be read by RFC 9309."""
_MOST_PROBLEMS, _LONGEST_PROBLEM = 50, 300
_LONGEST_VALIDATOR = 200
_LOCK = ".handoff-web.lock"
_LONGEST_TEXT = 500_000
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_GONE = (404, 410)


class PageError(HandoffError):
    """A page or a sitemap cannot be used; the text says why."""


@dataclass
class _Run:
    """What one run has found; `is_complete` is False if a sitemap could not be read."""

    state: dict[str, dict[str, str]]
    until: float
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    is_complete: bool = True
    problems: list[str] = field(default_factory=list)

    def fails(self, url: str, why: object) -> None:
        """Adds a problem. Addresses in a sitemap have any length, and all of them are stored."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{one_line(url, 200)}: {one_line(str(why), _LONGEST_PROBLEM)}")


class WebPages:
    """Implements `ports.Crawler`.

    Args:
        folder: the knowledge folder.
        addresses: pages, and sitemaps (`.xml` or `.xml.gz`).
        fetcher: only contacts hosts of these addresses.
        pause: waits a number of seconds.
        main_text: reads a page.
    """

    def __init__(
        self,
        folder: Path,
        addresses: Sequence[str],
        fetcher: Fetcher | None = None,
        pause: Callable[[float], None] = time.sleep,
        main_text: Callable[[bytes], MainText] = main_text,
    ) -> None:
        self._folder = folder
        self._addresses = tuple(addresses)
        self._fetcher = fetcher or Fetcher(self._addresses)
        self._pause = pause
        self._main_text = main_text
        self._robots: dict[str, RobotFileParser | str] = {}

    def crawl(self) -> Crawled:
        """Fetches what has changed; a run that finds another one in progress does nothing."""
        try:
            with _alone(self._folder) as is_alone:
                return self._crawl() if is_alone else Crawled(is_busy=True)
        except OSError as error:
            return Crawled(problems=(NOT_WRITABLE.format(why=_reason(error)),))

    def _crawl(self) -> Crawled:
        self._robots.clear()
        run = _Run(known_pages(self._folder), time.monotonic() + LONGEST_RUN)
        try:
            self._visit_all(run)
        finally:
            # Also after an unforeseen error: else the same pages would come first in
            # each run, and those after the error never.
            _remember(self._folder, run)
        return Crawled(run.written, run.unchanged, run.removed, tuple(run.problems))

    def _visit_all(self, run: _Run) -> None:
        found = list(dict.fromkeys(self._pages(run)))
        if len(found) > MOST_PAGES:
            run.problems.append(f"More than {MOST_PAGES} pages: only the first are read.")
        pages = sorted(
            found[:MOST_PAGES], key=lambda url: run.state.get(url, {}).get("checked", "")
        )
        for number, url in enumerate(pages):
            if time.monotonic() > run.until:
                run.problems.append(f"Stopped after {number} pages. The next run goes on.")
                break
            self._visit(url, run)
        self._remove_others(set(pages), run)

    def _remove_others(self, listed: set[str], run: _Run) -> None:
        """Removes pages that are no longer listed; if a sitemap cannot be read, only those that are
        too many.
        """
        unlisted = [url for url in run.state if url not in listed]
        others = sorted(unlisted, key=lambda url: run.state[url].get("checked", ""))
        spared = 0 if run.is_complete else max(MOST_PAGES - len(run.state) + len(others), 0)
        for url in others[: len(others) - spared]:
            try:
                self._remove(url, run)
            except OSError as error:
                run.fails(url, _reason(error))

    # -- which pages

    def _pages(self, run: _Run) -> Iterator[str]:
        waiting = [(url, 0) for url in self._addresses]
        sitemaps = 0
        while waiting:
            url, depth = waiting.pop(0)
            if not _is_sitemap(url):
                yield url
                continue
            sitemaps += 1
            if sitemaps > MOST_SITEMAPS or depth > 2:
                run.fails(url, "too many sitemaps")
                continue
            try:
                inner, pages = _listed(self._get(url).body)
            except (HandoffError, OSError, ValueError) as error:
                run.is_complete = False
                run.fails(url, _reason(error))
                continue
            waiting += [(one, depth + 1) for one in inner]
            yield from pages

    # -- one page

    def _visit(self, url: str, run: _Run) -> None:
        """Reads one page, which is hostile: whatever it raises costs only this page."""
        try:
            self._read(url, run)
        except (HandoffError, OSError, ValueError) as error:
            run.fails(url, _reason(error))
        if url in run.state:
            run.state[url]["checked"] = f"{time.time():.0f}"

    def _read(self, url: str, run: _Run) -> None:
        known = run.state.get(url, {})
        has_file = bool(known) and (self._folder / known.get("file", "")).is_file()
        try:
            fetched = self._get(url, known if has_file else {})
            if fetched.status == 304:
                run.unchanged += 1
            else:
                self._keep(url, fetched, run)
        except _NotForUs as error:
            run.fails(url, error)
            self._remove(url, run)

    def _get(self, url: str, known: dict[str, str] | None = None) -> Fetched:
        rules = self._allowing(url)
        # Compared as a whole number: one with 400 digits is no float.
        asked = min(int(rules.crawl_delay(AGENT) or 0), int(LONGEST_DELAY))
        self._pause(max(float(asked), DELAY))
        headers = {}
        if known and known.get("etag"):
            headers["If-None-Match"] = known["etag"]
        if known and known.get("modified"):
            headers["If-Modified-Since"] = known["modified"]
        fetched = self._fetcher.get(url, headers, self._allowing)
        if fetched.status in _GONE:
            raise _NotForUs(f"the server answers {fetched.status}")
        if fetched.status not in (200, 304):
            raise PageError(f"the server answers {fetched.status}")
        return fetched

    def _allowing(self, url: str) -> RobotFileParser:
        """Returns the rules that allow it; also asked about the target of a redirect."""
        rules = self._rules(str(WebAddress.parse(url).origin))
        if not rules.can_fetch(AGENT, url):
            raise _NotForUs("robots.txt does not allow it")
        return rules

    def _rules(self, origin: str) -> RobotFileParser:
        """By RFC 9309: without robots.txt everything is allowed, on a server error nothing."""
        if origin not in self._robots:
            self._robots[origin] = self._read_rules(origin)
        found = self._robots[origin]
        if isinstance(found, str):
            raise PageError(found)
        return found

    def _read_rules(self, origin: str) -> RobotFileParser | str:
        """Returns the rules, or why nothing may be read: a server that is down is asked once."""
        try:
            fetched = self._fetcher.get(f"{origin}/robots.txt", {})
        except HandoffError as error:
            return f"robots.txt: {error}"
        if fetched.status >= 500 or fetched.status == 429:
            return f"robots.txt cannot be read: the server answers {fetched.status}"
        return _parsed(fetched.body[:_LARGEST_ROBOTS] if fetched.status == 200 else b"")

    def _keep(self, url: str, fetched: Fetched, run: _Run) -> None:
        if "html" not in fetched.content_type:
            raise PageError(f"not a web page ({one_line(fetched.content_type, 60) or 'no type'})")
        data = _article(url, self._main_text(fetched.body))
        digest = hashlib.sha256(data).hexdigest()[:16]
        name = f"{FOLDER}/{_name(url)}"
        known = run.state.get(url, {})
        path = self._folder / name
        if known.get("digest") == digest and path.exists():
            run.unchanged += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, data)
            run.written += 1
        run.state[url] = {
            "file": name,
            "digest": digest,
            "etag": _validator(fetched.headers.get("etag", "")),
            "modified": _validator(fetched.headers.get("last-modified", "")),
        }

    def _remove(self, url: str, run: _Run) -> None:
        """Deletes a page's file, and nothing outside our folder."""
        known = run.state.get(url)
        if known is None:
            return
        path = self._folder / known.get("file", "")
        if path.resolve().is_relative_to((self._folder / FOLDER).resolve()) and path.is_file():
            path.unlink()
            run.removed += 1
        del run.state[url]


class _NotForUs(PageError):
    """The page no longer exists, or may not be read."""


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Yields whether no other process and no other thread is crawling into the folder."""
    with (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _reason(error: Exception) -> str:
    """Returns our own errors' text; another library's may quote the page."""
    if isinstance(error, HandoffError):
        return str(error)
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _validator(header: str) -> str:
    """A header that cannot be sent back as it came is left out."""
    is_usable = len(header) <= _LONGEST_VALIDATOR and header.isascii() and header.isprintable()
    return header if is_usable else ""


def _parsed(robots: bytes) -> RobotFileParser:
    """By RFC 9309, lines that cannot be parsed are left out, and the others count."""
    lines = robots.decode("utf-8", "replace").splitlines()
    rules = RobotFileParser()
    rules.parse([line for line in lines if _is_parsable(line)])
    return rules


def _is_parsable(line: str) -> bool:
    try:
        RobotFileParser().parse(["User-agent: *", line])
    except ValueError:
        return False
    return True


def _is_sitemap(url: str) -> bool:
    return url.partition("?")[0].lower().endswith((".xml", ".xml.gz"))


def _listed(data: bytes) -> tuple[list[str], list[str]]:
    """Returns the sitemaps and the pages that a sitemap lists."""
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(data)
    if b"<!DOCTYPE" in data[:1_000] or b"<!ENTITY" in data or b"\0" in data:  # UTF-16
        raise PageError("the sitemap declares entities")
    if data.count(b"<") > _MOST_TAGS_OF_A_SITEMAP:
        raise PageError("the sitemap is too large")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise PageError("the sitemap cannot be read") from error
    found = [(one.text or "").strip() for one in root.iter() if one.tag.rpartition("}")[2] == "loc"]
    found = [one for one in found if one][: MOST_PAGES + 1]
    return (found, []) if root.tag.rpartition("}")[2] == "sitemapindex" else ([], found)


def _unpacked(data: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(data)) as file:
            found = file.read(_LARGEST_SITEMAP + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PageError("the sitemap cannot be unpacked") from error
    if len(found) > _LARGEST_SITEMAP:
        raise PageError("the sitemap is too large")
    return found


def _article(url: str, found: MainText) -> bytes:
    if found.is_missing:
        raise PageError(MISSING)
    if not found.is_for_us:
        raise _NotForUs("the page asks not to be indexed")
    if found.problem:
        raise PageError(found.problem)
    fields = {"title": one_line(found.title, 200) or url, "source": url}
    block = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1_000)
    return f"---\n{block}---\n\n{found.text[:_LONGEST_TEXT]}\n".encode()


def _name(url: str) -> str:
    address = WebAddress.parse(url)
    host = _NOT_IN_NAMES.sub("-", address.origin.host).strip("-")
    slug = _NOT_IN_NAMES.sub("-", address.target.lower())[:60].strip("-") or "home"
    return f"{host}/{slug}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.md"


def _remember(folder: Path, run: _Run) -> None:
    held = {"pages": run.state, "problems": run.problems}
    write_file(folder / STATE, json.dumps(held, indent=1, ensure_ascii=False).encode())
