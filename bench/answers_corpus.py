"""Reads the knowledge bases with questions of bench/answers, the held-out ones and those to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Turn

FOLDER = Path(__file__).with_name("answers")
HELD_OUT, TRAINING = FOLDER / "held_out", FOLDER / "training"
NONE = "none"


@dataclass(frozen=True)
class Question:
    """A customer's question about a knowledge base.

    Attributes:
        kind: single, follow-up, two-part, other (language), none (no article holds the answer).
        facts: texts that a right answer holds; of NONE, those of an answer that is right as well.
        earlier: the question before a follow-up, or "".
    """

    kind: str
    language: str
    text: str
    facts: tuple[str, ...]
    earlier: str = ""

    def talk(self, answered: str) -> ConversationContext:
        """Returns the conversation, with what the assistant answered to the earlier question."""
        before = (Turn("customer", self.earlier), Turn("assistant", answered))
        return ConversationContext((*(before if self.earlier else ()), Turn("customer", self.text)))


@dataclass(frozen=True)
class Section:
    """A passage to learn from.

    Attributes:
        text: Markdown.
        asked: its questions; an earlier question and its follow-up are parted by " >> ".
    """

    heading: str
    text: str
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Trade:
    """A knowledge base to learn from; no passage answers `unanswerable`."""

    name: str
    locale: str
    sections: tuple[Section, ...]
    unanswerable: tuple[str, ...]

    def write(self, folder: Path, without: int = -1) -> None:
        """Writes the articles, except for one section."""
        kept = [one for number, one in enumerate(self.sections) if number != without]
        text = "\n\n".join(f"## {one.heading}\n{one.text}" for one in kept)
        folder.joinpath(f"{self.name}.md").write_text(text, encoding="utf-8")


def held_out(name: str) -> list[Question]:
    """Returns the questions of a held-out knowledge base, whose articles are in the same folder."""
    lines = (HELD_OUT / name / "questions.dsv").read_text(encoding="utf-8").splitlines()
    return [_question(line) for line in lines if line and not line.startswith("#")]


def names() -> list[str]:
    return sorted(each.name for each in HELD_OUT.iterdir())


def _question(line: str) -> Question:
    about, asked, *facts = (part.strip() for part in line.split("|"))
    kind, language = about.split()
    earlier, _, text = asked.rpartition(" >> ")
    held = tuple(each.strip() for each in facts[0].split("&")) if facts else ()
    return Question(kind, language, text, held, earlier)


def trades() -> list[Trade]:
    """Returns the knowledge bases to learn from."""
    return [_trade(path) for path in sorted(TRAINING.glob("*.txt"))]


def _trade(path: Path) -> Trade:
    lines = path.read_text(encoding="utf-8").splitlines()
    parts: list[list[str]] = []
    for line in lines[1:]:
        if line.startswith("# "):
            parts.append([])
        parts[-1].append(line)
    unanswerable = tuple(line[2:] for line in lines if line.startswith("! "))
    return Trade(path.stem, lines[0][2:], tuple(_sections(parts)), unanswerable)


def _sections(parts: Sequence[Sequence[str]]) -> Iterator[Section]:
    for heading, *lines in parts:
        text = "\n".join(line for line in lines if line[:2] not in ("? ", "> ", "! "))
        asked = tuple(line[2:] for line in lines if line[:2] in ("? ", "> "))
        # A table needs an empty line after it, as in Markdown.
        rows = [f"{line}\n" if line.startswith("|") else line for line in text.split("\n")]
        yield Section(heading[2:], "\n".join(rows).replace("|\n\n|", "|\n|"), asked)
