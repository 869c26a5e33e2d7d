"""Lists of rules for admins: shown, edited, moved and deleted in the same way for each list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_bolt import Ack

from handoff_bot.domain import settings
from handoff_bot.domain.escalations import tags_of
from handoff_bot.domain.rule_conditions import RuleConditions
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.services.settings.rule_lists import MOST, RuleSet
from handoff_bot.slack.click import (
    Click,
    Tools,
    filled_in,
    held,
    one,
    sender,
    word_of,
)
from handoff_bot.slack.feature import Body, Feature, SlashCommand
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.rules_blocks import (
    Opened,
    RuleField,
    RuleList,
    RuleWords,
    render_rule,
    render_rules,
)
from handoff_bot.slack.kit.text import Block

CHANGED_MEANWHILE = "Another admin has changed the rules. Go back and open them again."
TOO_MANY = f"Limit of {MOST} rules reached. Delete one first."
NOT_THERE = "Handoff cannot post there. Invite @Handoff first."

Rule = TypeVar("Rule")
State = Mapping[str, Any]


class Wrong(ValueError):
    """The input is not valid; `field` has the problem."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True)
class RuleModals(Generic[Rule]):
    """The modals of one list.

    Attributes:
        kind: its titles and ids.
        book: the stored rules.
        fields: the form of one rule.
        parse: the rule of a form; raises Wrong.
        in_words: a rule as text.
        preview: the effect that a rule would have had, given all rules and its position.
        empty: the defaults of a new rule.
    """

    kind: RuleList
    book: Callable[[Tools], RuleSet[Rule]]
    fields: Callable[[Tools, Rule], Sequence[Block]]
    parse: Callable[[Tools, State], Rule]
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
            tools.desk.update_view(click.view_id, self.render(tools, TOO_MANY))
            return
        opened = Opened(-1, Opened.parse(click.metadata).seen)
        put(tools, click, self._form(tools, self.empty, opened))

    def change(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Edits a rule."""
        ack()
        seen = Opened.parse(click.metadata).seen
        rules, which = self.book(tools).all(), click.number or 0
        if seen != self.book(tools).seen() or which >= len(rules):
            tools.desk.update_view(click.view_id, self.render(tools, CHANGED_MEANWHILE))
            return
        put(tools, click, self._form(tools, rules[which], Opened(which, seen)))

    def _form(self, tools: Tools, rule: Rule, opened: Opened, lines: Sequence[str] = ()) -> Block:
        return render_rule(self.kind, self.fields(tools, rule), opened, lines)

    def up(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Moves a rule up."""
        ack()
        seen = Opened.parse(click.metadata).seen
        moved = self.book(tools).move_up(click.number or 0, click.desk_id, seen)
        tools.desk.update_view(
            click.view_id, self.render(tools, "" if moved else CHANGED_MEANWHILE)
        )

    def delete(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Deletes a rule."""
        ack()
        seen = Opened.parse(click.metadata).seen
        gone = self.book(tools).delete(click.number or 0, click.desk_id, seen)
        words = "Rule deleted." if gone else CHANGED_MEANWHILE
        tools.desk.update_view(click.view_id, self.render(tools, words))

    def previewed(self, tools: Tools, click: Click, ack: Ack) -> None:
        """Previews a rule as text with its effect, or its problem."""
        ack()
        opened = Opened.parse(click.metadata)
        rules = self.book(tools).all()
        which = opened.number if 0 <= opened.number < len(rules) else len(rules)
        before = rules[which] if which < len(rules) else self.empty
        try:
            rule = self.parse(tools, click.state)
        except Wrong as wrong:
            tools.desk.update_view(click.view_id, self._form(tools, before, opened, [f"⚠️ {wrong}"]))
            return
        rules[which : which + 1] = [rule]
        said = self.preview(tools, rules, which)
        tools.desk.update_view(click.view_id, self._form(tools, rule, opened, [said]))

    def saved(self, tools: Tools, body: Body, ack: Ack) -> None:
        """Saves a rule; problems are reported next to the field."""
        view = body["view"]
        opened = Opened.parse(str(view.get("private_metadata") or ""))
        try:
            self._keep(tools, body, opened)
        except Wrong as wrong:
            ack(response_action="errors", errors={wrong.field: str(wrong)})
            return
        ack()
        below = str(view.get("previous_view_id") or "")
        if below:
            tools.desk.update_view(below, self.render(tools, "Rule saved."))

    def _keep(self, tools: Tools, body: Body, opened: Opened) -> None:
        rule = self.parse(tools, filled_in(body))
        which = opened.number if opened.number >= 0 else None
        if not self.book(tools).put(which, rule, sender(body), opened.seen):
            raise Wrong(RuleField.TAGS, CHANGED_MEANWHILE)

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
            views={self.kind.edit: by_admins(self.saved)},
            commands={self.kind.name: by_admins(self.asked_for)},
            help=(help_line,),
        )


def conditions_in(state: State) -> RuleConditions:
    """Parses the conditions; unknown values are ignored."""
    return RuleConditions(
        channels=held(state, RuleField.CHANNELS),
        reasons=_words(Signal, held(state, RuleField.REASONS)),
        priorities=_words(Priority, held(state, RuleField.PRIORITIES)),
        languages=held(state, RuleField.LANGUAGES),
        tags=tags_of(one(state, RuleField.TAGS)),
        vip=bool(held(state, RuleField.VIP)),
    )


Kind = TypeVar("Kind", Signal, Priority)


def _words(kind: type[Kind], values: Sequence[str]) -> tuple[Kind, ...]:
    found = (word_of(kind, value) for value in values)
    return tuple(one for one in found if one is not None)


def channel(tools: Tools, state: State, field: str) -> str:
    """Returns the chosen slack_channel, "" for none.

    Raises:
        Wrong: the bot is not a member.
    """
    chosen = one(state, field)
    if chosen and not tools.desk.may_write_in(chosen):
        raise Wrong(field, NOT_THERE)
    return chosen


def group(state: State, field: str) -> str:
    """Returns the chosen user group, "" for none.

    Raises:
        Wrong: the typed id is not valid.
    """
    return str(checked(settings.group, state, field))


def checked(parse: Callable[[tuple[str, ...]], Any], state: State, field: str) -> Any:
    """Parses a field.

    Raises:
        Wrong: the value is not valid.
    """
    try:
        return parse(held(state, field))
    except ValueError as error:
        raise Wrong(field, str(error)) from error
