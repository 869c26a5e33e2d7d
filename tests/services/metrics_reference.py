"""The figures computed slowly and obviously: loops over the whole log, no index, no SQL."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.metrics import AgentNumbers, Lengths, Numbers, Scope, Slice

OPENED = "escalation.opened"
TAKES = ("escalation.claim", "escalation.reassign")
ENDS = ("escalation.resolve", "escalation.return", "escalation.dismiss")
REPLY = "reply.accepted"


@dataclass(frozen=True)
class Line:
    """One line of the log; `id` is its place in it."""

    id: int
    kind: str
    at: datetime
    conversation: int | None = None
    escalation: int | None = None
    message: int | None = None
    agent: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Reference:
    """One log and one scope."""

    def __init__(self, log: list[Line], scope: Scope) -> None:
        self.log = log
        self.scope = scope

    # -- looking things up

    def in_period(self, line):
        return self.scope.period.since <= line.at < self.scope.period.until

    def first(self, escalation, *kinds, after=0, agent=None, owner=None):
        for line in self.log:
            if (
                line.escalation == escalation
                and line.kind in kinds
                and line.id > after
                and agent in (None, line.agent)
                and owner in (None, line.data.get("owner"))
            ):
                return line
        return None

    def opening(self, line):
        return self.first(line.escalation, OPENED)

    def firsts(self, *kinds):
        """Lines in the period that are the first of their kinds, with their escalation's opening."""
        for line in self.log:
            if line.kind in kinds and self.in_period(line):
                opening = self.opening(line)
                if opening and self.first(line.escalation, *kinds) == line:
                    yield opening, line

    def lasts(self, kind):
        """Lines in the period that are the last of their kind, with their escalation's opening."""
        for line in self.log:
            if line.kind == kind and self.in_period(line):
                opening = self.opening(line)
                same = [one for one in self.log if one.kind == kind]
                mine = [one for one in same if one.escalation == line.escalation]
                if opening and max(mine, key=lambda one: one.id) == line:
                    yield opening, line

    def fits_channel(self, opening):
        return self.scope.channel in ("", opening.data.get("channel"))

    def fits_agent(self, agent):
        return self.scope.agent_id in (0, agent)

    def was_had_by(self, escalation, agent):
        return any(
            line.escalation == escalation
            and (
                (line.kind in TAKES and line.data.get("owner") == agent)
                or (line.kind in ENDS and line.agent == agent)
            )
            for line in self.log
        )

    # -- what happened

    def opened(self):
        return [
            line
            for _, line in self.firsts(OPENED)
            if self.fits_channel(line)
            and (self.scope.agent_id == 0 or self.was_had_by(line.escalation, self.scope.agent_id))
        ]

    def waits(self):
        return [
            (opening, take)
            for opening, take in self.firsts(*TAKES)
            if self.fits_channel(opening) and self.fits_agent(take.data.get("owner"))
        ]

    def first_replies(self):
        for escalation in sorted({line.escalation for line in self.log if line.escalation}):
            opening, take = self.first(escalation, OPENED), self.first(escalation, *TAKES)
            reply = take and self.first(escalation, REPLY, after=take.id)
            if not (opening and reply and self.in_period(reply)):
                continue
            if self.fits_channel(opening) and self.fits_agent(reply.agent):
                yield opening, reply

    def own_replies(self, agent):
        for escalation in sorted({line.escalation for line in self.log if line.escalation}):
            opening = self.first(escalation, OPENED)
            take = self.first(escalation, *TAKES, owner=agent)
            reply = take and self.first(escalation, REPLY, after=take.id, agent=agent)
            if opening and reply and self.in_period(reply) and self.fits_channel(opening):
                yield take, reply

    def ended(self):
        return [
            (opening, end)
            for opening, end in self.firsts(*ENDS)
            if self.fits_channel(opening) and self.fits_agent(end.agent)
        ]

    def taken_by(self, agent):
        return {
            line.escalation
            for line in self.log
            if line.kind in TAKES
            and line.data.get("owner") == agent
            and self.in_period(line)
            and self.opening(line)
            and self.fits_channel(self.opening(line))
        }

    def ended_before(self, opening):
        return [
            line.at
            for line in self.log
            if line.kind in ENDS
            and line.conversation == opening.conversation
            and line.id < opening.id
            and line.at < self.scope.period.until  # clocks of several machines differ a little
        ]

    def channel_of(self, line):
        if "channel" in line.data:
            return line.data["channel"]
        for other in self.log:
            if other.kind == "message.received" and other.conversation == line.conversation:
                return other.data["channel"]
        return None

    # -- figures

    def numbers(self) -> Numbers:
        opened, ended, waits = self.opened(), self.ended(), self.waits()
        waited = lengths(waits)
        told = [line for line in opened if "hours" in line.data]
        resolved = [(o, e) for o, e in ended if e.kind == "escalation.resolve"]
        return Numbers(
            conversations=len(self.conversations()),
            escalated=len({line.conversation for line in opened}),
            escalations=len(opened),
            reasons=counts(line.data.get("reason", "") for line in opened),
            priorities=counts(line.data.get("priority", "") for line in opened),
            channels=counts(line.data.get("channel", "") for line in opened),
            hours_known=len(told),
            out_of_hours=len([line for line in told if line.data["hours"] == "closed"]),
            escalated_again=len([line for line in opened if self.came_again(line)]),
            waited=summary(waited),
            waited_briefly=len([one for one in waited if one <= timedelta(minutes=5)]),
            replied=summary(lengths(self.first_replies())),
            ended=len(ended),
            resolved=len(resolved),
            returned=len([e for _, e in ended if e.kind == "escalation.return"]),
            not_needed=len([e for _, e in ended if e.kind == "escalation.dismiss"]),
            abandoned=len([e for _, e in ended if self.was_abandoned(e)]),
            resolution=summary(lengths(resolved)),
            undelivered=len(self.undelivered()),
            ratings=self.ratings(),
            model_turns=len(self.turns("in_time", "late")),
            model_in_time=len(self.turns("in_time")),
            ai_rated=len(self.verdicts()),
            ai_helpful=self.verdicts().count("good"),
            agents=self.agents(resolved),
            slices=self.slices(opened, waits),
        )

    def conversations(self):
        return {
            line.conversation
            for line in self.log
            if line.kind in ("message.received", OPENED)
            and self.in_period(line)
            and self.fits_channel(line)
        }

    def came_again(self, opening):
        before = self.ended_before(opening)
        return any(opening.at - at <= timedelta(hours=24) for at in before)

    def was_abandoned(self, end):
        take = self.first(end.escalation, *TAKES)
        return end.kind != "escalation.dismiss" and (take is None or take.id > end.id)

    def undelivered(self):
        return {
            line.message
            for line in self.log
            if line.kind == "message.failed"
            and self.in_period(line)
            and self.fits_agent(line.agent)
            and self.scope.channel in ("", self.channel_of(line))
        }

    def turns(self, *outcomes):
        return {
            line.message
            for line in self.log
            if line.kind == "message.considered"
            and self.in_period(line)
            and line.data.get("model") in outcomes
            and self.scope.channel in ("", line.data.get("channel"))
        }

    def ratings(self):
        given = [
            answer.data["score"]
            for opening, answer in self.lasts("csat.answered")
            if self.fits_channel(opening) and self.fits_agent(answer.agent)
        ]
        return {score: given.count(score) for score in given}

    def verdicts(self):
        """The last verdict of each agent on each text, if it was given in the period."""
        last = {}
        for line in sorted(self.log, key=lambda one: one.id):
            if line.kind == "feedback.ai":
                last[line.escalation, line.agent, line.data["about"]] = line
        return [
            line.data["verdict"]
            for line in last.values()
            if self.in_period(line)
            and self.fits_agent(line.agent)
            and self.opening(line)
            and self.fits_channel(self.opening(line))
        ]

    def agents(self, resolved):
        rows = []
        for agent in range(1, 10):
            if not self.fits_agent(agent):
                continue
            row = AgentNumbers(
                agent,
                "",
                len(self.taken_by(agent)),
                len([end for _, end in resolved if end.agent == agent]),
                summary(lengths(self.own_replies(agent))),
            )
            if row.taken or row.resolved or row.replied.count:
                rows.append(row)
        return tuple(sorted(rows, key=lambda row: (-row.taken, -row.resolved, row.agent_id)))

    def slices(self, opened, waits):
        found = []
        for part in self.scope.period.slices():
            began = [line for line in opened if part.since <= line.at < part.until]
            took = [(o, t) for o, t in waits if part.since <= t.at < part.until]
            found.append(Slice(part.since, len(began), summary(lengths(took)).median))
        return tuple(found)


def lengths(pairs):
    return [max(later.at - earlier.at, timedelta()) for earlier, later in pairs]


def summary(found):
    """The median is where as many are shorter as longer; nine in ten are at most the p90."""
    if not found:
        return Lengths()
    ordered = sorted(found)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    p90 = next(
        one for one in ordered if len([o for o in ordered if o <= one]) * 10 >= 9 * len(ordered)
    )
    return Lengths(len(ordered), (low + high) / 2, p90)


def counts(words):
    words = list(words)
    return {word: words.count(word) for word in words}
