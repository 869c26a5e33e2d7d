"""Renders Markdown as plain text sections, without markup, comments and struck-out text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_SKIPPED = frozenset(
    {
        "audio", "canvas", "del", "embed", "form", "head", "iframe", "math", "noscript", "object", "s",
        "script", "strike", "style", "svg", "template", "title", "video",
    }
)  # fmt: skip
"""Not text, or struck out: an outdated price must not be quoted."""
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div",
        "dl", "dt", "fieldset", "figcaption", "figure", "footer", "header", "hgroup", "hr", "html", "li",
        "main", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "ul",
    }
)  # fmt: skip
_INLINE = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "br", "button", "caption", "cite", "code", "col",
        "colgroup", "data", "dfn", "em", "font", "i", "img", "input", "ins", "kbd", "label", "legend",
        "link", "mark", "meta", "meter", "option", "output", "picture", "progress", "q", "rp", "rt",
        "ruby", "samp", "select", "small", "source", "span", "strong", "sub", "sup", "tbody", "td",
        "textarea", "tfoot", "th", "thead", "time", "tr", "tt", "u", "var", "wbr",
    }
)  # fmt: skip
_HTML = _HEADINGS | _SKIPPED | _BLOCKS | _INLINE

# The first to begin wins: a comment in code is code, code in a comment is a comment.
_CODE = (
    r"(?P<code>^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?s:.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`))"
)
_COMMENTS = (
    r"<!--(?s:.*?)(?:-->|\Z)"
    r"|\{%-?\s*comment\b(?s:.*?)(?:\{%-?\s*endcomment\s*-?%\}|\Z)"
    r"|^ {0,3}\[(?://|comment)[^\]\n]*\]:[ \t]*(?:#|<>)[^\n]*$"
    r"|^[ \t]*%%(?s:.*?)(?:%%[ \t]*$|\Z)|(?<!\S)%%[^\n]*?%%(?!\S)"
)
_MDX = (
    r"|\{\s*/\*(?s:.*?)(?:\*/\s*\}|\Z)"
    r"|^import\s(?:\{[^{}]*\}|[^\n{}]*?)\s*(?:from\s*)?[\"'][^\n]*$"
    r"|^export\s+(?:const|let|var|default|function|async|class)\b(?s:.*?)(?=\n[ \t]*\n|\Z)"
    r"|</?(?:[A-Z][\w.]*(?:\s[^<>]*)?)?/?>"
)
_COMMENT = re.compile(rf"{_CODE}|{_COMMENTS}", re.MULTILINE)
_COMMENT_MDX = re.compile(rf"{_CODE}|{_COMMENTS}{_MDX}", re.MULTILINE)
_DIRECTIVE = re.compile(r"^ {0,3}:::.*$|^( {0,3}>[ \t]?)\[![A-Z]+\][ \t]*$", re.MULTILINE)

_PLACEHOLDER = re.compile(r"<([A-Za-z][\w-]*)(?:\s+[\w-]+)*\s*>")
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uff00-\uffef\u3000-\u303f"
_BREAK = re.compile(rf"(?<=[{_UNSPACED}])[ \t]*\n[ \t]*(?=[{_UNSPACED}])")
_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)
_LINE_BREAK = "\x00"  # the parser never produces these


@dataclass
class Section:
    """The content under one heading.

    Attributes:
        level: of the heading, 1 to 6; 0 before the first one.
        heading: plain text, "" before the first one.
        blocks: paragraphs, lists, tables and code as plain text, in order.
    """

    level: int = 0
    heading: str = ""
    blocks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Returns all blocks, separated by blank lines."""
        return "\n\n".join(self.blocks)


def sections(markdown: str, *, is_mdx: bool = False) -> list[Section]:
    """Returns an article's sections (CommonMark with tables, struck text and HTML), in order."""
    comment = _COMMENT_MDX if is_mdx else _COMMENT
    bare = comment.sub(lambda found: found["code"] or "", markdown)
    bare = _DIRECTIVE.sub(r"\1", bare)
    return html_sections(BeautifulSoup(_parser().render(bare), "html.parser"))


def html_sections(page: Tag) -> list[Section]:
    """Returns a page's sections, in order."""
    found = [Section()]
    for block in _blocks(page):
        if isinstance(block, Section):
            found.append(block)
        else:
            found[-1].blocks.append(block)
    return found


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"linkify": True})
    # URLs are found before marks, so that `_` and `*` in them stay.
    parser.enable(["table", "strikethrough", "linkify"])
    if parser.linkify:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    parser.core.ruler.after("inline", "literals", _keep_literals)
    return parser


def _keep_literals(state: StateCore) -> None:
    """Keeps what only looks like markup: the stars of 2*3*4, placeholders like <order number>."""
    for token in state.tokens:
        if token.type == "html_block":
            token.content = _with_placeholders(token.content, state.src)
        for child in token.children or []:
            if child.type == "html_inline":
                child.content = _with_placeholders(child.content, state.src)
        _keep_stars(token.children or [])


def _with_placeholders(html: str, source: str) -> str:
    def kept(found: re.Match[str]) -> str:
        name = found[1].lower()
        if name in _HTML or f"</{name}" in source.lower():
            return found[0]
        return found[0].replace("<", "&lt;").replace(">", "&gt;")

    return _PLACEHOLDER.sub(kept, html)


def _keep_stars(tokens: list[Token]) -> None:
    opened: list[int] = []
    for position, token in enumerate(tokens):
        if token.type in ("em_open", "strong_open"):
            opened.append(position)
        elif token.type in ("em_close", "strong_close") and opened:
            first = opened.pop()
            if token.markup[:1] == "*" and (_in_word(tokens, first) or _in_word(tokens, position)):
                for each in (tokens[first], token):
                    each.type, each.tag, each.nesting, each.content = "text", "", 0, each.markup


def _in_word(tokens: list[Token], position: int) -> bool:
    """Returns whether Latin letters or digits are on both sides (for two stars, digits)."""
    if not 0 < position < len(tokens) - 1:
        return False
    around = tokens[position - 1].content[-1:], tokens[position + 1].content[:1]
    is_part = str.isalnum if len(tokens[position].markup) == 1 else str.isdigit
    return all(one.isascii() and is_part(one) for one in around)


# -- from HTML


def _blocks(node: Tag) -> Iterator[str | Section]:
    """Yields the text blocks of an element; headings outside lists and tables as sections."""
    run: list[str] = []
    for child in node.children:
        if isinstance(child, Tag) and _is_block(child):
            yield from _flushed(run)
            yield from _block(child)
        else:
            run.append(_inline(child))
    yield from _flushed(run)


def _flushed(run: list[str]) -> Iterator[str]:
    text = _lines("".join(run))
    run.clear()
    if text:
        yield text


def _is_block(tag: Tag) -> bool:
    return not _is_skipped(tag) and (
        tag.name in _BLOCKS or tag.name in _HEADINGS or tag.find([*_BLOCKS, *_HEADINGS]) is not None
    )


def _is_skipped(tag: Tag) -> bool:
    style = str(tag.get("style") or "").replace(" ", "").lower()
    return tag.name in _SKIPPED or tag.has_attr("hidden") or "display:none" in style


def _block(tag: Tag) -> Iterator[str | Section]:
    if tag.name in _HEADINGS:
        yield Section(int(tag.name[1]), _inner(tag).replace("\n", " "))
    elif tag.name == "pre":
        yield tag.get_text().strip("\n")
    elif tag.name in ("ul", "ol"):
        yield from filter(None, ["\n".join(_items(tag))])
    elif tag.name == "table":
        yield from filter(None, ["\n".join(_rows(tag))])
    else:
        yield from _blocks(tag)


def _items(tag: Tag) -> Iterator[str]:
    start = str(tag.get("start") or "1")
    number = int(start) if start.isascii() and start.isdigit() else 1
    for item in tag.find_all("li", recursive=False):
        if not isinstance(item, Tag) or _is_skipped(item):
            continue
        mark = f"{number}. " if tag.name == "ol" else "- "
        number += 1
        text = "\n".join(_plainly(item))
        if text:
            yield mark + text.replace("\n", "\n" + " " * len(mark))


def _plainly(tag: Tag) -> Iterator[str]:
    """Yields the blocks of a list item, where a heading is a normal line."""
    for block in _blocks(tag):
        yield block.heading if isinstance(block, Section) else block


def _rows(table: Tag) -> Iterator[str]:
    """Yields a line per row, "Country: Germany, Price: 4.90 EUR", because columns do not fit a phone."""
    names: list[str] = []
    for row in table.find_all("tr"):
        if not isinstance(row, Tag) or row.find_parent("table") is not table:
            continue
        cells = [
            cell for cell in row.find_all(["td", "th"], recursive=False) if isinstance(cell, Tag)
        ]
        texts = [" ".join(_plainly(cell)).replace("\n", " ") for cell in cells]
        if not names and cells and all(cell.name == "th" for cell in cells):
            names = texts
            continue
        named = [
            f"{names[place]}: {text}" if place < len(names) and names[place] else text
            for place, text in enumerate(texts)
            if text
        ]
        if named:
            yield ", ".join(named)


def _inner(tag: Tag) -> str:
    return _lines("".join(map(_inline, tag.children)))


def _inline(node: object) -> str:
    """Returns text with line breaks marked; non-text such as comments is dropped."""
    if type(node) is NavigableString:
        return str(node)
    if not isinstance(node, Tag) or _is_skipped(node):
        return ""
    if node.name == "br":
        return _LINE_BREAK
    if node.name == "img":
        return _named(str(node.get("alt") or ""), str(node.get("src") or ""))
    text = "".join(map(_inline, node.children))
    return _named(text, str(node.get("href") or "")) if node.name == "a" else text


def _named(words: str, address: str) -> str:
    """Returns "text (URL)"; URLs within the knowledge base are dropped, because customers cannot
    open them.
    """
    if not _ADDRESS.fullmatch(address):
        return words
    shown = re.sub(r"\A(?:mailto|tel):", "", address, flags=re.IGNORECASE)
    if not words.strip() or words.strip() in (shown, address) or _is_host(words, shown):
        return shown
    return f"{words} ({shown})"


def _is_host(words: str, address: str) -> bool:
    """Returns whether the text is the URL without its scheme, or its display form."""
    bare = re.sub(r"\Ahttps?://", "", address)
    return words.strip().rstrip("/") in (bare.rstrip("/"), bare.removeprefix("www.").rstrip("/"))


def _lines(text: str) -> str:
    """Keeps intended line breaks and collapses other white space."""
    joined = _BREAK.sub("", text)
    return "\n".join(line for part in joined.split(_LINE_BREAK) if (line := " ".join(part.split())))
