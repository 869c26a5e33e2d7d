"""A form is declared once; it is rendered, parsed and refused, whatever Slack or another version sends."""

from dataclasses import dataclass, replace

import pytest

from handoff_bot.domain import settings
from handoff_bot.domain.signals import Priority
from handoff_bot.slack.feature import OLD_MODAL, submits
from handoff_bot.slack.kit import form as kit
from handoff_bot.slack.kit.fields import ANY, MOST_OPTIONS, Number
from handoff_bot.slack.kit.form import Form, Invalid, Metadata, Stale
from handoff_bot.slack.kit.text import section
from tests.slack import linter


@dataclass(frozen=True)
class Opened:
    name: str
    seen: Number = 0


@dataclass(frozen=True)
class Refund:
    reason: str = ""
    minutes: int = 0
    priority: Priority = Priority.NORMAL
    language: str = ""
    tags: tuple[str, ...] = ()
    vip: bool = False


CURRENT = {
    "reason": lambda refund: refund.reason,
    "minutes": lambda refund: str(refund.minutes),
    "priority": lambda refund: refund.priority,
}
REASON = kit.text("reason", "Reason", most=20, hint="Short", current=CURRENT["reason"])
MINUTES = kit.text("minutes", "Minutes", most=3, current=CURRENT["minutes"]).parsed(
    settings.number(1, 90)
)
PRIORITY = kit.choice(
    "priority", "Priority", {each: each.value for each in Priority}, current=CURRENT["priority"]
).parsed(kit.member(Priority, Priority.NORMAL))
LANGUAGE = kit.one_or_any(
    "language",
    "Language",
    "Any language",
    {"de": "German"},
    optional=True,
    current=lambda refund: refund.language,
)
TAGS = kit.several("tags", "Tags", "Any tag", {"late": "Late"}, current=lambda refund: refund.tags)
VIP = kit.tick("vip", "Customers", "VIPs only", current=lambda refund: refund.vip)
OPENED = Metadata(Opened)
FORM = Form(
    "Refund",
    "refund_edit",
    (REASON, MINUTES, section("Between"), PRIORITY, LANGUAGE, TAGS, VIP),
    OPENED,
    conflict=(MINUTES, "Changed in the meantime."),
)
OPEN = Opened("a", 7)
SHOWN = Refund("Späte 📦", 5, Priority.HIGH, "de", ("late",), vip=True)
STATE = {
    "reason": {"reason": {"type": "plain_text_input", "value": " Late "}},
    "minutes": {"minutes": {"type": "plain_text_input", "value": "30"}},
    "priority": {"priority": {"type": "static_select", "selected_option": {"value": "urgent"}}},
    "language": {"language": {"type": "static_select", "selected_option": {"value": ANY}}},
    "tags": {"tags": {"type": "multi_static_select", "selected_options": [{"value": "late"}]}},
    "vip": {"vip": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
}


def entered(**changed):
    return FORM.received(OPENED.dump(OPEN), STATE | changed)


def body(state=STATE, metadata=None):
    view = {
        "id": "V2",
        "previous_view_id": "V1",
        "private_metadata": OPENED.dump(OPEN) if metadata is None else metadata,
        "state": {"values": state},
    }
    return {"user": {"id": "U0BEN"}, "view": view}


def blocks_of(view):
    return {each["block_id"]: each for each in view["blocks"] if "block_id" in each}


# -- rendering


def test_a_form_shows_the_current_values_in_the_order_of_its_fields():
    view = FORM.render(OPEN, SHOWN, below=[section("Below")])
    assert linter.lint_view(view) == []
    found = blocks_of(view)
    assert list(found) == ["reason", "minutes", "priority", "language", "tags", "vip"]
    assert [each["type"] for each in view["blocks"]].index("section") == 2
    assert view["blocks"][-1] == section("Below")
    assert found["reason"]["element"]["initial_value"] == "Späte 📦"
    assert found["priority"]["element"]["initial_option"]["value"] == "high"
    assert found["tags"]["element"]["initial_options"] == [
        {"text": {"type": "plain_text", "text": "Late", "emoji": False}, "value": "late"}
    ]
    assert found["vip"]["element"]["initial_options"]
    assert (view["callback_id"], view["submit"]["text"]) == ("refund_edit", "Save")


def test_an_empty_form_has_no_initial_values():
    for block in blocks_of(FORM.render(OPEN)).values():
        initial = {name for name in block["element"] if name.startswith("initial")}
        shown = {block["element"][name]["value"] for name in initial}
        assert shown <= {ANY}


def test_errors_find_their_field_since_block_and_action_have_the_same_id():
    for block_id, block in blocks_of(FORM.render(OPEN)).items():
        assert block["element"]["action_id"] == block_id


@pytest.mark.parametrize("length", [1, 24, 25, 151, 2001, 9000])
def test_long_texts_are_cut_to_the_limits_of_slack(length):
    long = "x" * length
    many = {f"{n}{long}": long for n in range(MOST_OPTIONS + 5)}
    shown = replace(SHOWN, reason=long, language=f"1{long}", tags=tuple(many))
    parts = (
        kit.text("reason", long, placeholder=long, hint=long, current=lambda one: one.reason),
        replace(LANGUAGE, label=long, choices=many),
        kit.several("tags", long, long, many, current=lambda one: one.tags),
        kit.radio("radio", long, {"a": long}),
        kit.tick("vip", long, long),
        kit.people("people", long, long),
        kit.person("person", long, long, current=lambda _one: "U0BEN"),
        kit.channel("channel", long, long),
        kit.group("group", long),
    )
    assert (
        linter.lint_view(
            Form(long, "edit", parts, OPENED, submit=long, close=long).render(OPEN, shown)
        )
        == []
    )


def test_a_field_that_is_offered_other_choices_replaces_the_declared_one():
    form = FORM.having(TAGS.offering({"new": "New"}))
    options = blocks_of(form.render(OPEN))["tags"]["element"]["options"]
    assert [each["value"] for each in options] == ["new"]
    assert form.received(OPENED.dump(OPEN), STATE)[TAGS] == ("late",)
    assert "tags" not in blocks_of(FORM.without(TAGS).render(OPEN))


# -- parsing


def test_every_field_is_parsed_to_its_type():
    found = FORM.submitted(body())
    assert (found.about, found.view_id, found.below, found.by) == (OPEN, "V2", "V1", "U0BEN")
    assert (found[REASON], found[MINUTES], found[PRIORITY]) == ("Late", 30, Priority.URGENT)
    assert (found[LANGUAGE], found[TAGS], found[VIP]) == ("", ("late",), True)


HOSTILE = {
    "nothing": {},
    "a missing action": {"reason": {}},
    "no blocks": {"reason": None},
    "a list": {"reason": []},
    "a text": {"reason": "reason"},
    "a number": {"reason": 7},
    "an action of no type": {"reason": {"reason": None}},
    "an action that is a text": {"reason": {"reason": "value"}},
    "a value of no type": {"reason": {"reason": {"type": "plain_text_input", "value": None}}},
    "a value that is a list": {"reason": {"reason": {"value": ["a"]}}},
    "a value that is an object": {"reason": {"reason": {"value": {"a": {}}}}},
    "an option of no type": {"reason": {"reason": {"selected_option": None}}},
    "an option that is a list": {"reason": {"reason": {"selected_option": [[None]]}}},
}


@pytest.mark.parametrize("state", HOSTILE.values(), ids=HOSTILE)
def test_a_state_of_wrong_types_is_an_empty_field(state):
    assert FORM.received(OPENED.dump(OPEN), state)[REASON] == ""


@pytest.mark.parametrize("state", [None, [], "x", 7, {"values": None}, {"values": [1]}])
def test_a_modal_without_values_is_an_empty_form(state):
    sent = body()
    sent["view"]["state"] = state
    found = FORM.submitted(sent)
    assert (found[REASON], found[TAGS], found[VIP]) == ("", (), False)
    with pytest.raises(Invalid, match="whole number"):
        found[MINUTES]


def test_an_unknown_option_is_left_out_of_enums():
    unknown = {"type": "static_select", "selected_option": {"value": "not one"}}
    assert entered(priority={"priority": unknown})[PRIORITY] is Priority.NORMAL
    several = TAGS.parsed(kit.members(Priority))
    options = [{"value": "high"}, {"value": "not one"}, {"value": None}, 7, None]
    held = {"tags": {"tags": {"selected_options": options}}}
    assert entered(**held)[several] == (Priority.HIGH,)


def test_an_oversized_text_reaches_the_check_of_its_field_and_is_cut_where_it_is_shown():
    long = {"minutes": {"minutes": {"value": "9" * 5000}}}
    with pytest.raises(Invalid, match="Enter a whole number"):
        entered(**long)[MINUTES]
    shown = FORM.render(OPEN, replace(SHOWN, reason="9" * 5000))
    assert len(blocks_of(shown)["reason"]["element"]["initial_value"]) == 20


def test_all_wrong_fields_are_named_at_once():
    form = FORM.having(REASON.parsed(settings.number(1, 2)))
    with pytest.raises(Invalid) as refused:
        form.values(entered(minutes={"minutes": {"value": "x"}}))
    assert refused.value.errors == dict.fromkeys(("reason", "minutes"), "Enter a whole number.")
    assert FORM.values(entered())["minutes"] == 30


# -- metadata


def test_metadata_comes_back_as_it_was():
    view = FORM.render(OPEN)
    assert view["private_metadata"] == '{"name": "a", "seen": 7}'
    assert OPENED.parse(view["private_metadata"]) == OPEN


def test_metadata_of_an_older_version_gets_the_defaults_of_newer_fields():
    assert OPENED.parse('{"name": "a"}') == Opened("a")
    assert OPENED.parse('{"name": "a", "gone": [1]}') == Opened("a")


STALE = ["", "null", "7", "[]", "{}", "{", '{"name": 7}', '{"name": "a", "seen": 1e99}', "[" * 3000]


@pytest.mark.parametrize("metadata", [*STALE, '{"name": "a", "seen": -2}'])
def test_metadata_that_is_not_valid_is_stale_or_the_default(metadata):
    with pytest.raises(Stale):
        FORM.received(metadata, STATE)
    assert Metadata(Opened, OPEN).parse(metadata) == OPEN
    assert OPENED.read(metadata) is None


def test_a_form_without_metadata_takes_any():
    bare = replace(FORM, metadata=None)
    assert "private_metadata" not in bare.render(None)
    assert bare.received("[", STATE).about is None


# -- submitting


class Acked:
    """Remembers how a submission was acknowledged."""

    def __init__(self):
        self.answers = []

    def __call__(self, **answer):
        self.answers.append(answer)


def submitted(save, **sent):
    ack = Acked()
    submits(FORM, save)(None, body(**sent), ack)
    return ack.answers


def test_a_valid_form_is_acknowledged_by_its_listener():
    assert submitted(lambda _tools, found, ack: ack(said=found[REASON])) == [{"said": "Late"}]


def test_an_invalid_field_is_answered_with_its_error():
    def save(_tools, found, ack):
        ack(said=found[MINUTES])

    wrong = {"minutes": {"minutes": {"value": "91"}}}
    errors = {"minutes": "Between 1 and 90."}
    assert submitted(save, state=wrong) == [{"response_action": "errors", "errors": errors}]


def test_a_newer_change_is_named_at_the_declared_field():
    def save(_tools, _found, ack):
        FORM.require_unchanged(False)
        ack()

    errors = {"minutes": "Changed in the meantime."}
    assert submitted(save) == [{"response_action": "errors", "errors": errors}]
    FORM.require_unchanged(True)


@pytest.mark.parametrize("metadata", STALE)
def test_a_modal_of_another_version_is_replaced_by_an_explanation(metadata):
    (answer,) = submitted(lambda _tools, _found, ack: ack(), metadata=metadata)
    assert answer["response_action"] == "update"
    assert OLD_MODAL in list(linter.texts(answer["view"]))
