"""The knowledge base in Slack: admins list, write and edit articles, and decide about drafts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.articles import (
    LONGEST_TAGS,
    LONGEST_TEXT,
    LONGEST_TITLE,
    Article,
    ArticleFile,
)
from handoff_bot.domain.desk import Button
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.text import language_name, many
from handoff_bot.slack.cards.thread import settled
from handoff_bot.slack.feature import (
    Click,
    Feature,
    SlashCommand,
    Tools,
    ephemeral,
    replace_message,
    submits,
)
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import Number, labelled, modal, turns
from handoff_bot.slack.kit.form import Form, Metadata, Submission, text
from handoff_bot.slack.kit.text import Block, actions, context, one_line, plain, section

TITLE = "Knowledge base"
GONE = "This article has been deleted."
NO_QUESTION = "The question was deleted, or an article answers it now."
SHOWN = 200


class KnowledgeAction(StrEnum):
    """Action ids of the buttons."""

    SHOW = "knowledge_show"
    PAGE_BACK = "knowledge_page_back"
    PAGE_ON = "knowledge_page_on"
    ADD = "knowledge_add"
    CHANGE = "knowledge_change"


# -- the list


@dataclass(frozen=True)
class Search:
    """Search text and page."""

    query: str = ""
    page: Number = 0


@dataclass(frozen=True)
class Found:
    """A page of a search: its articles, the number of pages, and of articles in all."""

    rows: Sequence[ArticleFile]
    page: int
    pages: int
    count: int


QUERY = text(
    "knowledge_query",
    "Search for",
    placeholder="refund",
    most=100,
    hint="Title, file or language of the article",
    optional=True,
    current=lambda search: search.query,
)
SEARCH = Metadata(Search, Search())
LIST = Form(TITLE, "knowledge_list", (QUERY,), SEARCH, submit="Search", close="Close")


def render_list(found: Found, search: Search, banner: str = "") -> Block:
    """Renders a search and its results."""
    blocks = [*_heading(found, search), *map(_row, found.rows)]
    if others := turns(KnowledgeAction.PAGE_BACK, KnowledgeAction.PAGE_ON, found.page, found.pages):
        blocks.append(actions(*others))
    return LIST.render(search, search, below=blocks, banner=banner)


def _heading(found: Found, search: Search) -> Iterator[Block]:
    where = f"{many(found.count, 'article')} · page {found.page + 1} of {found.pages}"
    yield context(plain(where))
    yield actions(labelled(KnowledgeAction.ADD, "Write an article…", "new"))
    if not found.count:
        yield section("No articles found." if search.query else "No articles yet.")


def _row(file: ArticleFile) -> Block:
    title = one_line(file.article.title, LONGEST_TITLE)
    about = [one_line(file.name, SHOWN)]
    if file.article.language:
        about.append(one_line(language_name(file.article.language), 40))
    if file.locked:
        return section(f"{title}\n{' · '.join(about)}\n{file.locked}")
    row = section(f"{title}\n{' · '.join(about)}")
    # Slack refuses a longer value; such a name is refused like a deleted one.
    row["accessory"] = labelled(KnowledgeAction.CHANGE, "Edit…", file.name[:2000], title)
    return row


def look_up(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff knowledge refund`."""
    tools.desk.open_view(asked.trigger_id, _list(tools, Search(asked.words)))


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    put(tools, click, _list(tools, Search()))


def searched(tools: Tools, entered: Submission[Search], ack: Ack) -> None:
    """Another search text."""
    ack(response_action="update", view=_list(tools, Search(entered[QUERY])))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page of the same search."""
    ack()
    search = replace(SEARCH.parse(click.metadata), page=click.number or 0)
    tools.desk.update_view(click.view_id, _list(tools, search))


def _list(tools: Tools, search: Search, banner: str = "") -> Block:
    found = Found(*tools.core.articles.page(search.query, search.page))
    return render_list(found, replace(search, page=found.page), banner)


# -- one article


@dataclass(frozen=True)
class Editing:
    """The edited article.

    Attributes:
        name: its file, "" for a new one.
        digest: of the file when the modal was opened.
        draft: the draft that it comes from, 0 for none.
        search: the metadata of the list below.
    """

    name: str = ""
    digest: str = ""
    draft: Number = 0
    search: str = ""


HEADLINE = text(
    "article_title",
    "Title",
    placeholder="How do I return an order?",
    most=LONGEST_TITLE,
    hint="A question that customers ask, or the topic.",
    current=lambda article: article.title,
)
TEXT = text(
    "article_text",
    "Text",
    many_lines=True,
    most=LONGEST_TEXT,
    hint="Markdown. A line that begins with ## is a heading. Every customer may read it.",
    current=lambda article: article.text,
)
LANGUAGE = text(
    "article_language",
    "Language",
    placeholder="en",
    most=2,
    hint="A code such as en or de. Leave empty to detect it.",
    optional=True,
    current=lambda article: article.language,
).parsed(lambda entered: next(iter(entered), "").strip().lower())
TAGS = text(
    "article_tags",
    "Other terms",
    placeholder="send back, exchange",
    most=LONGEST_TAGS,
    hint="What customers also call it, separated by commas.",
    optional=True,
    current=lambda article: ", ".join(article.tags),
)
FIELDS = {"title": HEADLINE, "text": TEXT, "language": LANGUAGE}
EDIT = Form(
    "Edit article",
    "article_edit",
    (HEADLINE, TEXT, LANGUAGE, TAGS),
    Metadata(Editing, Editing()),
)


def render_edit(article: Article, editing: Editing) -> Block:
    """Renders the form of a new article, an existing one, or a draft."""
    form = EDIT if editing.name else replace(EDIT, title="Write an article")
    if editing.draft:
        form = replace(EDIT, title="Edit draft", submit="Approve")
    about = one_line(editing.name, SHOWN)
    below = [context(plain(about))] if about else []
    return form.render(editing, article, below=below)


def render_refused(why: str) -> Block:
    """Renders why there is nothing to edit."""
    return modal(TITLE, [section(why)])


def add(tools: Tools, click: Click, ack: Ack) -> None:
    """Writes a new article."""
    ack()
    search = SEARCH.parse(click.metadata)
    editing = Editing(search=SEARCH.dump(search))
    put(tools, click, render_edit(Article(search.query[:LONGEST_TITLE], ""), editing))


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Edits an article."""
    ack()
    file = tools.core.articles.get(click.value)
    if file is None or file.locked:
        put(tools, click, render_refused(file.locked if file else GONE))
        return
    editing = Editing(file.name, file.digest, search=click.metadata)
    put(tools, click, render_edit(file.article, editing))


def saved(tools: Tools, entered: Submission[Editing], ack: Ack) -> None:
    """Saves an article, or approves an edited draft."""
    article = Article(entered[HEADLINE], entered[TEXT], entered[LANGUAGE], _tags(entered[TAGS]))
    if wrong := article.problem():
        field, why = wrong
        raise FIELDS[field].invalid(why)
    outcome = _kept(tools, article, entered)
    if not outcome.done:
        raise TEXT.invalid(outcome.text)
    if entered.below:
        ack()
        search = SEARCH.parse(entered.about.search)
        tools.desk.update_view(entered.below, _list(tools, search, outcome.text))
    else:
        ack(response_action="update", view=render_refused(outcome.text))


def _kept(tools: Tools, article: Article, entered: Submission[Editing]) -> ActionResult:
    about = entered.about
    if about.draft:
        return tools.core.drafts.approve(about.draft, tools.agent(entered.by), article)
    return tools.core.articles.save(article, entered.by, about.name, about.digest)


def _tags(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (" ".join(one.split()) for one in words.split(",")))))


# -- drafts and questions


def approved(tools: Tools, click: Click, ack: Ack) -> None:
    """Approves a draft as it is."""
    outcome = tools.core.drafts.approve(click.number or 0, tools.agent(click.desk_id))
    ack()
    _answered(tools, click, outcome)


def rejected(tools: Tools, click: Click, ack: Ack) -> None:
    """Rejects a draft."""
    outcome = tools.core.drafts.reject(click.number or 0, tools.agent(click.desk_id))
    ack()
    _answered(tools, click, outcome)


def _answered(tools: Tools, click: Click, outcome: ActionResult) -> None:
    """Says what was done. A message that a decision elsewhere left behind loses its buttons."""
    _, why = tools.core.drafts.get(click.number or 0)
    if why and not outcome.done:
        replace_message(tools.desk, click, settled(click.blocks, outcome.text))
    ephemeral(tools.desk, click, outcome.text)


def edited(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens a draft."""
    ack()
    number = click.number or 0
    article, why = tools.core.drafts.get(number)
    view = render_edit(article, Editing(draft=number)) if article else render_refused(why)
    put(tools, click, view)


def written(tools: Tools, click: Click, ack: Ack) -> None:
    """Writes an article for a question of the weekly list."""
    ack()
    asked = tools.core.articles.question(click.number or 0)
    if asked is None:
        put(tools, click, render_refused(NO_QUESTION))
        return
    put(tools, click, render_edit(Article(asked.text, "", asked.language), Editing()))


FEATURE = Feature(
    clicks={
        KnowledgeAction.SHOW: by_admins(show),
        KnowledgeAction.PAGE_BACK: by_admins(turned),
        KnowledgeAction.PAGE_ON: by_admins(turned),
        KnowledgeAction.ADD: by_admins(add),
        KnowledgeAction.CHANGE: by_admins(change),
        Button.APPROVE_ARTICLE.value: by_admins(approved),
        Button.EDIT_ARTICLE.value: by_admins(edited),
        Button.REJECT_ARTICLE.value: by_admins(rejected),
        Button.WRITE_ARTICLE.value: by_admins(written),
    },
    views={
        LIST.callback_id: by_admins(submits(LIST, searched)),
        EDIT.callback_id: by_admins(submits(EDIT, saved)),
    },
    commands={"knowledge": by_admins(look_up)},
    help=("/handoff knowledge: look up and edit articles (refund)",),
)
