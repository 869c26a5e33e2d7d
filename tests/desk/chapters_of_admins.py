"""Chapters of lists, settings and refusals; see `recording`. Each begins with an empty database."""

from functools import partial

from handoff_bot.domain.articles import Article
from handoff_bot.domain.replies import CannedReply
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.manifest import SCOPES
from tests.desk.chapters import EVA, FAY, crowd, prefers, taken
from tests.desk.recording import Recording

COMMANDS = (
    "",
    "help",
    "dance",
    "queue",
    "next",
    "take",
    "take 99",
    "assign",
    "assign 99 @ben",
    "on",
    "off",
    "off 30m",
    "off whenever",
    "tickets",
    "ticket",
    "ticket 99",
    "settings",
    "settings team",
    "settings nothing",
    "settings texts",
    "settings history",
    "canned",
    "audit",
    "doctor",
    "templates",
    "stats",
    "stats month",
    "stats never",
    "routing",
    "notices",
)
TRIED = {words.partition(" ")[0] for words in COMMANDS}
EVERY_COMMAND = (*COMMANDS, *(name for name in EVERYTHING.commands if name not in TRIED))
"""A new command is tried without words until it has its own lines above."""


def commands_of_an_agent(story: Recording) -> None:
    for words in EVERY_COMMAND:
        story.commands("ana", words)


def commands_of_an_admin(story: Recording) -> None:
    for words in EVERY_COMMAND:
        story.commands("mia", words)
    story.says("I want a person")
    story.commands("mia", f"assign 1 <@{story.bureau.ben}|ben> please")
    story.commands("mia", "assign 1 somebody")
    story.commands("mia", "next")


def queue_and_home(story: Recording) -> None:
    story.opens_home("ana")
    crowd(story, 17)
    story.calls("ana", "show_queue")
    story.presses("ana", "queue_page_later")
    story.presses("ana", "queue_page_earlier")
    story.commands("ben", "queue")
    story.presses("ana", "queue_take", "1")
    story.presses("ben", "queue_take", "1")
    story.presses("ana", "queue_next")
    story.chooses("ana", "queue_whose", "mine")
    story.chooses("ana", "queue_whose", "open")
    story.chooses("ana", "queue_channel", "sms")
    story.chooses("ana", "queue_reason", "request")
    story.chooses("ana", "queue_priority", "low")
    story.chooses("ana", "queue_priority", "any")
    story.chooses("ana", "queue_waited", "60")
    story.opens_home("ana")
    story.presses_in_home("ana", "queue_next", "home")
    story.presses_in_home("ana", "home_refresh")
    story.presses_in_home("ana", "queue_show", "home")
    story.presses_in_home("ana", "availability_off")
    story.presses_in_home("ana", "availability_on")
    story.presses_in_home("ana", "availability_arrange")
    story.sends("ana", my_capacity="x", my_hours="always", my_timezone="Mars")
    story.sends("ana", my_capacity="3", my_hours="mon-fri 14:00-17:00", my_timezone="UTC")
    story.presses_in_home("ana", "tickets_show")
    story.closes("ana")
    story.presses_in_home("ana", "stats_show")
    story.closes("ana")
    story.opens_home("mia")
    story.presses_in_home("mia", "settings_show")


def tickets(story: Recording) -> None:
    bureau = story.bureau
    taken(story)
    story.says("A person about an invoice please", EVA, profile_name="Eva")
    story.commands("ana", "tickets")
    story.sends("ana", tickets_words="invoice")
    story.chooses("ana", "tickets_words", "nothing like it")
    for menu, choice in (
        ("tickets_status", "pending"),
        ("tickets_channel", "sms"),
        ("tickets_priority", "low"),
        ("tickets_reason", "request"),
        ("tickets_period", "week"),
        ("tickets_assignee", bureau.ana),
    ):
        story.chooses("ana", menu, choice)
    story.presses("ana", "tickets_all")
    story.closes("ana")
    story.commands("ana", "tickets")
    story.presses("ana", "ticket_open", "1")
    story.presses("ana", "ticket_change")
    story.sends("ana", ticket_subject="Lost in Oslo", ticket_priority="urgent", ticket_tags="vip")
    story.commands("ana", "ticket 1")
    story.presses("ana", "ticket_change")
    story.sends("ana", ticket_status="solved")
    story.commands("mia", "tickets")
    story.presses("mia", "tickets_csv")
    story.presses("mia", "tickets_json")
    crowd(story, 20)
    card = str(bureau.cards()[0]["ts"])
    for number in range(25):
        bureau.slack.say(bureau.ana, bureau.queue, f"note: {number}", card)
    story.settle()
    story.commands("ben", "tickets")
    story.presses("ben", "tickets_next")
    story.presses("ben", "tickets_first")
    story.commands("ben", "ticket 1")
    story.presses("ben", "ticket_older")
    story.presses("ben", "ticket_open")


def settings(story: Recording) -> None:
    bureau = story.bureau
    story.commands("mia", "settings")
    story.presses("mia", "settings_open", "team")
    story.presses("mia", "settings_check")
    story.sends("mia", hold_seconds="99")
    story.presses("mia", "settings_check")
    story.sends("mia", admins=[bureau.ben], hold_seconds="3", csat=[])
    for section in ("triggers", "translation", "hours", "waiting", "sla"):
        story.presses("mia", "settings_open", section)
        story.sends("mia")
    for tag in ("refund", "delivery"):
        bureau.core.tags.add(tag, bureau.mia)
    story.commands("mia", "tags")
    story.closes("mia")
    story.commands("mia", "settings")
    story.presses("mia", "tags_show")
    story.presses("mia", "tags_add")
    story.sends("mia", tag_name="two words")
    story.sends("mia", tag_name="damaged")
    story.presses("mia", "tags_change", "refund")
    story.sends("mia", tag_name="money-back")
    story.presses("mia", "tags_change", "delivery")
    story.presses("mia", "tags_remove", "delivery")
    story.closes("mia")
    for number in range(60):
        bureau.core.tags.add(f"tag{number:02}", bureau.mia)
    story.closes("mia")
    story.presses("mia", "tags_show")
    story.presses("mia", "tags_page_on")
    story.presses("mia", "tags_page_back")
    story.closes("mia")
    story.presses("mia", "settings_open", "waiting")
    story.presses("mia", "policy_remove", "0")
    story.presses("mia", "policy_add")
    story.chooses("mia", "policy_after:1", "5")
    story.chooses("mia", "policy_what:6", "return")
    story.chooses("mia", "policy_whom:6", "low")
    story.presses("mia", "settings_check")
    story.sends("mia")
    story.presses("mia", "settings_open", "hours")
    prefers(story, hours__lines=["mon-fri 9:00-17:00"])
    story.sends("mia", **{"hours.timezone": "Europe/Berlin"})
    story.closes("mia")
    story.presses("mia", "settings_open", "hours")
    story.sends("mia", **{"hours.lines:tue": "late", "hours.lines:sat": "9-5"})
    story.chooses("mia", "hours.country", "DE")
    story.chooses("mia", "hours.region", "BY")
    understood = {"hours.lines:tue": "9-17", "hours.lines:sat": "9-12, 1pm-5pm"}
    story.sends("mia", **understood, **{"hours.worked": ["Epiphany"]})
    story.presses("mia", "settings_open", "hours")
    story.closes("mia")
    story.presses("mia", "settings_texts")
    story.chooses("mia", "text_moment", "greeting")
    story.sends("mia", **{"silent.greeting": ["yes"]})
    story.chooses("mia", "text_moment", "started")
    story.chooses("mia", "text_language", "de")
    story.chooses("mia", "text_reason", "request")
    story.chooses("mia", "text_words", "Hallo {name}")
    story.sends("mia", text_words="Hallo")
    story.sends("mia", text_words="Noch {wait_minutes} Minuten.")
    story.presses("mia", "text_usual")
    story.commands("mia", "settings")
    story.presses("mia", "settings_history")
    for hours in range(65):
        bureau.core.preferences.change("reopen_hours", hours, bureau.mia)
    story.commands("mia", "settings history")
    story.presses("mia", "settings_history_older")
    story.presses("mia", "settings_history_newer")
    story.commands("ben", "settings")
    bureau.core.preferences.change("admins", [], bureau.mia)
    story.presses("ben", "settings_open", "team")


def canned_replies(story: Recording) -> None:
    bureau = story.bureau
    story.commands("mia", "settings")
    story.presses("mia", "canned_show")
    story.presses("mia", "canned_add")
    story.sends("mia", canned_name="Refund", canned_language="fr", canned_text="{nom}")
    story.presses("mia", "canned_preview")
    story.sends("mia", canned_text="Bonjour {customer}, ticket {ticket}.")
    for number in range(40):
        bureau.core.canned.save(CannedReply(f"reply-{number:02}", "", "x"), bureau.mia)
    story.calls("ana", "show_canned")
    story.presses("ana", "canned_page_on")
    story.presses("ana", "canned_page_back")
    story.sends("ana", canned_query="nothing like it", canned_wanted="any")
    story.commands("mia", "canned refund")
    story.presses("mia", "canned_change")
    story.sends("mia", canned_text="Soon.")
    story.presses("mia", "canned_change")
    story.presses("mia", "canned_delete")
    story.closes("mia")


def articles_and_drafts(story: Recording) -> None:
    bureau = story.bureau
    story.commands("ben", "knowledge")
    story.commands("mia", "settings")
    story.presses("mia", "knowledge_show")
    story.presses("mia", "knowledge_add")
    story.sends(
        "mia", article_title="Returns", article_text="Within 30 days.", article_language="xx"
    )
    story.sends("mia", article_language="en", article_tags="send back, exchange")
    story.presses("mia", "knowledge_change")
    story.sends("mia", article_text="Within 60 days.")
    for number in range(15):
        bureau.library.create(Article(f"Article {number}", "Text."))
    story.commands("mia", "knowledge")
    story.presses("mia", "knowledge_page_on")
    story.presses("mia", "knowledge_page_back")
    story.sends("mia", knowledge_query="nothing like it")
    story.closes("mia")
    bureau.learner.article = Article("Do you engrave?", "Yes, … for 15 EUR.", "en")
    for _ in range(2):
        taken(story)
        story.writes("ana", "Yes, for 15 EUR.")
        story.clicks("ana", "resolve")
        story.sends("ana")
    approved, rejected = (
        one["ts"] for one in bureau.slack.messages(bureau.queue) if "Draft article" in one["text"]
    )
    story.clicks("ben", "article_approve", ts=approved)
    story.clicks("mia", "article_edit_draft", ts=approved)
    story.closes("mia")
    story.clicks("mia", "article_approve", ts=approved)
    story.clicks("mia", "article_reject", ts=rejected)
    bureau.assistant.confidence = 0.1
    story.says("Do you repair zips?")
    story.waits(days=1)
    story.does("a Monday has come", lambda: bureau.core.scheduler.tick("tick.unanswered"))
    listed = next(
        one["ts"] for one in bureau.slack.messages(bureau.queue) if "no answer" in one["text"]
    )
    story.clicks("mia", "article_write", ts=listed)
    story.sends("mia", article_text="Yes.")


def looking_back(story: Recording) -> None:
    bureau = story.bureau
    taken(story)
    story.writes("ana", "!release")
    for number in range(50):
        bureau.core.preferences.change("reopen_hours", number, bureau.mia)
    story.commands("mia", "settings")
    story.presses("mia", "audit_show")
    story.chooses("mia", "audit_person", bureau.ana)
    story.presses("mia", "audit_everybody")
    story.presses("mia", "audit_older")
    story.presses("mia", "audit_newest")
    story.commands("mia", "settings")
    story.presses("mia", "templates_show")
    story.commands("mia", "settings")
    story.presses("mia", "routing_show")
    story.commands("mia", "settings")
    story.presses("mia", "notices_show")
    story.commands("ana", "stats")
    story.chooses("ana", "stats_period", "today")
    story.chooses("ana", "stats_channel", "sms")
    story.chooses("ana", "stats_agent", "1")
    story.presses("ana", "stats_picture")
    bureau.slack.scopes.granted = tuple(one for one in SCOPES if one != "pins:write")
    story.commands("mia", "settings")
    story.presses("mia", "doctor_show")


def channels_and_people(story: Recording) -> None:
    bureau, slack = story.bureau, story.bureau.slack
    care = slack.add_channel("care", [bureau.mia, bureau.ana])
    urgent = slack.add_channel("urgent", [bureau.mia])
    never = slack.add_channel("never", [bureau.mia])
    story.name(care, "CARE", urgent, "URGENT", never, "NEVER")
    for channel in (care, urgent, never):
        story.does("mia invites the bot", partial(slack.invite_bot, channel, bureau.mia))
    in_channel(story, "ana", care, "queue_here")
    in_channel(story, "mia", care, "queue_here")
    in_channel(story, "mia", urgent, "urgent_here")
    in_channel(story, "mia", never, "not_here")
    story.says("I want a person")
    story.does("mia removes the bot", lambda: slack.remove_bot(urgent, bureau.mia))
    for who, mark in (("gus", "is_restricted"), ("sue", "is_stranger")):
        person = slack.add_person(who, who.capitalize())
        story.name(person, who.upper())
        slack.join(person, bureau.queue)
        slack.join(person, care)
        slack.becomes(person, **{mark: True})
        story.settle()
        story.commands(person, "queue")
        story.opens_home(person)
        (post,) = [m["ts"] for m in slack.messages(care) if " is waiting on " in m["text"]]
        story.does(f"{who} claims", partial(slack.click, person, care, post, "claim"))
    story.says("I want a person", FAY)
    story.does("ben parts", lambda: slack.part(bureau.ben, bureau.queue))
    story.does("ana leaves", lambda: slack.leave(bureau.ana))
    story.waits(minutes=61)


def in_channel(story: Recording, who: str, channel: str, action_id: str) -> None:
    """Answer what the bot asked when it was invited."""
    slack, person = story.bureau.slack, getattr(story.bureau, who)
    (ts,) = [m["ts"] for m in slack.messages(channel) if "What should this channel" in m["text"]]
    story.does(f"{who} clicks {action_id}", lambda: slack.click(person, channel, ts, action_id))


def moods_and_rules(story: Recording) -> None:
    bureau = story.bureau
    prefers(story, rules__always=["cancel my contract"], rules__vips=[EVA], rules__most_answers=1)
    bureau.detector.words |= {"angry": Signal.SENTIMENT, "again": Signal.COMPLEXITY}
    story.says("Please cancel my contract")
    story.says("I am angry", EVA)
    story.says("Hello", FAY)
    story.says("Hello?", FAY)
    story.clicks("ana", "claim")
    bureau.detector.priority = Priority.URGENT
    story.says("I am angry now", FAY)


def closed_and_read_back(story: Recording) -> None:
    bureau, slack = story.bureau, story.bureau.slack
    bureau.core.preferences.change("admins", [bureau.ben], bureau.mia)
    bureau.core.catching_up.started()
    taken(story)
    story.does("the channel is archived", lambda: slack.archive(bureau.queue))
    story.says("line 1")
    story.waits(minutes=5)
    story.does("it is opened again", lambda: slack.archive(bureau.queue, is_archived=False))
    story.waits(hours=1)
    story.does("the bot is started again", bureau.core.catching_up.started)


def forgetting_and_retention(story: Recording) -> None:
    story.says("I want a person")
    story.says("Hello", EVA)
    story.clicks("ana", "claim")
    story.writes("ana", "Hello!")
    story.commands("mia", "forget +15550001")
    story.sends("mia")
    story.waits(minutes=1)
    story.commands("mia", "retention")
    story.sends("mia", rules="all words 3")
    story.sends("mia", rules="all messages 30\nall jobs 30")
    story.sends("mia")
    story.commands("mia", "audit")


def first_day(story: Recording) -> None:
    bureau = story.bureau
    story.dismisses_the_checklist(False)
    story.does("the bot starts", bureau.core.first_steps.started)
    story.opens_home("mia")
    story.presses_in_home("mia", "setup_keep", "hours")
    story.presses_in_home("mia", "settings_open", "triggers")
    story.sends("mia", **{"rules.paused": ["yes"]})
    story.says("When do you open?")
    (shown,) = [m for m in bureau.slack.messages(bureau.queue) if m["text"].startswith("Setup of")]
    story.clicks("ana", "setup_dismiss", ts=shown["ts"])
    story.clicks("mia", "setup_dismiss", ts=shown["ts"])
    story.commands("mia", "setup")
    story.commands("ana", "here")
    story.commands("mia", "here")
    channel = bureau.slack.open_home(bureau.ana, "messages")
    for text in ("help", "who waits?", "take 1", "off", "on", "What is this?"):
        story.does(
            f"ana writes to the app: {text}", partial(bureau.slack.say, bureau.ana, channel, text)
        )
    prefers(story, mention__minutes=0)
    story.does("the bot starts again", bureau.core.first_steps.started)


CHAPTERS = {
    each.__name__: each
    for each in (
        commands_of_an_agent,
        commands_of_an_admin,
        queue_and_home,
        tickets,
        settings,
        canned_replies,
        articles_and_drafts,
        looking_back,
        channels_and_people,
        first_day,
        moods_and_rules,
        closed_and_read_back,
        forgetting_and_retention,
    )
}
