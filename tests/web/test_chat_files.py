"""The widget's files as browsers fetch them."""

import gzip
import hashlib

import pytest
from flask import Flask

from handoff_bot.web.chat_files import BUNDLE, WidgetFiles

BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture(scope="module")
def files() -> WidgetFiles:
    return WidgetFiles()


def test_the_widget_is_one_file_built_of_its_source_as_it_is():
    digest = hashlib.sha256()
    for path in sorted(BUNDLE.with_name("widget").glob("*.js")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    built = BUNDLE.read_text(encoding="utf-8")
    assert built.startswith(f"/* built of {digest.hexdigest()[:16]} */\n"), "run 'make web'"
    assert "import(" not in built
    assert "from`" not in built


def fetch(files: WidgetFiles, name: str, **headers):
    with Flask("x").test_request_context(headers=headers):
        return files.answer(name)


def test_all_of_the_widget_is_under_26_kb(files):
    assert 0 < files.packed_size < 26 * 1024


def test_a_file_comes_packed_to_those_who_can_unpack_it(files):
    packed = fetch(files, "widget.js", **BROWSER)
    plain = fetch(files, "widget.js")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert b"HandoffChat" in plain.data
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_any_website_may_load_it_and_no_browser_may_take_it_for_something_else(files):
    answer = fetch(files, "widget.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_has_not_changed_is_not_sent_again(files):
    etag = fetch(files, "widget.js").headers["ETag"]
    assert fetch(files, "widget.js", **{"If-None-Match": etag}).status_code == 304


def test_what_is_not_there_is_not_answered(files):
    assert fetch(files, "../chat.js") is None
    assert fetch(files, "nothing.js") is None
    assert fetch(files, "chat.js") is None
