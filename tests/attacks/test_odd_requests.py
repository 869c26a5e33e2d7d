"""Odd requests at every door outside Slack: answered in plain words, never with a 500."""

import base64
import hashlib
import hmac
import itertools
import json
import time
import uuid
from urllib.parse import quote, urlencode

import pytest

from tests.attacks import oddities
from tests.channels.builders import ACCOUNT, inbound_form, status_form
from tests.channels.signing import sign
from tests.samples import JPEG
from tests.web.conftest import IDENTITY_SECRET, ORIGIN

FORM = "application/x-www-form-urlencoded"
FINE = range(200, 500)


class Stranger:
    """Asks from another address each time, so that no rate limit hides what is behind it."""

    def __init__(self, house) -> None:
        self.house = house
        self.tried = 0
        self.answers: dict[int, int] = {}
        self._numbers = itertools.count(1)
        self._token, self._left = "", 0

    def post(self, path, body=b"", headers=None, query="", method="POST"):
        number = next(self._numbers)
        more = {
            "Origin": ORIGIN,
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        } | (headers or {})
        answer = self.house.client.open(
            path, method=method, data=body, headers=more, query_string=query, buffered=True
        )
        assert answer.status_code in FINE, (path, body[:200], headers, query)
        assert b"Traceback" not in answer.data
        self.tried += 1
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        return answer

    def bearer(self) -> dict[str, str]:
        """A session that has not asked for much yet."""
        if not self._left:
            self._token, self._left = self.post("/chat/session", b"{}").json["token"], 8
        self._left -= 1
        return {"Authorization": f"Bearer {self._token}"}

    def settled(self) -> None:
        """What was taken was worth taking: every job of it ends."""
        self.house.settle()
        assert self.house.given_up() == []


@pytest.fixture
def stranger(house) -> Stranger:
    return Stranger(house)


@pytest.mark.on_sqlite
def test_no_odd_body_breaks_the_door_for_sessions(stranger):
    for body in oddities.json_bodies(["identity"]):
        answer = stranger.post("/chat/session", body)
        assert answer.status_code in (200, 400, 401, 413)
        assert answer.is_json
    assert stranger.tried >= 150


def test_no_odd_identity_that_a_website_signed_breaks_anything(stranger):
    """Its key may be in the hands of a careless program."""
    said = {"id": "7", "name": "Dana", "expires": int(time.time()) + 600}
    odd = [
        said | {field: value}
        for field in said
        for value in (*oddities.texts(), None, [], {}, True, -1, 2**70, 1e308)
    ]
    for content in odd:
        payload = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        signature = hmac.new(IDENTITY_SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        body = json.dumps({"identity": f"{payload}.{signature}"}).encode()
        answer = stranger.post("/chat/session", body)
        if answer.status_code == 200:
            token = {"Authorization": f"Bearer {answer.json['token']}"}
            stranger.post(
                "/chat/messages", json.dumps({"id": str(uuid.uuid4()), "text": "hi"}), token
            )
    stranger.settled()


@pytest.mark.parametrize(
    ("path", "fields"),
    [("messages", ["id", "text", "person", "locale"]), ("marks", ["delivered", "read"])],
    ids=["messages", "marks"],
)
def test_no_odd_body_breaks_the_doors_of_a_session(stranger, path, fields):
    for body in oddities.json_bodies(fields):
        answer = stranger.post(f"/chat/{path}", body, stranger.bearer())
        assert answer.status_code in (202, 204, 400, 413)
    stranger.settled()


def test_odd_words_in_a_right_message_are_taken_or_refused(stranger):
    for text in oddities.texts():
        body = json.dumps({"id": str(uuid.uuid4()), "text": text, "locale": text[:30]})
        assert stranger.post("/chat/messages", body.encode(), stranger.bearer()).status_code in (
            *(202, 400, 413),
        )
    stranger.settled()


def test_no_odd_upload_breaks_the_door_for_files(stranger):
    for name in oddities.texts():
        query = {"id": str(uuid.uuid4()), "name": name.encode("utf-8", "surrogatepass")}
        stranger.post(
            "/chat/files",
            JPEG,
            stranger.bearer() | {"Content-Type": "image/jpeg"},
            urlencode(query)[:7000],
        )
    for body in oddities._raw():
        for kind in ("image/jpeg", "text/plain", "application/pdf", "\xff", ""):
            query = urlencode({"id": str(uuid.uuid4()), "name": "x"})
            stranger.post("/chat/files", body, stranger.bearer() | {"Content-Type": kind}, query)
    stranger.settled()


@pytest.mark.on_sqlite
def test_no_odd_header_or_query_breaks_any_door(stranger):
    doors = ["/chat/session", "/chat/messages", "/chat/marks", "/chat/files"]
    doors += [
        "/webhooks/sms",
        "/webhooks/whatsapp/status",
        "/webhooks/conversations",
        "/webhooks/x",
    ]
    for path in doors:
        for headers in oddities.HEADERS:
            stranger.post(path, b"{}", stranger.bearer() | headers)
        for query in oddities.QUERIES:
            stranger.post(path, b"{}", stranger.bearer(), query)
    for path in ("/chat/poll", "/files/x/y"):
        for headers in oddities.HEADERS:
            stranger.post(path, b"", stranger.bearer() | headers, method="GET")
        for query in oddities.QUERIES:
            if not query.startswith("wait=inf"):  # it may wait for news
                stranger.post(path, b"", stranger.bearer(), query, method="GET")
    assert stranger.tried >= 400


@pytest.mark.on_sqlite
def test_no_odd_path_breaks_any_door(stranger):
    odd = [quote(text.encode("utf-8", "surrogatepass"))[:3000] for text in oddities.texts()]
    for name in odd:
        for path in (
            f"/files/{name}/x",
            f"/files/x/{name}",
            f"/webhooks/{name}",
            f"/chat/{name}.js",
        ):
            stranger.post(path, b"", method="GET")
            stranger.post(path, b"")


def signed(form, path: str, query: str = "") -> dict[str, str]:
    url = f"{ACCOUNT.public_base_url}{path}" + (f"?{query}" if query else "")
    return {
        "Content-Type": FORM,
        "X-Twilio-Signature": sign(ACCOUNT.auth_tokens[0], url, form),
    }


@pytest.mark.parametrize("kind", ["sms", "whatsapp", "conversations"])
def test_no_odd_form_that_is_signed_breaks_a_webhook(stranger, kind, backend):
    """All are posted on PostgreSQL, which refuses more texts than SQLite, and of each kind another third is
    handled. On SQLite, each kind has a ninth of them.
    """
    usual = dict(inbound_form(kind))
    names = [*usual, "ProfileName", "MediaUrl0", "MediaContentType0", "Latitude", "ButtonText"]
    names += ["ExternalUserId", "OptOutType", "Media", "Attributes", "MessageStatus", "ErrorCode"]
    path, number = f"/webhooks/{kind}", itertools.count()
    third = ("sms", "whatsapp", "conversations").index(kind)
    bodies = oddities.form_bodies(names)
    is_whole = backend == "postgresql"
    for changed in bodies if is_whole else itertools.islice(bodies, 3 * third, None, 9):
        fields = usual | {"MessageSid": f"SM{next(number):032d}"} | dict(changed)
        form = tuple(fields.items())
        answer = stranger.post(path, urlencode(form).encode(), signed(form, path))
        assert answer.status_code in (200, 400, 403, 413)
    assert stranger.answers[200] > 50
    if is_whole:
        stranger.house.drop_all_but(third)
    stranger.settled()


@pytest.mark.parametrize("kind", ["sms", "whatsapp", "conversations"])
def test_no_odd_report_that_is_signed_breaks_a_webhook(stranger, kind):
    usual = dict(status_form(kind))
    path = f"/webhooks/{kind}/status"
    for changed in oddities.form_bodies([*usual, "ErrorCode", "ErrorMessage", "ChannelPrefix"]):
        form = tuple((usual | dict(changed)).items())
        stranger.post(path, urlencode(form).encode(), signed(form, path))
    form = tuple(usual.items())
    for query in oddities.QUERIES:
        stranger.post(path, urlencode(form).encode(), signed(form, path, query), query)
    stranger.settled()


@pytest.mark.on_sqlite
def test_no_odd_form_breaks_a_webhook_before_its_signature_is_looked_at(stranger):
    for body in (*oddities.RAW_FORMS, *oddities._raw()):
        for path in ("/webhooks/sms", "/webhooks/whatsapp/status", "/webhooks/conversations"):
            answer = stranger.post(path, body, {"Content-Type": FORM})
            assert answer.status_code in (400, 403, 413)
    assert stranger.house.rows("inbound") == 0
