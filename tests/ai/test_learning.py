"""Drafts of articles say what the agent said, and nothing about the customer."""

import errno
import fcntl
import threading

import pytest

from handoff_bot.ai.assistant import library as files
from handoff_bot.ai.assistant.articles import readings
from handoff_bot.ai.assistant.learning import LocalLearner
from handoff_bot.ai.assistant.library import FolderLibrary
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.impersonal import impersonal, names_said
from handoff_bot.ai.rewriting import OpenAILearner
from handoff_bot.domain.articles import GAP, Article, ArticleBusy, ArticleError, Taught, Unanswered
from tests.ai.test_articles import TODAY

PERSONAL = {
    "a name in any case": ("Dana and DANA SMITH and Smith's parcel", "… and … and … parcel"),
    "a name in a script without blanks": ("山田様の時計です", "…様の時計です"),
    "a title": ("Ask Mr. Miller or Frau Müller", "Ask … or …"),
    "an email and a phone": ("dana@x.example or +49 30 1234567", "… or …"),
    "order numbers": ("Order 47112, AB-1234, #55 and 1Z999AA10123456784", "Order … and …"),
    "a full-width order number": ("注文\uff14\uff17\uff11\uff11\uff12です", "注文…です"),
    "a day": ("born on 12.05.1980 or 2026-11-30", "born on … or …"),
    "addresses": (
        "Hauptstraße 12, 12 Main Street and 5 rue de la Paix, Calle Mayor 5",
        "… and …",
    ),
    "an IBAN": ("DE89 3704 0044 0532 0130 00 is it", "… is it"),
    "a personal link": (
        "https://x.example/t/123456 https://x.example/help",
        "… https://x.example/help",
    ),
}
KEPT = (
    "It costs 4.90 EUR, $1,000 or 1500 円, 100 % of it within 30 days, 3-5 days or 24/7.",
    "Sizes 38-40 and A4, 9:00-17:00, Monday to Friday, since 2019, up to 1000 g or 20 characters.",
)


@pytest.mark.parametrize(("text", "left"), PERSONAL.values(), ids=PERSONAL)
def test_personal_data_leaves_a_gap(text, left):
    assert impersonal(text, ["Dana Smith", "山田"]) == left


@pytest.mark.parametrize("text", KEPT)
def test_prices_durations_and_sizes_stay(text):
    assert impersonal(text, ["Dana"]) == text


INTRODUCED = {
    "I'm Anna Schmidt, do you engrave?": ["Anna Schmidt"],
    "Hi, this is Ludwig van Beethoven from Bonn": ["Ludwig van Beethoven"],
    "i am Dan. Where is it?": ["Dan"],
    "Ich bin Anna und suche eine Uhr. Hier ist Anna Schmidt.": ["Anna", "Anna Schmidt"],
    "Hola, soy Lucía Pérez y quiero devolverlo": ["Lucía Pérez"],
    "Bonjour, je suis Zoé Dubois.": ["Zoé Dubois"],
    "Sono Giulia, vorrei un reso": ["Giulia"],
    "my name is anna schmidt": ["anna schmidt"],
    "my name is anna maria schmidt and I wait": ["anna maria schmidt"],
    "mein name ist anna schmidt, wo ist es": ["anna schmidt"],
}
NO_INTRODUCTIONS = (
    "I'm Very sorry. I'm Very Sorry About That. This is Urgent! this is URGENT",
    "I am Interested in returns, and I'm looking for a Nikon. I'm not sure.",
    "Ich bin Kunde und warte. Ich bin Ihnen dankbar. soy Premium",
    "This is Order 4711. Is this the Nikon Coolpix? I'm German.",
)


@pytest.mark.parametrize(("said", "names"), INTRODUCED.items())
def test_a_customer_who_introduces_themselves_is_recognised(said, names):
    assert names_said(said) == names


@pytest.mark.parametrize("said", NO_INTRODUCTIONS)
def test_what_a_customer_says_about_themselves_is_no_name(said):
    assert names_said(said) == []


@pytest.mark.parametrize(
    ("said", "names"),
    {
        "my name is anna and I wait": ["anna"],
        "my name is anna where is my parcel": ["anna"],
        "my name is anna order 4711": ["anna"],
        "my name is anna thanks.": ["anna"],
    }.items(),
)
def test_what_follows_a_name_stays(said, names):
    assert names_said(said) == names


# -- without a key


@pytest.fixture(scope="module")
def learner(known, detector):
    return LocalLearner(LocalAssistant(known, detector.act_of), detector)


ENGRAVED = "Yes, we engrave steel watches with up to 20 characters for 15 EUR."
TAUGHT = Taught(("Do you engrave watches?",), (ENGRAVED,), ("Dana Smith", "Ana"), "en")


def test_a_draft_has_neither_greeting_nor_sign_off_nor_what_is_about_one_case(learner):
    taught = Taught(
        ("Guten Tag, mein Name ist Schmidt.", "Gravieren Sie auch Uhren?", "Bitte einen Menschen"),
        (
            "Guten Tag Frau Schmidt,\nich schaue kurz nach.",
            "Ja, wir gravieren Uhren aus Stahl mit bis zu 20 Zeichen. Das kostet 15 Euro. Reicht das?\n"
            "Viele Grüße\nAna",
        ),
        language="de",
    )

    assert learner.draft(taught) == Article(
        "Gravieren Sie auch Uhren?",
        "Ja, wir gravieren Uhren aus Stahl mit bis zu 20 Zeichen. Das kostet 15 Euro.",
        "de",
    )


def test_a_similar_draft_is_not_offered_again(learner):
    assert learner.draft(TAUGHT)
    assert learner.draft(TAUGHT, ("Do you engrave any watches?",)) is None


def test_a_question_does_not_bring_a_link_into_an_article(learner):
    taught = Taught(("Do you engrave watches like evil.example/x ?",), (ENGRAVED,))

    assert "evil" not in learner.draft(taught).title


def test_similar_questions_are_grouped_without_small_talk_and_what_is_answered(learner):
    asked = [
        Unanswered(1, "Do you sell gift wrap?", "en"),
        Unanswered(2, "Hi! Do you engrave watches for Dana?", "en", ("Dana",)),
        Unanswered(3, "thanks, bye", "en"),
        Unanswered(4, "Is engraving of watches possible?", "en"),
        Unanswered(5, "How long does delivery take?", "en"),
    ]

    found = [(one.message_id, one.count) for one in learner.groups(asked)]

    assert found == [(2, 2), (1, 1)]


# -- with a key


@pytest.fixture
def written(learner, language_model):
    return OpenAILearner(language_model, learner)


def answer(**more):
    made = {"useful": True, "title": "Can watches be engraved?", "text": "Yes, for 15 EUR."}
    return made | more


def test_the_model_gets_no_personal_data_and_writes_the_draft(written, service):
    service.answers(answer())
    taught = Taught(
        ("Do you engrave watches? I'm Dana Smith, order 4711-22",),
        (f"Hi Dana, your order 4711-22 is here. {ENGRAVED} Call +49 30 1234567.",),
        ("Dana Smith",),
        "en",
    )

    draft = written.draft(taught)

    assert draft == Article("Can watches be engraved?", "Yes, for 15 EUR.", "en")
    assert not any(one in service.raw[0] for one in ("Dana", "4711", "1234567"))


@pytest.mark.parametrize(
    "reply",
    [
        answer(text="Yes, for 99 EUR."),
        answer(text="Yes, see https://evil.example/x"),
        answer(text=""),
    ],
    ids=["a new number", "a new link", "no text"],
)
def test_what_the_model_makes_up_is_refused_and_the_agents_words_are_used(written, service, reply):
    service.answers(reply)

    assert written.draft(TAUGHT).text == ENGRAVED


def test_the_model_may_see_no_use_in_a_draft(written, service):
    service.answers(answer(useful=False))

    assert written.draft(TAUGHT) is None


# -- the folder


def test_a_new_article_never_replaces_a_file_also_at_the_same_moment(tmp_path):
    library = FolderLibrary(tmp_path)
    (tmp_path / "returns.md").write_text("# Mine\n\nText.")
    starts = threading.Barrier(8)

    def create(number):
        starts.wait()
        library.create(Article("Returns", f"Text {number}."))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert (tmp_path / "returns.md").read_text() == "# Mine\n\nText."
    assert len(list(tmp_path.glob("returns*.md"))) == 9
    assert list(tmp_path.glob("*.tmp")) == list(tmp_path.glob(".*.tmp")) == []


def test_an_edit_keeps_the_other_fields_of_the_front_matter(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "<!-- ours -->\n---\ntitle: A\nsample: true\ntags:\n  - x\nexpires: 2030-01-01\n---\nOld.\n"
    )
    library = FolderLibrary(tmp_path)

    library.save("a.md", Article("B: new", "New.", "de", ("y",)), library.get("a.md").digest)

    assert path.read_text() == (
        "<!-- ours -->\n---\ntitle: 'B: new'\nlocale: de\ntags:\n- y\nexpires: 2030-01-01\n---\n\nNew.\n"
    )


def test_what_slack_cannot_show_is_said_and_only_articles_are_opened(tmp_path):
    (tmp_path / "long.md").write_text("# Long\n\n" + "word " * 1_000)
    (tmp_path / "toml.md").write_text('+++\ntitle = "T"\n+++\nText.\n')
    (tmp_path / "_hidden.md").write_text("secret")
    (tmp_path.parent / "outside.md").write_text("secret")
    library = FolderLibrary(tmp_path)

    assert {one.name: bool(one.locked) for one in library.articles()} == {
        "long.md": True,
        "toml.md": True,
    }
    assert "Slack shows at most 3,000" in library.get("long.md").locked
    for name in ("../outside.md", "_hidden.md", "/etc/passwd", ""):
        assert library.get(name) is None
        with pytest.raises(ArticleError):
            library.save(name, Article("A", "Text."), "")


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "link", refuse)

    with pytest.raises(ArticleError, match="Permission denied"):
        FolderLibrary(tmp_path).create(Article("A", "Text."))


@pytest.mark.parametrize(
    "front",
    [
        'title: X\n"internal": true',
        "title: X\n? internal\n: true",
        "{title: X, internal: true}",
        "  title: X\n  internal: true",
        '"title": X',
    ],
)
def test_an_edit_never_loses_or_changes_a_field_that_it_cannot_keep(tmp_path, front):
    path = tmp_path / "a.md"
    path.write_text(f"---\n{front}\n---\nOld.\n")
    before = path.read_bytes()
    library = FolderLibrary(tmp_path)
    digest = library.articles()[0].digest

    with pytest.raises(ArticleError, match=r"Edit the file a\.md\."):
        library.save("a.md", Article("B", "New.", "en"), digest)

    assert path.read_bytes() == before
    if "internal" in front:
        assert "Edit the file a.md." in library.get("a.md").locked


def test_a_page_of_a_website_is_edited_there(tmp_path):
    (tmp_path / "web").mkdir()
    page = "---\ntitle: T\nsource: https://x.example/t\n---\nText.\n"
    for name in ("web/t.md", "ours.md"):
        (tmp_path / name).write_text(page)
    library = FolderLibrary(tmp_path)

    assert library.get("web/t.md").locked == "Read from https://x.example/t. Edit the page there."
    assert library.get("ours.md").locked == ""
    with pytest.raises(ArticleError, match="Edit the page there"):
        library.save("web/t.md", Article("T", "New."), library.get("web/t.md").digest)


def test_a_file_system_without_hard_links_gets_new_articles_too(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(files.os, "link", refuse)
    library = FolderLibrary(tmp_path)

    names = [library.create(Article("A title", f"Text {number}.")) for number in range(2)]

    assert names == ["a-title.md", "a-title-2.md"]
    assert (tmp_path / "a-title-2.md").read_text().endswith("Text 1.\n")
    assert list(tmp_path.glob(".*.tmp")) == []


def test_a_draft_is_one_file_whatever_became_of_it_and_of_its_neighbours(tmp_path):
    library = FolderLibrary(tmp_path)
    library.create(Article("A title", "Other."))
    draft = Article("A title", "Text.")
    name = library.create(draft, "7-1")
    library.save(name, Article("A title", "Edited."), library.get(name).digest)
    (tmp_path / "a-title.md").unlink()

    assert library.create(draft, "7-1") == name == "a-title-2.md"
    assert library.create(draft, "8-1") == "a-title.md"


def test_a_taken_name_costs_no_write_and_a_held_folder_no_endless_wait(tmp_path, monkeypatch):
    library = FolderLibrary(tmp_path)
    for number in range(5):
        library.create(Article("A title", f"Text {number}."))
    synced = []
    monkeypatch.setattr(files.os, "fsync", synced.append)
    library.create(Article("A title", "One more."))
    assert len(synced) == 1

    monkeypatch.setattr(files, "_WAIT", 0)
    with (tmp_path / ".handoff.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ArticleBusy, match="in use"):
            library.create(Article("B", "Text."))


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "時計に刻印できますか", "-", "CON", "a" * 500, ".x"]
)
def test_every_title_becomes_a_harmless_file_that_is_read(tmp_path, title):
    name = FolderLibrary(tmp_path).create(Article(title, f"Text {GAP}"))

    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    (reading,) = readings(tmp_path, TODAY)
    assert reading.passages[0].title == title
