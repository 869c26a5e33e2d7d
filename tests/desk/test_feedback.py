"""Agents rate the assistant's answers and drafts: each agent once, changeable, counted in the reports."""

from types import SimpleNamespace

import pytest

from handoff_bot.domain.articles import Article, ArticleFile
from handoff_bot.domain.events import EventKind
from handoff_bot.slack.features.draft import _articles
from handoff_bot.storage import log
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def answered(bureau):
    """The assistant has answered, and then the customer wanted an agent."""
    bureau.says("What are your opening hours?")
    bureau.says("I want a person")
    return bureau


def feedback_of(bureau):
    """The post with feedback buttons, and the values of the two."""
    for post in bureau.slack.thread(bureau.queue, bureau.card()):
        for block in post.get("blocks", ()):
            if block["type"] == "context_actions":
                (element,) = block["elements"]
                return post["ts"], *(element[f"{side}_button"]["value"] for side in SIDES)
    raise AssertionError("no feedback buttons in the thread")


SIDES = ("positive", "negative")


def verdicts(bureau):
    with bureau.core.database.read() as tx:
        return [e.data["verdict"] for e in log.events(tx, EventKind.AI_FEEDBACK)]


def reported(bureau):
    bureau.command(bureau.mia, "stats")
    return words(bureau.modal(bureau.mia))


def test_an_answer_is_rated_once_by_each_agent_and_a_change_replaces_it(answered):
    ts, good, bad = feedback_of(answered)
    assert "Helpful AI texts" not in reported(answered)
    for _ in range(2):
        answered.click(answered.ana, "ai_feedback", ts=ts, value=good)
    answered.click(answered.ben, "ai_feedback", ts=ts, value=good)
    assert "Feedback saved: helpful." in answered.whispers(answered.ana)[-1]
    assert "100 % (2 of 2 verdicts)" in reported(answered)
    answered.click(answered.ana, "ai_feedback", ts=ts, value=bad)
    assert "Feedback saved: not helpful." in answered.whispers(answered.ana)[-1]
    assert "50 % (1 of 2 verdicts)" in reported(answered)
    assert verdicts(answered) == ["good", "good", "bad"]


def test_a_workspace_without_feedback_buttons_gets_usual_ones(bureau):
    bureau.slack.refusals.add(
        "chat.postMessage", "invalid_blocks", lambda call: "context_actions" in str(call)
    )
    bureau.says("What are your opening hours?")
    bureau.says("I want a person")
    posts = bureau.slack.thread(bureau.queue, bureau.card())[1:]
    (transcript,) = [post for post in posts if "before the escalation" in post["text"]]
    assert [block["type"] for block in transcript["blocks"]] == ["context", "rich_text", "actions"]
    bad = transcript["blocks"][-1]["elements"][1]
    bureau.click(bureau.ana, bad["action_id"], ts=transcript["ts"])
    assert verdicts(bureau) == ["bad"]


def test_a_draft_is_rated_in_its_modal_and_the_edited_text_stays(answered):
    answered.click(answered.ana, "claim")
    answered.says("What are your opening hours?")
    answered.click(answered.ana, "draft")
    modal = answered.modal(answered.ana)
    edited = {"words": "My own words"}
    answered.slack.click_view(answered.ana, modal["id"], "ai_feedback:2", values=edited)
    answered.settle()
    shown = answered.modal(answered.ana)
    assert "Feedback saved: not helpful." in words(shown)
    assert "My own words" in str(shown)
    assert verdicts(answered) == ["bad"]


def offered(bureau, who):
    """The buttons below what a person was told last."""
    blocks = bureau.slack.ephemerals(who)[-1].get("blocks", ())
    return [b["text"]["text"] for block in blocks for b in block.get("elements", ())]


def test_a_negative_verdict_offers_admins_to_write_an_article(answered):
    ts, good, bad = feedback_of(answered)
    for who in (answered.ana, answered.mia):
        answered.click(who, "ai_feedback", ts=ts, value=bad)
    assert offered(answered, answered.ana) == []
    assert offered(answered, answered.mia) == ["Write an article…"]
    told = answered.slack.ephemerals(answered.mia)[-1]["ts"]
    answered.slack.click_ephemeral(answered.mia, told, "knowledge_add")
    answered.settle()
    assert answered.modal(answered.mia)["title"]["text"] == "Write an article"
    answered.click(answered.mia, "ai_feedback", ts=ts, value=good)
    assert offered(answered, answered.mia) == []


@pytest.mark.parametrize("about", ["0", "999999", "x", "", "draft:worse"])
def test_a_button_about_no_answer_records_nothing(answered, about):
    ts, good, _ = feedback_of(answered)
    post = answered.slack.thread(answered.queue, answered.card())[1]
    assert post["ts"] == ts
    escalation = good.partition(":")[0]
    element = post["blocks"][-1]["elements"][0]
    element["positive_button"]["value"] = value = f"{escalation}:{about}:good"
    stored = answered.slack._workspace.channels[answered.queue].messages[ts]
    stored.blocks[-1]["elements"][0]["positive_button"]["value"] = value
    answered.click(answered.ana, "ai_feedback", ts=ts, value=value)
    assert verdicts(answered) == []
    assert answered.whispers(answered.ana)


def test_the_articles_of_a_bad_answer_are_offered_for_editing():
    files = [
        ArticleFile("returns.md", Article("Returns", "14 days")),
        ArticleFile("returns-b2b.md", Article("Returns for companies", "30 days")),
        ArticleFile("tax.md", Article("Tax", "19 %"), source="https://x.example/tax"),
        ArticleFile("faq.pdf", Article("FAQ", ""), locked="Edit the file."),
    ]

    def page(title, _number):
        found = [one for one in files if title in one.cited]
        return found, 0, 1, len(found)

    tools = SimpleNamespace(core=SimpleNamespace(articles=SimpleNamespace(page=page)))
    (edit,) = _articles(tools, ["Returns", "FAQ", "Gone"])
    assert (edit["text"]["text"], edit["value"]) == ("Edit “Returns”…", "returns.md")
    (edit,) = _articles(tools, ["Tax (https://x.example/tax)"])
    assert (edit["text"]["text"], edit["value"]) == ("Edit “Tax”…", "tax.md")
    (write,) = _articles(tools, ["FAQ"])
    assert write["text"]["text"] == "Write an article…"
