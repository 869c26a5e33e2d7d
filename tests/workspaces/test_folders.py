"""What an operator's folders say, and what is refused."""

import pytest

from handoff_bot.domain.errors import SettingsError
from handoff_bot.workspaces.folders import read_folders

PROCESS = {
    "DATABASE_URL": "sqlite:///installations.db",
    "PUBLIC_BASE_URL": "https://bot.example.com/",
    "SLACK_SIGNING_SECRET_FILE": "/run/secret",
    "OPENAI_API_KEY": "sk-of-the-process",
    "TWILIO_AUTH_TOKEN": "of-the-process",
    "SLACK_BOT_TOKEN": "xoxb-of-the-process",
}


def folder(root, name, *lines):
    (root / name).mkdir()
    (root / name / "settings.env").write_text("\n".join(lines))


def test_a_workspace_inherits_what_belongs_to_the_process_and_nothing_else(tmp_path):
    folder(tmp_path, "acme", "SLACK_TEAM_ID=T0ACME", "WEBCHAT_ORIGINS=https://acme.example")
    acme = read_folders(tmp_path, PROCESS).workspaces["acme"]
    assert acme.environ == {
        "SLACK_SIGNING_SECRET_FILE": "/run/secret",
        "KNOWLEDGE_DIR": str(tmp_path / "acme" / "knowledge"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'acme' / 'handoff.db'}",
        "PUBLIC_BASE_URL": "https://bot.example.com/w/acme",
        "SLACK_TEAM_ID": "T0ACME",
        "WEBCHAT_ORIGINS": "https://acme.example",
    }
    assert not acme.by_token


def test_on_postgresql_each_has_a_schema(tmp_path):
    folder(tmp_path, "acme-two", "SLACK_TEAM_ID=E0ACME")
    process = PROCESS | {"DATABASE_URL": "postgresql://u:secret@db/handoff"}
    found = read_folders(tmp_path, process).workspaces["acme-two"]
    expected = "postgresql://u:secret@db/handoff?options=-csearch_path%3Dhandoff_acme_two"
    assert found.database_url == expected
    assert found.is_org_wide
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "SLACK_TEAM_ID"),
        ("SLACK_TEAM_ID=acme", "SLACK_TEAM_ID"),
        ("SLACK_TEAM_ID=T0A\nPORT=3000", "PORT"),
        ("SLACK_TEAM_ID=T0A\nSLACK_SIGNING_SECRET_FILE=x", "SLACK_SIGNING_SECRET_FILE"),
        ("SLACK_TEAM_ID=T0A\nPUBLIC_BASE_URL=https://evil.example", "PUBLIC_BASE_URL"),
        ("SLACK_TEAM_ID=T0A\nTWILIO_TOKEN=x", "TWILIO_TOKEN"),
    ],
    ids=["no team", "no id", "a port", "a secret of the app", "an address", "a mistake"],
)
def test_a_wrong_file_is_refused_with_the_name_of_the_setting(tmp_path, line, problem):
    folder(tmp_path, "acme", line)
    found = read_folders(tmp_path, PROCESS)
    assert found.workspaces == {}
    assert problem in found.problems["acme"]


@pytest.mark.parametrize(
    "shared",
    [
        "SLACK_TEAM_ID=T0A",
        "DATABASE_URL=sqlite:///same.db",
        "KNOWLEDGE_DIR=/articles",
        f"WEBCHAT_SECRET={'x' * 40}",
    ],
)
def test_what_keeps_workspaces_apart_is_not_shared(tmp_path, shared):
    for name, team in (("acme", "T0A"), ("beta", "T0B")):
        folder(tmp_path, name, f"SLACK_TEAM_ID={team}", shared)
    folder(tmp_path, "gamma", "SLACK_TEAM_ID=T0C")
    found = read_folders(tmp_path, PROCESS)
    assert list(found.workspaces) == ["gamma"]
    assert "the same" in found.problems["acme"]


def test_a_name_that_is_no_part_of_an_address_is_refused(tmp_path):
    folder(tmp_path, "Acme & Sons", "SLACK_TEAM_ID=T0A")
    (tmp_path / "no workspace").mkdir()
    assert list(read_folders(tmp_path, PROCESS).problems) == ["Acme & Sons"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="WORKSPACES_DIR"):
        read_folders(tmp_path / "none", PROCESS)
