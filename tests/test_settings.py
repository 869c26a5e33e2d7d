"""Deployment settings: every problem at once, with a hint, and no secret anywhere."""

from pathlib import Path

import pytest

from handoff_bot.domain.errors import SettingsError
from handoff_bot.domain.language_models import Price
from handoff_bot.domain.look_ups import Token
from handoff_bot.settings import (
    SAMPLE_FOLDER,
    Settings,
    knowledge_dir,
    load_env_file,
    read_database_settings,
    read_settings,
)

SECRET = "s3cr3t-value"
COMPLETE = {
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "SLACK_SIGNING_SECRET": SECRET,
    "SLACK_QUEUE_CHANNEL": "C0123456789",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_SMS_FROM": "+15550100",
    "PUBLIC_BASE_URL": "https://bot.example.com",
}


@pytest.fixture
def complete(tmp_path):
    return COMPLETE | {"KNOWLEDGE_DIR": str(tmp_path)}


def problems(environ) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings(environ)
    return str(error.value)


def test_a_complete_environment_is_accepted(complete):
    settings = read_settings(complete)
    assert settings.PORT == 3000
    assert settings.DATABASE_URL.get_secret_value() == "sqlite:///handoff.db"


def test_the_queue_channel_may_be_left_out_and_is_then_chosen_in_slack(complete):
    del complete["SLACK_QUEUE_CHANNEL"]
    assert read_settings(complete).SLACK_QUEUE_CHANNEL == ""


def test_an_empty_environment_tells_all_that_is_missing_at_once():
    text = problems({"KNOWLEDGE_DIR": "/nowhere at all"})
    for name in COMPLETE.keys() - {"SLACK_QUEUE_CHANNEL"}:
        assert name in text
    assert "KNOWLEDGE_DIR" in text


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, "DATABASE_URL"),
        ({"SLACK_QUEUE_CHANNEL": "#queue"}, "SLACK_QUEUE_CHANNEL"),
        ({"TWILIO_ACCOUNT_SID": "AC12"}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_API_KEY": "SK1"}, "TWILIO_API_SECRET"),
        ({"TWILIO_SMS_FROM": ""}, "TWILIO_SMS_FROM"),
        ({"PUBLIC_BASE_URL": "bot.example.com"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": "https://[bot.example.com]"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": "https://bot.example.com:8443x"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": "https://bot.example.com:99999"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": "https://.example.com"}, "PUBLIC_BASE_URL"),
        ({"PUBLIC_BASE_URL": f"https://{'a' * 64}.example.com"}, "PUBLIC_BASE_URL"),
        ({"SQLITE_SYNCHRONOUS": "sometimes"}, "SQLITE_SYNCHRONOUS"),
    ],
)
def test_each_problem_is_named_and_no_value_is_told(complete, change, name):
    text = problems(complete | change)
    assert f"  - {name}: " in text
    assert text.count("\n") == 1
    assert SECRET not in text


def test_wrong_and_missing_ones_are_told_together(complete):
    text = problems({"PORT": "many", "KNOWLEDGE_DIR": complete["KNOWLEDGE_DIR"]})
    assert "PORT" in text
    assert "SLACK_BOT_TOKEN" in text


def test_secrets_come_from_files_too(complete, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    environ = complete | {"TWILIO_AUTH_TOKEN_FILE": str(file)}
    del environ["TWILIO_AUTH_TOKEN"]
    assert read_settings(environ).TWILIO_AUTH_TOKEN.get_secret_value() == SECRET


def test_a_secret_file_that_cannot_be_read_is_told(complete):
    assert "OPENAI_API_KEY_FILE" in problems(complete | {"OPENAI_API_KEY_FILE": "/nowhere"})


def test_socket_mode_needs_no_signing_secret(complete):
    environ = complete | {"SLACK_APP_TOKEN": "xapp-1"}
    del environ["SLACK_SIGNING_SECRET"]
    assert read_settings(environ).SLACK_APP_TOKEN


def test_no_secret_is_in_a_repr(complete):
    environ = complete | {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d", "OPENAI_API_KEY": SECRET}
    settings = read_settings(environ)
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()


def test_every_field_has_help():
    assert all(field.description for field in Settings.model_fields.values())


def test_processes_are_for_postgresql_only(complete):
    assert read_settings(complete | {"WEB_CONCURRENCY": "4"}).processes == 1
    on_postgres = {"WEB_CONCURRENCY": "4", "DATABASE_URL": "postgresql://h/d"}
    assert read_settings(complete | on_postgres).processes == 4


MODEL = {"OPENAI_API_KEY": SECRET}
OWN_MODEL = MODEL | {"OPENAI_MODEL": "llama-4"}


def test_the_model_is_one_that_lives_and_its_price_is_known(complete):
    settings = read_settings(complete | MODEL)
    assert (settings.OPENAI_MODEL, settings.OPENAI_JUDGE_EFFORT) == ("gpt-6-luna", "none")
    assert settings.model_price == Price(0.10, 0.50, 0.01)


@pytest.mark.parametrize(
    ("change", "price"),
    [
        ({"OPENAI_MODEL": "gpt-6-luna-2026-09-01"}, Price(0.10, 0.50, 0.01)),
        ({"OPENAI_MODEL": "gpt-5-mini"}, Price(0.25, 2.00, 0.025)),
        ({"OPENAI_INPUT_PRICE": "3"}, Price(3.0, 0.50, 0.01)),
        ({"OPENAI_CACHED_PRICE": "0"}, Price(0.10, 0.50, 0.0)),
        (OWN_MODEL | {"OPENAI_INPUT_PRICE": "0", "OPENAI_OUTPUT_PRICE": "0"}, Price(0.0, 0.0)),
    ],
)
def test_prices_are_the_models_unless_they_are_set(complete, change, price):
    assert read_settings(complete | MODEL | change).model_price == price


@pytest.mark.parametrize(
    "change", [{}, {"OPENAI_INPUT_PRICE": "1"}, {"OPENAI_DAILY_CAP": "0"}], ids=str
)
def test_a_cap_in_money_that_cannot_be_computed_is_refused(complete, change):
    text = problems(complete | OWN_MODEL | change)
    assert "- OPENAI_INPUT_PRICE: the price of this OPENAI_MODEL is unknown" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "change",
    [{"OPENAI_DAILY_CAP": "0", "OPENAI_CONTACT_CAP": "0"}, {"OPENAI_API_KEY": ""}],
    ids=["no caps", "no key"],
)
def test_a_model_without_a_price_may_be_used_without_caps(complete, change):
    assert read_settings(complete | OWN_MODEL | change).model_price is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_JUDGE_EFFORT", "a lot"),
        ("OPENAI_ANSWER_SECONDS", "0"),
        ("OPENAI_MAX_TOKENS", "10"),
        ("OPENAI_CACHED_PRICE", "-1"),
    ],
)
def test_how_the_model_is_asked_is_checked(complete, name, value):
    assert f"- {name}: " in problems(complete | MODEL | {name: value})


PEERS = {
    "TICKET_WEBHOOK_URL": "https://crm.example.com/handoff",
    "TICKET_WEBHOOK_SECRET": SECRET * 4,
    "ZENDESK_URL": "https://acme.zendesk.com/",
    "ZENDESK_EMAIL": "bot@example.com",
    "ZENDESK_TOKEN": SECRET,
    "SMTP_URL": f"smtp://bot:{SECRET}@mail.example.com",
    "MAIL_FROM": "Handoff <handoff@example.com>",
}


def test_secrets_sign_look_ups_and_tokens_are_bound_to_their_hosts(complete):
    secret = "s" * 32
    given = f"shop:{secret} stock@MCP.shop.example:a:token-of-theirs"
    settings = read_settings(complete | {"LOOK_UP_SECRETS": given})
    assert settings.look_up_secrets == {"shop": secret}
    assert settings.look_up_tokens == {"stock": Token("mcp.shop.example", "a:token-of-theirs")}
    assert "theirs" not in repr(settings) + repr(settings.look_up_tokens)


@pytest.mark.parametrize(
    "given",
    [
        "shop:short",
        "shop@:token-of-theirs",
        "a@b/c:token-of-theirs",
        "A@b.example:token-x",
        "a@b:t",
    ],
)
def test_a_secret_or_token_that_is_not_usable_is_refused(complete, given):
    assert "  - LOOK_UP_SECRETS: " in problems(complete | {"LOOK_UP_SECRETS": given})


def test_other_systems_are_named_in_the_environment(complete):
    assert read_settings(complete | PEERS).wants_mail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICKET_WEBHOOK_URL", "crm.example.com"),
        ("TICKET_WEBHOOK_SECRET", SECRET),
        ("TICKET_WEBHOOK_SECRET_NEXT", SECRET),
        ("ZENDESK_URL", "https://acme.zendesk.com/api/v2"),
        ("ZENDESK_URL", "http://acme.zendesk.com"),
        ("ZENDESK_TOKEN", ""),
        ("SMTP_URL", f"http://bot:{SECRET}@mail.example.com"),
        ("SMTP_URL", f"smtp://bot:{SECRET}@mail.example.com:many"),
        ("SMTP_URL", "smtp://"),
        ("MAIL_FROM", ""),
        ("MAIL_FROM", "Handoff"),
        ("MAIL_FROM", "Handoff <a b@example.com>"),
    ],
)
def test_what_is_wrong_about_other_systems_is_told_without_a_secret(complete, name, value):
    text = problems(complete | PEERS | {name: value})
    assert f"- {name}: " in text
    assert SECRET not in text


WEBSITE = {"WEBCHAT_ORIGINS": "https://shop.example.com", "WEBCHAT_SECRET": "k" * 32}


@pytest.mark.parametrize(
    "name",
    [
        "WEBCHAT_SECRET",
        "WEBCHAT_IDENTITY_SECRET",
        "TICKET_WEBHOOK_SECRET",
        "TICKET_WEBHOOK_SECRET_NEXT",
    ],
)
@pytest.mark.parametrize("value", ["k", "k" * 31])
def test_a_secret_that_can_be_guessed_is_refused_with_how_to_make_one(complete, name, value):
    text = problems(complete | PEERS | WEBSITE | {name: value})
    assert f"- {name}: " in text
    assert "openssl rand" in text


KEY_ADDRESSES = [
    "OPENAI_BASE_URL",
    "SLACK_API_URL",
    "TWILIO_API_URL",
    "ZENDESK_URL",
    "TICKET_WEBHOOK_URL",
]


@pytest.mark.parametrize("name", KEY_ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "https://user:pass@example.com",
        "https://evil.example\\@api.example.com",
        "//api.example.com",
    ],
)
def test_keys_are_sent_by_https_only(complete, name, value):
    text = problems(complete | PEERS | {name: value})
    assert f"- {name}: " in text
    assert value not in text


@pytest.mark.parametrize("name", KEY_ADDRESSES)
@pytest.mark.parametrize("host", ["127.0.0.1:4010", "localhost:4010", "[::1]:4010"])
def test_a_stand_in_on_this_machine_needs_no_https(complete, name, host):
    assert read_settings(complete | PEERS | {name: f"http://{host}"})


@pytest.mark.parametrize(
    "origin",
    [
        "https://Shop.example.com",
        "https://shop.example.com:443",
        "http://shop.example.com:80",
        "https://shop.example.com/",
        "https://[",
        "https://me@shop.example.com",
        "null",
        "*",
    ],
)
def test_a_website_that_no_browser_would_name_so_is_refused(complete, origin):
    """It would be accepted here, and each of its visitors refused later."""
    assert "WEBCHAT_ORIGINS" in problems(complete | WEBSITE | {"WEBCHAT_ORIGINS": origin})


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example.com", "http://localhost:5000", "http://127.0.0.1", "http://[::1]:8080"],
)
def test_a_website_is_accepted_as_browsers_name_it(complete, origin):
    settings = read_settings(complete | WEBSITE | {"WEBCHAT_ORIGINS": origin})
    assert settings.webchat_origins == (origin,)


# -- a file of settings


def env_file(tmp_path, text, environ=None) -> dict[str, str]:
    """The environment after this file."""
    (path := tmp_path / ".env").write_bytes(text.encode())
    load_env_file(path, found := dict(environ or {}))
    return found


def test_a_file_of_settings_is_read_as_other_tools_read_it(tmp_path):
    text = "\ufeff# Slack\r\nSLACK_BOT_TOKEN=xoxb-1 # ours\r\nexport PORT='3001'\nMAIL_FROM=\"A <a@b.c>\"\n\n"
    assert env_file(tmp_path, text) == {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "PORT": "3001",
        "MAIL_FROM": "A <a@b.c>",
    }


@pytest.mark.parametrize("value", ["a$b${HOME}c", "a#b", "a=b==", "pass'word"])
def test_a_secret_in_the_file_is_taken_as_it_stands(tmp_path, value):
    assert env_file(tmp_path, f"SLACK_BOT_TOKEN={value}\n") == {"SLACK_BOT_TOKEN": value}


@pytest.mark.parametrize("given", ["PORT", "PORT_FILE"])
@pytest.mark.parametrize("written", ["PORT", "PORT_FILE"])
@pytest.mark.parametrize("value", ["1", ""])
def test_the_file_overrides_nothing_of_the_environment(tmp_path, given, written, value):
    assert env_file(tmp_path, f"{written}=2", {given: value}) == {given: value}


def test_a_secret_and_its_file_may_both_stand_in_the_file(tmp_path):
    """The same as in the environment, where the value counts."""
    assert len(env_file(tmp_path, "SMTP_URL=smtp://a\nSMTP_URL_FILE=/b\n")) == 2


def test_a_file_that_cannot_be_read_is_one_clear_line_without_its_contents(tmp_path):
    (path := tmp_path / ".env").write_bytes(f"A={SECRET}\xff".encode("latin-1"))
    with pytest.raises(SettingsError) as error:
        load_env_file(path, {})
    assert "cannot be read" in str(error.value)
    assert SECRET not in str(error.value)


# -- what a command does not need, it does not ask for


def test_the_database_is_all_that_some_commands_read():
    settings = read_database_settings({"DATABASE_URL": "sqlite:///x.db", "PORT": "many"})
    assert settings.DATABASE_URL.get_secret_value() == "sqlite:///x.db"
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        read_database_settings({"DATABASE_URL": "mysql://x"})


def test_articles_are_those_named_or_those_in_the_folder_or_the_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert knowledge_dir({}) == SAMPLE_FOLDER
    assert read_settings(COMPLETE).KNOWLEDGE_DIR == SAMPLE_FOLDER
    (tmp_path / "knowledge").mkdir()
    assert read_settings(COMPLETE).KNOWLEDGE_DIR.resolve() == tmp_path / "knowledge"
    assert knowledge_dir({"KNOWLEDGE_DIR": "/nowhere"}) == Path("/nowhere")
    assert "KNOWLEDGE_DIR" in problems(COMPLETE | {"KNOWLEDGE_DIR": "/nowhere"})


OWN_TRANSCRIBER = {"OPENAI_API_KEY": "sk-1", "OPENAI_TRANSCRIBE_MODEL": "own-whisper"}


def test_a_transcribed_minute_has_the_models_price_unless_it_is_set(complete):
    assert read_settings(complete).minute_price == 0.0045
    own = complete | OWN_TRANSCRIBER | {"OPENAI_MINUTE_PRICE": "0"}
    assert read_settings(own).minute_price == 0.0


def test_a_transcriber_without_a_price_needs_one_while_a_cap_is_set(complete):
    with pytest.raises(SettingsError, match="OPENAI_MINUTE_PRICE: the price of this"):
        read_settings(complete | OWN_TRANSCRIBER)
    free = {"OPENAI_DAILY_CAP": "0", "OPENAI_CONTACT_CAP": "0"}
    assert read_settings(complete | OWN_TRANSCRIBER | free).minute_price is None
