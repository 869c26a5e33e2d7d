"""What is said in a card's thread: to everybody, and to one agent alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handoff_bot.domain.desk import Post, PostKind, Whisper
from handoff_bot.slack.blocks.board import permalink
from handoff_bot.slack.blocks.buttons import button
from handoff_bot.slack.blocks.text import (
    Block,
    Drawing,
    actions,
    context,
    line,
    mention,
    mrkdwn,
    named,
    notification,
    plain,
    quote,
    rich,
    section,
    shorten,
    spelled,
    words,
)

_BODY = 8000
_NOTES = 1500
_OURS_TO_AGENTS = frozenset({PostKind.NOTICE, PostKind.TOLD})


def draw_post(post: Post, workspace_url: str = "", *, named_outside: bool = False) -> Drawing:
    """A post for all agents in the thread, or outside of it with a link to it.

    `named_outside` when the post carries the speaker's name itself, so that no line need say it.
    """
    blocks = [*_mentions(post), *_post(post, named_outside=named_outside)]
    link = permalink(post.about, workspace_url)
    if link:
        blocks.append(context(mrkdwn(f"<{link}|Open thread>")))
    buttons = [*([post.button] if post.button else []), *post.buttons]
    if buttons:
        blocks.append(actions(*(button(kind, post.value) for kind in buttons)))
    return Drawing(notification(_spoken(post)), blocks)


def draw_posts(posts: Sequence[Post], *, named_outside: bool = False) -> Drawing:
    """Several posts by one speaker as one message: named once, a line between what was said apart."""
    first, *others = posts
    drawing = draw_post(first, named_outside=named_outside)
    if not others:
        return drawing
    blocks = [*drawing.blocks]
    for post in others:
        if post.kind is not PostKind.NOTICE:
            blocks.append({"type": "divider"})
        blocks += _post(post, named_outside=True)
    return Drawing(notification(" | ".join(_together_spoken(posts))), blocks)


def _together_spoken(posts: Sequence[Post]) -> Iterator[str]:
    """What is said aloud: the name once, then as much of the rest as there is room for."""
    yield _spoken(posts[0])
    yield from (post.spoken for post in posts[1:])


def _mentions(post: Post) -> Iterator[Block]:
    """Those who are called: a line of its own, for only our own markup may ping."""
    called = [mention(one) for one in post.mentions]
    if any(called):
        yield {"type": "section", "text": mrkdwn(" ".join(filter(None, called)))}


def _post(post: Post, *, named_outside: bool) -> Iterator[Block]:
    if post.kind is PostKind.NOTICE:
        yield context(plain(post.text))
        return
    if post.kind is PostKind.TOLD:
        yield section(post.text)
        return
    if post.kind is PostKind.FAILURE:
        yield section(f"❌ This did not reach the customer. {post.text}")
        return
    if not named_outside:
        yield context(plain(_heading(post)))
    if post.notes:
        yield rich(quote("\n".join(post.notes), _NOTES))
    if post.text:
        yield rich(line(words(post.text, _BODY)))


def guise_of(post: Post) -> str:
    """The name under which a customer's words are posted."""
    return _heading(post)


def _heading(post: Post) -> str:
    if post.kind is PostKind.OURS:
        return f"{named(post.name) if post.name else 'Assistant'} → customer"
    return f"{named(post.name)} on {spelled(post.channel)}" if post.channel else named(post.name)


def _spoken(post: Post) -> str:
    if post.kind is PostKind.FAILURE:
        return f"Not delivered: {post.text}"
    return post.text if post.kind in _OURS_TO_AGENTS else f"{_heading(post)}: {post.spoken}"


def draw_whisper(whisper: Whisper) -> Drawing:
    """Something for one agent alone, with what they can answer."""
    drawing = draw_words(whisper.text)
    if not whisper.buttons:
        return drawing
    row = actions(*(button(kind, whisper.value) for kind in whisper.buttons))
    return Drawing(drawing.text, [*drawing.blocks, row])


def draw_words(text: str) -> Drawing:
    """Plain words."""
    return Drawing(notification(text), [section(text)])


def settled(blocks: Sequence[Block], text: str) -> Drawing:
    """A message whose buttons have done their work: the buttons gone, what came of them below."""
    kept = [block for block in blocks if block.get("type") != "actions"]
    return Drawing(notification(text), [*kept, context(plain(shorten(text, 300)))])
