"""GET /files/<token>/<name>: what Twilio and visitors get, and what nobody gets."""

import pytest

from handoff_bot.domain.files import StoredFile
from handoff_bot.web.application import create_web
from handoff_bot.web.files import files
from tests.samples import JPEG, PDF


class Kept:
    """Two files."""

    def find(self, token: str) -> StoredFile | None:
        return {
            "photo": stored("Grüße.jpg", "image/jpeg", JPEG),
            "paper": stored('a";x.pdf', "application/pdf", PDF),
            "text": stored("a.txt", "text/plain", b"<script>"),
        }.get(token)


def stored(name: str, content_type: str, data: bytes) -> StoredFile:
    """A file that is read in two pieces."""
    return StoredFile(name, content_type, len(data), iter((data[:4], data[4:])))


@pytest.fixture
def web():
    return create_web([files(Kept())]).test_client()


def test_a_picture_is_shown(web):
    answer = web.get("/files/photo/any.jpg")
    assert (answer.status_code, answer.data) == (200, JPEG)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == (
        "inline; filename=\"Gr__e.jpg\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.jpg"
    )


def test_everything_else_is_kept(web):
    assert web.get("/files/paper/x").headers["Content-Disposition"].startswith("attachment;")


def test_nothing_can_be_run_at_our_address(web):
    answer = web.get("/files/text/x.html")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_twilio_looks_at_the_head_first(web):
    head = web.head("/files/photo/x")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Type"] == "image/jpeg"
    assert head.headers["Content-Length"] == str(len(JPEG))


@pytest.mark.parametrize(
    "path", ["/files/guess/x", "/files/photo", "/files/", f"/files/{'x' * 5000}/x", "/files/../x"]
)
def test_what_is_not_there_is_not_there(web, path):
    assert web.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_put_there(web, method):
    assert web.open("/files/photo/x", method=method).status_code == 405
