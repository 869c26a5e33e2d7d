"""Renders the modals of the settings' history and of the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.audit import AuditPage, Did
from handoff_bot.slack.features.admins import mention
from handoff_bot.slack.features.settings_blocks import SettingsAction, before_and_after
from handoff_bot.slack.kit.fields import labelled, modal, person_menu, read
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    header,
    moment,
    mrkdwn,
    one_line,
    plain,
    section,
)

_CHANNEL = re.compile("[CG][A-Z0-9]{2,20}")


class AuditAction(StrEnum):
    """Action ids of the audit log."""

    PERSON = "audit_person"
    EVERYBODY = "audit_everybody"
    OLDER = "audit_older"
    NEWEST = "audit_newest"


@dataclass(frozen=True)
class ShownChange:
    """One line of the history; `who` is a desk id or a name of ours, `what` the setting's label."""

    what: str
    before: str
    after: str
    who: str
    at: datetime


def render_history(changes: Sequence[ShownChange], page: int, *, more: bool) -> Block:
    """Renders the changes of settings, newest first."""
    blocks: list[Block] = [header("Changes to settings")]
    for each in changes:
        blocks.append(
            context(
                mrkdwn(moment(each.at)),
                *_who(each.who),
                plain(each.what, 200),
                plain(before_and_after(each.before, each.after)),
            )
        )
    if not changes:
        blocks.append(section("No changes yet." if not page else "No older changes."))
    turns = list(_turns(page, more=more))
    return modal("History", [*blocks, actions(*turns)] if turns else blocks)


def _turns(page: int, *, more: bool) -> Iterator[Block]:
    if page > 0:
        yield labelled(SettingsAction.NEWER, "Newer", str(page - 1))
    if more:
        yield labelled(SettingsAction.OLDER, "Older", str(page + 1))


def _who(who: str) -> Iterator[Block]:
    """Returns a mention, or the name of an automatic actor."""
    called = mention(who)
    yield mrkdwn(called) if called else plain(who or "Unknown user", 80)


# -- the audit log


_DONE: dict[str, str] = {
    "escalation.claim": "took over the conversation",
    "escalation.release": "released it to the queue",
    "escalation.resolve": "resolved it",
    "escalation.return": "returned it to the AI",
    "escalation.dismiss": "dismissed it",
    "escalation.reassign": "assigned it to",
    "escalation.snoozed": "snoozed it",
    "feedback.sooner": "reported that it was escalated too late",
    "setting.changed": "changed a setting:",
    "canned.changed": "changed the canned replies",
    "channel.purpose": "set the purpose of a channel:",
    "report.ordered": "exported as a file:",
}


@dataclass(frozen=True)
class Looking:
    """The person whose actions are shown; "" for all."""

    desk_id: str = ""

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps({"desk_id": self.desk_id})

    @classmethod
    def parse(cls, metadata: str) -> Looking:
        """Parses `private_metadata`; all people if it is not valid."""
        return read(_LOOKING, metadata) or cls()


_LOOKING = TypeAdapter(Looking)


def render_audit(page: AuditPage, looking: Looking, *, older: bool = False) -> Block:
    """Renders the audit log, newest first; `older` if this is not the newest page."""
    chosen = looking.desk_id if mention(looking.desk_id) else ""
    chooser = person_menu(AuditAction.PERSON, "Filter by person", chosen)
    everybody = labelled(AuditAction.EVERYBODY, "Show everyone", "everybody")
    blocks = [actions(chooser, *([everybody] if looking.desk_id else []))]
    blocks += [_line(each) for each in page.done]
    if not page.done:
        blocks.append(section("No activity yet."))
    turns = list(_audit_turns(page, older=older))
    shown = [*blocks, actions(*turns)] if turns else blocks
    return modal("Audit log", shown, metadata=looking.dump())


def _line(did: Did) -> Block:
    words = _DONE.get(did.kind, did.kind.replace(".", " ").replace("_", " "))
    about = f" · ticket #{did.ticket}" if did.ticket else ""
    shown = [mrkdwn(moment(did.at)), *_who(did.who)]
    shown.append(plain(f"{words} {one_line(did.what, 200)}".strip(), 300))
    aim = mention(did.whom) or _slack_channel(did.where)
    shown += [mrkdwn(aim)] if aim else []
    return context(*shown, *([plain(about.removeprefix(" · "))] if about else []))


def _slack_channel(channel: str) -> str:
    return f"<#{channel}>" if _CHANNEL.fullmatch(channel) else ""


def _audit_turns(page: AuditPage, *, older: bool) -> Iterator[Block]:
    if older:
        yield labelled(AuditAction.NEWEST, "Newest", "newest")
    if page.more:
        yield labelled(AuditAction.OLDER, "Older", str(page.done[-1].event_id))
