"""Mail handed over to real mail servers: encrypted, signed in, told apart when it fails."""

import smtplib
from dataclasses import replace

import pytest

from handoff_bot.domain.errors import MailError
from handoff_bot.mail.smtp import MailServer, Security, check_mail
from tests.mail.conftest import MAIL, PASSWORD, USER, Script, believes

QUOTED = "bot%40example.com:p%40ss%3Aw%C3%B6rd%2F%25"


def failure(mailer, mail=MAIL):
    with pytest.raises(MailError) as failed:
        mailer.send(mail)
    return failed.value


# -- what arrives


def test_a_mail_arrives_in_both_forms_and_every_letter(plain, postbox):
    plain.send(MAIL)
    text, html = postbox.only().iter_parts()
    assert postbox.only().get_content_type() == "multipart/alternative"
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == MAIL.text + "\n"
    assert "Zoë" in html.get_content()
    assert str(postbox.only()["Subject"]) == MAIL.subject


def test_the_headers_say_that_nobody_wrote_it(plain, postbox, clock):
    plain.send(MAIL)
    mail = postbox.only()
    assert mail["Message-ID"] == "<handoff-12-1-7@example.com>"
    assert mail["References"] == mail["In-Reply-To"] == "<handoff-12-1@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "Handoff <handoff.example.com>"
    assert mail["Date"].datetime == clock.now()
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Hàndoff Süd", "handoff@example.com")
    assert postbox.envelopes[0].mail_from == "handoff@example.com"
    assert postbox.envelopes[0].rcpt_tos == ["ops@example.com"]


def test_nothing_on_the_wire_needs_eight_bits_or_long_lines(plain, postbox):
    plain.send(MAIL)
    raw = postbox.envelopes[0].original_content
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) <= 998


def test_the_same_mail_sent_twice_is_known_by_its_id(plain, postbox):
    plain.send(MAIL)
    plain.send(MAIL)
    first, second = postbox.got
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    "hostile",
    [
        "a\r\nBcc: everybody@example.com",
        "a\nBcc: everybody@example.com",
        "a\rBcc: everybody@example.com\r\n\r\nnew body",
        "a\u2028Bcc: everybody@example.com",
        "a\x85Bcc: everybody@example.com",
        "=?utf-8?q?a=0ABcc:_everybody=40example.com?=",
        "=?utf-8?b?YQpCY2M6IGV2ZXJ5Ym9keUBleGFtcGxlLmNvbQ==?=",
        "=\n?utf-8?q?a=0ABcc:_everybody=40example.com?=",
        "=\x00?utf-8?q?a=0ABcc:_everybody=40example.com?=",
        "a" * 5000 + "\r\nBcc: everybody@example.com",
    ],
    ids=[
        "crlf",
        "lf",
        "cr",
        "line separator",
        "next line",
        "encoded",
        "encoded in base64",
        "encoded and broken",
        "encoded with a hole",
        "long",
    ],
)
def test_no_header_can_be_smuggled_in(plain, postbox, hostile):
    plain.send(replace(MAIL, subject=hostile))
    assert postbox.only()["Bcc"] is None
    assert b"\nBcc" not in postbox.envelopes[0].content
    assert postbox.envelopes[0].rcpt_tos == ["ops@example.com"]
    assert len(list(postbox.only().iter_parts())) == 2


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "@example.com",
        "ops@",
        "a@b@c",
        "ops@example.com\r\nBcc: x@example.com",
        "ops@example.com, x@example.com",
        "Ops <ops@example.com>",
        "ops@ex ample.com",
        "a b@example.com",
    ],
)
def test_what_is_no_address_gets_no_mail(plain, postbox, address):
    assert failure(plain, replace(MAIL, to=address)).permanent
    assert postbox.got == []


def test_a_domain_of_other_letters_is_spelled_as_servers_do(plain, postbox):
    plain.send(replace(MAIL, to="ops@bücher.example"))
    assert postbox.envelopes[0].rcpt_tos == ["ops@xn--bcher-kva.example"]


def test_an_address_that_the_server_cannot_carry_is_refused_for_good(mailer_to):
    with Script() as server:
        mailer = mailer_to(f"smtp+insecure://127.0.0.1:{server.port}")
        refused = failure(mailer, replace(MAIL, to="zoë@example.com"))
    assert (refused.permanent, refused.code) == (True, "smtputf8")


def test_a_server_that_can_carry_it_gets_it(serve, postbox, mailer_to):
    port = serve(postbox, enable_SMTPUTF8=True)
    mailer_to(f"smtp+insecure://127.0.0.1:{port}").send(replace(MAIL, to="zoë@example.com"))
    assert postbox.envelopes[0].rcpt_tos == ["zoë@example.com"]


# -- how it is kept from being read


def test_starttls_and_a_password(serve, postbox, mailer_to, ours, trust):
    port = serve(
        postbox, tls_context=ours, require_starttls=True, authenticator=believes, auth_required=True
    )
    mailer_to(f"smtp://{QUOTED}@localhost:{port}", trust=trust).send(MAIL)
    assert len(postbox.got) == 1


def test_tls_from_the_start(serve, postbox, mailer_to, ours, trust):
    port = serve(postbox, ssl_context=ours)
    mailer_to(f"smtps://localhost:{port}", trust=trust).send(MAIL)
    assert len(postbox.got) == 1


def test_a_wrong_password_waits_for_an_admin(serve, postbox, mailer_to, ours, trust):
    port = serve(postbox, tls_context=ours, authenticator=believes, auth_required=True)
    wrong = failure(mailer_to(f"smtp://bot%40example.com:guess@localhost:{port}", trust=trust))
    assert (wrong.permanent, wrong.code) == (False, "535")
    assert "guess" not in str(wrong)


def test_a_server_without_starttls_gets_neither_mail_nor_password(serve, postbox, mailer_to):
    refused = failure(mailer_to(f"smtp://{QUOTED}@127.0.0.1:{serve(postbox)}"))
    assert not refused.permanent
    assert postbox.got == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    serve, postbox, mailer_to, ours, scheme
):
    how = {"ssl_context": ours} if scheme == "smtps" else {"tls_context": ours}
    refused = failure(mailer_to(f"{scheme}://localhost:{serve(postbox, **how)}"))
    assert not refused.permanent
    assert postbox.got == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("mail.example.com", 587, Security.STARTTLS)),
        ("smtps://mail.example.com", MailServer("mail.example.com", 465, Security.TLS)),
        ("smtp+insecure://localhost:2525", MailServer("localhost", 2525, Security.NONE)),
        (
            f"smtp://{QUOTED}@mail.example.com:2587",
            MailServer("mail.example.com", 2587, Security.STARTTLS, USER, PASSWORD),
        ),
    ],
    ids=["starttls", "tls", "insecure", "with a user"],
)
def test_the_address_of_a_server_says_it_all(url, server):
    assert MailServer.of(url) == server
    assert PASSWORD not in repr(MailServer.of(url))


# -- what goes wrong


@pytest.mark.parametrize(
    ("reply", "permanent", "code"),
    [
        ("550 no such user ops@example.com", True, "550"),
        ("552 mailbox full", True, "552"),
        ("450 greylisted, come again", False, "450"),
        ("421 going down", False, "421"),
    ],
    ids=["unknown", "full", "greylisted", "going down"],
)
def test_a_recipient_that_is_refused(plain, postbox, reply, permanent, code):
    postbox.refused["ops@example.com"] = reply
    refused = failure(plain)
    assert (refused.permanent, refused.code) == (permanent, code)
    assert "ops@" not in str(refused)
    assert postbox.got == []


@pytest.mark.parametrize(
    ("replies", "permanent"),
    [
        ({"MAIL": "553 not your address"}, True),
        ({"MAIL": "451 later"}, False),
        ({"DATA": "554 no"}, True),
        ({".": "554 looks like spam"}, True),
        ({".": "452 disk full"}, False),
        ({".": "250 taken", "QUIT": "500 what"}, None),
        ({".": "250 taken", "QUIT": None}, None),
        ({"greeting": "554 nobody gets in"}, False),
        ({"greeting": None}, False),
        ({"EHLO": None}, False),
        ({"MAIL": None}, False),
        ({"DATA": None}, False),
        ({".": None}, False),
        ({"MAIL": "gibberish"}, False),
    ],
    ids=lambda given: (
        None if given in (True, False, None) else "-".join(f"{k}:{v}" for k, v in given.items())
    ),
)
def test_each_place_where_it_can_break_off(mailer_to, replies, permanent):
    with Script(**replies) as server:
        mailer = mailer_to(f"smtp+insecure://127.0.0.1:{server.port}")
        if permanent is None:
            mailer.send(MAIL)
        else:
            assert failure(mailer).permanent is permanent


@pytest.mark.parametrize("where", ["greeting", "EHLO", "MAIL", "."])
def test_a_server_that_never_answers_is_not_waited_for(mailer_to, where):
    with Script(**{where: Script.SILENCE}) as server:
        mailer = mailer_to(f"smtp+insecure://127.0.0.1:{server.port}", timeout=0.2)
        assert not failure(mailer).permanent


def test_a_server_that_says_no_goodbye_has_taken_the_mail(mailer_to):
    with Script(QUIT=Script.SILENCE) as server:
        mailer_to(f"smtp+insecure://127.0.0.1:{server.port}", timeout=0.2).send(MAIL)
        assert server.heard[-1] == "QUIT"


def test_a_connection_dropped_behind_a_mail_that_was_taken_leads_to_the_same_mail(plain, postbox):
    postbox.drops = True
    assert not failure(plain).permanent
    postbox.drops = False
    plain.send(MAIL)
    first, second = postbox.got
    assert first["Message-ID"] == second["Message-ID"]


def test_nobody_there(mailer_to):
    with Script() as server:
        port = server.port
    assert not failure(mailer_to(f"smtp+insecure://127.0.0.1:{port}")).permanent


def test_a_mail_server_that_is_unknown_to_the_network(mailer_to, monkeypatch):
    def unknown(*_, **__):
        raise OSError("no such host: secret.example.com")

    monkeypatch.setattr(smtplib.socket, "create_connection", unknown)
    trouble = failure(mailer_to("smtp+insecure://secret.example.com"))
    assert (trouble.permanent, "secret" in str(trouble)) == (False, False)


# -- the doctor


def test_the_doctor_knocks_and_sends_nothing(serve, postbox, mailer_to, ours, trust):
    port = serve(postbox, tls_context=ours, authenticator=believes, auth_required=True)
    (good,) = check_mail(mailer_to(f"smtp://{QUOTED}@localhost:{port}", trust=trust))
    (bad,) = check_mail(mailer_to(f"smtp://a:b@localhost:{port}", trust=trust))
    assert (good.ok, bad.ok, postbox.got) == (True, False, [])
    assert "does not accept the user name and password" in bad.words
