"""The list of tags: added, renamed and removed, on tickets and in rules."""

import pytest

from handoff_bot.domain.rules import Route, RoutingRule, RuleConditions
from handoff_bot.storage import tickets
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def resolving(bureau):
    """Ana resolves a conversation of a team that has the tags "refund" and "vip"."""
    for name in ("refund", "vip"):
        assert bureau.core.tags.add(name, "test") == ""
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.click(bureau.ana, "resolve")
    return bureau


def tags_of_ticket(bureau):
    return bureau.core.tickets.view(1).tags


@pytest.mark.on_sqlite
def test_agents_choose_tags_from_the_list_and_type_others(resolving):
    sent = resolving.sends(resolving.ana, {"known_tags": ["vip", "refund"], "tags": "#Late vip"})
    assert sent.errors == {}
    assert tags_of_ticket(resolving) == ("vip", "refund", "late")


@pytest.mark.on_sqlite
def test_agents_who_may_not_add_tags_are_told_wherever_they_try(resolving):
    resolving.core.preferences.change("tags.new", False, "test")
    resolving.click(resolving.ana, "resolve")
    assert "Other tags" not in words(resolving.modal(resolving.ana))
    resolving.writes(resolving.ana, "!resolve refund late")
    assert "Not in the team's list of tags: late." in resolving.whispers(resolving.ana)[-1]
    assert tags_of_ticket(resolving) == ()
    resolving.command(resolving.ana, "ticket 1")
    resolving.presses(resolving.ana, "ticket_change")
    refused = resolving.sends(resolving.ana, {"ticket_tags": "late"})
    assert "late" in refused.errors["ticket_tags"]
    assert resolving.sends(resolving.ana, {"ticket_tags": "vip"}).errors == {}


@pytest.fixture
def tagged(bureau):
    """Two resolved tickets, both with a tag, and a rule that names it."""
    for address in ("+15550101", "+15550102"):
        bureau.says("I want a person", address)
        bureau.click(bureau.ana, "claim")
        bureau.writes(bureau.ana, "!resolve refund, vip")
    rule = RoutingRule(RuleConditions(tags=("refund", "gold")), Route(people=(bureau.ben,)))
    bureau.core.routing.rules.put(None, rule, bureau.mia, 0)
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "tags_show")
    return bureau


def of_tickets(bureau):
    with bureau.database.read() as tx:
        return [set(tickets.tags(tx, number)) for number in (1, 2)]


def of_rule(bureau):
    (rule,) = bureau.core.routing.rules.all()
    return rule.when.tags


@pytest.mark.on_both
def test_a_tag_in_use_says_how_many_tickets_have_it(tagged):
    assert "#refund\n2 tickets" in words(tagged.modal(tagged.mia))
    tagged.presses(tagged.mia, "tags_change", "refund")
    assert "removed from 2 tickets" in str(tagged.modal(tagged.mia))


def test_a_tag_is_added_and_one_that_exists_or_is_none_is_refused(tagged):
    tagged.presses(tagged.mia, "tags_add")
    for wrong, why in (("refund", "already exists"), ("two words", "one word"), (",", "one word")):
        assert why in tagged.sends(tagged.mia, {"tag_name": wrong}).errors["tag_name"]
    assert tagged.sends(tagged.mia, {"tag_name": "#Delivery"}).errors == {}
    assert "#delivery\nnot in use" in words(tagged.modal(tagged.mia))


@pytest.mark.on_both
def test_a_tag_is_renamed_on_tickets_and_in_rules(tagged):
    tagged.presses(tagged.mia, "tags_change", "refund")
    assert tagged.sends(tagged.mia, {"tag_name": "money-back"}).errors == {}
    assert of_tickets(tagged) == [{"money-back", "vip"}] * 2
    assert of_rule(tagged) == ("money-back", "gold")
    assert "#refund" not in words(tagged.modal(tagged.mia))


@pytest.mark.on_both
def test_a_tag_is_merged_into_one_that_exists(tagged):
    tagged.presses(tagged.mia, "tags_change", "refund")
    assert tagged.sends(tagged.mia, {"tag_name": "vip"}).errors == {}
    assert of_tickets(tagged) == [{"vip"}] * 2


def test_a_tag_that_keeps_its_name_keeps_its_tickets(tagged):
    tagged.presses(tagged.mia, "tags_change", "refund")
    assert tagged.sends(tagged.mia).errors == {}
    assert of_tickets(tagged) == [{"refund", "vip"}] * 2


@pytest.mark.on_both
def test_a_removed_tag_leaves_tickets_and_rules_that_have_others(tagged):
    tagged.presses(tagged.mia, "tags_change", "refund")
    tagged.presses(tagged.mia, "tags_remove", "refund")
    assert of_tickets(tagged) == [{"vip"}] * 2
    assert of_rule(tagged) == ("gold",)


def test_a_rule_does_not_apply_to_every_customer_because_its_only_tag_was_removed(tagged):
    rule = RoutingRule(RuleConditions(tags=("refund",)), Route(people=(tagged.ben,)))
    tagged.core.routing.rules.put(0, rule, tagged.mia, tagged.core.routing.rules.seen())
    tagged.core.tags.remove("refund", tagged.mia)
    assert of_rule(tagged) == ("refund",)


def test_only_admins_see_the_list(bureau):
    bureau.command(bureau.ana, "tags")
    assert bureau.slack.views(bureau.ana) == []


def test_hundreds_of_tags_are_shown_in_pages(bureau):
    for number in range(95):
        bureau.core.tags.add(f"tag{number:03}", bureau.mia)
    bureau.command(bureau.mia, "tags")
    bureau.presses(bureau.mia, "tags_page_on")
    assert "#tag040" in words(bureau.modal(bureau.mia))
    bureau.presses(bureau.mia, "tags_page_back")
    assert "#tag000" in words(bureau.modal(bureau.mia))
