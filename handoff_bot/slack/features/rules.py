"""Lists of rules for admins: shown, edited, moved and deleted in the same way for each list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from slack_bolt import Ack

from handoff_bot.domain.customers import Condition, attribute_conditions_in, by_name
from handoff_bot.domain.escalations import tags_of
from handoff_bot.domain.rules import RuleConditions
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import LANGUAGES, language_name
from handoff_bot.services.settings.rule_lists import MOST, RuleSet
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools, submits
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import Number, delete_button, labelled, modal
from handoff_bot.slack.kit.form import (
    Field,
    Form,
    Invalid,
    Metadata,
    Submission,
    members,
    several,
    stripped,
    text,
    tick,
)
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    actions,
    context,
    mention,
    mrkdwn,
    plain,
    section,
    shorten,
    spelled,
    told,
)

CHANGED_MEANWHILE = "Another admin has changed the rules. Go back and open them again."
TOO_MANY = f"Limit of {MOST} {{noun}}s reached. Delete one first."
NOT_THERE = "Handoff cannot post there. Invite @Handoff first."

Rule = TypeVar("Rule")


@dataclass(frozen=True)
class RuleList:
    """One list of rules: its title, the prefix of its action and callback ids, what admins call one of
    them, and the label of one more button for each.
    """

    name: str
    title: str
    intro: str
    otherwise: str
    noun: str = "rule"
    more: str = ""

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
    def open_more(self) -> str:
        """Action id: the button `more` of a rule."""
        return f"{self.name}_more"

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


OPENED = Metadata(Opened, Opened())


@dataclass(frozen=True)
class RuleWords:
    """A rule as text, and the desk ids that it names."""

    text: str
    named: tuple[str, ...] = ()


# -- the list


def render_rules(kind: RuleList, rules: Sequence[RuleWords], seen: int, banner: str = "") -> Block:
    """Renders the list."""
    blocks = [section(kind.intro)]
    for number, rule in enumerate(rules):
        blocks += _rule(kind, number, rule)
    blocks += [
        context(plain(kind.otherwise)),
        actions(labelled(kind.add, f"Add a {kind.noun}…", "new")),
    ]
    metadata = OPENED.dump(Opened(seen=seen))
    return modal(kind.title, blocks, metadata=metadata, close="Back", banner=banner)


def _rule(kind: RuleList, number: int, rule: RuleWords) -> Iterator[Block]:
    where = f"{kind.noun} {number + 1}"
    yield section(f"{number + 1}. {rule.text}")
    if named := ", ".join(filter(None, map(mention, rule.named))):
        yield context(mrkdwn(named))
    buttons = [labelled(kind.change, "Edit…", str(number), where)]
    if kind.more:
        buttons.append(labelled(kind.open_more, kind.more, str(number), where))
    if number:
        buttons.append(labelled(kind.up, "Move up", str(number), where))
    effect = "Its text stays in the history."
    delete = delete_button(kind.delete, str(number), where, f"Delete this {kind.noun}?", effect)
    yield actions(*buttons, delete)


# -- the form of one rule

CHANNELS = several(
    "rule_channels",
    "Channels",
    "Any channel",
    {},
    optional=True,
    current=lambda rule: rule.when.channels,
)
_REASONS = several(
    "rule_reasons",
    "Reasons",
    "Any reason",
    REASONS,
    optional=True,
    current=lambda rule: rule.when.reasons,
).parsed(members(Signal))
_PRIORITIES = several(
    "rule_priorities",
    "Priorities",
    "Any priority",
    PRIORITIES,
    optional=True,
    current=lambda rule: rule.when.priorities,
).parsed(members(Priority))
_LANGUAGES = several(
    "rule_languages",
    "Languages",
    "Any language",
    LANGUAGES,
    optional=True,
    current=lambda rule: rule.when.languages,
)
_TAGS = text(
    "rule_tags",
    "Tags",
    placeholder="refund, damaged",
    most=300,
    hint="Tags of the customer's tickets. One matching tag is enough.",
    optional=True,
    current=lambda rule: ", ".join(rule.when.tags),
)
_ATTRIBUTES = text(
    "rule_attributes",
    "Attributes",
    placeholder="plan = pro",
    many_lines=True,
    most=2000,
    hint="One per line. Lines of one name are alternatives; all names must match.",
    optional=True,
    current=lambda rule: "\n".join(rule.when.attributes),
).parsed(lambda entered: attribute_conditions_in(stripped(entered)))
_VIP = tick("rule_vip", "Customers", "VIPs only", optional=True, current=lambda rule: rule.when.vip)


def rule_form(kind: RuleList, *fields: Field[Any]) -> Form[Opened]:
    """Returns the form of a list: the conditions, which match everything if empty, then `fields`."""
    conditions = (CHANNELS, _REASONS, _PRIORITIES, _LANGUAGES, _TAGS, _ATTRIBUTES, _VIP)
    preview = actions(labelled(kind.preview, "Preview", "preview"))
    return Form(
        "Add a rule",
        kind.edit,
        (*conditions, *fields, preview),
        OPENED,
        close="Back",
        conflict=(_TAGS, CHANGED_MEANWHILE),
    )


def conditions_in(entered: Submission[Opened]) -> RuleConditions:
    """Returns the conditions; unknown values are ignored."""
    return RuleConditions(
        channels=entered[CHANNELS],
        reasons=entered[_REASONS],
        priorities=entered[_PRIORITIES],
        languages=entered[_LANGUAGES],
        tags=tags_of(entered[_TAGS]),
        vip=entered[_VIP],
        attributes=entered[_ATTRIBUTES],
    )


def postable(tools: Tools, entered: Submission[Opened], field: Field[str]) -> str:
    """Returns the chosen Slack channel, "" for none.

    Raises:
        Invalid: the bot is not a member.
    """
    chosen = entered[field]
    if chosen and not tools.desk.may_write_in(chosen):
        raise field.invalid(NOT_THERE)
    return chosen


def render_rule(
    form: Form[Opened],
    rule: object,
    opened: Opened,
    preview: Sequence[str] = (),
    noun: str = "rule",
) -> Block:
    """Renders the form of a new or existing rule."""
    if opened.number >= 0:
        form = replace(form, title=f"{noun.capitalize()} {opened.number + 1}")
    return form.render(opened, rule, below=map(told, preview))


def condition_text(when: RuleConditions) -> str:
    """Such as "VIPs · WhatsApp or SMS · High"."""
    parts = [
        "VIPs" if when.vip else "",
        _or(spelled(one) for one in when.channels),
        _or(REASONS[one] for one in when.reasons),
        _or(PRIORITIES[one] for one in when.priorities),
        _or(language_name(one) for one in when.languages),
        _or(f"tag {one}" for one in when.tags),
        *_attribute_words(when),
    ]
    return shorten(" · ".join(filter(None, parts)), 400) or "All conversations"


def _attribute_words(when: RuleConditions) -> Iterator[str]:
    for name in by_name(when.attributes):
        values = (Condition.parse(one) for one in when.attributes)
        yield f"{name} {_or(one.value for one in values if one.name == name)}"


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)


# -- listeners


@dataclass(frozen=True)
class RuleModals(Generic[Rule]):
    """The modals of one list.

    Attributes:
        kind: its titles and ids.
        book: the stored rules.
        form: the form of one rule.
        offered: the fields whose choices are known only at run time.
        parse: the rule of a form; raises Invalid.
        in_words: a rule as text.
        preview: the effect that a rule would have had, given all rules and its position.
        empty: the defaults of a new rule.
    """

    kind: RuleList
    book: Callable[[Tools], RuleSet[Rule]]
    form: Form[Opened]
    offered: Callable[[Tools], Sequence[Field[Any]]]
    parse: Callable[[Tools, Submission[Opened]], Rule]
    in_words: Callable[[Rule], RuleWords]
    preview: Callable[[Tools, list[Rule], int], str]
    empty: Rule

    def render(self, tools: Tools, banner: str = "") -> Block:
        """Renders the current list."""
        book = self.book(tools)
        seen = book.seen()
        return render_rules(self.kind, [self.in_words(one) for one in book.all()], seen, banner)

    def asked_for(self, tools: Tools, asked: SlashCommand) -> None:
        """The command."""
        tools.desk.open_view(asked.trigger_id, self.render(tools))

    def show(self, tools: Tools, click: Click, ack: Ack) -> None:
        """The button in the settings."""
        ack()
        put(tools, click, self.render(tools))

    def add(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Adds a rule."""
        ack()
        if len(self.book(tools).all()) >= MOST:
            tools.desk.update_view(
                click.view_id, self.render(tools, TOO_MANY.format(noun=self.kind.noun))
            )
            return
        opened = Opened(-1, OPENED.parse(click.metadata).seen)
        put(tools, click, self._form(tools, self.empty, opened))

    def change(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Edits a rule."""
        ack()
        seen = OPENED.parse(click.metadata).seen
        rules, which = self.book(tools).all(), click.number or 0
        if seen != self.book(tools).seen() or which >= len(rules):
            tools.desk.update_view(click.view_id, self.render(tools, CHANGED_MEANWHILE))
            return
        put(tools, click, self._form(tools, rules[which], Opened(which, seen)))

    def _form(self, tools: Tools, rule: Rule, opened: Opened, lines: Sequence[str] = ()) -> Block:
        kinds = {one: spelled(one) for one in tools.core.routing.channels}
        form = self.form.having(CHANNELS.offering(kinds), *self.offered(tools))
        return render_rule(form, rule, opened, lines, self.kind.noun)

    def up(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Moves a rule up."""
        ack()
        seen = OPENED.parse(click.metadata).seen
        moved = self.book(tools).move_up(click.number or 0, click.desk_id, seen)
        tools.desk.update_view(
            click.view_id, self.render(tools, "" if moved else CHANGED_MEANWHILE)
        )

    def delete(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Deletes a rule."""
        ack()
        seen = OPENED.parse(click.metadata).seen
        gone = self.book(tools).delete(click.number or 0, click.desk_id, seen)
        words = f"{self.kind.noun.capitalize()} deleted." if gone else CHANGED_MEANWHILE
        tools.desk.update_view(click.view_id, self.render(tools, words))

    def previewed(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Previews a rule as text with its effect, or its problem."""
        ack()
        entered = self.form.received(click.metadata, click.state)
        opened, rules = entered.about, self.book(tools).all()
        which = opened.number if 0 <= opened.number < len(rules) else len(rules)
        before = rules[which] if which < len(rules) else self.empty
        try:
            rule = self.parse(tools, entered)
        except Invalid as wrong:
            tools.desk.update_view(
                click.view_id, self._form(tools, before, opened, [f"{WARNING}{wrong}"])
            )
            return
        rules[which : which + 1] = [rule]
        said = self.preview(tools, rules, which)
        tools.desk.update_view(click.view_id, self._form(tools, rule, opened, [said]))

    def saved(self, tools: Tools, entered: Submission[Opened], ack: Ack) -> None:
        """Saves a rule."""
        opened, rule = entered.about, self.parse(tools, entered)
        which = opened.number if opened.number >= 0 else None
        self.form.require_unchanged(self.book(tools).put(which, rule, entered.by, opened.seen))
        ack()
        if entered.below:
            tools.desk.update_view(
                entered.below, self.render(tools, f"{self.kind.noun.capitalize()} saved.")
            )

    def feature(self, help_line: str) -> Feature:
        """Returns the feature, for admins only."""
        return Feature(
            clicks={
                self.kind.show: by_admins(self.show),
                self.kind.add: by_admins(self.add),
                self.kind.change: by_admins(self.change),
                self.kind.up: by_admins(self.up),
                self.kind.delete: by_admins(self.delete),
                self.kind.preview: by_admins(self.previewed),
            },
            views={self.kind.edit: by_admins(submits(self.form, self.saved))},
            commands={self.kind.name: by_admins(self.asked_for)},
            help=(help_line,),
        )
