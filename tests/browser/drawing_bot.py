"""A bot that draws one of everything that Block Kit has for us, and remembers what it hears."""

import re
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_sdk import WebClient
from werkzeug.serving import make_server


def _chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


WIDTH, HEIGHT = 160, 60
PNG = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress((b"\0" + b"\x3b\x4c\xc0" * WIDTH) * HEIGHT)),
        _chunk(b"IEND", b""),
    )
)
"""A blue picture."""


def plain(text):
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def options(*names):
    return [{"text": plain(name), "value": name.lower()} for name in names]


def element(kind, action_id, **more):
    return {"type": kind, "action_id": action_id} | more


def button(text, action_id, **more):
    return element("button", action_id, text=plain(text)) | more


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def section(text, **more):
    return {"type": "section", "text": mrkdwn(text)} | more


def field(label, inner, **more):
    return {
        "type": "input",
        "block_id": inner["action_id"],
        "label": plain(label),
        "element": inner,
    } | more


def picker(kind, action_id, words, **more):
    return element(kind, action_id, placeholder=plain(words)) | more


def menus(prefix=""):
    """One of each element that acts at once."""
    described = [
        {"text": plain("Slack"), "value": "slack", "description": plain("In the channel")},
        {"text": plain("E-mail"), "value": "mail"},
    ]
    grouped = [{"label": plain("Open"), "options": options("Order", "Refund")}]
    choices = options("One", "Two", "Three")
    return [
        actions(
            picker("static_select", f"{prefix}static", "Pick one", options=choices),
            picker("static_select", f"{prefix}grouped", "Pick a reason", option_groups=grouped),
            picker("users_select", f"{prefix}user", "Pick a person"),
            picker(
                "conversations_select",
                f"{prefix}place",
                "Pick a place",
                filter={"include": ["public"]},
            ),
            element("overflow", f"{prefix}overflow", options=options("Snooze", "Archive")),
        ),
        actions(
            picker("external_select", f"{prefix}external", "Search contacts", min_query_length=0),
            picker("multi_static_select", f"{prefix}tags", "Pick tags", options=choices),
            picker("multi_users_select", f"{prefix}team", "Pick a team"),
        ),
        actions(
            picker("datepicker", f"{prefix}date", "Day", initial_date="2027-01-05"),
            element("timepicker", f"{prefix}time", initial_time="09:30"),
            element("datetimepicker", f"{prefix}moment"),
        ),
        section(
            "*Tell whom?*", accessory=element("checkboxes", f"{prefix}ticks", options=described)
        ),
        section(
            "*How soon?*", accessory=element("radio_buttons", f"{prefix}radio", options=choices)
        ),
    ]


FIELDS = [
    field(
        "Note", element("plain_text_input", "note", multiline=True), hint=plain("What was promised")
    ),
    field("Minutes", element("number_input", "minutes", is_decimal_allowed=False), optional=True),
    field("Contact", picker("external_select", "contact", "Search contacts")),
    field("Also", picker("multi_external_select", "also", "Search contacts"), optional=True),
    field(
        "Tags",
        picker("multi_static_select", "labels", "Pick tags", options=options("A", "B", "C")),
        optional=True,
    ),
    field("Teams", picker("multi_conversations_select", "teams", "Pick places"), optional=True),
    field("When", element("datetimepicker", "when"), optional=True),
    field("Urgency", element("radio_buttons", "urgency", options=options("Low", "High"))),
    field("Tell", element("checkboxes", "tell", options=options("Mail", "Chat")), optional=True),
    field("Files", element("file_input", "files"), optional=True),
    field(
        "Filter",
        picker("static_select", "filter", "Anything", options=options("SMS", "WhatsApp")),
        dispatch_action=True,
        optional=True,
    ),
    actions(button("Preview", "preview"), button("More", "more")),
]


def modal(title, *blocks, **more):
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain(title),
        "blocks": list(blocks),
    } | more


CONTACTS = {"Dana Reyes": "dana", "Dan Wei": "wei", "Miguel Ángel": "miguel"}
FORM = modal("A form", *FIELDS, submit=plain("Save"), notify_on_close=True)
SHORTCUTS = [
    {
        "name": "Add as note",
        "type": "message",
        "callback_id": "add_note",
        "description": "Keep it inside",
    },
    {
        "name": "Fill a form",
        "type": "global",
        "callback_id": "open_form",
        "description": "One of everything",
    },
]


class DrawingBot:
    """Listens on loopback; `heard` is every payload, oldest first, `answer` what a sent window is told."""

    def __init__(self, slack):
        self.heard = []
        self.answer = {}
        self.client = WebClient(slack.bot_token, base_url=slack.api_url, timeout=5)
        self._threads = ThreadPoolExecutor(max_workers=8)
        app = App(
            client=self.client,
            token=slack.bot_token,
            signing_secret=slack.signing_secret,
            listener_executor=self._threads,
        )
        self._listen(app)
        web = Flask("drawing")
        handler = SlackRequestHandler(app)
        web.post("/slack/events")(lambda: handler.handle(request))
        self._server = make_server("127.0.0.1", 0, web, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        slack.events_url = f"http://127.0.0.1:{self._server.server_port}/slack/events"

    def _listen(self, app):
        app.use(self._remember)
        app.options({"action_id": "contact"})(self._suggest)
        app.options({"action_id": "also"})(self._suggest)
        for prefix in ("", "home_"):
            app.options({"action_id": f"{prefix}external"})(self._suggest)
        app.action("more")(self._push)
        app.action(re.compile(""))(lambda ack: ack())
        app.shortcut("open_form")(lambda ack, body: (ack(), self.open(body)))
        app.shortcut("add_note")(lambda ack: ack())
        app.command("/handoff")(lambda ack: ack("No customers are waiting."))
        app.view("form")(lambda ack: ack(**self.answer))
        app.view_closed("form")(lambda ack: ack())
        for kind in ("message", "app_home_opened", "member_joined_channel", "dnd_updated_user"):
            app.event(kind)(lambda ack: ack())

    def _remember(self, body, next):
        self.heard.append(body)
        next()

    def _suggest(self, ack, payload):
        typed = payload["value"].lower()
        found = {name: value for name, value in CONTACTS.items() if typed in name.lower()}
        ack(options=[{"text": plain(name), "value": value} for name, value in found.items()])

    def _push(self, ack, body):
        ack()
        view = modal("On top", section("A window above the form"), notify_on_close=True)
        self.client.views_push(trigger_id=body["trigger_id"], view=view)

    def open(self, body):
        self.client.views_open(trigger_id=body["trigger_id"], view=FORM)

    def of_type(self, kind):
        """What was heard of one type."""
        return [
            body
            for body in self.heard
            if kind in (body.get("type"), body.get("event", {}).get("type"))
        ]

    def upload(self, alt_text):
        """A picture that blocks can show; says its id."""
        file = self.client.files_upload_v2(content=PNG, filename="chart.png", alt_txt=alt_text)[
            "file"
        ]
        return file["id"]

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._threads.shutdown()
