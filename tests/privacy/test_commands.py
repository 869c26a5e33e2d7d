"""The commands `forget` and `export`, in this process."""

import json

import pytest
from click.testing import CliRunner

from handoff_bot.cli import main
from handoff_bot.services.privacy.forgetting import FORGET
from handoff_bot.settings import read_settings
from handoff_bot.storage.models import Contact, ContactAddress, Work
from handoff_sandbox.world import ROOT
from tests.fakes import FrozenClock

DANA = "+15551112222"


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def contact(database, database_url, monkeypatch, tmp_path):
    """Dana is known; the commands use her database."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": "xoxb-test",
        "SLACK_SIGNING_SECRET": "secret",
        "SLACK_QUEUE_CHANNEL": "C1",
        "PUBLIC_BASE_URL": "https://bot.example.com",
        "WEBCHAT_ORIGINS": "https://shop.example",
        "KNOWLEDGE_DIR": str(ROOT / "knowledge"),
        "WEBCHAT_SECRET": "s" * 32,
    }.items():
        monkeypatch.setenv(name, value)
    read_settings()
    with database.write() as tx:
        dana = tx.add(Contact(name="Dana", created_at=FrozenClock().now())).id
        tx.add(ContactAddress(contact_id=dana, channel="sms", address=DANA))
    return dana


def run(*words):
    return CliRunner().invoke(main, words)


def jobs(database):
    with database.read() as tx:
        return tx.session.query(Work).filter(Work.kind == FORGET).count()


def test_a_preview_deletes_nothing(contact, database):
    said = run("forget", DANA)
    assert said.exit_code == 0
    assert said.output.splitlines()[0] == f"Contact {contact}: Dana"
    assert f"  address: sms: {DANA}" in said.output
    assert "Nothing was deleted. To delete it, add --yes." in said.output
    assert jobs(database) == 0


def test_with_yes_it_is_requested_once(contact, database):
    assert "is being forgotten" in run("forget", DANA, "--yes").output
    assert run("forget", DANA).exit_code == 1  # the address is a stranger's now
    said = run("forget", str(contact), "--yes")
    assert said.output.startswith(f"Contact {contact} is being forgotten since ")
    assert "Dana" not in said.output
    assert jobs(database) == 1


@pytest.mark.parametrize("command", ["forget", "export"])
def test_an_unknown_contact_is_said(contact, command):
    said = run(command, "+19998887777")
    assert said.exit_code == 1
    assert said.output == "No contact has this id or address.\n"


def test_an_export_is_written_beside_us(contact, tmp_path):
    said = run("export", f"sms:{DANA}")
    assert said.output == f"Contact {contact}: 2 files in contact-{contact}\n"
    told = json.loads((tmp_path / f"contact-{contact}" / "contact.json").read_text())
    assert told["contact_address"][0]["address"] == DANA
    assert run("export", DANA).exit_code == 2
    assert run("export", DANA, "--to", "elsewhere").exit_code == 0
