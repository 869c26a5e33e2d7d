"""Chapters of what agents do with conversations; see `recording`. Each begins with an empty database."""

from dataclasses import asdict
from typing import Any

from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.files import Fetched
from handoff_bot.domain.messages import InboundMessage, Limits, Media
from handoff_bot.domain.replies import CannedReply, MessageTemplate
from handoff_sandbox.slack import Attachment
from tests.desk.recording import Recording
from tests.samples import JPEG, PNG

EVA, FAY = "+15550002", "+15550003"
PHOTO = Media("https://provider/photo", "image/jpeg")


def prefers(story: Recording, **values: Any) -> None:
    """An admin has set these; `__` stands for a dot."""
    for key, value in values.items():
        story.bureau.core.preferences.change(key.replace("__", "."), value, "test")


def taken(story: Recording) -> None:
    """Ana talks to Dana."""
    story.says("I want a person", profile_name="Dana R.")
    story.clicks("ana", "claim")


def crowd(story: Recording, count: int) -> None:
    """So many customers ask for a person, all at once."""
    bureau = story.bureau
    for number in range(count):
        address = f"+1555{number:07d}"
        inbound = InboundMessage("sms", f"SMCROWD{number}", address, "+15559999", "I want a person")
        key = f"sms:{inbound.provider_id}"
        bureau.core.inbox.store("inbound", f"in:sms:{address}", key, asdict(inbound))
    story.settle()


def merging(story: Recording) -> None:
    """Ana merges Dana, who waits twice."""
    story.says("I want a person", profile_name="Dana R.")
    story.says("It is me again, I want a person", EVA)
    story.clicks("ana", "view")
    story.presses("ana", "merge_open")
    story.sends("ana", merge_words="nobody")
    story.sends("ana", merge_words="Dana")
    story.sends("ana", merge_other="1")
    story.sends("ana")
    story.closes("ana")


def edits(story: Recording, who: str, ts: str, text: str) -> None:
    slack, queue = story.bureau.slack, story.bureau.queue
    person = getattr(story.bureau, who)
    story.does(f"{who} changes it to: {text}", lambda: slack.edit(person, queue, ts, text))


def deletes(story: Recording, who: str, ts: str) -> None:
    slack, queue = story.bureau.slack, story.bureau.queue
    person = getattr(story.bureau, who)
    story.does(f"{who} deletes it", lambda: slack.delete(person, queue, ts))


def from_claim_to_resolution(story: Recording) -> None:
    story.says("What are your opening hours?")
    story.says("I want a person")
    story.clicks("ben", "view")
    story.clicks("ana", "claim")
    story.writes("ana", "Hello *Dana* :wave:")
    story.says("Hello Ana")
    story.writes("ana", "note: she is kind")
    story.writes("ben", "I can help, too")
    story.answers("ben", "keep_as_note")
    story.writes("ben", "Let me answer")
    story.answers("ben", "take_over_and_send")
    story.clicks("ana", "resolve")
    story.sends("ana")
    story.closes("ana")
    story.clicks("ben", "resolve")
    story.sends("ben", solved_as="answered", tags="#Refund, delivery", closing="Goodbye, Dana!")
    story.clicks("ben", "sooner", ts=newest(story, "resolved this"))
    story.says("5")
    story.says("Thanks, that was quick")
    story.says("I want a person again")
    story.clicks("ben", "view", ts=story.bureau.card())


def newest(story: Recording, words: str) -> str:
    """The ts of the newest message in the newest thread that says this."""
    posts = story.bureau.slack.thread(story.bureau.queue, story.bureau.card())
    return str([post["ts"] for post in posts if words in post["text"]][-1])


def steps_in_modals(story: Recording) -> None:
    bureau = story.bureau
    group = bureau.slack.add_group("care", "Customer care", [bureau.ben])
    taken(story)
    reply = story.writes("ana", "Hello")
    story.clicks("ana", "assign")
    story.sends("ana")
    story.sends("ana", assignee=bureau.ben, note="She was promised a refund")
    story.clicks("ben", "assign")
    story.sends("ben", group=group, note="In Spanish, please")
    chooses_more(story, "ana", "snooze")
    story.sends("ana", until="whenever")
    story.sends("ana", until="2h")
    story.says("Hello?")
    story.clicks("ana", "draft")
    for tone in ("shorter", "friendlier", "translated"):
        story.presses("ana", f"draft_{tone}")
    story.presses("ana", "ai_feedback:2")
    story.sends("ana", words_3="We look into it.")
    bureau.core.canned.save(CannedReply("hello", "", "Hello from {agent}"), bureau.mia)
    bureau.assistant.silent = True
    story.clicks("ana", "draft")
    story.chooses("ana", "draft_canned", "hello")
    story.closes("ana")
    bureau.assistant.silent = False
    chooses_more(story, "ana", "release")
    chooses_more(story, "ana", "note")
    story.sends("ana", note="She is from Oslo")
    story.calls("ana", "add_note", reply)
    story.closes("ana")
    story.calls("ana", "reply_with_draft", reply)
    story.closes("ana")
    story.calls("ana", "assign", reply)
    story.sends("ana", queue=["yes"])
    story.calls("ana", "resolve", reply)
    story.closes("ana")
    card = bureau.card()
    stray = bureau.slack.say(bureau.ana, bureau.queue, "Lunch?")
    story.calls("ana", "resolve", stray)
    story.clicks("ana", "claim", ts=card)
    story.clicks("ana", "return", ts=card)
    story.sends("ana", memory="Refund of 20 € promised by Friday")
    story.says("And now?")
    story.says("I want a person", EVA)
    chooses_more(story, "ana", "dismiss", 2)
    story.sends("ana", why="ai_could")
    for number in range(9):
        bureau.says(f"line {number}")
    chooses_more(story, "ana", "view", ts=card)
    story.presses("ana", "page_previous")
    story.presses("ana", "page_next")


def chooses_more(story: Recording, who: str, kind: str, number: int = 1, *, ts: str = "") -> None:
    """Choose behind "⋯" of the newest card, or another."""
    person = getattr(story.bureau, who)
    story.does(
        f"{who} chooses {kind} behind ⋯",
        lambda: story.bureau.chooses_more(person, kind, number=number, ts=ts),
    )


def commands_in_threads(story: Recording) -> None:
    bureau = story.bureau
    bureau.core.canned.save(CannedReply("refund", "", "Hi {customer}, it comes. {agent}"), "test")
    story.says("I want a person", profile_name="Dana R.")
    for words in (
        "!help",
        "!take",
        "!reply dragons",
        "!reply refund",
        "!note she waits",
        "!resovle",
        "!snooze",
        "!snooze 2h",
        "!assign",
        f"!assign <@{bureau.ben}> she waits for a refund",
    ):
        story.writes("ana", words)
    story.writes("ana", "!release")
    story.writes("ben", "!assign queue please")
    story.writes("ben", "!take")
    story.writes("ben", "!return refund promised by Friday")
    story.writes("ben", "Too late")
    story.says("I want a person once more")
    story.writes("ana", "!take")
    story.writes("ana", "!resolve refund")
    story.writes("ana", "!take")


def edits_and_deletions(story: Recording) -> None:
    taken(story)
    first = story.writes("ana", "It costs 10")
    edits(story, "ana", first, "It costs 20")
    story.answers("ana", "send_correction")
    edits(story, "ana", first, "note: it costs 20")
    deletes(story, "ana", first)
    noted = story.writes("ana", "note: your parcel comes tomorrow")
    edits(story, "ana", noted, "your parcel comes tomorrow")
    story.answers("ana", "send_held")
    story.writes("ana", f"<@{story.bureau.ben}> can you look?")
    story.answers("ana", "keep_as_note")
    prefers(story, hold_seconds=5)
    held = story.writes("ana", "You idiot")
    edits(story, "ana", held, "You are right")
    story.waits(seconds=6)
    gone = story.writes("ana", "Oops")
    deletes(story, "ana", gone)
    story.waits(seconds=6)


def deliveries_that_fail(story: Recording) -> None:
    channel = story.bureau.channel
    taken(story)
    channel.troubles.append(DeliveryError("It is a landline.", permanent=True, code="30006"))
    story.writes("ana", "Hello")
    story.clicks("ana", "retry", ts=newest(story, "Not delivered"))
    channel.troubles.append(DeliveryError("Slow down.", permanent=False, code="busy"))
    story.writes("ana", "Again")
    story.waits(minutes=2)
    story.says("STOP")
    story.writes("ana", "Are you there?")
    story.says("START")
    story.writes("ana", "Welcome back")


def files_both_ways(story: Recording) -> None:
    bureau = story.bureau
    bureau.channel.files[PHOTO.url] = Fetched("image/jpeg", "photo.jpg", JPEG)
    taken(story)
    story.says("Look", media=(PHOTO,))
    story.says("And this", media=(Media("https://provider/gone", "image/jpeg"),))
    bureau.channel.file_troubles = [DeliveryError("Twilio is away.", permanent=False)] * 100
    story.says("", media=(PHOTO,))
    for _ in range(10):
        story.waits(seconds=30)
    bureau.channel.file_troubles.clear()
    story.clicks("ana", "fetch_again", ts=newest(story, "cannot be shown here"))
    story.writes("ana", "Here it is", files=[Attachment("ours.png", PNG)])


def templates_after_a_day(story: Recording) -> None:
    bureau, sid = story.bureau, "HX" + "1" * 32
    bureau.channel.limits = Limits(text=160, reply_window_hours=24, templates=True)
    story.commands("mia", "templates")
    story.presses("mia", "template_add")
    story.sends("mia", template_name="News", template_sid="HX1", template_text="Hi {{1")
    story.sends(
        "mia",
        template_name="News",
        template_sid=sid,
        template_text="Hi {{1}}, your order {{2}} has news.",
        template_labels="1: Name",
    )
    bureau.core.templates.save(MessageTemplate("Bye", sid, "Goodbye!"), "", "test")
    taken(story)
    story.waits(hours=20)
    story.waits(hours=5)
    story.writes("ana", "Still there?")
    failed = newest(story, "Not delivered")
    story.clicks("ben", "use_template", ts=failed)
    story.sends("ben")
    story.closes("ben")
    story.clicks("ana", "use_template", ts=failed)
    story.chooses("ana", "template_choice", "News")
    story.sends("ana", template_value_0="Dana", template_value_1="a\nb")
    story.sends("ana", template_value_0="Dana", template_value_1="4711")
    story.commands("mia", "templates")
    story.presses("mia", "template_change", "Bye")
    story.presses("mia", "template_delete")


CHAPTERS = {
    each.__name__: each
    for each in (
        from_claim_to_resolution,
        steps_in_modals,
        commands_in_threads,
        edits_and_deletions,
        deliveries_that_fail,
        files_both_ways,
        templates_after_a_day,
        merging,
    )
}
