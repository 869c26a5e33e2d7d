"""The command line, the composition root and the doctor, in this process, between the stand-ins."""

import codecs
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from handoff_bot import __version__, app
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.cli import main
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.detection import Rules
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.language_models import Usage
from handoff_bot.domain.signals import Signal, Turn
from handoff_bot.jobs import store
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.services.ai_turns.language_model import Ledger
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.settings import rule_lists
from handoff_bot.settings import read_settings
from handoff_bot.slack.limits import LIMITS
from handoff_bot.storage.listening import Listener
from handoff_bot.storage.models import Work
from handoff_bot.storage.single_instance import SingleInstanceLock
from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import ROOT, World
from handoff_sandbox.zendesk import ZendeskStandIn
from tests.fakes import (
    FakeChannel,
    FakeDesk,
    FrozenClock,
    ScriptedAssistant,
    ScriptedDetector,
)


@pytest.fixture
def world(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    with World(url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        yield made


@pytest.fixture
def environment(world, monkeypatch):
    """The bot's environment, as this process's."""
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)


def run(*arguments: str, given: str = ""):
    return CliRunner().invoke(main, list(arguments), input=given)


def test_judge_answers_line_by_line():
    talk = {"id": "a", "turns": [{"role": "customer", "text": "I want to talk to a human"}]}
    result = run("judge", given=f"{json.dumps(talk)}\nnot json\n")
    judged, refused = map(json.loads, result.stdout.splitlines())
    assert (judged["id"], judged["escalate"], judged["reason"]) == ("a", True, "request")
    assert refused["id"] is None


@pytest.mark.parametrize(("options", "socket"), [([], False), (["--socket"], True)])
def test_the_manifest_is_printed_for_both_ways_of_connecting(options, socket):
    printed = json.loads(run("manifest", *options).stdout)
    assert printed["settings"]["socket_mode_enabled"] is socket


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_all_that_is_missing_is_told_at_once_and_nothing_starts(command, monkeypatch):
    monkeypatch.setattr("handoff_bot.cli.read_settings", lambda: read_settings({}))
    result = run(command)
    assert result.exit_code == 2
    assert "SLACK_BOT_TOKEN" in result.stderr
    assert "TWILIO_ACCOUNT_SID" in result.stderr


def test_the_doctor_finds_everything_well(environment):
    result = run("doctor")
    assert (result.exit_code, "FAIL" in result.stdout) == (0, False), result.stdout


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-wrong", "Slack: token: rejected"),
        ("SLACK_QUEUE_CHANNEL", "C0NOWHERE", "channel_not_found"),
        ("TWILIO_AUTH_TOKEN", "wrong", "Twilio: credentials: Twilio does not accept"),
        ("TWILIO_SMS_FROM", "+15559998888", "is not a number of this account"),
        ("PUBLIC_BASE_URL", "https://elsewhere.example.com", "so messages do not reach Handoff"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db", "database: cannot be used"),
    ],
)
def test_the_doctor_says_what_to_do(environment, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    result = run("doctor")
    assert result.exit_code == 1
    assert says in result.stdout
    assert "wrong" not in result.stdout.replace("went wrong", "")


def test_the_doctor_goes_on_after_a_part_that_cannot_be_checked(environment, monkeypatch):
    def raising(*_):
        raise ValueError("secret")

    monkeypatch.setattr("handoff_bot.app.check_twilio", raising)
    monkeypatch.setenv("WEBCHAT_ORIGINS", "http://localhost:5000")
    monkeypatch.setenv("WEBCHAT_SECRET", "s" * 32)
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL  Twilio: could not be checked (ValueError)" in result.stdout
    assert "website chat: available" in result.stdout.partition("Twilio: could")[2]
    assert "secret" not in result.stdout


@pytest.mark.parametrize(
    ("origin", "proxies", "is_well"),
    [
        ("https://shop.example.com", "0", False),
        ("https://shop.example.com", "1", True),
        ("http://localhost:5000", "0", True),
    ],
)
def test_the_doctor_finds_visitors_who_would_all_count_as_one(
    environment, monkeypatch, origin, proxies, is_well
):
    for name, value in {
        "WEBCHAT_ORIGINS": origin,
        "WEBCHAT_SECRET": "s" * 32,
        "TRUSTED_PROXIES": proxies,
    }.items():
        monkeypatch.setenv(name, value)
    result = run("doctor")
    assert ("set TRUSTED_PROXIES" not in result.stdout) is is_well
    assert (result.exit_code == 0) is is_well


@pytest.fixture
def peers(monkeypatch):
    """Zendesk on loopback, a mail server and a webhook at which nobody answers, as the environment says."""
    with ZendeskStandIn() as zendesk:
        nobody = f"127.0.0.1:{free_port()}"
        for name, value in {
            "ZENDESK_URL": zendesk.url,
            "ZENDESK_EMAIL": zendesk.email,
            "ZENDESK_TOKEN": zendesk.token,
            "TICKET_WEBHOOK_URL": f"http://{nobody}/handoff",
            "TICKET_WEBHOOK_SECRET": "s" * 32,
            "SMTP_URL": f"smtp+insecure://{nobody}",
            "MAIL_FROM": "handoff@example.com",
        }.items():
            monkeypatch.setenv(name, value)
        yield zendesk


def test_the_doctor_looks_at_other_systems_too(environment, peers):
    result = run("doctor")
    assert result.exit_code == 1
    lines = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert [line.split(": ")[0].split(maxsplit=1)[1] for line in lines] == [
        "ticket webhook",
        "mail server",
    ]
    assert "Zendesk: token: accepted, as agent" in result.stdout


def test_the_composition_root_knows_other_systems(environment, peers):
    built = app.build(read_settings(), "web")
    try:
        assert built.core.mail is not None
        assert set(app.ticket_connectors(read_settings(), built.core.clock)) == {
            "webhook",
            "zendesk",
        }
    finally:
        built.stop()


def test_the_sandbox_inherits_no_real_account(world, peers):
    inherited = world.environment()
    assert not [
        name for name in inherited if name.startswith(("ZENDESK_", "TICKET_", "SMTP_", "MAIL_"))
    ]


def test_the_doctor_misses_the_bot_in_its_channel(environment, world):
    world.slack.remove_bot(world.queue)
    assert "type /invite @Handoff in it" in run("doctor").stdout


@pytest.mark.parametrize("role", ["all", "web"])
def test_a_process_is_built_runs_its_role_and_stops(environment, role):
    handoff = app.build(read_settings(), role)
    handoff.start()
    try:
        answer = handoff.web.test_client().get("/healthz")
        assert answer.json["status"] == "ok"
        assert bool(handoff.core.worker.heartbeat.id) is (role == "all")
    finally:
        handoff.stop()


@pytest.mark.parametrize(("limits", "kept"), [("published", LIMITS), ("none", {})])
def test_slacks_limits_are_kept_unless_there_are_none(environment, monkeypatch, limits, kept):
    monkeypatch.setenv("SLACK_LIMITS", limits)
    handoff = app.build(read_settings(), "web")
    try:
        assert handoff.core.worker.limiter.rates == kept
    finally:
        handoff.stop()


def test_the_wsgi_object_is_built_on_first_use(environment, monkeypatch):
    built = []

    def build(settings, role):
        built.append(handoff := original(settings, role))
        return handoff

    original = app.build
    monkeypatch.setattr(app, "build", build)
    try:
        assert app.app.test_client().get("/healthz").status_code == 200
        assert app.app is built[0].web
    finally:
        built[0].stop()
        del app.app
    with pytest.raises(AttributeError):
        app.nothing  # noqa: B018 - the asking is the test


def test_with_a_key_openai_judges_and_answers(environment, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sandbox")
    settings = read_settings()
    ai_services = app.build_ai(
        settings.KNOWLEDGE_DIR, api_key="sk-sandbox", base_url="http://127.0.0.1:9/v1", model="m"
    )
    names = [
        type(mind).__name__
        for mind in (ai_services.detector, ai_services.assistant, ai_services.translator)
    ]
    assert names == ["OpenAIDetector", "OpenAIAssistant", "OpenAITranslator"]


@pytest.mark.thorough
@pytest.mark.usefixtures("new_processes")
def test_the_real_bot_answers_a_customer_and_stops_when_asked(world):
    world.start_bot()
    world.wait_until_ready()
    world.twilio.customer_writes("sms", "+15550177", "What are your opening hours?")
    world.twilio.wait_for(lambda: len(world.twilio.phone("+15550177")) == 1)
    world.stop_bot()
    assert not world.is_up()
    assert '"event": "stopped"' in world.log()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{world.bot_url}/healthz", timeout=2)


@pytest.mark.thorough
@pytest.mark.usefixtures("new_processes")
def test_web_and_worker_may_be_two_processes(world, tmp_path):
    """The web role stores; nothing happens until a worker is there."""
    world.start_bot(("-m", "handoff_bot", "serve", "--role", "web"))
    world.wait_until_ready()
    assert world.twilio.customer_writes("sms", "+15550178", "Where are you?").status == 200
    worker = World.__new__(World)
    worker.__dict__.update(world.__dict__)
    worker.start_bot(("-m", "handoff_bot", "serve", "--role", "worker"))
    try:
        world.twilio.wait_for(lambda: len(world.twilio.phone("+15550178")) == 1, 20)
    finally:
        worker.stop_bot()


@pytest.mark.thorough
def test_no_secret_and_no_customer_is_in_the_log(world):
    world.start_bot(more={"LOG_LEVEL": "debug"})
    world.wait_until_ready()
    world.twilio.customer_writes(
        "whatsapp", "+15550179", "my secret word is xylophone", profile_name="Zebedee"
    )
    world.twilio.wait_for(lambda: len(world.twilio.phone("whatsapp:+15550179")) == 1)
    world.twilio.customer_writes("sms", "+15550179", "x", fields={"AccountSid": "AC0"})
    world.stop_bot()
    log = world.log()
    for hidden in ("xylophone", "15550179", "Zebedee", world.twilio.auth_token, "xoxb-sandbox"):
        assert hidden not in log
    assert '"event": "webhook refused"' in log


def test_only_one_process_is_sole_worker_on_a_file(tmp_path):
    first, second = (SingleInstanceLock(f"sqlite:///{tmp_path / 'h.db'}") for _ in range(2))
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    second.release()


def test_a_listener_hears_of_work_and_survives_a_broken_connection(postgres_server):
    import threading

    import psycopg

    heard = threading.Semaphore(0)
    listener = Listener(postgres_server, heard.release)
    listener.start()
    try:
        assert heard.acquire(timeout=10)  # on connecting: whatever nobody heard
        with psycopg.connect(postgres_server, autocommit=True) as other:
            other.execute("SELECT pg_notify('handoff_work', '')")
            assert heard.acquire(timeout=10)
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
        assert heard.acquire(timeout=10)  # it has connected again
    finally:
        listener.stop()


def test_explain_says_what_tipped_it(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(
        json.dumps({"turns": [{"role": "customer", "text": "I want to speak to a human"}]})
    )
    result = run("explain", str(path))

    assert result.exit_code == 0
    assert "<- decided" in result.stdout
    assert run("explain", given=path.read_text()).stdout == result.stdout


@pytest.mark.parametrize(
    "given", ["", "[]", "{}", '{"turns": [{"role": "bot", "text": "x"}]}', "5"]
)
def test_explain_refuses_what_is_no_conversation(given):
    result = run("explain", given=given)

    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output


def _needless() -> str:
    """What the shipped detector hands over, though not with all its might."""
    detector = LocalDetector.load()
    threshold = detector.threshold(Signal.REQUEST, Rules())

    def score(words: str) -> float:
        return detector.judge(ConversationContext((Turn("customer", words),))).scores[
            Signal.REQUEST
        ]

    return next(words for words in NEEDLESS if threshold < score(words) < 0.93)


NEEDLESS = [
    "is there a person who knows about hats",
    "put me on the list for one person please",
    "a human hand to help with the hats please",
    "can I ask a person in your shop about hats",
    "which person can I ask about hats",
    "a person from your shop told me to ask",
]


@pytest.fixture
def told(environment):
    """A database in which agents dismissed the same needless escalation a few times."""
    settings = read_settings()
    database = app.open_database(settings)
    clock = FrozenClock()
    core = Services.build(
        Dependencies(
            database=database,
            channels={"sms": FakeChannel(clock)},
            desk=FakeDesk(),
            detector=ScriptedDetector(),
            assistant=ScriptedAssistant(),
            clock=clock,
        )
    )
    for number in range(6):
        words = {"channel": "sms", "provider_id": f"SM{number}", "address": f"+1555000{number}"}
        arrived = words | {"recipient": "+1999", "text": _needless()}
        core.inbox.store("inbound", f"in:sms:{number}", f"sms:{number}", arrived)
        core.worker.run_until_idle()
        assert core.escalations.take(Step.DISMISS, number + 1, AgentRef("UANA", "Ana")).done
    core.worker.run_until_idle()
    yield settings
    database.close()


def test_tune_suggests_and_follows_only_when_told_to(told):
    suggested = run("tune").stdout
    assert "higher, by" in next(line for line in suggested.splitlines() if "request" in line)
    assert "too little" in next(line for line in suggested.splitlines() if "sentiment" in line)
    assert run("tune").stdout == suggested

    assert "now in effect" in run("tune", "--apply", "--retrain").stdout
    database = app.open_database(told)
    try:
        with database.read() as tx:
            live = rule_lists.detection_rules(tx)
    finally:
        database.close()
    assert live.tuning.shifts[Signal.REQUEST] > 0
    assert set(live.tuning.last_layer) == {Signal.REQUEST}


def test_spending_is_told_by_day(environment):
    settings = read_settings()
    database = app.open_database(settings)
    caps = app.spending_caps(settings)
    Ledger(database, caps, FrozenClock()).record(3, Usage("m", 1_000_000, 100_000))
    database.close()

    assert run("spending").stdout.splitlines()[1].split() == [
        "2026-11-23", "1", "1000000", "100000", "0.1500",
    ]  # fmt: skip


def test_canned_replies_come_out_as_they_went_in(environment, tmp_path):
    table = 'name,language,text\nhello,,"Hello {customer},\nhow are you?"\nhello,de,Guten Tag\n'
    file = tmp_path / "replies.csv"
    file.write_text(table, encoding="utf-8-sig")
    assert run("canned", "import", str(file)).exit_code == 0
    assert run("canned", "import", str(file)).exit_code == 0
    assert run("canned", "export").stdout == table


WRONG_REPLIES = {
    "columns": ("title,words\na,b\n", "must name the columns"),
    "a placeholder": ("name,language,text\nfine,,Fine\na,,{x}\n", "Reply 2, text: {x} cannot be"),
    "a language": ("name,language,text\na,english,x\n", "Reply 1, language: Unknown"),
    "twice": ("name,language,text\na,,x\nA,,y\n", "Reply 2: a appears twice"),
}


@pytest.mark.parametrize(("table", "why"), WRONG_REPLIES.values(), ids=WRONG_REPLIES)
def test_canned_replies_that_cannot_be_are_all_refused(environment, tmp_path, table, why):
    file = tmp_path / "replies.csv"
    file.write_text(table, encoding="utf-8")
    result = run("canned", "import", str(file))
    assert result.exit_code == 2
    assert why in result.stderr
    assert run("canned", "export").stdout == "name,language,text\n"


SPREADSHEETS = {
    "Windows-1252 with commas": ("name,language,text\nrefund,de,Die Rückgabe dauert.", "cp1252"),
    "semicolons": ("name;language;text\r\nrefund;de;Die Rückgabe dauert.\r\n", "utf-8-sig"),
    "tabs in UTF-16": ("name\tlanguage\ttext\r\nrefund\tde\tDie Rückgabe dauert.\r\n", "utf-16"),
}


@pytest.mark.parametrize(("table", "encoding"), SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_canned_replies_are_read_as_spreadsheets_save_them(environment, tmp_path, table, encoding):
    file = tmp_path / "replies.csv"
    file.write_bytes(table.encode(encoding))
    result = run("canned", "import", str(file))
    assert result.exit_code == 0, result.stderr
    assert ("Windows-1252" in result.stderr) == (encoding == "cp1252")
    assert "refund,de,Die Rückgabe dauert.\n" in run("canned", "export").stdout


def test_a_table_that_cannot_be_read_is_refused_in_one_line(environment, tmp_path):
    file = tmp_path / "replies.csv"
    file.write_bytes("name,language,text\nx,ru,Доставка".encode("cp1251"))
    result = run("canned", "import", str(file))
    assert result.exit_code == 2
    assert result.stderr == "The encoding is unknown. Save the file as UTF-8.\n"


def test_the_knowledge_base_is_listed_file_by_file(tmp_path):
    (tmp_path / "a.md").write_text("---\nlocale: de\n---\n# Eins\nText.\n# Zwei\nText.", "utf-8")
    (tmp_path / "b.txt").write_bytes("Rückgabe".encode("cp1252"))
    (tmp_path / "c.md").write_text("---\ndraft: true\n---\nSecret.", "utf-8")
    told = run("knowledge", "check", str(tmp_path))
    assert told.stdout.splitlines() == [
        "read   a.md: 2 passages, de",
        "read   b.txt: 1 passage, read as Windows-1252; save the file as UTF-8 to be certain",
        "out    c.md: draft: true",
        "2 files read, 1 skipped.",
    ]
    assert told.exit_code == 0
    (tmp_path / "d.md").write_bytes(b"\x00\x01")
    told = run("knowledge", "check", str(tmp_path))
    assert "WRONG  d.md: This is not a text file." in told.stdout
    assert told.exit_code == 1


def test_the_doctor_names_articles_that_cannot_be_read(environment, tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("# Hats\nRed.", "utf-8")
    (tmp_path / "b.md").write_text("---\ntitle: [\n---\nText.", "utf-8")
    monkeypatch.setenv("KNOWLEDGE_DIR", str(tmp_path))
    (line,) = [line for line in run("doctor").stdout.splitlines() if "knowledge:" in line]
    assert line.startswith("FAIL")
    assert "b.md (The front matter cannot be read.)" in line


def test_jobs_that_were_given_up_are_listed_shown_run_again_and_dismissed(environment):
    database = app.open_database(read_settings())
    with database.write() as tx:
        for number in range(2):
            payload = {"message_id": 7, "text": "secret words"}
            enqueue_job(tx, NewJob("inbound", f"in:sms:+1555{number}", payload, FrozenClock().at))
    with database.write() as tx:
        first, second = [row.id for row in tx.session.query(Work)]
        for row in tx.session.query(Work):
            row.status, row.error, row.finished_at = "failed", "KeyError", FrozenClock().at
    listed = run("jobs", "list").stdout.splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        [str(second), "inbound", "in:…"],
        [str(first), "inbound", "in:…"],
    ]
    assert "KeyError" in listed[1]
    assert "secret" not in run("jobs", "show", str(first)).stdout
    assert "secret words" in run("jobs", "show", str(first), "--with-text").stdout
    assert run("jobs", "retry", str(first)).stdout == f"Job {first} will be retried.\n"
    assert run("jobs", "dismiss", str(second)).stdout == f"Job {second} was dismissed.\n"
    assert run("jobs", "list").stdout == "No failed jobs.\n"
    for what in ("show", "retry", "dismiss"):
        missing = run("jobs", what, str(second))
        assert missing.exit_code == 1
        assert f"job {second} " in missing.stderr.lower()
    with database.read() as tx:
        assert tx.session.get(Work, first).status == "ready"
        assert store.head(tx, "in:sms:+15550").id == first
    database.close()


def test_the_figures_of_the_last_days_are_told(environment, tmp_path):
    picture = tmp_path / "chart.png"
    told = run("report", "--days", "7", "--chart", str(picture)).stdout
    assert "No escalations in 0 conversations." in told.splitlines()[0]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_chart_without_the_extra_says_what_to_install(environment, tmp_path, monkeypatch):
    monkeypatch.setattr("handoff_bot.cli.find_spec", lambda name: None)
    told = run("report", "--chart", str(tmp_path / "chart.png"))
    assert (told.exit_code, told.stdout) == (2, "")
    assert "pip install 'handoff-bot[charts]'" in told.stderr
    assert "No escalations" in run("report").stdout


def test_a_program_gets_the_figures_as_json(environment):
    told = json.loads(run("report", "--json", "--channel", "sms").stdout)
    assert (told["escalations"], told["escalation_rate"], told["waited"]["median"]) == (
        0,
        None,
        None,
    )
    assert len(told["slices"]) == 7


@pytest.mark.usefixtures("told")
def test_tickets_are_printed_as_a_file():
    assert run("tickets", "export").stdout_bytes.startswith(codecs.BOM_UTF8)
    plain = run("tickets", "export", "--no-bom").stdout
    rows = list(csv.DictReader(io.StringIO(plain, newline="")))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    closed = json.loads(run("tickets", "export", "--format", "json", "--status", "closed").stdout)
    assert len(closed) == 6
    assert json.loads(run("tickets", "export", "--format", "json", "--status", "open").stdout) == []
    assert run("tickets", "export", "--until", "2020-01-01").stdout.count("\n") == 1
    assert run("tickets", "export", "--since", "soon").exit_code == 2


def in_folder(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command as a process in this folder, with this environment only."""
    return subprocess.run(
        [sys.executable, "-m", "handoff_bot", *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [("report",), ("tickets", "export"), ("jobs", "list")])
@pytest.mark.thorough
def test_what_only_reads_the_database_asks_for_no_credentials(tmp_path, command):
    done = in_folder(tmp_path, *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == ["handoff.db"]


@pytest.mark.thorough
def test_a_file_of_settings_is_read_when_present_and_the_environment_takes_precedence(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///file.db\n")
    (tmp_path / "other").write_text("DATABASE_URL=sqlite:///other.db\n")
    for arguments, environ, name in (
        ((), {}, "file.db"),
        ((), {"DATABASE_URL": "sqlite:///environment.db"}, "environment.db"),
        (("--env-file", "other"), {}, "other.db"),
        ((), {"HANDOFF_ENV_FILE": "/dev/null"}, "handoff.db"),
    ):
        assert not (tmp_path / name).exists()
        done = in_folder(tmp_path, *arguments, "report", **environ)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).exists()


def test_a_named_file_of_settings_that_is_missing_is_an_error(tmp_path):
    done = in_folder(tmp_path, "--env-file", "missing", "report")
    assert done.returncode == 2
    assert "missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.thorough
def test_credentials_in_the_file_of_settings_make_the_one_command_serve_for_real(tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\n")
    done = in_folder(tmp_path, "run")
    assert done.returncode == 2
    assert "SLACK_SIGNING_SECRET" in done.stderr
    assert "SLACK_BOT_TOKEN" not in done.stderr


def test_the_version_is_printed():
    assert run("--version").stdout == f"handoff, version {__version__}\n"


def test_the_start_refuses_to_serve_customers_with_the_sample_shops_articles(
    environment, monkeypatch
):
    monkeypatch.setenv("SAMPLE_KNOWLEDGE", "false")
    told = run("serve")

    assert told.exit_code == 2
    assert "belong to the sample shop" in told.stderr
    assert "SAMPLE_KNOWLEDGE=true" in told.stderr


def test_the_doctor_says_that_the_articles_are_the_sample_shops(environment, monkeypatch):
    monkeypatch.setenv("SAMPLE_KNOWLEDGE", "false")
    (line,) = [line for line in run("doctor").stdout.splitlines() if "knowledge:" in line]

    assert line.startswith("FAIL")
    assert "belong to the sample shop" in line


def test_ones_own_articles_are_served(environment, tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("# Hats\nRed.", "utf-8")
    monkeypatch.setenv("SAMPLE_KNOWLEDGE", "false")
    monkeypatch.setenv("KNOWLEDGE_DIR", str(tmp_path))

    settings = read_settings()
    assert app.servable(settings) is settings
