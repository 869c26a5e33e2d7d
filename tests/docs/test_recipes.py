"""The recipes of CONTRIBUTING.md name what exists, and the number of files that they touch only falls."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import ROOT, read

PAGE = ROOT / "CONTRIBUTING.md"
RECIPES = read(PAGE).split("## Recipes\n")[1].split("\n## ")[0]
FILES = {
    "Add a channel": 10,
    "Add a slash command": 2,
    "Add a setting": 3,
    "Add a modal": 3,
    "Add a customer text": 5,
    "Add a metric": 5,
    "Add a table": 4,
    "Add a waiting-policy step": 3,
    "Add a connector": 8,
    "Add a test": 2,
}
"""Files that the numbered steps of each recipe name; a budget may only go down."""
ALIKE = {
    "Add a channel": ("channels.sms", "TWILIO_SMS_FROM", "_SPELLINGS", "CHANNEL_ICONS"),
    "Add a connector": ("zendesk", "check_zendesk", "ZENDESK_URL"),
    "Add a setting": ("reopen_hours",),
    "Add a waiting-policy step": ("PolicyStepKind.CALLBACK",),
    "Add a customer text": ("Moment.CALLBACK",),
    "Add a table": ("ModelState",),
}
"""What an existing one of its kind is called in the code: the recipe names every file that has it."""
ELSEWHERE = {
    "Add a channel": {"channels/_twilio_checks.py"},
    "Add a connector": {
        "handoff_bot/connectors/zendesk.py",
    },
    "Add a table": {"handoff_bot/storage/model_state.py"},
}
"""Files that the example itself is made of."""
CODE = re.compile(r"`([^`]+)`")
FILE = re.compile(r"[\w./<>-]+\.(?:py|md|txt|toml)")


def sections() -> dict[str, str]:
    parts = RECIPES.split("\n### ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def steps(recipe: str) -> str:
    """The numbered steps, without what is said before and after them."""
    lines: list[str] = []
    is_inside = False
    for line in recipe.splitlines():
        is_inside = bool(re.match(r"\d+\. ", line)) or (is_inside and line.startswith("   "))
        if is_inside:
            lines.append(line.strip())
    return " ".join(lines)


def files_in(text: str) -> Iterator[str]:
    """The files that a text names in code or links to."""
    for name in (*CODE.findall(text), *re.findall(r"\]\(([^)#]+)\)", text)):
        if FILE.fullmatch(name):
            yield name


def touched(recipe: str) -> set[str]:
    """The files that the steps change; models to look at do not count."""
    text = re.sub(r"on the model of `[^`]+`|of `handoff_bot/ports.py`", "", steps(recipe))
    return set(files_in(text))


recipes = pytest.mark.parametrize("name", FILES)


def test_there_is_a_recipe_for_each_of_the_ten_tasks():
    assert list(sections()) == list(FILES)


@recipes
def test_a_recipe_names_only_files_that_exist(name):
    named = {file for file in files_in(sections()[name]) if "<" not in file}
    assert {file for file in named if not (ROOT / file).is_file()} == set()


@recipes
def test_a_new_file_of_a_recipe_has_a_folder_to_lie_in(name):
    new = {file for file in files_in(sections()[name]) if "<" in file}
    folders = {str(Path(file.partition("<")[0] or ".").parent / "x") for file in new}
    assert {folder for folder in folders if not (ROOT / folder).parent.is_dir()} == set()


@recipes
def test_a_recipe_names_only_what_the_files_have(name):
    recipe = sections()[name]
    named = [file for file in files_in(recipe) if "<" not in file]
    text = "\n".join(read(ROOT / file) for file in named) + read(ROOT / "tests/conftest.py")
    text += "".join(read(path) for path in ROOT.glob("tests/*/conftest.py"))
    text += read(ROOT / "handoff_bot/slack/feature.py") + read(ROOT / "Makefile")
    codes = {code for code in CODE.findall(steps(recipe)) if re.fullmatch(r"[A-Za-z_.]+", code)}
    words = {code.rpartition(".")[2] for code in codes if not FILE.fullmatch(code)}
    unknown = {word for word in words if not re.search(rf"\b{re.escape(word)}\b", text)}
    assert unknown - set(_existing_names()) == set()


def _existing_names() -> Iterator[str]:
    """Names that code anywhere in the product defines."""
    for path in ROOT.glob("handoff_bot/**/*.py"):
        yield from re.findall(r"^\s*(?:def|class) (\w+)", read(path), re.M)


@recipes
def test_a_recipe_touches_no_more_files_than_before(name):
    assert len(touched(sections()[name])) <= FILES[name], touched(sections()[name])


@pytest.mark.parametrize("name", ALIKE)
def test_a_recipe_names_every_file_in_which_an_existing_one_is_named(name):
    product = [ROOT / "app.py", *ROOT.glob("handoff_bot/**/*.py"), *ROOT.glob("channels/*.py")]
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(word)}\b" for word in ALIKE[name]))
    files = (path for path in product if not path.is_symlink())
    found = {str(path.relative_to(ROOT)) for path in files if pattern.search(_code(path))}
    assert found - touched(sections()[name]) - ELSEWHERE.get(name, set()) == set()


def test_the_recipe_of_a_connector_names_every_page_on_which_an_existing_one_is_named():
    pages = {f"docs/{path.name}" for path in ROOT.glob("docs/*.md") if "Zendesk" in read(path)}
    made_of_code, about_the_stand_in = "docs/settings.md", "docs/sandbox.md"
    about_exports = {"docs/cli.md", "docs/evaluate.md"}  # of chats, which need no connector
    assert pages - {made_of_code, about_the_stand_in} - about_exports == {
        page for page in touched(sections()["Add a connector"]) if page.startswith("docs/")
    }


def _code(path: Path) -> str:
    """The code of a file, without comments and docstrings."""
    without = re.sub(r'"""(?:.|\n)*?"""', "", read(path))
    return re.sub(r"#.*", "", without)


# -- what GitHub and pre-commit read


def test_the_workflow_runs_what_must_pass_and_nothing_of_its_own():
    workflow = yaml.safe_load(read(ROOT / ".github/workflows/ci.yml"))
    (job,) = workflow["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[-1] == ".ci/run"
    assert all(run.startswith("git config") for run in runs[:-1])
    assert workflow["permissions"] == {"contents": "read"}


def test_the_hooks_run_what_make_check_runs():
    hooks = yaml.safe_load(read(ROOT / ".pre-commit-config.yaml"))["repos"][0]["hooks"]
    makefile = read(ROOT / "Makefile")
    for hook in hooks:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{tool}" in makefile
        assert set(hook["stages"]) <= {"pre-commit", "pre-push"}


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[bf]*.yml")))
def test_an_issue_form_has_what_github_asks_for(form):
    made = yaml.safe_load(read(form))
    assert {"name", "description", "body"} <= set(made)
    fields = [part for part in made["body"] if part["type"] != "markdown"]
    ids = [part["id"] for part in fields]
    assert len(set(ids)) == len(ids)
    assert all(part["attributes"]["label"] for part in fields)
    assert any(part.get("validations", {}).get("required") for part in fields)
