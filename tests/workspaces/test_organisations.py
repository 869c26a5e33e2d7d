"""Enterprise Grid: one installation for all workspaces of an organisation."""

import pytest

from handoff_bot.domain.roles import Home
from handoff_bot.workspaces.process import Workspaces, read_process_settings
from handoff_sandbox.slack.teams import SlackTeams
from tests.desk.oddities import send_raw
from tests.slack import payloads
from tests.workspaces.conftest import environment, oauth, serving, write_settings
from tests.workspaces.test_installing import Opened

DANA, ORGANISATION = "+15550001", "E0ACME"


@pytest.fixture
def organised(sides, tmp_path, clock, unhurried):
    """Acme's organisation may install the app, and beta's workspace has a token."""
    acme, beta = sides
    with SlackTeams([acme.slack, beta.slack]) as teams:
        teams.organisation = ORGANISATION
        write_settings(acme, SLACK_TEAM_ID=ORGANISATION)
        write_settings(beta, SLACK_BOT_TOKEN=beta.slack.bot_token)
        environ = environment(acme.folder.parent, teams, **oauth(tmp_path))
        workspaces = Workspaces(read_process_settings(environ), environ, "web", clock)
        with serving(workspaces, acme, beta) as address:
            opened = Opened(acme, beta, workspaces, teams, address, tmp_path)
            assert opened.install(acme).status_code == 200
            yield opened


def asked(side, team_id, **organisation):
    """The answer to `/handoff help` from a workspace of an organisation."""
    fields = payloads.command("help") | {"user_id": side.ana, "team_id": team_id} | organisation
    return send_raw(side, fields).text


def test_a_request_from_any_of_its_workspaces_reaches_it(organised):
    acme = organised.acme
    assert acme.customer_says("I want a person", DANA) == 200
    org_wide = {"enterprise_id": ORGANISATION, "is_enterprise_install": "true"}
    for team_id in (acme.slack.team_id, "T0ANOTHER"):
        answer = asked(acme, team_id, **org_wide)
        assert answer
        assert "not set up" not in answer


@pytest.mark.parametrize(
    "organisation",
    [
        {"enterprise_id": ORGANISATION, "is_enterprise_install": "false"},
        {"enterprise_id": "E0OTHER", "is_enterprise_install": "true"},
    ],
    ids=["an installation in one workspace", "another organisation"],
)
def test_a_request_of_another_installation_does_not_reach_it(organised, organisation):
    assert "not set up" in asked(organised.acme, organised.acme.slack.team_id, **organisation)


def test_a_workspace_of_the_organisation_is_not_thereby_allowed_to_install(organised):
    organised.teams.organisation = ""
    assert organised.install(organised.acme).status_code == 403


def test_the_removal_for_the_organisation_ends_it(organised):
    organised.acme.slack.tokens.is_revoked = True
    organised.workspaces.cut_off(Home("", ORGANISATION, is_org_wide=True))
    organised.workspaces.look()
    assert organised.state() == "cut off"
    assert organised.state("beta") == "running"
    assert organised.stored()["slack_bots"] == []
