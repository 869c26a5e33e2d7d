"""The whole thing as its users know it: a phone, a workspace, and the real bot between them."""

import threading
from pathlib import Path

import pytest

from handoff_sandbox.world import ROOT, World

DANA = "+15550144"
PATIENCE = 20


@pytest.fixture
def world(database_url: str, backend: str, tmp_path: Path):
    more = {"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        made.start_bot(more=more)
        made.wait_until_ready()
        yield made


def dana(world: World, text: str) -> None:
    answer = world.twilio.customer_writes("sms", DANA, text)
    assert (answer.status, answer.body) == (200, "<Response/>")


def phone(world: World) -> list[str]:
    return [sent.body for sent in world.twilio.phone(DANA)]


def heard(world: World, text: str) -> None:
    world.twilio.wait_for(lambda: any(text in said for said in phone(world)), PATIENCE)


def card(world: World) -> str:
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    return str(world.cards()[0]["ts"])


def in_thread(world: World, ts: str, text: str) -> None:
    world.slack.wait_for(
        lambda: any(text in m["text"] for m in world.slack.thread(world.queue, ts)), PATIENCE
    )


def whispered(world: World, user: str, text: str) -> None:
    world.slack.wait_for(
        lambda: any(text in shown["text"] for shown in world.slack.ephemerals(user)), PATIENCE
    )


def shows(world: World, ts: str, text: str) -> None:
    world.slack.wait_for(
        lambda: text in (world.slack.message(world.queue, ts) or {})["text"], PATIENCE
    )


def test_from_hello_to_the_end_and_back_to_the_assistant(world):
    dana(world, "What are your opening hours?")
    heard(world, "automated assistant")
    dana(world, "I want to talk to a human")
    heard(world, "I'm connecting you with a member of our team.")
    ts = card(world)

    assert world.slack.click(world.ana, world.queue, ts, "claim").status == 200
    heard(world, "Now speaking with Ana.")
    shows(world, ts, "Ana")
    reply = world.slack.say(world.ana, world.queue, "Hello *Dana*", ts)
    heard(world, "Hello Dana")
    dana(world, "My parcel is lost <!channel>")
    in_thread(world, ts, "My parcel is lost &lt;!channel&gt;")
    world.slack.wait_for(
        lambda: "white_check_mark" in world.slack.reactions(world.queue, reply), PATIENCE
    )

    world.slack.say(world.ben, world.queue, "typical", ts)
    whispered(world, world.ben, "Saved as an internal note")
    world.slack.say(world.ana, world.queue, "note: refund her", ts)
    assert world.slack.click(world.ana, world.queue, ts, "return").status == 200
    world.slack.wait_for(lambda: bool(world.slack.views(world.ana)), PATIENCE)
    window = world.slack.views(world.ana)[-1]
    assert world.slack.submit(world.ana, window["id"]).error == ""
    heard(world, "You're back with our automated assistant.")
    dana(world, "What are your opening hours?")
    world.twilio.wait_for(lambda: len(phone(world)) == 7, PATIENCE)
    assert not {"typical", "refund her", "note: refund her"} & set(phone(world))


def test_twenty_people_press_take_over_at_once(world):
    people = [world.slack.add_person(f"agent{n}", f"Agent {n}") for n in range(20)]
    for person in people:
        world.slack.join(person, world.queue)
    dana(world, "I want to talk to a human")
    ts = card(world)
    barrier = threading.Barrier(20)
    answers = []

    def press(person):
        barrier.wait()
        answers.append(world.slack.click(person, world.queue, ts, "claim"))

    threads = [threading.Thread(target=press, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status, answer.error) for answer in answers} == {(200, "")}

    heard(world, "Now speaking with Agent")
    (winner,) = [text for text in phone(world) if text.startswith("Now speaking with")]
    name = winner.removeprefix("Now speaking with ").rstrip(".")

    def told(person: str) -> bool:
        return any(
            shown["text"].startswith(f"{name} took this")
            for shown in world.slack.ephemerals(person)
        )

    # Some may have heard before that the assistant's last message is just leaving.
    world.slack.wait_for(lambda: sum(told(person) for person in people) == 19, PATIENCE)
    (owner,) = [person for person in people if not told(person)]
    assert world.slack.person(owner).real_name == name
