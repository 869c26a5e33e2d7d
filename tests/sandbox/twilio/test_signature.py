"""The stand-in's own signer against Twilio's published vectors, and its secrets."""

import pytest

from handoff_sandbox.twilio import SharedKey, sign
from handoff_sandbox.twilio.signature import Secrets

URL = "https://mycompany.com/myapp.php"
QUERY = f"{URL}?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SHA = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
REPEATED = {"Sid": "CA123", "SidAccount": "AC123", "Digits": ["5678", "1234", "1234"]}
RCS = {"Body": "hi", "From": "rcs:+15551234567", "MessageSid": "SM1"}


@pytest.mark.parametrize(
    ("secret", "url", "fields", "signature"),
    [
        pytest.param("12345", QUERY, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", id="https"),
        pytest.param(
            "12345",
            QUERY.replace(".com", ".com:443"),
            CALL,
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
            id="https with a port",
        ),
        pytest.param(
            "12345",
            QUERY.replace("https", "http").replace(".com", ".com:80"),
            CALL,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
            id="http with a port",
        ),
        pytest.param(
            "12345",
            QUERY.replace("https", "http").replace(".com", ".com:1234"),
            CALL,
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
            id="http with another port",
        ),
        pytest.param("12345", f"{QUERY}&{SHA}", {}, "a9nBmqA0ju/hNViExpshrM61xv4=", id="json"),
        pytest.param("12345", f"{URL}?{SHA}", {}, "y77kIzt2vzLz71DgmJGsen2scGs=", id="json alone"),
        pytest.param("12345", QUERY, {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo=", id="no form"),
        pytest.param("12345", URL, CALL, "1xaxFBvyzXYvWplzNOSs28HWO94=", id="no query"),
        pytest.param("12345", QUERY, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", id="repeated field"),
        pytest.param(
            "secret",
            "https://gateway.example.com/webhooks/rcs",
            RCS,
            "QYB6bLhZa+Zesj+IEnLcbIkL8bA=",
            id="another token",
        ),
        pytest.param(
            "12345", f"{QUERY}#rc=2&rp=5xx", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", id="fragment"
        ),
    ],
)
def test_the_signer_agrees_with_the_published_vectors(secret, url, fields, signature):
    assert sign(secret, url, fields) == signature


def test_the_newer_algorithm_gives_what_twilios_library_gives():
    assert sign("12345", QUERY, CALL, "sha256") == "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="


def test_secrets_do_not_show():
    secrets = Secrets("AC1", "primary-secret", "next-secret", {"SK1": "key-secret"})
    secrets.shared_key = SharedKey("k1", "shared-secret")
    assert "-secret" not in repr(secrets)


@pytest.mark.parametrize(
    ("user", "password", "is_admitted"),
    [
        ("AC1", "primary", True),
        ("AC1", "next", True),
        ("SK1", "key", True),
        ("AC1", "key", False),
        ("SK1", "primary", False),
        ("SK2", "", False),
        ("", "", False),
        ("AC1", "primär", False),
    ],
)
def test_the_api_admits_both_tokens_and_the_keys(user, password, is_admitted):
    secrets = Secrets("AC1", "primary", "next", {"SK1": "key"})
    assert secrets.admit(user, password) is is_admitted


def test_without_a_next_token_an_empty_one_admits_nobody():
    assert not Secrets("AC1", "primary").admit("AC1", "")


def test_there_must_be_a_token_to_promote():
    with pytest.raises(ValueError, match="no secondary token"):
        Secrets("AC1", "primary").promote()
