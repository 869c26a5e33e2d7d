"""What Twilio does not take, with its codes, as the official client hears of it."""

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
FROM, WHATSAPP_FROM = "+15550100", "whatsapp:+15550101"
HIDDEN = "whatsapp:US." + "A1b2C3d4" * 16
MESSAGES = "/2010-04-01/Accounts/*/Messages.json"


def refusal(call, *args, **more):
    """What the client says of a call that is refused."""
    with pytest.raises(TwilioRestException) as raised:
        call(*args, **more)
    return raised.value


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"to": "+15005550001"}, 21211, id="magic: bad To"),
        pytest.param({"to": "+15005550002"}, 21612, id="magic: no route"),
        pytest.param({"to": "+15005550003"}, 21408, id="magic: no permission"),
        pytest.param({"to": "+15005550004"}, 21610, id="magic: opted out"),
        pytest.param({"to": "+15005550009"}, 21614, id="magic: not mobile"),
        pytest.param({"from_": "+15005550001"}, 21212, id="magic: bad From"),
        pytest.param({"from_": "+15005550007"}, 21606, id="magic: From not ours"),
        pytest.param({"from_": "+15005550008"}, 21611, id="magic: queue full"),
        pytest.param({"from_": "+15559999999"}, 21606, id="another's From"),
        pytest.param({"from_": "12"}, 21212, id="From that is no number"),
        pytest.param({"to": ""}, 21604, id="no To"),
        pytest.param({"to": "15550111"}, 21211, id="To without plus"),
        pytest.param({"to": "whatsapp:15550111"}, 21211, id="WhatsApp To without plus"),
        pytest.param({"to": "messenger:1"}, 21211, id="another channel"),
        pytest.param({"from_": None}, 21603, id="no From"),
        pytest.param({"from_": "whatsapp:+1555999"}, 63007, id="another's WhatsApp"),
        pytest.param({"to": WHATSAPP}, 21910, id="SMS to WhatsApp"),
        pytest.param({"from_": WHATSAPP_FROM}, 21910, id="WhatsApp to SMS"),
        pytest.param({"messaging_service_sid": "MG" + "0" * 32}, 21701, id="no such service"),
        pytest.param({"body": ""}, 21602, id="empty"),
        pytest.param({"body": "x" * 1601}, 21617, id="too long"),
        pytest.param({"media_url": ["https://example.com/a"] * 11}, 21623, id="too many files"),
        pytest.param({"media_url": ["file:///etc/passwd"]}, 21620, id="no web address"),
        pytest.param({"status_callback": "example.com/x"}, 21609, id="callback without scheme"),
        pytest.param({"status_callback": "https://a_b.com/"}, 21609, id="underscore in its host"),
        pytest.param({"status_callback": "https://[::1/"}, 21609, id="callback nobody can read"),
        pytest.param({"content_sid": "HX" + "0" * 32}, 20001, id="not modelled: templates"),
        pytest.param({"schedule_type": "fixed"}, 20001, id="not modelled: schedules"),
        pytest.param({"smart_encoded": "maybe"}, 20001, id="no boolean"),
        pytest.param({"validity_period": "soon"}, 20001, id="no number"),
        pytest.param({"risk_check": "perhaps"}, 20001, id="no such choice"),
    ],
)
def test_a_message_is_refused_as_twilio_refuses_it(twilio, client, asked, code):
    error = refusal(client.messages.create, **{"to": SMS, "from_": FROM, "body": "Hi", **asked})
    assert (error.status, error.code) == (400, code)
    assert twilio.messages() == []


@pytest.mark.parametrize(
    "asked",
    [
        {"from_": "+15005550006"},
        {"body": "x" * 1600},
        {"body": "line one\nline two"},
        {"to": WHATSAPP, "from_": WHATSAPP_FROM},
        {"to": HIDDEN, "from_": WHATSAPP_FROM},
        {"body": None, "media_url": ["https://example.com/a"] * 10},
    ],
    ids=["magic From", "1600 characters", "lines", "WhatsApp", "hidden number", "ten files"],
)
def test_what_is_in_order_is_taken(client, asked):
    assert client.messages.create(**{"to": SMS, "from_": FROM, "body": "Hi", **asked}).sid


@pytest.mark.parametrize(
    "form",
    [{"Sender": FROM}, {"From": [FROM, FROM]}],
    ids=["a parameter that is not there", "a parameter twice"],
)
def test_a_form_that_the_client_would_not_send_is_refused(twilio, form):
    url = f"{twilio.server.url}/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    keys = (twilio.account_sid, twilio.auth_token)
    sent = {"To": SMS, "From": FROM, "Body": "Hi", **form}
    answer = requests.post(url, sent, auth=keys, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert twilio.messages() == []


@pytest.mark.parametrize("body", ["x", ""], ids=["other words", "with a status"])
def test_a_message_can_be_redacted_and_changed_in_no_other_way(client, body):
    made = client.messages.create(to=SMS, from_=FROM, body="Hi")
    more = {} if body else {"status": "canceled"}
    assert refusal(client.messages(made.sid).update, body=body, **more).code == 20001


# -- who may ask


@pytest.mark.parametrize(
    ("user", "password"),
    [("AC" + "a" * 32, "wrong"), ("AC" + "b" * 32, "token"), ("SK1", "wrong"), ("SK2", "key")],
    ids=["wrong token", "another account", "wrong secret", "unknown key"],
)
def test_wrong_credentials_open_nothing(twilio, connect, user, password):
    twilio.secrets.api_keys["SK1"] = "key"
    error = refusal(connect(user, password).messages.create, to=SMS, from_=FROM, body="Hi")
    assert (error.status, error.code) == (401, 20003)
    assert twilio.messages() == []


def test_without_credentials_the_answer_says_which_kind_is_wanted(twilio):
    answer = requests.get(f"{twilio.server.url}/2010-04-01/Accounts/x.json", timeout=5)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_an_api_key_opens_its_account(twilio, connect):
    twilio.secrets.api_keys["SK1"] = "key"
    assert connect("SK1", "key").messages.create(to=SMS, from_=FROM, body="Hi").sid


def test_a_key_does_not_open_another_account(twilio, connect):
    twilio.secrets.api_keys["SK1"] = "key"
    other = connect("SK1", "key", "AC" + "c" * 32)
    assert refusal(other.messages.create, to=SMS, from_=FROM, body="Hi").code == 20404


def test_both_tokens_open_it_until_one_is_promoted(twilio, connect, client):
    twilio.next_auth_token = "new"
    assert (twilio.auth_token, twilio.next_auth_token) == ("token", "new")
    renewed = connect(password="new")
    for each in (client, renewed):
        assert each.messages.create(to=SMS, from_=FROM, body="Hi").sid
    twilio.promote()
    assert (twilio.auth_token, twilio.next_auth_token) == ("new", "")
    assert refusal(client.messages.create, to=SMS, from_=FROM, body="Hi").code == 20003
    assert renewed.messages.create(to=SMS, from_=FROM, body="Hi").sid


# -- what is not there


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", 20404),
        ("GET", "/2010-04-01/Accounts/{account}/Messages/SM0.json", 20404),
        ("GET", "/2010-04-01/Accounts/{account}/Messages/SM0/Media/ME0", 20404),
        ("PUT", "/2010-04-01/Accounts/{account}/Messages.json", 20004),
        ("GET", "/2010-04-01/Accounts/{account}/Messages.json?PageSize=0", 20001),
        ("GET", "/2010-04-01/Accounts/{account}/Messages.json?PageSize=1001", 20001),
        ("GET", "/2010-04-01/Accounts/{account}/Messages.json?DateSent=soon", 20001),
    ],
)
def test_what_is_not_there_is_said_in_twilios_way(twilio, method, path, code):
    url = twilio.server.url + path.format(account=twilio.account_sid)
    keys = (twilio.account_sid, twilio.auth_token)
    answer = requests.request(method, url, auth=keys, timeout=5)
    assert answer.json()["code"] == code
    assert answer.json()["status"] == answer.status_code


# -- trouble on demand


def test_too_many_requests_are_told_to_wait(twilio, client):
    twilio.faults.add(MESSAGES, status=429, retry_after=3, count=1)
    error = refusal(client.messages.create, to=SMS, from_=FROM, body="Hi")
    assert (error.status, error.code) == (429, 20429)
    assert twilio.messages() == []
    assert client.messages.create(to=SMS, from_=FROM, body="Hi").sid


@pytest.mark.parametrize(("drop", "taken"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_says_nothing_of_what_was_done(twilio, client, drop, taken):
    twilio.faults.add(MESSAGES, drop=drop, count=1)
    with pytest.raises((requests.ConnectionError, TwilioException)):
        client.messages.create(to=SMS, from_=FROM, body="Hi")
    assert len(twilio.messages()) == taken
    assert len(client.messages.list(to=SMS)) == taken
