"""The page about privacy names every table, and what happens to it."""

from sqlalchemy import inspect

from handoff_bot.storage import contacts
from tests.docs.pages import DOCS, check_block

PAGE = DOCS / "privacy.md"
FOREVER = "until forgotten"
HOLDS = {
    "agent": ("agents' names, Slack ids, hours", "always", "stays: no customer's data"),
    "alembic_version": ("the schema's version", "always", "stays: no personal data"),
    "article_draft": (
        "articles drafted from agents' answers, without personal data",
        "`messages` days",
        "",
    ),
    "attachment": ("files of visitors and agents", "30 days, or `files` days", ""),
    "canned": ("canned replies", "until deleted", "stays: no customer's data"),
    "contact": ("a customer's name", FOREVER, ""),
    "contact_address": ("a customer's addresses", FOREVER, ""),
    "conversation": ("address, language, consent, times", FOREVER, ""),
    "delivery": ("parts of sent messages, their status", "`messages` days", ""),
    "desk_channel": ("Slack channels in use", "always", "stays: no customer's data"),
    "desk_post": ("places of Slack messages about an escalation", FOREVER, ""),
    "desk_thread": ("places of cards in Slack", FOREVER, ""),
    "earlier_thread": ("earlier places of cards", FOREVER, ""),
    "encryption_key": (
        "ids of the keys that texts are encrypted with",
        "until rotated",
        "stays: no personal data",
    ),
    "erasure": ("who was forgotten: number, time, receipt", "always", "stays: the receipt"),
    "erasure_item": (
        "what is left to delete elsewhere",
        "until an erasure ends",
        "deleted at the end",
    ),
    "escalation": ("reason, scores, evidence, summary", "`messages` days", ""),
    "event": (
        "what happened when: ids and kinds",
        "always",
        "texts blanked, if there are any; numbers stay",
    ),
    "event_right": ("nothing between transactions", "-", "stays: empty"),
    "held_escalation": ("escalations that wait for a limit", "until let in", ""),
    "lacking_block": ("which blocks Slack refused", "always", "stays: no personal data"),
    "lane": ("lanes of jobs, named by address or number", "until empty", "deleted"),
    "message": ("messages in both directions, with context", "`messages` days", ""),
    "metric_total": (
        "counters of `/metrics`, by channel and reason",
        "always",
        "stays: no personal data",
    ),
    "model_state": ("state of the language model", "always", "stays: no personal data"),
    "note": ("agents' notes", "`notes` days", ""),
    "pace": ("Slack's rate limits", "30 days", "stays: no personal data"),
    "preference": ("settings", "until changed", "addresses removed"),
    "reservation": ("claims that wait for a moment", "a minute", ""),
    "setting_change": ("changes of settings", "`log` days", "addresses removed"),
    "source": ("when providers were last in contact", "always", "stays: no personal data"),
    "spent": (
        "cost of the language model by day and contact's number",
        "30 days; totals: always",
        "",
    ),
    "tally": (
        "used limits, by hashed networks",
        "until the period ends",
        "stays: pseudonyms of a day",
    ),
    "ticket": ("subject, status, times", "`messages` days", ""),
    "ticket_link": ("a ticket's id in other systems", FOREVER, ""),
    "ticket_tag": ("a ticket's tags", FOREVER, ""),
    "work": ("jobs, with messages and addresses", "done: 30 days; failed: `jobs` days", "blanked"),
    "worker": ("running processes", "while they run", "stays: no personal data"),
}
"""Table -> what it holds, for how long, and what forgetting does where no code of `contacts` says it."""


def fate(table: str, written: str) -> str:
    """What forgetting does to a contact's rows."""
    if written:
        return written
    known = {one.name: one for one in contacts.OF_A_CONTACT}
    return "blanked" if known[table] in contacts.BLANK else "deleted"


def made() -> str:
    lines = ["| table | holds | how long | when forgotten |", "|---|---|---|---|"]
    lines += [
        f"| `{table}` | {holds} | {kept} | {fate(table, written)} |"
        for table, (holds, kept, written) in sorted(HOLDS.items())
    ]
    return "\n".join(lines)


def test_every_table_of_the_schema_is_named_with_its_fate(database):
    with database.engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
    assert HOLDS.keys() == tables
    check_block(PAGE, "tables", made())


def test_what_the_page_says_of_forgetting_is_what_the_code_does():
    blanked_or_deleted = {one.name for one in contacts.OF_A_CONTACT}
    assert {name for name, (*_, written) in HOLDS.items() if not written} == blanked_or_deleted
