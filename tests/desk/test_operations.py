"""Availability, hours and the waiting ladder, from clicks and clocks down to rows."""

from dataclasses import replace

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.rules import (
    Audience,
    Mode,
    NotificationRule,
    Route,
    RoutingRule,
    RuleConditions,
)
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.texts import Moment
from handoff_bot.domain.tickets import Edit
from handoff_bot.domain.waiting_policy import PolicyStep, PolicyStepKind, for_priority
from handoff_bot.jobs.worker import Worker
from handoff_bot.services.container import QUEUES
from handoff_bot.services.delivery.customer_texts import Text
from handoff_bot.services.outbox import outbox
from handoff_bot.slack.manifest import SCOPES
from handoff_bot.storage.models import Agent, Conversation, Escalation, TicketTag
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


def prefers(bureau, **values):
    """An admin has set these; `__` stands for a dot."""
    for key, value in values.items():
        bureau.core.preferences.change(key.replace("__", "."), value, "test")


def escalation(bureau):
    with bureau.database.read() as tx:
        return tx.session.execute(select(Escalation)).scalars().one()


def climb(bureau, minutes):
    """Let so many minutes pass, one by one, as they do."""
    for _ in range(minutes):
        bureau.later(minutes=1)


# -- availability


@pytest.mark.on_both
def test_on_and_off(bureau):
    bureau.command(bureau.ana, "on")
    assert "You're available" in words(bureau.home(bureau.ana))
    bureau.command(bureau.ana, "off 30m")
    assert "You're away until" in words(bureau.home(bureau.ana))
    bureau.later(minutes=31)
    assert "You're available" in words(bureau.home(bureau.ana))
    bureau.command(bureau.ana, "off whenever")
    assert any("Try /handoff off" in said for said in bureau.whispers(bureau.ana))


def test_buttons_in_home_do_the_same(bureau):
    bureau.core.preferences.change("availability.by_presence", False, bureau.mia)
    view = bureau.home(bureau.ana)
    assert "You're offline" in words(view)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_on")
    bureau.settle()
    assert "You're available" in words(bureau.slack.home(bureau.ana))
    bureau.slack.click_view(bureau.ana, bureau.slack.home(bureau.ana)["id"], "availability_off")
    bureau.settle()
    assert "You're away" in words(bureau.slack.home(bureau.ana))


@pytest.mark.on_both
def test_hours_and_capacity_are_checked_and_kept(bureau):
    view = bureau.home(bureau.ana)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_arrange")
    bureau.settle()
    wrong = {"my_capacity": "x", "my_hours": "always", "my_timezone": "Mars"}
    assert set(bureau.sends(bureau.ana, wrong).errors) == set(wrong)
    right = {"my_capacity": "3", "my_hours": "mon-fri 14:00-17:00", "my_timezone": "UTC"}
    assert bureau.sends(bureau.ana, right).errors == {}
    assert "outside your hours · 0 of 3 in progress" in words(bureau.home(bureau.ana))


def test_who_takes_a_conversation_is_on_the_roster(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    with bureau.database.read() as tx:
        assert tx.session.execute(select(Agent)).scalars().one().on_roster


# -- what the customer is told


def test_out_of_hours_the_customer_is_told_so_and_nobody_is_reminded(bureau):
    prefers(bureau, hours__lines=["mon-fri 13:00-17:00"], hours__timezone="UTC")
    bureau.says("I want a person")  # it is 9:00
    assert bureau.heard() == [
        "Our team is currently offline. Your request is ticket #1, and we will reply as "
        "soon as we are back."
    ]
    climb(bureau, 60)
    assert bureau.thread() == []
    bureau.later(hours=3, minutes=3)  # 13:03
    assert "No agent has taken this conversation for 2 minutes." in bureau.thread()


def test_the_team_is_not_busy_while_other_members_are_active_in_slack(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    bureau.says("I want a person")
    assert "busy" not in bureau.heard()[0]
    assert "connecting you" in bureau.heard()[0]


def test_that_members_were_active_long_ago_promises_nothing(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    bureau.later(minutes=13)
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Our team is busy right now.")


def test_every_five_minutes_slack_is_asked_again_while_all_are_away(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    for who in (bureau.ben, bureau.mia):
        bureau.slack.set_presence(who, "away")
    bureau.core.scheduler.tick("offer.presence")
    bureau.settle()
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Our team is busy right now.")


def test_members_who_are_active_do_not_count_when_admins_switched_it_off(bureau):
    prefers(bureau, availability__by_presence=False)
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Our team is busy right now.")


def test_when_nobody_is_there_no_wait_is_promised(bureau):
    for who in (bureau.ben, bureau.mia):
        bureau.slack.set_presence(who, "away")
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Our team is busy right now.")


# -- the ladder


@pytest.mark.on_both
def test_the_ladder_is_climbed_rung_by_rung(bureau):
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    prefers(bureau, ladder__group=group)
    bureau.says("I want a person")
    climb(bureau, 4)
    assert bureau.thread() == [
        "No agent has taken this conversation for 2 minutes.",
        "No agent has taken this conversation for 4 minutes.",
    ]
    assert f"<!subteam^{group}>" in str(bureau.slack.thread(bureau.queue, bureau.card())[-1])
    climb(bureau, 6)
    assert "Sorry for the wait." in bureau.heard()[-1]
    climb(bureau, 50)
    assert "We couldn't connect you with our team in time." in bureau.heard()[-1]
    assert escalation(bureau).status == "queued"
    with bureau.database.read() as tx:
        assert tx.session.execute(select(TicketTag.tag)).scalars().all() == ["callback"]


def test_a_claim_ends_it(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    before = list(bureau.heard())
    climb(bureau, 70)
    assert bureau.heard() == before
    assert not any("No agent has taken" in said for said in bureau.thread())


def test_a_release_begins_it_anew(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    climb(bureau, 5)
    bureau.writes(bureau.ana, "!release")
    climb(bureau, 3)
    assert bureau.thread().count("No agent has taken this conversation for 2 minutes.") == 1


@pytest.mark.on_both
def test_what_is_snoozed_waits_with_it(bureau):
    bureau.says("I want a person")
    bureau.writes(bureau.ana, "!snooze 30m")
    climb(bureau, 29)
    assert not any("No agent has taken" in said for said in bureau.thread())
    climb(bureau, 2)
    said = [line for line in bureau.thread() if "No agent has taken" in line]
    assert said == [
        "No agent has taken this conversation for 4 minutes."
    ]  # of what was put off, the last


def test_back_to_the_assistant_when_the_team_wants_it_so(bureau):
    prefers(bureau, ladder__rungs=["5 return"])
    bureau.says("I want a person")
    climb(bureau, 6)
    assert escalation(bureau).status == "returned"
    assert "You're back with our automated assistant." in bureau.heard()[-1]


def test_a_priority_may_have_a_ladder_of_its_own():
    lines = ["10 remind", "urgent: 1 mention", "URGENT: 2 offer"]
    policy_steps = [PolicyStep.parse(line) for line in lines]
    urgent = [policy_step.kind for policy_step in for_priority(policy_steps, Priority.URGENT)]
    assert urgent == [PolicyStepKind.MENTION, PolicyStepKind.OFFER, PolicyStepKind.REMIND]
    assert [policy_step.kind for policy_step in for_priority(policy_steps, Priority.LOW)] == [
        PolicyStepKind.REMIND
    ]


@pytest.mark.parametrize("line", ["", "remind", "5 dance", "-1 tell", "soon tell", "99999 tell"])
def test_a_rung_that_is_none_is_refused(line):
    with pytest.raises(ValueError, match="not valid"):
        PolicyStep.parse(line)


@pytest.mark.on_both
def test_processes_climb_together_and_each_rung_is_climbed_once(bureau):
    """Two workers on one database, and a restart between the rungs."""
    bureau.says("I want a person")
    for _ in range(12):
        bureau.clock.advance(minutes=1)
        two = [
            Worker(bureau.database, bureau.core.handlers, bureau.clock, threads=QUEUES)
            for _ in range(2)
        ]
        while sum(each.run_once() for each in two):
            pass
    said = bureau.thread()
    assert said.count("No agent has taken this conversation for 2 minutes.") == 1
    assert said.count("No agent has taken this conversation for 4 minutes.") == 1
    assert sum("Sorry for the wait." in each for each in bureau.heard()) == 1


# -- offers


@pytest.fixture
def roster(bureau):
    """Ana and Ben are there, and no other member of the channel is active in Slack."""
    bureau.slack.set_presence(bureau.mia, "away")
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ben, "on")
    bureau.says("I want a person")
    return bureau


def direct(bureau, who):
    (channel,) = [c for c in bureau.slack.channels() if c.kind == "im" and who in c.members]
    return channel.id, bureau.slack.messages(channel.id)[-1]["ts"]


@pytest.mark.on_both
def test_the_next_available_agent_is_asked_and_then_the_one_after(roster):
    climb(roster, 6)
    assert len(roster.told(roster.ana)) == 1
    assert roster.told(roster.ben) == []
    climb(roster, 2)
    assert len(roster.told(roster.ben)) == 1
    climb(roster, 3)
    assert "No agents are available." in roster.thread()


@pytest.mark.on_both
def test_accepting_takes_it(roster):
    climb(roster, 6)
    roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_accept")
    roster.settle()
    assert escalation(roster).status == "claimed"
    climb(roster, 5)
    assert roster.told(roster.ben) == []


def test_declining_asks_the_next_one_at_once(roster):
    climb(roster, 6)
    roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_decline")
    roster.settle()
    assert len(roster.told(roster.ben)) == 1
    climb(roster, 1)
    assert len(roster.told(roster.ben)) == 1


def offer(bureau, who):
    """The last message to an agent as Slack shows it: its blocks."""
    channel, _ = direct(bureau, who)
    return bureau.slack.messages(channel)[-1]["blocks"]


def has_buttons(blocks):
    return any(block["type"] == "actions" for block in blocks)


def test_an_offer_that_lapsed_loses_its_buttons_and_says_when(roster):
    climb(roster, 6)
    assert has_buttons(offer(roster, roster.ana))
    climb(roster, 2)
    lapsed = offer(roster, roster.ana)
    at = int(roster.clock.now().timestamp())
    assert not has_buttons(lapsed)
    assert f"Lapsed at <!date^{at}^{{time}}|" in words(lapsed)
    assert "|Open thread>" in words(lapsed)
    assert has_buttons(offer(roster, roster.ben))
    climb(roster, 2)
    assert not has_buttons(offer(roster, roster.ben))
    assert escalation(roster).status == "queued"


def test_an_open_offer_lapses_when_another_agent_takes_the_conversation(roster):
    climb(roster, 6)
    roster.click(roster.mia, "claim")
    assert not has_buttons(offer(roster, roster.ana))
    assert "Lapsed at" in words(offer(roster, roster.ana))


@pytest.mark.parametrize("way", ["offer", "card"])
def test_the_offer_of_the_agent_who_took_it_says_so(roster, way):
    climb(roster, 6)
    if way == "card":
        roster.click(roster.ana, "claim")
    else:
        roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_accept")
        roster.settle()
    climb(roster, 3)
    said = offer(roster, roster.ana)
    assert not has_buttons(said)
    assert "This conversation is now assigned to you." in words(said)
    assert "Lapsed" not in words(said)


def test_a_declined_offer_does_not_lapse_later(roster):
    climb(roster, 6)
    roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_decline")
    roster.settle()
    climb(roster, 4)
    said = words(offer(roster, roster.ana))
    assert "Declined. The next agent is asked." in said
    assert "Lapsed" not in said


def test_an_offer_that_could_not_be_posted_in_time_is_not_posted_late(roster, monkeypatch):
    handler = roster.core.handlers[outbox.TELL]
    call = handler.call

    def away(plan):
        raise DeskError("Slack is away.", permanent=False, retry_after=400)

    monkeypatch.setattr(handler, "call", away)
    climb(roster, 7)
    monkeypatch.setattr(handler, "call", call)
    roster.later(minutes=10)
    assert asked(roster) == [roster.ben]


def test_an_offer_names_the_channel_as_it_is_spelled(bureau):
    bureau.command(bureau.ana, "on")
    bureau.says("I want a person")
    with bureau.database.write() as tx:
        found = tx.session.execute(select(Conversation)).scalars().one()
        found.channel = "whatsapp"
    bureau.later(minutes=6)
    assert "is waiting on WhatsApp. Can you take this?" in bureau.told(bureau.ana)[-1]
    bureau.click(bureau.ben, "claim")
    bureau.writes(bureau.ben, f"!assign <@{bureau.ana}> Please")
    assert "on WhatsApp." in bureau.told(bureau.ana)[-1]


def test_who_is_away_or_full_is_not_asked(roster):
    roster.command(roster.ana, "off")
    prefers(roster, capacity=1)
    roster.says("I want a person", "+15550002")
    roster.command(roster.ben, "next")
    climb(roster, 9)
    assert roster.told(roster.ana) == []
    assert roster.told(roster.ben) == []


# -- silent owners


@pytest.mark.on_both
def test_an_owner_who_is_silent_is_reminded_once_and_may_let_go(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.says("Hello?")
    for _ in range(15):
        bureau.clock.advance(minutes=1)
        bureau.core.scheduler.tick("tick.idle")
        bureau.settle()
    (told,) = bureau.told(bureau.ana)
    assert "has been waiting 10 minutes for your reply" in told
    bureau.slack.click(bureau.ana, *direct(bureau, bureau.ana), "release")
    bureau.settle()
    assert escalation(bureau).status == "queued"


def test_an_owner_who_answers_is_left_alone(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.says("Hello?")
    bureau.writes(bureau.ana, "Hello Dana")
    bureau.later(minutes=20)
    bureau.core.scheduler.tick("tick.idle")
    bureau.settle()
    assert bureau.told(bureau.ana) == []


# -- the admins' windows


def test_hours_and_ladder_are_set_in_words_and_checked(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "settings_open", "hours")
    sent = bureau.sends(bureau.mia, {"hours.lines:mon": "whenever", "hours.timezone": "Mars"})
    assert set(sent.errors) == {"hours.lines:mon", "hours.timezone"}
    right = {"hours.lines:mon": "9-17", "hours.timezone": "Europe/Berlin"}
    assert bureau.sends(bureau.mia, right).errors == {}
    bureau.presses(bureau.mia, "settings_open", "waiting")
    for number in range(1, 6):
        bureau.presses(bureau.mia, "policy_remove", str(number))
    bureau.chooses(bureau.mia, "policy_after:0", "3")
    bureau.chooses(bureau.mia, "policy_what:0", "tell")
    assert bureau.sends(bureau.mia).errors == {}
    assert bureau.core.preferences.get("ladder.rungs", None) == ["3 tell"]


# -- the ladder after a snooze, a stop, a change of priority


def test_a_customer_who_writes_ends_the_snooze_for_the_ladder_too(bureau):
    prefers(bureau, ladder__rungs=["10 remind"])
    bureau.says("I want a person")
    bureau.writes(bureau.ana, "!snooze 8h")
    climb(bureau, 15)
    bureau.says("Hello?")
    climb(bureau, 1)
    assert "No agent has taken this conversation for 10 minutes." in bureau.thread()


@pytest.mark.on_both
def test_after_a_stop_each_is_told_the_latest_alone(bureau):
    bureau.says("I want a person")
    before = len(bureau.heard())
    bureau.later(minutes=61)
    (said,) = bureau.heard()[before:]
    assert "We couldn't connect you with our team in time." in said
    assert [line for line in bureau.thread() if "No agent has taken" in line] == [
        "No agent has taken this conversation for 4 minutes."
    ]


def test_who_becomes_urgent_climbs_the_ladder_of_the_urgent_and_those_who_should_know_are_told(
    bureau,
):
    prefers(bureau, ladder__rungs=["30 remind", "urgent: 5 mention"])
    rule = NotificationRule(
        RuleConditions(priorities=(Priority.URGENT,)), Audience(people=(bureau.ben,))
    )
    bureau.core.notices.rules.put(None, rule, bureau.mia, 0)
    bureau.says("I want a person")
    climb(bureau, 6)
    assert bureau.thread() == []
    shown = Edit.of(bureau.core.tickets.view(1))
    wanted = replace(shown, priority=Priority.URGENT)
    assert bureau.core.tickets.edit(1, AgentRef(bureau.ana, "Ana"), shown, wanted, None).done
    bureau.settle()
    assert "No agent has taken this conversation for 5 minutes." in bureau.thread()
    assert [text for text in bureau.told(bureau.ben) if "urgent priority" in text]


def test_what_is_snoozed_is_not_when_somebody_takes_it(bureau):
    bureau.says("I want a person")
    bureau.writes(bureau.ben, "!snooze 2h")
    bureau.click(bureau.ana, "claim")
    assert escalation(bureau).snoozed_until is None
    bureau.writes(bureau.ana, "!snooze 2h")
    bureau.writes(bureau.ana, f"!assign <@{bureau.ben}>")
    assert escalation(bureau).snoozed_until is None
    bureau.later(hours=3)
    assert "The snooze has ended." not in bureau.thread()


def test_what_goes_to_a_group_is_not_put_aside(bureau):
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    bureau.says("I want a person")
    bureau.writes(bureau.ana, "!snooze 2h")
    bureau.writes(bureau.ana, f"!assign <!subteam^{group}>")
    assert escalation(bureau).snoozed_until is None


# -- whose it is


def test_who_is_given_a_waiting_customer_is_introduced(bureau):
    bureau.says("I want a person")
    bureau.writes(bureau.ana, f"!assign <@{bureau.ben}>")
    assert bureau.heard()[-2] == "Now speaking with Ben."
    assert bureau.heard()[-1].startswith("Hi, I'm Ben.")


def test_who_loses_a_conversation_is_called(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ben, "let me")
    shown = bureau.slack.ephemerals(bureau.ben)[-1]
    bureau.slack.click_ephemeral(bureau.ben, shown["ts"], "take_over_and_send")
    bureau.settle()
    posts = bureau.slack.thread(bureau.queue, bureau.card())
    (post,) = [m for m in posts if "took this over from" in m["text"]]
    assert "Ben took this over from Ana." in post["text"]
    assert f"<@{bureau.ana}>" in str(post["blocks"])


def test_out_of_hours_nobody_is_promised_a_wait_when_it_is_put_back(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    prefers(bureau, hours__lines=["mon-fri 13:00-17:00"], hours__timezone="UTC")
    bureau.writes(bureau.ana, "!release")
    assert bureau.heard()[-1].startswith("Our team is currently offline.")


def test_no_wait_is_promised_when_those_whom_it_is_for_are_away(bureau):
    rule = RoutingRule(to=Route(people=(bureau.ben,)))
    bureau.core.routing.rules.put(None, rule, bureau.mia, 0)
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ben, "off 2h")
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Our team is busy right now.")


@pytest.mark.on_both
def test_the_estimate_counts_the_hours_in_which_the_team_works(bureau):
    prefers(bureau, hours__lines=["mon-fri 8:00-10:00"], hours__timezone="UTC")
    bureau.says("I want a person")  # it is 9:00
    bureau.later(hours=24)
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "!resolve")
    bureau.says("I want a person", "+15550002")
    assert "approximately 120 minutes" in bureau.heard("+15550002")[0]


# -- offers


def test_only_who_was_asked_last_can_let_it_pass(bureau):
    for who in (bureau.ana, bureau.ben, bureau.mia):
        bureau.command(who, "on")
    prefers(bureau, ladder__rungs=["1 offer"])
    bureau.says("I want a person")
    climb(bureau, 1)
    first = asked(bureau)[0]
    bureau.core.offers.decline(escalation(bureau).id, first)
    bureau.settle()
    assert len(asked(bureau)) == 2
    bureau.core.offers.decline(escalation(bureau).id, first)
    bureau.settle()
    assert len(asked(bureau)) == 2


def asked(bureau):
    people = (bureau.ana, bureau.ben, bureau.mia)
    return [who for who in people if any("Can you take this?" in text for text in bureau.told(who))]


def test_the_ladder_asks_those_for_whom_a_rule_says_it_is(bureau):
    for who in (bureau.ana, bureau.ben):
        bureau.command(who, "on")
    rule = RoutingRule(to=Route(people=(bureau.ben,)))
    bureau.core.routing.rules.put(None, rule, bureau.mia, 0)
    prefers(bureau, ladder__rungs=["1 offer"])
    bureau.says("I want a person")
    climb(bureau, 10)
    assert asked(bureau) == [bureau.ben]


# -- the moment of the end


def test_a_customer_who_writes_while_it_is_resolved_is_answered(bureau, monkeypatch):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")

    ana = AgentRef(bureau.ana, "Ana")
    number = escalation(bureau).id
    handler = bureau.core.handlers[outbox.POST]
    post = handler.call

    def resolved_meanwhile(plan):
        monkeypatch.setattr(handler, "call", post)
        assert bureau.core.escalations.take(Step.RESOLVE, number, ana).done
        return post(plan)

    monkeypatch.setattr(handler, "call", resolved_meanwhile)
    bureau.says("And when does it open?")
    bureau.later(seconds=30)
    assert [talk.turns[-1].text for talk in bureau.assistant.asked] == ["And when does it open?"]


def test_the_closing_text_names_who_resolves_it_from_the_queue(bureau):
    text = Text(Moment.RESOLVED, "en")
    bureau.core.customer_texts.save(text, "Closed by {agent}. Bye", bureau.mia)
    bureau.says("I want a person")
    said, _ = bureau.core.escalations.closing(escalation(bureau).id, AgentRef(bureau.ana, "Ana"))
    assert said.startswith("Closed by Ana. Bye")


def test_who_does_not_want_to_be_disturbed_is_asked_last(bureau):
    bureau.slack.set_presence(bureau.mia, "away")
    for who in (bureau.ana, bureau.ben):
        bureau.command(who, "on")
        bureau.later(seconds=1)
    prefers(bureau, ladder__rungs=["1 offer"])
    bureau.slack.snooze(bureau.ana, int(bureau.clock.now().timestamp()) + 3600)
    bureau.says("I want a person")
    climb(bureau, 1)
    assert asked(bureau) == [bureau.ben]
    climb(bureau, 2)
    assert asked(bureau) == [bureau.ana, bureau.ben]


def test_without_the_permission_nobody_is_taken_to_rest(bureau):
    bureau.slack.scopes.granted = SCOPES
    given_while_ana_rests(bureau)
    assert "Now speaking with Ana." in bureau.heard()


def test_it_is_given_last_to_who_does_not_want_to_be_disturbed(bureau):
    given_while_ana_rests(bureau)
    assert "Now speaking with Ben." in bureau.heard()


def given_while_ana_rests(bureau):
    """It is Ana's turn, and she has do-not-disturb on."""
    for who in (bureau.ana, bureau.ben):
        bureau.command(who, "on")
        bureau.later(seconds=1)
    rule = RoutingRule(to=Route(mode=Mode.LEAST_BUSY, assigns=True))
    bureau.core.routing.rules.put(None, rule, bureau.mia, 0)
    bureau.slack.snooze(bureau.ana, int(bureau.clock.now().timestamp()) + 3600)
    bureau.says("I want a person")
