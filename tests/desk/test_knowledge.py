"""The knowledge base in Slack: learnt from agents' answers, written by admins, and what it lacks."""

import json
import re
from datetime import timedelta

import pytest

from handoff_bot.ai.assistant.articles import read_folder
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.learning import LocalLearner
from handoff_bot.ai.assistant.library import FolderLibrary
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.articles import ArticleError
from handoff_bot.domain.desk import AgentRef
from handoff_bot.services.ai_turns import articles
from handoff_bot.services.ai_turns.learning import post_of
from handoff_bot.slack.cards.thread import render_post
from handoff_bot.storage import contacts, log
from handoff_bot.storage.models import ArticleDraft, Message, Work
from tests.desk.conftest import at_work, words
from tests.fakes import FakeChannel

pytestmark = pytest.mark.on_sqlite

ANSWER = (
    "Hi Dana! Yes, we engrave steel watches with up to 20 characters for 15 EUR. "
    "It takes 3 working days. Your order 4711-22 is with us, call +49 30 1234567."
)
QUESTION = "Do you engrave watches? I'm Dana, order 4711-22"


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


@pytest.fixture
def folder(tmp_path):
    here = tmp_path / "articles"
    here.mkdir()
    (here / "returns.md").write_text("# Returns\n\nYou can return an order within 30 days.\n")
    return here


@pytest.fixture
def shop(database, clock, unhurried, folder, detector):
    """A team whose assistant learns; Mia is told about it."""
    knowledge = Knowledge(folder, meaning=detector.encoder.vectors)
    learner = LocalLearner(LocalAssistant(knowledge, detector.act_of), detector)
    parts = {
        "channels": {"sms": FakeChannel(clock)},
        "limits": {},
        "library": FolderLibrary(folder),
        "learner": learner,
    }
    with (
        knowledge,
        at_work(database, clock, parts=parts, channel=parts["channels"]["sms"]) as made,
    ):
        made.core.preferences.change("admins", [made.mia], "test")
        yield made


def asks_and_hears(shop, answer=ANSWER, question=QUESTION):
    shop.says(question)
    shop.says("I want a person")
    shop.click(shop.ana, "claim")
    shop.writes(shop.ana, answer)
    shop.click(shop.ana, "resolve")
    shop.sends(shop.ana)


def drafts(shop, who=None):
    """The draft messages that an admin got."""
    slack = shop.slack
    with_bot = [c for c in slack.channels() if c.kind == "im" and (who or shop.mia) in c.members]
    posts = [(c.id, m) for c in with_bot for m in slack.messages(c.id)]
    return [(c, m) for c, m in posts if "Draft article" in words(m)]


def press(shop, action, who=None, at=0):
    channel, message = drafts(shop, who)[at]
    result = shop.slack.click(who or shop.mia, channel, message["ts"], action)
    shop.settle()
    return result


def ref(shop):
    return AgentRef(shop.mia, "Mia")


def buttons(message):
    return [
        e["action_id"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]
    ]


def learnt(folder):
    return [path for path in folder.glob("*.md") if path.name != "returns.md"]


def test_an_agents_answer_becomes_a_draft_without_personal_data(shop):
    asks_and_hears(shop)

    ((_, message),) = drafts(shop)
    told = words(message)
    assert "Do you engrave watches?" in told
    assert "we engrave steel watches with up to 20 characters for 15 EUR" in told
    assert not re.search(r"Dana|4711|1234567", json.dumps(message["blocks"]))
    assert buttons(message) == ["article_approve", "article_edit_draft", "article_reject"]


def test_approve_writes_one_article_that_the_ai_answers_from_at_once(shop, folder, clock):
    asks_and_hears(shop)

    press(shop, "article_approve")
    shop.core.drafts.approve(1, ref(shop))

    (path,) = learnt(folder)
    assert path.name == "do-you-engrave-watches.md"
    written = path.read_text()
    assert written.startswith("---\ntitle: Do you engrave watches?\nlocale: en\nhandoff_draft: 1-")
    assert "Do you engrave watches?" in {one.title for one in read_folder(folder, clock.at.date())}
    ((_, message),) = drafts(shop)
    assert buttons(message) == []
    assert "Approved by Mia" in words(message)


def test_an_approved_draft_is_written_once_and_outside_of_a_transaction(shop, folder, monkeypatch):
    asks_and_hears(shop)
    create, remember = FolderLibrary.create, articles.remember

    def outside(*given):
        with shop.database.write():  # waits for the writer, if that is held
            return create(*given)

    def fail(*_given):
        monkeypatch.setattr(articles, "remember", remember)
        raise RuntimeError

    monkeypatch.setattr(FolderLibrary, "create", outside)
    monkeypatch.setattr(articles, "remember", fail)

    assert "being saved" in shop.core.drafts.approve(1, ref(shop)).text
    assert learnt(folder) == []
    assert "being saved" in shop.core.drafts.get(1)[1]
    shop.settle()
    shop.later(seconds=20)

    assert [path.name for path in learnt(folder)] == ["do-you-engrave-watches.md"]
    ((_, message),) = drafts(shop)
    assert "the AI answers from do-you-engrave-watches.md" in words(message)


def test_a_draft_that_cannot_be_written_is_told_and_can_be_approved_again(
    shop, folder, monkeypatch
):
    asks_and_hears(shop)

    def refuse(*_given):
        raise ArticleError("The folder is read-only.")

    with monkeypatch.context() as broken:
        broken.setattr(FolderLibrary, "create", refuse)
        press(shop, "article_approve")

    ((_, message),) = drafts(shop)
    assert "but not saved: The folder is read-only. Approve it again." in words(message)
    assert buttons(message) == ["article_approve", "article_edit_draft", "article_reject"]
    assert any("The folder is read-only" in text for text in shop.told(shop.mia))
    press(shop, "article_approve")
    assert len(learnt(folder)) == 1


def test_admins_see_all_of_what_they_approve():
    end = "and that is the end."
    draft = ArticleDraft(id=1, title="T" * 150, text=f"{'word ' * 595}{end}")

    assert end in words(render_post(post_of(draft)).blocks)


def test_a_draft_that_was_decided_elsewhere_says_so(shop, folder):
    asks_and_hears(shop)
    assert shop.core.drafts.reject(1, ref(shop)).done

    outcome = shop.core.drafts.approve(1, ref(shop))

    assert not outcome.done
    assert outcome.text == "This draft is already rejected."
    assert learnt(folder) == []


def test_an_edited_draft_is_approved_as_it_was_edited(shop, folder):
    asks_and_hears(shop)

    press(shop, "article_edit_draft")
    assert "Do you engrave watches?" in json.dumps(shop.modal(shop.mia))
    shop.sends(shop.mia, {"article_text": "We engrave watches of steel."})

    (path,) = learnt(folder)
    assert path.read_text().endswith("---\n\nWe engrave watches of steel.\n")
    with shop.database.read() as tx:
        assert tx.session.get(ArticleDraft, 1).status == "approved"


def test_only_admins_approve(shop, folder):
    with shop.database.write() as tx:
        log.prefer(tx, "knowledge.channels", [shop.queue], "test", shop.clock.now())
    asks_and_hears(shop)
    message = next(m for m in shop.slack.messages(shop.queue) if "Draft article" in words(m))

    shop.click(shop.ben, "article_approve", ts=message["ts"])

    assert learnt(folder) == []
    shop.click(shop.mia, "article_approve", ts=message["ts"])
    assert len(learnt(folder)) == 1


@pytest.mark.parametrize(
    ("question", "answer", "setting"),
    [
        ("How long can I return an order?", "You can return any order within 30 days.", 5),
        (QUESTION, "You're welcome, have a nice day!", 5),
        (QUESTION, "Yes", 5),
        (QUESTION, ANSWER, 0),
    ],
    ids=["an article answers it", "small talk", "too short", "off"],
)
def test_nothing_is_offered_where_nothing_is_learnt(shop, question, answer, setting):
    shop.core.preferences.change("knowledge.drafts", setting, shop.mia)

    asks_and_hears(shop, answer, question)

    assert drafts(shop) == []


def test_a_day_has_no_more_drafts_than_the_setting_says(shop):
    shop.core.preferences.change("knowledge.drafts", 1, shop.mia)
    asks_and_hears(shop)
    asks_and_hears(
        shop, "We repair zips of all our jackets for free within two years.", "Do you repair zips?"
    )

    assert len(drafts(shop)) == 1


def test_a_forgotten_customers_draft_is_blank_and_cannot_be_approved(shop, folder):
    asks_and_hears(shop)
    shop.core.forgetting.request(1, "test")
    shop.later(minutes=1)

    with shop.database.read() as tx:
        draft = tx.session.get(ArticleDraft, 1)
        assert (draft.title, draft.text, draft.status) == ("", "", "expired")
    assert not shop.core.drafts.approve(1, ref(shop)).done
    assert drafts(shop) == []
    assert learnt(folder) == []


def test_no_job_keeps_the_text_of_a_forgotten_customers_draft(shop):
    asks_and_hears(shop)
    press(shop, "article_approve")

    shop.core.forgetting.request(1, "test")
    for _ in range(5):
        shop.later(minutes=1)

    with shop.database.read() as tx:
        kept = [one.kind for one in tx.session.query(Work) if "engrav" in str(one.payload)]
    assert kept == []


def test_retention_of_messages_blanks_drafts_and_an_export_contains_them(shop):
    asks_and_hears(shop)
    with shop.database.read() as tx:
        (draft,) = contacts.exported(tx, 1)["article_draft"]
    assert draft["title"] == "Do you engrave watches?"
    shop.core.retention.save(["all messages 30"], "test")

    shop.clock.at += timedelta(days=31)
    shop.core.scheduler.tick("tick.retention")
    shop.settle()
    shop.later(seconds=5)

    with shop.database.read() as tx:
        draft = tx.session.get(ArticleDraft, 1)
        assert (draft.title, draft.text, draft.status) == ("", "", "expired")


# -- writing in Slack


def test_an_admin_writes_and_edits_an_article_in_slack(shop, folder):
    shop.command(shop.mia, "knowledge")
    shop.presses(shop.mia, "knowledge_add")
    shop.sends(
        shop.mia,
        {
            "article_title": "../../Zahlung: per Rechnung?",
            "article_text": "Ja.\n\n---\n\n## Firmen\n\nAuch.",
            "article_language": "de",
            "article_tags": "invoice, Rechnung",
        },
    )

    (path,) = learnt(folder)
    assert path.name == "zahlung-per-rechnung.md"
    shop.presses(shop.mia, "knowledge_change", path.name)
    shop.sends(shop.mia, {"article_text": "Nein."})
    assert path.read_text() == (
        "---\ntitle: '../../Zahlung: per Rechnung?'\nlocale: de\ntags:\n- invoice\n- Rechnung\n"
        "---\n\nNein.\n"
    )
    with shop.database.read() as tx:
        assert len(log.events(tx, "article.changed")) == 2


def test_of_two_admins_who_edit_an_article_the_second_is_told(shop, folder):
    shop.command(shop.mia, "knowledge returns")
    shop.presses(shop.mia, "knowledge_change", "returns.md")
    (folder / "returns.md").write_text("# Returns\n\nWithin 60 days.\n")

    result = shop.sends(shop.mia, {"article_text": "Within 14 days."})

    assert "changed in the meantime" in json.dumps(result.errors)
    assert "60 days" in (folder / "returns.md").read_text()


def test_agents_cannot_open_the_articles(shop):
    shop.command(shop.ben, "knowledge")

    assert shop.slack.views(shop.ben) == []


# -- what has no answer


def test_a_question_that_an_article_answers_now_is_not_offered_for_writing(shop):
    shop.says("Do you ship to Norway?")
    shop.says("How long can I return an order?", address="+15551001")

    with shop.database.read() as tx:
        asked = tx.session.query(Message).filter(Message.author == "contact").order_by(Message.id)
        norway, returns = (one.id for one in asked)
    assert "Norway" in shop.core.articles.question(norway).text
    assert shop.core.articles.question(returns) is None


def test_questions_without_an_answer_are_listed_once_a_week_and_grouped(shop, folder):
    shop.assistant.confidence = 0.1
    for number, text in enumerate(
        ("Do you ship to Norway?", "Is shipping to Norway possible?", "Do you sell gift cards?")
    ):
        shop.says(text, address=f"+1555100{number}")
    shop.says("thanks!", address="+15551009")
    shop.clock.at = shop.clock.at.replace(hour=12)
    for _ in range(2):
        with shop.database.write() as tx:
            articles.Tick(shop.clock).run(tx, None)
        shop.settle()

    with_bot = [c for c in shop.slack.channels() if c.kind == "im" and shop.mia in c.members]
    lists = [
        (c.id, m)
        for c in with_bot
        for m in shop.slack.messages(c.id)
        if "had no answer" in m["text"]
    ]
    ((channel, message),) = lists
    told = words(message)
    assert "3 questions of last week" in told
    assert "Norway? (2 times)" in told or "possible? (2 times)" in told
    row = next(b for b in message["blocks"] if "accessory" in b)
    button = row["accessory"]
    shop.slack.click(shop.mia, channel, message["ts"], button["action_id"], button["value"])
    shop.settle()
    assert "Norway" in json.dumps(shop.modal(shop.mia))
    shop.sends(shop.mia, {"article_text": "Yes, we ship to Norway for 12 EUR."})
    assert len(learnt(folder)) == 1
