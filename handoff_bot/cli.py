"""The command line: `python -m handoff_bot COMMAND`."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO
from urllib.parse import urlsplit

import click

from handoff_bot import __version__, logs
from handoff_bot.domain.detection import DEFAULTS
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.replies import CannedReply, tidy_name
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import decoded, many
from handoff_bot.domain.tickets import BYTE_ORDER_MARK, TicketQuery, as_written, harmless
from handoff_bot.settings import (
    ENV_FILE,
    SAMPLE_FOLDER,
    Settings,
    knowledge_dir,
    load_env_file,
    read_database_settings,
    read_settings,
)

if TYPE_CHECKING:
    from handoff_bot.domain.evaluation import Expected, Outcome, Report
    from handoff_bot.serving import Served

REAL = ("SLACK_", "TWILIO_", "WEBCHAT_")
"""Prefixes of the settings that only a real deployment has."""

UNKNOWN_MESSAGE = (
    "No message found. Enter a provider's id (SM…), a Slack timestamp or link, a ticket (#12), or the "
    "trace of a log line."
)
NO_CHARTS = "--chart needs matplotlib. Install it with: pip install 'handoff-bot[charts]'"
NAME_ONE = "Name a workspace, as in: handoff --workspace NAME COMMAND. See: handoff workspaces list"
WITHOUT_WORKSPACE = frozenset(
    {
        "demo",
        "evaluate",
        "explain",
        "judge",
        "keys",
        "knowledge",
        "manifest",
        "replay",
        "run",
        "sandbox",
        "serve",
        "slack-hook",
        "texts",
        "workspaces",
    }
)
"""Commands that use no database, or all of them."""
OF_THE_PROCESS = frozenset({"demo", "run", "sandbox", "serve", "slack-hook", "workspaces"})
"""Commands that are never about one of several workspaces: one alone would get the events of all."""
NOT_OF_ONE = "{command} is not for one workspace: leave out --workspace and HANDOFF_WORKSPACE."
COLUMNS = ("name", "language", "text")
"""Columns of canned replies in CSV."""


class OneLineErrors(click.Group):
    """Prints errors raised on purpose as one line, and exits with 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HandoffError as error:
            click.echo(str(error), err=True)
            sys.exit(2)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="handoff")
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="HANDOFF_ENV_FILE",
    help="File of settings, by default .env if it exists. The environment takes precedence.",
)
@click.option(
    "--workspace",
    envvar="HANDOFF_WORKSPACE",
    default="",
    help="One of several workspaces, by the name of its folder in WORKSPACES_DIR.",
)
@click.pass_context
def main(ctx: click.Context, env_file: Path | None, workspace: str) -> None:
    """Live escalation from an AI assistant to a human, run from Slack."""
    if env_file or ENV_FILE.is_file():
        load_env_file(env_file or ENV_FILE)
    if workspace and ctx.invoked_subcommand in OF_THE_PROCESS:
        raise click.UsageError(NOT_OF_ONE.format(command=ctx.invoked_subcommand))
    if workspace:
        from handoff_bot.workspaces.commands import chosen

        ctx.with_resource(chosen(os.environ, workspace))
    elif _serves_several() and ctx.invoked_subcommand not in WITHOUT_WORKSPACE:
        raise click.UsageError(NAME_ONE)


def _serves_several() -> bool:
    return bool(os.environ.get("WORKSPACES_DIR", "").strip())


@main.command()
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker"]),
    default="all",
    show_default=True,
    help="Answer web requests, run background jobs, or both.",
)
def serve(role: str) -> None:
    """Run the bot: webhooks, Slack, jobs and timers."""
    if _serves_several():
        _serve_several(role)
        return
    from handoff_bot import app

    settings = app.servable(read_settings())
    app.migrate_first(settings)
    app.refuse_lacking_keys(settings)
    logs.set_up(settings.LOG_LEVEL)
    if role == "worker":
        _work(app.build(settings, "worker"))
        return
    app.server(settings, role).run()


def _serve_several(role: str) -> None:
    from handoff_bot.workspaces import process

    settings = process.read_process_settings(os.environ)
    logs.set_up(settings.LOG_LEVEL)
    if role == "worker":
        _work(process.Workspaces(settings, os.environ, "worker"))
        return
    process.server(settings, os.environ, role).run()


@main.command()
@click.option("--port", type=int, envvar="PORT", default=3000, show_default=True)
def sandbox(port: int) -> None:
    """Open the sandbox in a browser, without accounts: customers, agents and an admin."""
    from handoff_sandbox.page.run import run as run_sandbox

    sys.exit(run_sandbox(port, click.echo))


@main.command()
def run() -> None:
    """Run the bot if credentials are set; otherwise open the sandbox."""
    is_real = any(value.strip() for name, value in os.environ.items() if name.startswith(REAL))
    (serve if is_real else sandbox).main([], prog_name="handoff")


@main.command("slack-hook", context_settings={"ignore_unknown_options": True})
@click.argument("hook", type=click.Choice(["get-hooks", "get-manifest", "start"]))
@click.option("--protocol", default="", help="How the Slack CLI reads the answer.")
@click.option("--boundary", default="", help="What stands around the answer.")
@click.argument("others", nargs=-1, type=click.UNPROCESSED, expose_value=False)
def slack_hook(hook: str, protocol: str, boundary: str) -> None:
    """Answer the Slack CLI: its hooks for `slack run` and `slack manifest`."""
    from handoff_bot.slack.manifest import (
        BOUNDARIES,
        Hook,
        hook_answer,
        hook_defaults,
        missing_variables,
    )

    if hook != Hook.START:
        around = boundary if protocol == BOUNDARIES else ""
        click.echo(f"{around}{hook_answer(Hook(hook))}{around}")
        return
    missing = missing_variables(os.environ)
    if missing:
        raise click.UsageError(f"Run this by `slack run`: {', '.join(missing)} is not set.")
    os.environ.update(hook_defaults(os.environ))
    serve.main([], prog_name="handoff")


def _work(handoff: Served) -> None:
    """Runs jobs and timers, without a web server, until the process is told to stop."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    handoff.start()
    ended.wait()
    handoff.stop()


@main.command()
@click.option(
    "--running", is_flag=True, help="Also check that PUBLIC_BASE_URL reaches the running bot."
)
def doctor(*, running: bool) -> None:
    """Check the configuration, and say how to fix each problem."""
    from handoff_bot import app

    sys.exit(_print_results(app.checks(read_settings(), is_up=running)))


def _print_results(results: Iterable[CheckResult]) -> int:
    """Prints health checks as they are made; returns the exit code, 1 if one failed."""
    well = True
    for each in results:
        click.echo(each.line())
        well = well and each.ok
    return 0 if well else 1


@main.command()
@click.option("--socket", is_flag=True, help="For Socket Mode, without public addresses.")
@click.option(
    "--base-url",
    default="https://bot.example.com",
    show_default=True,
    help=("Public address of the bot."),
)
@click.option("--several", is_flag=True, help="For an app that several workspaces install.")
def manifest(base_url: str, *, socket: bool, several: bool) -> None:
    """Print the Slack app's manifest, to create the app from."""
    from handoff_bot.slack.manifest import distributed
    from handoff_bot.slack.manifest import manifest as slack_manifest

    if several and socket:
        raise click.UsageError("Several workspaces need public addresses: leave out --socket.")
    address = urlsplit(base_url)
    if not socket and not (address.scheme == "https" and address.hostname):
        raise click.UsageError("--base-url must be an address such as https://bot.example.com.")
    if several:
        click.echo(json.dumps(distributed(base_url), indent=2))
        return
    click.echo(json.dumps(slack_manifest("" if socket else base_url), indent=2))


@main.command()
def judge() -> None:
    """Judge conversations: JSON lines in, one judgement per line out."""
    from handoff_bot.ai.detector.local import LocalDetector
    from handoff_bot.ai.judging import judge_lines

    detector = LocalDetector.load()
    for line in judge_lines(sys.stdin, detector):
        click.echo(line)


@main.command()
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def explain(file: TextIO) -> None:
    """Explain how a conversation is judged: one JSON object, from FILE or standard input."""
    from handoff_bot.ai.detector.local import LocalDetector
    from handoff_bot.ai.judging import explain as lines_about
    from handoff_bot.ai.judging import read_talk

    try:
        talk = read_talk(file.read())
        lines = list(lines_about(LocalDetector.load(), talk))
    except (HandoffError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    click.echo("\n".join(lines))


SAMPLES = Path(__file__).with_name("samples")
"""Invented questions and conversations of the sample shop."""
LARGEST_QUESTIONS = 20 * 1024**2
"""Bytes of a file of questions."""


def _in_a_folder(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    if file and not file.parent.is_dir():
        raise click.BadParameter(f"the folder {file.parent} does not exist.")
    return file


to_csv = click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_in_a_folder,
    help="Write a CSV file.",
)


@main.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--sample", is_flag=True, help="Ask the sample shop's questions about its articles.")
@click.option(
    "--assistant",
    "which",
    type=click.Choice(["local", "model", "both"]),
    help="Without a key, with the language model, or both. Default: both if there is a key.",
)
@click.option(
    "--show", is_flag=True, help="Also print each question that was not answered rightly."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every question.")
@to_csv
@click.option(
    "--at-least",
    type=click.IntRange(0, 100),
    help="Exit with 1 if a smaller share, in percent, is right.",
)
@click.option("--live", is_flag=True, help="With the rules and guidance stored in DATABASE_URL.")
@click.option("--yes", is_flag=True, help="Ask the language model without confirmation.")
@click.option("--most", type=click.IntRange(1, 100_000), default=500, show_default=True)
@click.option("--minutes", type=click.IntRange(1, 1440), default=30, show_default=True)
def evaluate(
    file: BinaryIO | None,
    which: str | None,
    csv_file: Path | None,
    at_least: int | None,
    most: int,
    minutes: int,
    *,
    sample: bool,
    show: bool,
    as_json: bool,
    live: bool,
    yes: bool,
) -> None:
    """Ask the assistant the questions of FILE: how many answers are right, wrong or refused?

    FILE is CSV or JSON lines: question, facts (separated by |), and optionally language, earlier, expect
    (none for a question to be refused) and article. Needs only the knowledge folder. --most limits the
    calls of the language model, --minutes the run. See docs/evaluate.md.
    """
    if bool(file) == sample:
        raise click.UsageError("Give a FILE of questions, or --sample.")
    if file and _is_same(csv_file, file.name):
        raise click.UsageError("--csv would overwrite the questions.")
    questions = _questions(file)
    settings = _evaluation_settings(sample=sample, live=live)
    is_sample = settings.KNOWLEDGE_DIR == SAMPLE_FOLDER
    shown = "of the sample shop" if is_sample else f"in {settings.KNOWLEDGE_DIR}"
    click.echo(f"Articles {shown}.", err=True)
    names = _assistants(which, has_key=bool(settings.OPENAI_API_KEY.get_secret_value()))
    if "model" in names and not yes:
        _confirm_calls(questions, settings, most)
    reports: list[Report] = []
    is_interrupted = False
    with closing(_CsvFile(csv_file)) as rows:
        try:
            reports.extend(
                _reports(questions, settings, names, most, 60.0 * minutes, rows, live=live)
            )
        except KeyboardInterrupt:
            is_interrupted = True
    _print_reports(reports, show=show, as_json=as_json)
    if rows.problem:
        click.echo(rows.problem, err=True)
        sys.exit(2)
    if is_interrupted:
        click.echo("Interrupted. The report holds the questions asked until then.", err=True)
        sys.exit(130)
    sys.exit(0 if all(one.reaches(at_least or 0) for one in reports) else 1)


def _is_same(file: Path | None, other: str) -> bool:
    """Returns whether both are one file that exists; "<stdin>" is none."""
    try:
        return file is not None and file.samefile(other)
    except OSError:
        return False


class _CsvFile:
    """Writes each line of a report at once, or nothing without a file. Close it.

    Attributes:
        problem: why the file is incomplete, "" otherwise. Only opening it raises an error: what was
            paid for is printed even if the disk is full.
    """

    def __init__(self, file: Path | None) -> None:
        self.problem = ""
        self._file = file
        try:
            self._stream = open(file or os.devnull, "w", encoding="utf-8-sig", newline="")  # noqa: SIM115
        except OSError as error:
            raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from None

    def add(self, line: str) -> None:
        if self.problem:
            return
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            self.problem = f"{self._file} is incomplete: {error.strerror}."

    def close(self) -> None:
        with suppress(OSError):  # closing writes again what could not be written
            self._stream.close()


def _print_reports(reports: Sequence[Report], *, show: bool, as_json: bool) -> None:
    from handoff_bot.domain.evaluation import compared

    if as_json:
        click.echo(json.dumps([one.data() for one in reports], ensure_ascii=False, indent=1))
        return
    for one in reports:
        click.echo("\n".join([*one.lines(), *(one.shown() if show else ()), ""]))
    if line := compared(reports):
        click.echo(line)


def _questions(file: BinaryIO | None) -> list[Expected]:
    """Reads a file of questions, or the sample shop's."""
    from handoff_bot.domain.evaluation import read_questions

    given = file.read(LARGEST_QUESTIONS + 1) if file else _sample_questions().read_bytes()
    if len(given) > LARGEST_QUESTIONS:
        raise click.UsageError("The file has more than 20 MB.")
    try:
        return read_questions(decoded(given).text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _sample_questions() -> Path:
    return SAMPLES / "shop-questions.csv"


def _evaluation_settings(*, sample: bool, live: bool) -> Settings:
    names = [name for name in Settings.model_fields if name.startswith("OPENAI_")]
    environ = dict(os.environ)
    if sample:
        environ["KNOWLEDGE_DIR"] = str(SAMPLE_FOLDER)
    return read_settings(
        environ,
        (*names, "KNOWLEDGE_DIR", *(["DATABASE_URL", "ENCRYPTION_KEY_FILE"] if live else [])),
    )


def _assistants(which: str | None, *, has_key: bool) -> list[str]:
    if which in ("model", "both") and not has_key:
        raise click.UsageError("OPENAI_API_KEY is not set, so there is no language model to ask.")
    wanted = which or ("both" if has_key else "local")
    return ["local", "model"] if wanted == "both" else [wanted]


def _confirm_calls(questions: Sequence[Expected], settings: Settings, most: int) -> None:
    """Asks before money is spent; ends the command if that is refused or there is no terminal."""
    from handoff_bot import app

    calls = min(most, app.evaluation_calls(settings, questions))
    about = f"up to {many(calls, 'call')} of {settings.OPENAI_MODEL}"
    if not _is_terminal():
        raise click.UsageError(f"This makes {about}. Add --yes, or --assistant local for none.")
    click.confirm(f"This makes {about}. Continue?", abort=True, err=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _reports(
    questions: Sequence[Expected],
    settings: Settings,
    names: Sequence[str],
    most: int,
    seconds: float,
    rows: _CsvFile,
    *,
    live: bool,
) -> Iterator[Report]:
    """Yields what became of the questions with each assistant.

    Raises:
        KeyboardInterrupt: after the report about the questions that were asked before it.
    """
    from handoff_bot import app
    from handoff_bot.domain.evaluation import Report, csv_header, csv_row

    rows.add(csv_header())
    rules = app.live_rules(settings) if live else DEFAULTS
    for name in names:
        calls = most if name == "model" else 0
        outcomes: list[Outcome] = []
        with app.evaluation(settings, rules=rules, seconds=seconds, most=calls) as asked:
            try:
                for one in _with_progress(asked.outcomes(questions), len(questions), name):
                    outcomes.append(one)
                    rows.add(csv_row(name, one))
            except KeyboardInterrupt:
                yield Report(name, outcomes)
                raise
            finally:
                if asked.cost:
                    click.echo(f"Spent: {asked.cost}.", err=True)
        yield Report(name, outcomes)


def _with_progress(each: Iterator[Outcome], length: int, name: str) -> Iterator[Outcome]:
    is_hidden = not sys.stderr.isatty()
    with click.progressbar(
        each, length=length, label=name, file=sys.stderr, hidden=is_hidden
    ) as shown:
        yield from shown


@main.command()
@click.argument(
    "export", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option("--sample", is_flag=True, help="Replay the sample shop's conversations.")
@to_csv
@click.option("--examples", type=click.IntRange(0, 1_000), default=10, show_default=True)
@click.option("--whole", is_flag=True, help="Show and write personal data, instead of hiding it.")
@click.option("--live", is_flag=True, help="With the detection rules stored in DATABASE_URL.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=60, show_default=True)
def replay(
    export: Path | None,
    csv_file: Path | None,
    examples: int,
    minutes: int,
    *,
    sample: bool,
    whole: bool,
    live: bool,
) -> None:
    """Show which past conversations would have escalated, when and why, at each sensitivity.

    EXPORT is a file of messages from Chatwoot, Intercom or Zendesk, or a plain table with the columns
    conversation, role, text and optionally time. Needs no database and no key. See docs/evaluate.md.
    """
    from handoff_bot import app
    from handoff_bot.ai.personal_data import hidden
    from handoff_bot.domain.replay import Summary, csv_header, csv_row

    if bool(export) == sample:
        raise click.UsageError("Give an EXPORT of conversations, or --sample.")
    if export and _is_same(csv_file, str(export)):
        raise click.UsageError("--csv would overwrite the export.")
    given = app.past_chats(export or SAMPLES / "shop-chats.csv")
    click.echo(f"Format: {given.format} ({given.encoding}).", err=True)
    settings = _evaluation_settings(sample=sample, live=live)
    mask = str if whole else hidden
    summary = Summary(most_examples=examples)
    rules = app.live_rules(settings) if live else DEFAULTS
    with (
        app.replay(settings, rules=rules, seconds=60.0 * minutes) as replaying,
        _written(csv_file) as written,
    ):
        written.write(csv_header())
        for one in replaying.replayed(given):
            summary.add(one)
            written.write(csv_row(one, mask))
            if summary.total % 1_000 == 0 and sys.stderr.isatty():
                click.echo(f"Conversations: {summary.total:,}…", err=True)
    for line in (*given.counts.lines(), *summary.lines(), *summary.shown(mask)):
        click.echo(line)


@contextmanager
def _written(file: Path | None) -> Iterator[TextIO]:
    """Yields the file, opened for CSV, or what forgets everything."""
    with open(file or os.devnull, "w", encoding="utf-8", newline="") as stream:
        yield stream


@main.command()
@click.option("--apply", is_flag=True, help="Apply the suggested thresholds.")
@click.option(
    "--retrain", is_flag=True, help=("Train the last layer on agents' feedback, and use it.")
)
def tune(apply: bool, retrain: bool) -> None:
    """Suggest thresholds from agents' feedback; with an option, apply them."""
    from handoff_bot import app

    for line in app.tune(read_database_settings(), apply=apply, retrain=retrain):
        click.echo(line)


@main.group()
def canned() -> None:
    """Canned replies as CSV, with the columns name, language (empty for any) and text."""


@canned.command("export")
def export_canned() -> None:
    """Print all canned replies."""
    from handoff_bot import app

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in app.canned_replies(read_database_settings()):
        writer.writerow((one.name, one.language, harmless(one.text)))


@canned.command("import")
@click.argument("file", type=click.File("rb"), default="-")
def import_canned(file: BinaryIO) -> None:
    """Import all replies of FILE or standard input, or none. Replaces replies that already exist.

    Columns are separated by commas, semicolons or tabs. The encoding is UTF-8, UTF-16 or Windows-1252,
    as spreadsheets save it.
    """
    from handoff_bot import app

    try:
        table = decoded(file.read())
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if table.guessed:
        click.echo(
            f"Encoding guessed: {table.guessed}. Check accents and special characters.", err=True
        )
    rows = _rows(table.text)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        click.echo(f"The first line must name the columns {', '.join(COLUMNS)}.", err=True)
        sys.exit(2)
    replies = [
        CannedReply(
            tidy_name(row["name"] or ""),
            (row["language"] or "").strip().casefold(),
            as_written(row["text"] or ""),
        )
        for row in rows
    ]
    problems = app.take_canned_replies(read_database_settings(), replies)
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(2 if problems else 0)


def _rows(table: str) -> csv.DictReader[str]:
    """Yields each row by column. The separator is detected in the first line."""
    first = table.partition("\n")[0]
    return csv.DictReader(io.StringIO(table, newline=""), delimiter=max(",;\t", key=first.count))


@main.group()
def knowledge() -> None:
    """Articles that the assistant answers from."""


@knowledge.command("check")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
)
def check_knowledge(folder: Path | None) -> None:
    """List the articles that are read or skipped, and why. Exits with 1 if a file needs attention.

    FOLDER defaults to KNOWLEDGE_DIR.
    """
    from handoff_bot.ai.assistant.articles import readings
    from handoff_bot.ai.assistant.checks import lines, needs_attention

    found = list(readings(folder or knowledge_dir(), datetime.now(UTC).date()))
    for line in lines(found):
        click.echo(line)
    sys.exit(1 if needs_attention(found) else 0)


@knowledge.command("fetch")
def fetch_pages() -> None:
    """Fetch the web pages of KNOWLEDGE_URLS now. Exits with 1 if a page cannot be read."""
    from handoff_bot import app

    settings = read_settings(names=("KNOWLEDGE_DIR", "KNOWLEDGE_URLS"))
    crawler = app.web_pages(settings)
    if crawler is None:
        click.echo("KNOWLEDGE_URLS is not set.", err=True)
        sys.exit(2)
    found = crawler.crawl()
    if found.is_busy:
        click.echo("Another run is fetching the web pages. Try again in ten minutes.", err=True)
        sys.exit(1)
    for problem in found.problems:
        click.echo(problem, err=True)
    click.echo(
        f"{many(found.written, 'page')} written, {found.unchanged} unchanged, {found.removed} removed."
    )
    sys.exit(1 if found.problems else 0)


@main.group("texts")
def customer_texts() -> None:
    """Texts that customers read, by language."""


@customer_texts.command("check")
@click.argument("languages", nargs=-1)
@click.option("--strict", is_flag=True, help="Count a part that a language lacks as a problem.")
def check_texts(languages: tuple[str, ...], *, strict: bool) -> None:
    """List what each language's texts lack. Exits with 1 if there is a problem.

    Checks missing texts, placeholders, plural forms, the form of address and the length on SMS.
    LANGUAGES are codes such as de; by default all are checked.
    """
    from handoff_bot.domain.texts_check import check_languages

    reports = check_languages(languages)
    unknown = set(languages) - {one.language for one in reports}
    if unknown:
        raise click.BadParameter(f"no texts in {', '.join(sorted(unknown))}")
    for one in reports:
        name, count = one.longest
        lacks = f"; lacks {', '.join(one.lacks)} (shown in English)" if one.lacks else ""
        longest = f"longest {name}, {many(count, 'SMS segment')}"
        click.echo(f"{one.language}: {many(len(one.problems), 'problem')}, {longest}{lacks}")
        for each in one.problems:
            click.echo(f"  {each.place}: {each.problem}")
    is_wrong = any(one.problems or (strict and one.lacks) for one in reports)
    sys.exit(1 if is_wrong else 0)


@main.group()
def tickets() -> None:
    """Support tickets."""


@tickets.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv")
@click.option("--status", type=click.Choice([one.value for one in TicketStatus]), default=None)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help=("Created on this day (UTC) or later.")
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Created before this day (UTC).")
@click.option(
    "--bom/--no-bom",
    default=True,
    show_default=True,
    help="Start the CSV with a byte order mark, so that Excel reads it as UTF-8.",
)
def export_tickets(
    form: str, status: str | None, since: datetime | None, until: datetime | None, *, bom: bool
) -> None:
    """Print all matching tickets, oldest first. docs/tickets.md describes the columns."""
    from handoff_bot import app

    query = TicketQuery(
        status=TicketStatus(status) if status else None,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
    )
    for line in app.export_tickets(read_database_settings(), form, query):
        click.echo(line if bom else line.removeprefix(BYTE_ORDER_MARK), nl=False)


@main.group("db")
def database() -> None:
    """Back up, restore, check, upgrade and encrypt the database."""


@database.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def back_up(file: Path) -> None:
    """Write a consistent copy of the database to a new FILE, while the bot runs."""
    from handoff_bot import app

    click.echo(app.backups(read_database_settings()).back_up(file))


@database.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Also if the database is not empty.")
@click.option(
    "--missed-since",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="When the bot stopped (UTC). It then fetches the messages since.",
)
def restore(file: Path, missed_since: datetime | None, *, replace: bool) -> None:
    """Restore the backup FILE. No bot may be running. See docs/operations.md for what it means."""
    from handoff_bot import app

    since = missed_since.replace(tzinfo=UTC) if missed_since else None
    backups = app.backups(read_database_settings())
    for line in backups.restore(file, replace=replace, missed_since=since):
        click.echo(line)


@database.command("upgrade")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
def upgrade_database(*, dry_run: bool) -> None:
    """Migrate the database, while programs of older versions run. `serve` does the same at start."""
    from handoff_bot import app

    for line in app.upgrade_database(read_database_settings(), dry_run=dry_run):
        click.echo(line)


@database.command("check")
def check_database() -> None:
    """Check integrity, schema and jobs, without changing the database. Exits with 1 on a problem."""
    from handoff_bot import app

    sys.exit(_print_results(app.backups(read_database_settings()).check()))


@database.command("encrypt")
@click.option("--offline", is_flag=True, help="Also if no bot has started with the key yet.")
def encrypt_database(*, offline: bool) -> None:
    """Encrypt stored texts and files with the first key of ENCRYPTION_KEY_FILE, while the bot runs.

    Also after a rotation. It can be interrupted and run again. Exits with 1 if some could not be
    encrypted.
    """
    from handoff_bot import app

    sys.exit(_print_lines(app.encrypt(read_database_settings(), _progress, offline=offline)))


@database.command("decrypt")
def decrypt_database() -> None:
    """Make all stored texts and files plain again, to switch encryption off. No bot may be running."""
    from handoff_bot import app

    sys.exit(_print_lines(app.decrypt(read_database_settings(), _progress)))


def _progress(table: str, rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{table}: {many(rows, 'row')}", nl=False, err=True)


def _print_lines(results: Iterable[CheckResult]) -> int:
    if sys.stderr.isatty():
        click.echo(err=True)
    return _print_results(results)


@main.group()
def keys() -> None:
    """Keys that encrypt texts and files in the database."""


@keys.command("new")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def new_key(file: Path | None) -> None:
    """Print a new key, or write it to a new FILE that only its owner can read.

    To rotate, insert the printed key as the first line of ENCRYPTION_KEY_FILE. See docs/operations.md.
    """
    from handoff_bot import app

    click.echo(app.make_key(file))


@main.group()
def jobs() -> None:
    """Failed jobs: jobs that ran out of retries."""


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def list_jobs(limit: int) -> None:
    """List the newest failed jobs."""
    from handoff_bot import app

    with app.given_up_jobs(read_database_settings()) as found:
        for line in found.lines(limit):
            click.echo(line)


@jobs.command("show")
@click.argument("job_id", type=int, metavar="ID")
@click.option(
    "--with-text",
    is_flag=True,
    help=("Also print the payload, with customers' messages and addresses."),
)
def show_job(job_id: int, with_text: bool) -> None:
    """Print all details of one job, with its conversation and ticket."""
    from handoff_bot import app

    with app.given_up_jobs(read_database_settings()) as found:
        lines = found.describe(job_id, with_text=with_text)
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo(
            f"Job {job_id} has not failed, or it was already retried or dismissed.", err=True
        )
        sys.exit(1)


@jobs.command("retry")
@click.argument("job_ids", type=int, nargs=-1, required=True, metavar="ID…")
def retry_jobs(job_ids: tuple[int, ...]) -> None:
    """Retry failed jobs, each in its lane."""
    _deal_with(job_ids, "retry")


@jobs.command("dismiss")
@click.argument("job_ids", type=int, nargs=-1, required=True, metavar="ID…")
def dismiss_jobs(job_ids: tuple[int, ...]) -> None:
    """Dismiss failed jobs. They do not run, and no longer count as failed."""
    _deal_with(job_ids, "dismiss")


def _deal_with(job_ids: tuple[int, ...], what: str) -> None:
    from handoff_bot import app

    well = True
    with app.given_up_jobs(read_database_settings()) as found:
        for job_id in job_ids:
            outcome = found.retry(job_id) if what == "retry" else found.dismiss(job_id)
            click.echo(outcome.text, err=not outcome.done)
            well = well and outcome.done
    sys.exit(0 if well else 1)


@main.command()
@click.argument("what", metavar="MESSAGE")
@click.option("--with-text", is_flag=True, help="Also print what was written.")
def trace(what: str, *, with_text: bool) -> None:
    """Print what happened to a message: times, attempts and errors, from the webhook to the thread.

    MESSAGE is a provider's id (SM…), a timestamp or link of a Slack message, a ticket (#12), or the trace
    of a log line.
    """
    from handoff_bot import app

    with app.message_traces(read_database_settings()) as found:
        lines = found.lines(what, with_text=with_text)
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo(UNKNOWN_MESSAGE, err=True)
        sys.exit(1)


@main.command()
@click.argument("contact", metavar="CONTACT")
@click.option("--yes", is_flag=True, help="Delete, instead of printing what would be deleted.")
def forget(contact: str, *, yes: bool) -> None:
    """Delete everything about a contact: an id, an address, or channel:address.

    Prints what would be deleted, or with --yes starts it. The running bot does it. Run it again with the
    contact's id for the receipt.
    """
    from handoff_bot import app

    with app.forgetting(read_settings()) as service:
        found = service.preview(contact)
        if not found:
            click.echo("No contact has this id or address.", err=True)
            sys.exit(1)
        for preview in found:
            receipt = service.receipt(preview.contact_id) if preview.state else []
            for line in receipt or preview.lines():
                click.echo(line)
            if yes:
                click.echo(service.request(preview.contact_id, "cli").text)
    if not yes:
        click.echo("Nothing was deleted. To delete it, add --yes.")


@main.command("export")
@click.argument("contact", metavar="CONTACT")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="An empty or new folder. Default: contact-ID here.",
)
def export_contact(contact: str, to: Path | None) -> None:
    """Write everything about a contact into a folder: JSON, a page to read, and files.

    CONTACT is an id, an address, or channel:address.
    """
    from handoff_bot import app

    with app.exporting(read_settings()) as (finder, exporter):
        found = [one.contact_id for one in finder.preview(contact)]
        if not found:
            click.echo("No contact has this id or address.", err=True)
            sys.exit(1)
        for contact_id in found:
            folder = to or Path(f"contact-{contact_id}")
            try:
                written = exporter.write(
                    contact_id, folder if len(found) == 1 else folder / str(contact_id), "cli"
                )
            except (HandoffError, OSError) as error:
                click.echo(str(error), err=True)
                sys.exit(2)
            click.echo(f"Contact {contact_id}: {many(len(written), 'file')} in {folder}")


@main.command()
@click.option(
    "--set",
    "rules",
    multiple=True,
    metavar="RULE",
    help='A rule such as "all messages 365" or "sms files 30"; replaces all rules.',
)
@click.option("--off", is_flag=True, help="Delete all rules.")
@click.option("--yes", is_flag=True, help="Save, instead of printing what would be deleted.")
def retention(rules: tuple[str, ...], *, off: bool, yes: bool) -> None:
    """Show retention rules and what they delete; with --set and --yes, replace them."""
    from handoff_bot import app

    with app.retention(read_settings()) as service:
        try:
            wanted = [] if off else list(rules) or service.lines()
            for preview in service.preview(wanted):
                click.echo(preview.line())
            if yes and (off or rules):
                service.save(wanted, "cli")
                click.echo("Saved. The running bot deletes within the next hour.")
        except ValueError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
    if not wanted:
        click.echo("Retention is off: nothing is deleted by age.")
    elif rules and not yes:
        click.echo("Nothing was changed. To save these rules, add --yes.")


@main.command()
def spending() -> None:
    """Show the daily costs of the language model."""
    from handoff_bot import app

    for line in app.spent(read_database_settings()):
        click.echo(line)


@main.command()
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=7,
    show_default=True,
    help="Number of days, including today.",
)
@click.option("--channel", default="", help="Only this channel, such as whatsapp.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with durations in seconds.")
@click.option("--chart", type=click.Path(dir_okay=False, writable=True), default="", metavar="FILE")
def report(days: int, channel: str, as_json: bool, chart: str) -> None:
    """Report escalations, their reasons, waiting times and outcomes.

    With --chart, FILE gets the chart as a PNG. docs/metrics.md defines each metric.
    """
    from handoff_bot import app

    if chart and find_spec("matplotlib") is None:
        raise click.UsageError(NO_CHARTS)
    for line in app.report(
        read_database_settings(), days=days, channel=channel, as_json=as_json, chart=chart
    ):
        click.echo(line)


@main.group("workspaces")
def several() -> None:
    """Several workspaces in one process."""


@several.command("list")
def list_workspaces() -> None:
    """List the workspaces of WORKSPACES_DIR: team, name, since when, and state."""
    from handoff_bot.workspaces.commands import every

    for line in every(os.environ):
        click.echo(line)


@several.command("doctor")
def check_workspaces() -> None:
    """Check the configuration of every workspace."""
    from handoff_bot.workspaces.commands import checks as checks_of_all

    sys.exit(_print_results(checks_of_all(os.environ)))


@several.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
def back_up_workspaces(folder: Path) -> None:
    """Write consistent copies of all databases into a new FOLDER, while the bot runs."""
    from handoff_bot.workspaces.commands import back_up as back_up_all

    for line in back_up_all(os.environ, folder):
        click.echo(line)


@several.command("remove")
@click.argument("slug", metavar="WORKSPACE")
@click.option("--yes", is_flag=True, help="Delete its database and installation.")
def remove_workspace(slug: str, *, yes: bool) -> None:
    """Delete a workspace with all its conversations. The running bot stops it first."""
    from handoff_bot.workspaces.commands import remove

    if not yes:
        click.echo("Nothing was deleted. To delete it, add --yes. Back it up before that.")
        return
    for line in remove(os.environ, slug):
        click.echo(line)


@main.command()
def demo() -> None:
    """Play a complete escalation without accounts or network: the real bot between stand-ins."""
    from handoff_sandbox.demo import play

    sys.exit(play(click.echo))
