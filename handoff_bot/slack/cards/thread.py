"""Renders posts in a card's thread, and ephemeral messages to one agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from handoff_bot.domain.desk import EphemeralMessage, Post, PostKind
from handoff_bot.slack.cards.card import link_to, permalink
from handoff_bot.slack.kit.fields import button, feedback_buttons, plain_feedback_buttons
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    bullets,
    chart_block,
    chart_text,
    context,
    date,
    line,
    mention,
    moment,
    mrkdwn,
    named,
    notification,
    one_line,
    plain,
    quote,
    rich,
    section,
    sections,
    shorten,
    spelled,
    strong,
    table_block,
    table_text,
    words,
)

_BODY = 8000
_NOTES = 1500
_EACH = 300
"""Characters of each message of a transcript, and of each line with a button: View conversation has all."""
MOST_SAID = 6
BEFORE = "Messages before the escalation:"
_OURS_TO_AGENTS = frozenset({PostKind.NOTICE, PostKind.TOLD})


def render_post(
    post: Post, workspace_url: str = "", *, named_outside: bool = False
) -> SlackMessage:
    """Renders a post in the thread, or elsewhere with a link to it.

    `named_outside` if the post's sender already shows the speaker's name, so that no line repeats it.
    """
    above = [*_mentions(post), *_post(post, named_outside=named_outside)]
    for row in post.rows:
        text = shorten(row.text, _EACH)
        accessory = button(row.button, row.value, text)
        above.append({**section(text), "accessory": accessory})
    newer = list(_newer(post))
    below = link_to(permalink(post.about, workspace_url))
    if post.footer:
        below.append(context(mrkdwn(_footer(post))))
    buttons = [*([post.button] if post.button else []), *post.buttons]
    if buttons:
        below.append(actions(*(button(kind, post.value) for kind in buttons)))
    text = notification(_spoken(post)) if post.text or not post.footer else _footer(post)
    basic = [*above, *(each for _, each in newer), *below] if newer else None
    return SlackMessage(text, [*above, *(each for each, _ in newer), *below], basic)


def _newer(post: Post) -> Iterator[tuple[Block, Block]]:
    """Yields the blocks that a workspace may not have, each with what replaces it."""
    yield from ((chart_block(each), chart_text(each)) for each in post.charts)
    if post.table:
        yield table_block(post.table), table_text(post.table)
    if post.feedback:
        yield feedback_buttons(post.feedback), plain_feedback_buttons(post.feedback)


def _footer(post: Post) -> str:
    at = datetime.fromtimestamp(post.at, UTC)
    return post.footer.format(time=date(at, "{time}"), moment=moment(at))


def render_posts(posts: Sequence[Post], *, named_outside: bool = False) -> SlackMessage:
    """Renders several posts by one speaker as one message: the name once, a divider between the posts."""
    first, *others = posts
    rendered = render_post(first, named_outside=named_outside)
    if not others:
        return rendered
    blocks = [*rendered.blocks]
    for post in others:
        if post.kind is not PostKind.NOTICE:
            blocks.append({"type": "divider"})
        blocks += _post(post, named_outside=True)
    return SlackMessage(notification(" | ".join(_together_spoken(posts))), blocks)


def _together_spoken(posts: Sequence[Post]) -> Iterator[str]:
    """Returns the notification text: the name once, then as much of the posts as fits."""
    yield _spoken(posts[0])
    yield from (post.spoken for post in posts[1:])


def _mentions(post: Post) -> Iterator[Block]:
    """Returns mentions on a line of their own, because only our own markup may ping."""
    called = [mention(one) for one in post.mentions]
    if any(called):
        yield {"type": "section", "text": mrkdwn(" ".join(filter(None, called)))}


def _post(post: Post, *, named_outside: bool) -> Iterator[Block]:
    if post.kind in _RENDERED:
        yield from _RENDERED[post.kind](post)
        return
    if not named_outside:
        yield context(plain(_heading(post)))
    if post.notes:
        yield rich(quote("\n".join(post.notes), _NOTES))
    if post.text:
        yield rich(line(words(post.text, _BODY)))


def _transcript(post: Post) -> Iterator[Block]:
    yield context(plain(BEFORE))
    if post.said:
        yield rich(bullets(*(_said(*each) for each in post.said[-MOST_SAID:])))


_RENDERED: dict[PostKind, Callable[[Post], Iterable[Block]]] = {
    PostKind.NOTICE: lambda post: [context(plain(post.text))],
    PostKind.TOLD: lambda post: sections(post.text) if post.text or not post.footer else [],
    PostKind.FAILURE: lambda post: [section(f"❌ This did not reach the customer. {post.text}")],
    PostKind.TRANSCRIPT: _transcript,
}


def _said(speaker: str, text: str) -> Block:
    return line(strong(f"{named(speaker)}: "), words(one_line(text, _EACH), _EACH))


def sender_identity_of(post: Post) -> str:
    """Returns the name under which a customer's messages are posted."""
    return _heading(post)


def _heading(post: Post) -> str:
    if post.kind is PostKind.OURS:
        return f"{named(post.name) if post.name else 'Assistant'} → customer"
    return f"{named(post.name)} on {spelled(post.channel)}" if post.channel else named(post.name)


def _spoken(post: Post) -> str:
    if post.kind is PostKind.FAILURE:
        return f"Not delivered: {post.text}"
    if post.kind is PostKind.TRANSCRIPT:
        return " | ".join([BEFORE, *(f"{named(who)}: {text}" for who, text in post.said)])
    return post.text if post.kind in _OURS_TO_AGENTS else f"{_heading(post)}: {post.spoken}"


def render_ephemeral(ephemeral: EphemeralMessage) -> SlackMessage:
    """Renders an ephemeral message with its buttons."""
    rendered = render_words(ephemeral.text)
    if not ephemeral.buttons:
        return rendered
    row = actions(*(button(kind, ephemeral.value) for kind in ephemeral.buttons))
    return SlackMessage(rendered.text, [*rendered.blocks, row])


def render_words(text: str) -> SlackMessage:
    """Renders a plain message."""
    return SlackMessage(notification(text), [section(text)])


def settled(blocks: Sequence[Block], text: str) -> SlackMessage:
    """Returns a message without its buttons after a click, with the result below."""
    kept = [block for block in blocks if block.get("type") != "actions"]
    return SlackMessage(notification(text), [*kept, context(plain(shorten(text, 300)))])
