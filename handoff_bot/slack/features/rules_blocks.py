"""Renders the modals of admins' rule lists: the list, and the form of one rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.rule_conditions import RuleConditions
from handoff_bot.domain.text import LANGUAGES, language_name
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.kit.fields import (
    Number,
    asking,
    labelled,
    modal,
    read,
    several,
    text_field,
    tick,
)
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    mention,
    mrkdwn,
    plain,
    section,
    shorten,
    spelled,
)


class RuleField(StrEnum):
    """Action ids of the fields for a rule's conditions."""

    CHANNELS = "rule_channels"
    REASONS = "rule_reasons"
    PRIORITIES = "rule_priorities"
    LANGUAGES = "rule_languages"
    TAGS = "rule_tags"
    VIP = "rule_vip"


@dataclass(frozen=True)
class RuleList:
    """One list of rules: its title, and the prefix of its action and callback ids."""

    name: str
    title: str
    intro: str
    otherwise: str

    @property
    def show(self) -> str:
        """Action id of the button in the settings."""
        return f"{self.name}_show"

    @property
    def add(self) -> str:
        """Action id: a new rule."""
        return f"{self.name}_add"

    @property
    def change(self) -> str:
        """Action id: edit a rule."""
        return f"{self.name}_change"

    @property
    def up(self) -> str:
        """Action id: move a rule up."""
        return f"{self.name}_up"

    @property
    def delete(self) -> str:
        """Action id: delete a rule."""
        return f"{self.name}_delete"

    @property
    def preview(self) -> str:
        """Action id: preview the effect of a rule."""
        return f"{self.name}_preview"

    @property
    def edit(self) -> str:
        """Callback id of the form."""
        return f"{self.name}_edit"


ROUTING = RuleList(
    "routing",
    "Routing",
    "Where a conversation goes and who is asked. The first matching rule applies.",
    "All other conversations go to the queue channel, where any agent can take them.",
)
NOTICES = RuleList(
    "notices",
    "Notifications",
    "Who is notified when a customer enters the queue. All matching rules apply.",
    "All other conversations only post a card in the queue channel.",
)


@dataclass(frozen=True)
class Opened:
    """The edited rule (-1 for a new one), and the newest change when the modal was opened."""

    number: Number = -1
    seen: Number = 0

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps({"number": self.number, "seen": self.seen})

    @classmethod
    def parse(cls, metadata: str) -> Opened:
        """Parses `private_metadata`; a new rule if it is not valid."""
        return read(_OPENED, metadata) or cls()


_OPENED = TypeAdapter(Opened)


@dataclass(frozen=True)
class RuleWords:
    """A rule as text, and the desk ids that it names."""

    text: str
    named: tuple[str, ...] = ()


def render_rules(kind: RuleList, rules: Sequence[RuleWords], seen: int, banner: str = "") -> Block:
    """Renders the list."""
    blocks: list[Block] = [section(banner)] if banner else []
    blocks.append(section(kind.intro))
    for number, rule in enumerate(rules):
        blocks += _rule(kind, number, rule)
    blocks += [
        context(plain(kind.otherwise)),
        actions(labelled(kind.add, "Add a rule…", "new")),
    ]
    return modal(kind.title, blocks, metadata=Opened(seen=seen).dump(), close="Back")


def _rule(kind: RuleList, number: int, rule: RuleWords) -> Iterator[Block]:
    where = f"rule {number + 1}"
    yield section(f"{number + 1}. {rule.text}")
    if named := ", ".join(filter(None, map(mention, rule.named))):
        yield context(mrkdwn(named))
    buttons = [labelled(kind.change, "Edit…", str(number), where)]
    if number:
        buttons.append(labelled(kind.up, "Move up", str(number), where))
    delete = labelled(kind.delete, "Delete", str(number), where)
    confirm: Block = {
        "title": plain("Delete this rule?", 100),
        "text": plain("Its text stays in the history.", 300),
        "confirm": plain("Delete", 30),
        "deny": plain("Cancel", 30),
    }
    yield actions(*buttons, delete | {"style": "danger", "confirm": confirm})


def render_rule(
    kind: RuleList, fields: Sequence[Block], opened: Opened, preview: Sequence[str] = ()
) -> Block:
    """Renders the form of a new or existing rule."""
    blocks = [
        *fields,
        actions(labelled(kind.preview, "Preview", "preview")),
        *(section(line) for line in preview),
    ]
    title = "Add a rule" if opened.number < 0 else f"Rule {opened.number + 1}"
    return modal(
        title, blocks, callback_id=kind.edit, submit="Save", close="Back", metadata=opened.dump()
    )


def condition_fields(when: RuleConditions, channels: Iterable[str]) -> Iterator[Block]:
    """Yields the fields of the conditions; an empty field matches everything."""
    kinds = {one: spelled(one) for one in channels}
    yield _any("Channels", several(RuleField.CHANNELS, "Any channel", kinds, when.channels))
    reasons = {signal.value: words for signal, words in REASONS.items()}
    yield _any("Reasons", several(RuleField.REASONS, "Any reason", reasons, when.reasons))
    priorities = {priority.value: words for priority, words in PRIORITIES.items()}
    yield _any(
        "Priorities", several(RuleField.PRIORITIES, "Any priority", priorities, when.priorities)
    )
    yield _any("Languages", several(RuleField.LANGUAGES, "Any language", LANGUAGES, when.languages))
    tags = text_field(
        RuleField.TAGS, initial=", ".join(when.tags), hint="refund, damaged", most=300
    )
    yield asking(
        "Tags",
        tags,
        hint="Tags of the customer's tickets. One matching tag is enough.",
        optional=True,
    )
    vips = tick(RuleField.VIP, "VIPs only", chosen=when.vip)
    yield asking("Customers", vips, optional=True)


def _any(label: str, element: Block) -> Block:
    return asking(label, element, optional=True)


def condition_text(when: RuleConditions) -> str:
    """Such as "VIPs · WhatsApp or SMS · High"."""
    parts = [
        "VIPs" if when.vip else "",
        _or(spelled(one) for one in when.channels),
        _or(REASONS[one] for one in when.reasons),
        _or(PRIORITIES[one] for one in when.priorities),
        _or(language_name(one) for one in when.languages),
        _or(f"tag {one}" for one in when.tags),
    ]
    return shorten(" · ".join(filter(None, parts)), 400) or "All conversations"


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)
