"""The documents say what the code says."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

import click
import grimp
import pytest
from pydantic import SecretStr

from handoff_bot.channels import CHANNELS, WEBCHAT
from handoff_bot.cli import main
from handoff_bot.domain import errors
from handoff_bot.domain.escalations import TRANSITIONS
from handoff_bot.domain.language_models import KNOWN
from handoff_bot.settings import Settings
from tests.docs.pages import DOCS, README, ROOT, all_pages, block, check_block, read

ARCHITECTURE = DOCS / "architecture.md"
ASSISTANT = DOCS / "assistant.md"


def settings_table() -> str:
    lines = ["| name | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        secret = " Secret." if field.annotation is SecretStr else ""
        cell = f"`{shown}`" if str(shown) else ""
        lines.append(f"| `{name}` | {cell} | {field.description}{secret} |")
    return "\n".join(lines)


def imports() -> set[tuple[str, str]]:
    """Which part imports which, as `part -> part`; handoff_bot is seen by its packages and modules."""
    graph = grimp.build_graph("handoff_bot", "handoff_sandbox")

    def part(module: str) -> str:
        names = module.split(".")
        return names[1] if names[0] == "handoff_bot" and len(names) > 1 else names[0]

    found = {
        (part(importer), part(imported))
        for imported in graph.modules
        for importer in graph.find_modules_that_directly_import(imported)
    }
    return {(a, b) for a, b in found if a != b and "handoff_bot" not in (a, b)}


def test_the_settings_table_is_the_codes():
    check_block(DOCS / "settings.md", "settings", settings_table())


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its full name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for each, inner in command.commands.items():
        yield from commands(inner, f"{name} {each}")


def test_every_command_and_option_has_its_place_and_no_others_are_named():
    rows = [line for line in block(DOCS / "cli.md", "commands").splitlines() if "`handoff" in line]
    named = set()
    for name, command in commands(main, "handoff"):
        [row] = [row for row in rows if re.match(rf"\| `{name}[ `]", row)]
        named.add(row)
        inner = [each for each in command.params if isinstance(each, click.Option)]
        wanted = {flag for each in inner for flag in (each.secondary_opts or each.opts)}
        assert set(re.findall(r"--[\w-]+", row)) == wanted, name
    assert named == set(rows)


def test_the_table_of_prices_is_the_codes():
    shown = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", block(ASSISTANT, "prices"), re.M))
    coded = {
        name: f"{price.input:.2f} | {price.cached or 'as input'} | {price.output:.2f}"
        for name, price in KNOWN.items()
    }
    coded = {name: re.sub(r"\b0\.1 ", "0.10 ", row) for name, row in coded.items()}
    assert shown == coded


def test_the_picture_of_imports_is_the_codes():
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", block(ARCHITECTURE, "imports"), re.M))
    assert drawn == imports()


def test_the_state_diagram_is_the_transition_table():
    drawn = set(re.findall(r"^ +(\w+) --> (\w+): (\w+)$", read(ARCHITECTURE), re.M))
    coded = {(status, after, step) for (status, step), after in TRANSITIONS.items()}
    assert drawn == {tuple(str(part) for part in row) for row in coded}


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_channel_has_a_row_a_page_and_recorded_payloads(kind):
    address = "/chat/…" if kind == WEBCHAT else f"/webhooks/{kind}"
    assert f"| `{kind}` | `{address}` |" in read(README)
    assert (ROOT / "docs" / "channels" / f"{kind}.md").is_file()
    assert list((ROOT / "tests" / "channels" / "payloads" / kind).iterdir())


def test_the_tree_of_errors_is_complete():
    tree = set(re.findall(r"^[│├└─ ]*(\w+)", errors.__doc__ or "", re.M))
    drawn = {name for name in vars(errors) if name in tree}
    coded = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert drawn == coded


def test_decisions_are_numbered_listed_and_have_a_status():
    files = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    numbers = [int(file.name[:4]) for file in files]
    assert all(after == before + 1 for before, after in pairwise([0, *numbers]))
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(file.name[:4])}. ")
        assert re.search(r"^Status: (accepted|superseded by \d+)$", text, re.M)
        assert f"({file.name})" in index


def test_every_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for group in ("sandbox", "test", "dev"):
        wanted += project["optional-dependencies"].get(group, [])
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    names = {re.split(r"[\[<>=]", line)[0] for line in wanted} - {"handoff-bot"}
    missing = {
        name
        for name in names
        if name not in reasons and not (name.startswith("types-") and "types-*" in reasons)
    }
    assert missing == set()


def test_every_package_of_the_page_has_its_reason():
    package = json.loads((ROOT / "handoff_sandbox/web/package.json").read_text("utf-8"))
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    names = {*package["dependencies"], *package["devDependencies"]}
    assert {
        name for name in names if name not in reasons and not name.startswith("@types/")
    } == set()


def test_links_between_documents_lead_somewhere():
    for page in all_pages():
        for target in re.findall(r"\]\(([^)]+)\)", read(page)):
            path, _, anchor = target.partition("#")
            if path.startswith("http"):
                continue
            other = page.parent / path if path else page
            assert other.exists(), f"{page.name} -> {target}"
            assert not anchor or anchor in anchors(read(other)), f"{page.name} -> {target}"


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_test_that_a_page_names_exists():
    for page in all_pages():
        for path, name in re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", read(page)):
            assert (ROOT / path).exists(), f"{page.name} -> {path}"
            assert not name or f"def {name}(" in read(ROOT / path), f"{page.name} -> {name}"
