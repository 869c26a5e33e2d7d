"""Which blocks the stand-in refuses, and with which words."""

import pytest

from handoff_sandbox.slack.validation.block_rules import length_of, problems_of

PLAIN = {"type": "plain_text", "text": "Go"}
OPTION = {"text": PLAIN, "value": "1"}


def plain(text):
    return {"type": "plain_text", "text": text}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def button(**more):
    return {"type": "button", "text": PLAIN} | more


def modal_input(**element):
    return {"type": "input", "label": PLAIN, "element": {"type": "plain_text_input"} | element}


def feedback(**changes):
    side = {"text": PLAIN, "value": "1"}
    element = {"type": "feedback_buttons", "positive_button": side, "negative_button": side}
    return {"type": "context_actions", "elements": [element | changes]}


def plot(kind="bar", labels=("Mon", "Tue"), data=None, title="Sales", **axes):
    points = data or [{"label": label, "value": 1.5} for label in labels]
    series = [{"name": "Sales", "data": points}]
    chart = {"type": kind, "series": series, "axis_config": {"categories": [*labels]} | axes}
    return {"type": "data_visualization", "title": title, "chart": chart}


def pie(value, label="Mon"):
    segments = [{"label": label, "value": value}]
    return {
        "type": "data_visualization",
        "title": "Sales",
        "chart": {"type": "pie", "segments": segments},
    }


def table(rows=((1, 2), (3, 4)), kind="raw_text", caption="Sales", **fields):
    cells = [[{"type": kind, "text": str(cell), "value": 1} for cell in row] for row in rows]
    for cell in (each for row in cells for each in row if kind == "raw_text"):
        del cell["value"]
    return {"type": "data_table", "caption": caption, "rows": cells} | fields


GOOD = {
    "charts": [plot(labels=[f"{n:020}" for n in range(20)], y_label="x" * 50), pie(0.5)],
    "tables": [
        table([["x"] * 20] * 101, page_size=100, row_header_column_index=19),
        table(kind="raw_number"),
    ],
    "feedback": [feedback(action_id="x")],
    "everything": [
        {"type": "header", "text": plain("x" * 150)},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
        {"type": "divider"},
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A"},
        actions(*(button(action_id=str(n), value="x" * 2000) for n in range(25))),
        {"type": "rich_text", "elements": []},
        {"type": "markdown", "text": "**x**"},
        {"type": "card", "text": "unchecked"},
    ],
    "menus": [
        actions({"type": "overflow", "action_id": "a", "options": [OPTION] * 5}),
        actions({"type": "static_select", "options": [OPTION] * 100}),
        actions({"type": "users_select", "placeholder": PLAIN}),
        {"type": "section", "text": PLAIN, "accessory": button(style="danger")},
    ],
    "inputs": [modal_input(multiline=True, max_length=3000)],
    "nothing": [],
}

BAD = {
    "alert in a message": ([{"type": "alert", "text": PLAIN}], "unsupported type: alert", "/type"),
    "chart without title": ([plot(title="")], "more than 0", "/blocks/0/title"),
    "long chart title": ([plot(title="x" * 51)], "less than 51", "/blocks/0/title"),
    "chart of another kind": ([plot(kind="radar")], "unsupported type: radar", "/chart/type"),
    "too many categories": (
        [plot(labels=[str(n) for n in range(21)])],
        "no more than 20",
        "/categories",
    ),
    "long category": ([plot(labels=["x" * 21])], "less than 21", "/categories/0"),
    "category twice": ([plot(labels=["Mon", "Mon"])], "unique", "/categories"),
    "value for half of the categories": (
        [plot(data=[{"label": "Mon", "value": 1}])],
        "one value for each category",
        "/series/0/data",
    ),
    "value that is no number": (
        [plot(labels=["Mon"], data=[{"label": "Mon", "value": float("nan")}])],
        "finite",
        "/data/0/value",
    ),
    "long axis label": ([plot(y_label="x" * 51)], "less than 51", "/axis_config/y_label"),
    "empty slice of a pie": ([pie(0)], "greater than 0", "/segments/0/value"),
    "three charts": ([plot()] * 3, "no more than 2 charts", "/blocks"),
    "table without rows": ([table([["Name"]])], "no fewer than 2", "/blocks/0/rows"),
    "table of too many rows": ([table([["x"]] * 102)], "no more than 101", "/blocks/0/rows"),
    "table of too many columns": ([table([["x"] * 21] * 2)], "no more than 20", "/rows/0"),
    "rows of unequal length": ([table([["a"], ["b", "c"]])], "same number", "/rows/1"),
    "empty cell": ([table([["a"], [""]])], "more than 0", "/rows/1/0/text"),
    "number without a value": (
        [table([["a"], ["b"]]) | {"rows": [[{"type": "raw_number", "text": "1"}]] * 2}],
        "missing required field: value",
        "/rows/0/0",
    ),
    "formatted header": (
        [table() | {"rows": [[{"type": "rich_text", "elements": []}]] * 2}],
        "unsupported type: rich_text",
        "/rows/0/0",
    ),
    "table without caption": ([table(caption="")], "more than 0", "/caption"),
    "odd page size": ([table(page_size=101)], "from 1 to 100", "/page_size"),
    "row header that is no column": (
        [table(row_header_column_index=2)],
        "no such column",
        "/row_header_column_index",
    ),
    "tables that are too long": (
        [table([["a"], ["x" * 12_000]]), table([["a"], ["x" * 9_000]])],
        "no more than 20000 characters",
        "/blocks",
    ),
    "half of the feedback buttons": (
        [feedback() | {"elements": [{"type": "feedback_buttons", "positive_button": {}}]}],
        "missing required field: negative_button",
        "/elements/0",
    ),
    "feedback without a value": (
        [feedback(positive_button={"text": PLAIN})],
        "missing required field: value",
        "/positive_button",
    ),
    "too many blocks": ([{"type": "divider"}] * 51, "no more than 50 items", "/blocks"),
    "no object": (["x"], "unsupported type: None", "/blocks/0/type"),
    "unknown block": ([{"type": "sectoin"}], "unsupported type: sectoin", "/blocks/0/type"),
    "unknown field": ([{"type": "divider", "x": 1}], "additional property: x", "/blocks/0"),
    "block_id too long": (
        [{"type": "divider", "block_id": "x" * 256}],
        "256",
        "/blocks/0/block_id",
    ),
    "block_id twice": ([{"type": "divider", "block_id": "x"}] * 2, "unique", "/blocks"),
    "empty section": ([{"type": "section"}], "missing required field: text", "/blocks/0"),
    "long section": (
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        "less than 3001",
        "/blocks/0/text/text",
    ),
    "empty text": ([{"type": "section", "text": plain("")}], "more than 0", "/blocks/0/text/text"),
    "text that is no object": ([{"type": "section", "text": "x"}], "object", "/blocks/0/text"),
    "text that is no text": (
        [{"type": "header", "text": plain(1)}],
        "string",
        "/blocks/0/text/text",
    ),
    "long field": (
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "less than 2001",
        "/blocks/0/fields/0/text",
    ),
    "markdown header": (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "unsupported type: mrkdwn",
        "/blocks/0/text/type",
    ),
    "long header": ([{"type": "header", "text": plain("x" * 151)}], "151", "/blocks/0/text/text"),
    "crowded context": (
        [{"type": "context", "elements": [PLAIN] * 11}],
        "no more than 10",
        "/blocks/0/elements",
    ),
    "empty actions": ([actions()], "no fewer than 1", "/blocks/0/elements"),
    "actions without elements": ([{"type": "actions"}], "missing required field", "/blocks/0"),
    "actions that are no list": (
        [{"type": "actions", "elements": 1}],
        "array",
        "/blocks/0/elements",
    ),
    "crowded actions": ([actions(*[button()] * 26)], "no more than 25", "/blocks/0/elements"),
    "action_id twice": (
        [actions(button(action_id="a"), button(action_id="a"))],
        "unique",
        "/blocks/0",
    ),
    "long button": ([actions(button(text=plain("x" * 76)))], "76", "/elements/0/text/text"),
    "long value": ([actions(button(value="x" * 2001))], "2001", "/elements/0/value"),
    "long label": ([actions(button(accessibility_label="x" * 76))], "76", "/accessibility_label"),
    "odd style": ([actions(button(style="green"))], "must be one of", "/elements/0/style"),
    "button without text": ([actions({"type": "button"})], "missing", "/blocks/0/elements/0"),
    "crowded overflow": (
        [actions({"type": "overflow", "options": [OPTION] * 6})],
        "no more than 5",
        "/elements/0/options",
    ),
    "crowded menu": (
        [actions({"type": "static_select", "options": [OPTION] * 101})],
        "no more than 100",
        "/elements/0/options",
    ),
    "long option": (
        [actions({"type": "static_select", "options": [{"text": PLAIN, "value": "x" * 151}]})],
        "less than 151",
        "/options/0/value",
    ),
    "long question": (
        [
            actions(
                button(
                    confirm={
                        "title": plain("x" * 101),
                        "text": PLAIN,
                        "confirm": PLAIN,
                        "deny": PLAIN,
                    }
                )
            )
        ],
        "less than 101",
        "/confirm/title/text",
    ),
    "half a question": ([actions(button(confirm={}))], "missing", "/elements/0/confirm"),
    "question that is none": ([actions(button(confirm=1))], "object", "/elements/0/confirm"),
    "field outside an input": (
        [actions({"type": "plain_text_input"})],
        "unsupported",
        "/elements/0",
    ),
    "long markdown": ([{"type": "markdown", "text": "x" * 12_001}], "12001", "/blocks/0/text"),
}


@pytest.mark.parametrize("blocks", GOOD.values(), ids=GOOD)
def test_good_blocks_pass(blocks):
    assert problems_of(blocks, 50) == []


@pytest.mark.parametrize(("blocks", "problem", "pointer"), BAD.values(), ids=BAD)
def test_bad_blocks_are_refused_with_the_place(blocks, problem, pointer):
    found = problems_of(blocks, 50)
    assert any(problem in one and pointer in one for one in found), found


def test_the_length_of_blocks_counts_every_text():
    blocks = [
        {"type": "section", "text": plain("12345")},
        {"type": "markdown", "text": "123"},
        {"type": "section", "fields": [plain("1"), plain("2")], "accessory": button()},
    ]
    assert length_of(blocks) == 5 + 3 + 2 + len("Go")


def test_an_alert_stands_in_a_modal_and_charts_do_not():
    alert = {"type": "alert", "text": {"type": "mrkdwn", "text": "x" * 200}, "level": "warning"}
    assert problems_of([alert], 100, "modal") == []
    for blocks, surface in (([alert], "home"), ([plot()], "modal"), ([feedback()], "home")):
        (problem,) = problems_of(blocks, 100, surface)
        assert "unsupported type" in problem
    (problem,) = problems_of([alert | {"level": "fatal"}], 100, "modal")
    assert "/blocks/0/level" in problem
