"""Articles are read as they were meant, and nothing is told to customers that is not for them."""

import itertools
import json
import os
import time
from datetime import date
from pathlib import Path

import pytest

from handoff_bot.ai.assistant import checks
from handoff_bot.ai.assistant.articles import passages, read_folder, readings
from handoff_bot.ai.assistant.knowledge import Knowledge

TODAY = date(2026, 11, 29)
CASES = Path(__file__).parents[3] / "shared" / "cases"


def case(name):
    path = CASES / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared cases are not here")
    return json.loads(path.read_text("utf-8"))


def told(markdown):
    return "\n\n".join(f"{one.heading}\n{one.text}".strip() for one in passages(markdown, "file"))


def write(folder, **files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return "\n".join(one.text for one in read_folder(folder, TODAY))


# -- what stays as it is


def test_addresses_and_fields_keep_their_signs():
    given = case("r02-knowledge-addresses")
    text = told(given["file"])

    assert [one for one in given["right"] if one not in text] == []


KEPT = (
    "https://x.example/_a_/b__c__/*d*?e_f=g_h&copy=1&lt=2",
    "http://x.example/a~~b~~c",
    "order_number",
    "2*3*4",
    "5*6 and 7*8",
    "2**3**4",
    "a*b*c",
    "snake_case_name_",
    "C:/my_files/_new",
    "first_last@shop.example",
    "<order number>",
    "<your-name>",
    "3 < 4 > 2",
    "`**not bold**`",
    "#hashtag",
)


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_markup_stays(text):
    assert told(f"Write {text} here.") == f"Write {text.strip('`')} here."


PLAIN = {
    "emphasis": ("*a* _b_ **c** __d__ ***e***", "a b c d e"),
    "bold in Chinese": ("这是**重要**的", "这是重要的"),
    "plural of a bold word": ("all **item**s", "all items"),
    "a wrapped paragraph": ("one\ntwo", "one two"),
    "a wrapped paragraph in Japanese": ("返品は\n可能です", "返品は可能です"),
    "hard breaks": ("one  \ntwo\\\nthree<br>four", "one\ntwo\nthree\nfour"),
    "struck text": ("~~4.90~~ <s>5</s> <del>6</del> 5.90 EUR", "5.90 EUR"),
    "a link": ("[page](https://a.example 'title')", "page (https://a.example)"),
    "a link named like its address": ("[a.example](https://a.example/)", "https://a.example/"),
    "a link of reference": ("[page][1]\n\n[1]: https://a.example", "page (https://a.example)"),
    "a link in brackets": ("<https://a.example/_x_>", "https://a.example/_x_"),
    "a link within the knowledge base": ("[page](./other.md) [part](#part)", "page part"),
    "a link in HTML": ('<a href="https://a.example">page</a>', "page (https://a.example)"),
    "a mail link": ("[mail us](mailto:a@b.example)", "mail us (a@b.example)"),
    "a script link": ("<a href='javascript:x()'>page</a>", "page"),
    "a picture": ("![the box](box.png)", "the box"),
    "entities": ("a &amp; b&nbsp;c &euro;", "a & b c €"),
    "a quote": ("> said\n> so", "said so"),
    "an alert": ("> [!NOTE]\n> hint", "hint"),
    "a directive": (":::tip\nhint\n:::", "hint"),
    "a list": ("* a\n* b\n  * c\n", "- a\n- b\n  - c"),
    "a numbered list": ("3. a\n4. b\n", "3. a\n4. b"),
    "a list with paragraphs": ("- a\n\n  more\n- b\n", "- a\n  more\n- b"),
    "a table": ("|A|B|\n|-|:-:|\n|1|2|\n|3||\n", "A: 1, B: 2\nA: 3"),
    "a table in HTML": ("<table><tr><th>A</th></tr><tr><td>1</td></tr></table>", "A: 1"),
    "pipes in cells": ("|A|\n|-|\n|x\\|y|\n", "A: x|y"),
    "code": ("```sh\n# off\n**on**\n```", "# off\n**on**"),
    "indented code": ("    # off\n    on", "# off\non"),
    "details": ("<details><summary>More</summary>\n\ntext\n\n</details>", "More\n\ntext"),
    "scripts and styles": ("<script>a()</script><style>b{}</style>\n\ntext", "text"),
}


@pytest.mark.parametrize(("markdown", "text"), PLAIN.values(), ids=PLAIN)
def test_markdown_is_told_as_a_phone_shows_it(markdown, text):
    assert told(markdown) == text


def test_code_does_not_cut_a_passage_and_a_table_becomes_lines():
    box, shipping = passages(case("r04-knowledge-code-and-tables")["file"], "file")

    assert box.text.endswith("# switch it off first\nreset_box --now\n\nWait 5 minutes.")
    assert "Country: Germany, Price: 4.90 EUR, Days: 2" in shipping.text
    assert "|" not in shipping.text


def test_headings_of_all_kinds_begin_a_passage():
    found = passages(
        "Intro\n\nOne\n===\na\n\nTwo\n---\nb\n\n### Three ###\nc\n\n<h2>Four</h2>\nd", "x"
    )

    assert [(one.heading, one.text) for one in found] == [
        ("", "Intro"), ("One", "a"), ("Two", "b"), ("Three", "c"), ("Four", "d"),
    ]  # fmt: skip


def test_the_only_top_heading_is_the_title_and_one_of_several_is_not():
    assert {one.title for one in passages("# Hats\na\n\n## Red\nb", "file")} == {"Hats"}
    assert {one.title for one in passages("# Hats\na\n\n# Caps\nb", "my_file-x")} == {"my file x"}


# -- what is not for customers


def test_comments_drafts_and_hidden_folders_are_never_told(tmp_path):
    text = write(tmp_path, **case("r03-knowledge-not-for-customers")["files"])

    assert text == "Look at the parcel page."


COMMENTS = {
    "a block": "a\n\n<!-- SECRET\n\nSECRET -->\n\nb",
    "in a line": "a <!-- SECRET --> b",
    "over paragraphs from within a line": "a <!-- SECRET\n\nSECRET --> b",
    "around code": "a\n\n<!--\n```\nSECRET\n```\n-->\n\nb",
    "in a list": "- a <!-- SECRET -->\n- b",
    "in a table": "|a|\n|-|\n|b <!-- SECRET -->|",
    "in a heading": "# a <!-- SECRET -->\nb",
    "never closed": "a b\n\n<!-- SECRET\n\nSECRET",
    "a definition that is no link": "a b\n\n[//]: # (SECRET)",
    "such a definition right below a paragraph": 'a b\n[//]: # "SECRET"\n[comment]: <> (SECRET)',
    "of a template language": "a {% comment %}SECRET\n\nSECRET{% endcomment %} b",
    "of Obsidian": "a %%SECRET%% b\n\n%%\nSECRET\n%%",
    "a hidden element": "a <span hidden>SECRET</span> b\n\n<div hidden>\n\nSECRET\n\n</div>",
    "an element that is not shown": '<p style="display: none">SECRET</p>\n\na b',
}


@pytest.mark.parametrize("markdown", COMMENTS.values(), ids=COMMENTS)
def test_no_comment_is_told(markdown):
    text = told(markdown)

    assert "SECRET" not in text
    assert "a" in text
    assert "b" in text


def test_comments_in_code_are_code():
    assert told("`<!-- a -->`\n\n```\n<!-- b -->\n```") == "<!-- a -->\n\n<!-- b -->"


def test_imports_components_and_comments_of_mdx_are_not_told(tmp_path):
    text = write(
        tmp_path,
        **{
            "a.mdx": "import { Tabs } from '../tabs'\nexport const x = 1\n\n# Hats\n\n"
            "{/* SECRET */}<Tabs items={['a']}>We import red hats.</Tabs>\n"
        },
    )

    assert text == "We import red hats."


WITHHELD = (
    "draft: true", "draft: yes", 'draft: "true"', "Draft: True", "draft: maybe", "published: false",
    "published: no", "publish: off", "internal: true", "private: 1", "status: draft",
    "status: In Review", "visibility: internal", "audience: agents", "publish-date: 2026-11-30",
    "publishDate: 2027-01-01T10:00:00Z", "expires: 2026-11-28", "unlisted: true",
)  # fmt: skip
TOLD = (
    "draft: false", "draft: no", "published: true", "published: 2026-01-01", "status: published",
    "visibility: public", "publish_date: 2026-11-29", "expires: 2026-11-29", "tags: [draft, internal]",
    "title: Draft beer", "private:", "",
)  # fmt: skip


@pytest.mark.parametrize("line", WITHHELD)
def test_an_article_that_says_so_is_withheld(tmp_path, line):
    assert write(tmp_path, **{"a.md": f"---\ntitle: x\n{line}\n---\nText."}) == ""
    (reading,) = readings(tmp_path, TODAY)
    assert reading.left_out
    assert not reading.is_wrong


@pytest.mark.parametrize("line", TOLD)
def test_an_article_is_published_unless_it_says_otherwise(tmp_path, line):
    assert write(tmp_path, **{"a.md": f"---\n{line}\n---\nText."}) == "Text."


def test_front_matter_that_cannot_be_read_withholds_the_article(tmp_path):
    text = write(
        tmp_path,
        **{
            "a.md": "---\ntitle: [x\ndraft: true\n---\nText.",
            "b.md": "---\ndraft: true\n\nText.",
            "c.md": "+++\ndraft = \n+++\nText.",
        },
    )

    assert text == ""
    assert all(one.is_wrong for one in readings(tmp_path, TODAY))


def test_a_comment_above_the_front_matter_changes_nothing(tmp_path):
    text = write(tmp_path, **{"a.md": "<!-- a -->\n\n<!-- b\n-->\n---\ndraft: true\n---\nText."})

    assert text == ""


def test_hostile_files_are_named_and_the_others_are_read(tmp_path):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in itertools.pairwise("abcdefghijkl")
    )
    files = {
        "aliases.md": f"---\n{bomb}---\nText.",
        "deep.md": "---\na: " + "[" * 15_000 + "\n---\nText.",
        "elements.md": "<div>" * 3_000 + "Text.",
        "long.md": "---\n" + "a: b\n" * 100_000 + "---\nText.",
        "right.md": "Right.",
    }
    began = time.process_time()

    assert write(tmp_path, **files) == "Right."
    assert time.process_time() - began < 10
    assert sum(one.is_wrong for one in readings(tmp_path, TODAY)) == 4


def test_front_matter_is_read_in_yaml_and_toml():
    (yaml,) = passages("\n---\ntitle: 'A: b'\nlocale: no\ntags:\n  - x\n  - y z\n---\nText.", "f")
    (toml,) = passages(
        '+++\ntitle = "A"\nlang = "pt-BR"\ntags = ["x"]\ndraft = false\n+++\nText.', "f"
    )

    assert (yaml.title, yaml.locale, yaml.tags) == ("A: b", "no", ("x", "y z"))
    assert (toml.title, toml.locale, toml.tags) == ("A", "pt", ("x",))


def test_a_line_across_the_page_is_no_front_matter():
    assert told("---\nJust text.\n\n---\nMore.") == "Just text.\n\nMore."


HIDDEN = (".git/x.md", "_drafts/y.md", "a/.obsidian/z.md", "_todo.md", ".x.md", "Drafts/w.md")


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_files_and_folders_are_not_read(tmp_path, name):
    assert write(tmp_path, **{name: "Text."}) == ""


def test_a_knowledge_base_in_a_hidden_place_is_read(tmp_path):
    assert write(tmp_path / ".handoff" / "_kb", **{"a.md": "Text."}) == "Text."


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    inside, outside = tmp_path / "kb", tmp_path / "outside"
    write(outside, **{"secret.md": "Secret."})
    write(inside, **{"a/told.md": "Told."})
    (inside / "file.md").symlink_to(outside / "secret.md")
    (inside / "folder").symlink_to(outside, target_is_directory=True)
    (inside / "gone.md").symlink_to(outside / "nowhere.md")
    (inside / "loop.md").symlink_to(inside / "loop.md")
    (inside / "alias.md").symlink_to(inside / "a" / "told.md")

    assert [one.text for one in read_folder(inside, TODAY)] == ["Told.", "Told."]
    wrong = {one.name for one in readings(inside, TODAY) if one.is_wrong}
    assert wrong == {"file.md", "gone.md", "loop.md"}


def test_the_folder_itself_may_be_a_link_and_its_files_links_to_versions(tmp_path):
    """As Kubernetes mounts a ConfigMap."""
    real = tmp_path / "mount"
    write(real, **{"..2026_11/a.md": "Text."})
    (real / "..data").symlink_to("..2026_11", target_is_directory=True)
    (real / "a.md").symlink_to("..data/a.md")
    (tmp_path / "kb").symlink_to(real, target_is_directory=True)

    assert [one.text for one in read_folder(tmp_path / "kb", TODAY)] == ["Text."]


def test_a_pipe_does_not_stop_the_reading(tmp_path):
    os.mkfifo(tmp_path / "a.md")

    assert [one.is_wrong for one in readings(tmp_path, TODAY)] == [True]


# -- files


def test_articles_and_pages_are_known_by_their_endings_in_any_case(tmp_path):
    names = ("a.md", "b.markdown", "c.MDX", "d.TXT", "e.HTM", "f.md.bak", "g.json")
    text = write(tmp_path, **{name: f"Text {name[0]}." for name in names})

    assert text == "Text a.\nText b.\nText c.\nText d.\nText e."


def test_a_text_file_is_told_as_it_is(tmp_path):
    assert write(tmp_path, **{"a.txt": "2*3*4\n# no heading\n\n<b>|x|"}) == (
        "2*3*4\n# no heading\n\n<b>|x|"
    )


def test_files_in_the_encodings_of_windows_are_read_and_named(tmp_path):
    words = "# Größe\nDie Rückgabe dauert fünf Tage."
    (tmp_path / "a.md").write_bytes(words.encode("cp1252"))
    (tmp_path / "b.md").write_text(words, "utf-16")
    (tmp_path / "c.md").write_bytes("Доставка три дня.".encode("cp1251"))
    a, b, c = readings(tmp_path, TODAY)

    assert a.passages == b.passages
    assert (a.guessed, b.guessed) == ("Windows-1252", "")
    assert c.is_wrong
    assert "UTF-8" in c.left_out


def test_an_article_appears_on_its_day_and_goes_after_its_last(tmp_path):
    (tmp_path / "a.md").write_text(
        "---\npublish_date: 2026-12-01\nexpires: 2026-12-02\n---\n# Sale\nHats are cheap.", "utf-8"
    )
    day = [date(2026, 11, 30)]
    moment = iter(range(0, 100, 10))
    with Knowledge(tmp_path, clock=lambda: next(moment), today=lambda: day[0]) as knowledge:
        found = []
        for day[0] in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3)):
            found.append(len(knowledge.search("cheap hats")))

    assert found == [0, 1, 1, 0]


def test_whether_there_are_own_articles_is_only_read_again_after_a_change(tmp_path, monkeypatch):
    parsed = []

    def counted(folder, today):
        parsed.append(today)
        return readings(folder, today)

    monkeypatch.setattr(checks, "readings", counted)
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    (tmp_path / "sample.md").write_text("---\nsample: true\n---\n# Shop\n\nWe ship in two days.\n")
    assert [checks.has_own_articles(tmp_path, monday) for _ in range(3)] == [False] * 3
    assert parsed == [monday]
    (tmp_path / "own.md").write_text("# Returns\n\nSend it back within 30 days.\n")
    assert [checks.has_own_articles(tmp_path, monday) for _ in range(3)] == [True] * 3
    (tmp_path / "own.md").write_text(
        "---\npublished: 2026-11-24\nsample: true\n---\n# Returns\n\nSend it back.\n"
    )
    assert checks.has_own_articles(tmp_path, tuesday) is False
    assert parsed == [monday, monday, tuesday]
