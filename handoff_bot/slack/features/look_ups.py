"""The admins' list of look-ups: what the AI may ask the team's own systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff_bot.domain import look_ups, settings
from handoff_bot.domain.look_ups import LookUp
from handoff_bot.slack.feature import Tools
from handoff_bot.slack.features.rules import OPENED, Opened, RuleList, RuleModals, RuleWords
from handoff_bot.slack.kit.fields import Entered, labelled
from handoff_bot.slack.kit.form import Form, Submission, text, tick
from handoff_bot.slack.kit.text import actions, shorten

CHANGED_MEANWHILE = "Another admin has changed the look-ups. Go back and open them again."
UNKNOWN_NAME = "Unknown secret. Known secrets: {names}. LOOK_UP_SECRETS defines them."
TAKEN = "A look-up with this name already exists."
LOOK_UPS = RuleList(
    "lookups",
    "Look-ups",
    "Requests that the AI may send to your own systems to answer a question, such as the status of "
    "an order. Look-ups only read data. The AI gets, and may tell the customer, what you list as shown.",
    "Without a language model (OPENAI_API_KEY), no look-up is made.",
    noun="look-up",
)


def _lines(parse: Callable[[list[str]], Any], most: int) -> Callable[[Entered], Any]:
    split = settings.lines(most, 200)
    return lambda entered: parse(split(entered))


def _name(entered: Entered) -> str:
    name = settings.line(entered)
    if not look_ups.NAME.fullmatch(name):
        raise ValueError("Use lowercase letters, digits and _, such as order_status.")
    return name


NAME = text(
    "lookup_name",
    "Name",
    placeholder="order_status",
    most=40,
    current=lambda one: one.name,
).parsed(_name)
WHEN = text(
    "lookup_when",
    "When to use it",
    placeholder="The customer asks where an order is, and has given its number.",
    many_lines=True,
    most=500,
    current=lambda one: one.when,
)
URL = text(
    "lookup_url",
    "URL",
    placeholder="https://shop.example.com/orders/{number}",
    most=1000,
    hint="Parameters in braces. The host is fixed. The request is a GET without redirects.",
    current=lambda one: one.url,
)
PARAMETERS = text(
    "lookup_parameters",
    "Parameters",
    placeholder="number: The number of the order, digits only",
    many_lines=True,
    most=1500,
    hint="One per line: the name, a colon, and what it is.",
    optional=True,
    current=lambda one: "\n".join(f"{each.name}: {each.description}" for each in one.parameters),
).parsed(_lines(look_ups.parameters, look_ups.MOST_PARAMETERS + 1))
SHOWN = text(
    "lookup_shown",
    "Shown",
    placeholder="Status: order.status",
    many_lines=True,
    most=1500,
    hint="One per line: a label, a colon, and the path in the JSON answer, such as items[0].name.",
    current=lambda one: "\n".join(f"{each.label}: {each.path}" for each in one.shown),
).parsed(_lines(look_ups.shown, look_ups.MOST_SHOWN + 1))
SECRET = text(
    "lookup_secret",
    "Signing secret",
    placeholder="shop",
    most=40,
    hint="The name of a secret in LOOK_UP_SECRETS; empty for unsigned requests.",
    optional=True,
    current=lambda one: one.secret,
)
PRIVATE = tick(
    "lookup_private",
    "Network",
    "The host is in our private network",
    optional=True,
    current=lambda one: one.is_private,
)
ON = tick(
    "lookup_on",
    "Use",
    "The AI may use it",
    optional=True,
    current=lambda one: one.is_on,
)
FORM: Form[Opened] = Form(
    "Add a look-up",
    LOOK_UPS.edit,
    (
        NAME,
        WHEN,
        URL,
        PARAMETERS,
        SHOWN,
        SECRET,
        PRIVATE,
        ON,
        actions(labelled(LOOK_UPS.preview, "Preview", "preview")),
    ),
    OPENED,
    close="Back",
    conflict=(NAME, CHANGED_MEANWHILE),
)


def look_up_words(one: LookUp) -> RuleWords:
    """Returns a look-up as text."""
    state = "" if one.is_on else " (off)"
    private = ", in the private network" if one.is_private else ""
    signed = f"signed with {one.secret}" if one.secret else "unsigned"
    return RuleWords(shorten(f"{one.name}{state}: {one.when}\n→ {one.url}, {signed}{private}", 600))


def _parsed(tools: Tools, entered: Submission[Opened]) -> LookUp:
    found = LookUp(
        name=entered[NAME],
        when=entered[WHEN],
        url=entered[URL],
        parameters=entered[PARAMETERS],
        shown=entered[SHOWN],
        secret=entered[SECRET],
        is_private=entered[PRIVATE],
        is_on=entered[ON],
    )
    known, about = tools.core.look_ups, entered.about
    others = [one.name for n, one in enumerate(known.rules.all()) if n != about.number]
    if found.name in others:
        raise NAME.invalid(TAKEN)
    if found.secret and found.secret not in known.secrets:
        raise SECRET.invalid(UNKNOWN_NAME.format(names=", ".join(known.secrets) or "none"))
    try:
        look_ups.check(found, allows_loopback=known.allows_loopback)
    except look_ups.WrongParameters as wrong:
        raise PARAMETERS.invalid(str(wrong)) from None
    except ValueError as wrong:
        raise URL.invalid(str(wrong)) from None
    return found


def _preview(_tools: Tools, rules: list[LookUp], which: int) -> str:
    one = rules[which]
    names = ", ".join(each.name for each in one.parameters)
    shown = ", ".join(each.label for each in one.shown)
    return f"The AI calls {one.name}({names}), and gets: {shown}."


MODALS = RuleModals(
    kind=LOOK_UPS,
    book=lambda tools: tools.core.look_ups.rules,
    form=FORM,
    offered=lambda _tools: (),
    parse=_parsed,
    in_words=look_up_words,
    preview=_preview,
    empty=LookUp(),
)
FEATURE = MODALS.feature("/handoff lookups: what the AI may ask your own systems")
