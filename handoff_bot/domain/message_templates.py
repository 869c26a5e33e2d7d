"""WhatsApp message templates, which can be sent when the messaging window is closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST = 50
LONGEST_NAME = 60
LONGEST_TEXT = 1024
LONGEST_VALUE = 300
MOST_VARIABLES = 10

_SID = re.compile(r"HX[0-9a-fA-F]{32}", re.ASCII)
_VARIABLE = re.compile(r"\{\{\s*(\w{1,40})\s*\}\}", re.ASCII)
_NAME = re.compile(r"\w{1,40}", re.ASCII)
_NO_VALUE = re.compile(r"[\r\n\t]| {5}")


@dataclass(frozen=True)
class MessageTemplate:
    """A message template.

    Attributes:
        name: the name shown to agents.
        content_sid: the provider's id.
        text: the content with variables such as {{1}}.
        labels: a label per variable, including variables outside the text, in a button's or file's
            URL.
    """

    name: str
    content_sid: str
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Returns the names of all variables: first those in the text, then those only in the labels."""
        return tuple(dict.fromkeys([*_VARIABLE.findall(self.text), *self.labels]))

    @property
    def further(self) -> tuple[str, ...]:
        """Returns the variables that are not in the text."""
        return tuple(name for name in self.labels if name not in _VARIABLE.findall(self.text))

    def label(self, variable: str) -> str:
        """Returns the label of a variable's field."""
        return self.labels.get(variable) or f"Value of {{{{{variable}}}}}"

    def filled(self, values: Mapping[str, str]) -> str:
        """Returns the content with these values; variables without a value stay."""
        return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], self.text)


def name_problem(name: str) -> str:
    """Returns the error message for a name, or ""."""
    if not name:
        return "Enter a name."
    return f"At most {LONGEST_NAME} characters." if len(name) > LONGEST_NAME else ""


def sid_problem(content_sid: str) -> str:
    """Returns the error message for a provider's id, or ""."""
    if _SID.fullmatch(content_sid):
        return ""
    return (
        "A ContentSid is HX followed by 32 hexadecimal digits. Copy it from Twilio's "
        "Content Template Builder."
    )


def text_problem(text: str) -> str:
    """Returns the error message for a text, or ""."""
    if not text.strip():
        return "Enter the template's text, with its variables such as {{1}}."
    if len(text) > LONGEST_TEXT:
        return f"At most {LONGEST_TEXT} characters."
    if len(MessageTemplate("", "", text).variables) > MOST_VARIABLES:
        return f"At most {MOST_VARIABLES} variables."
    left = _VARIABLE.sub("", text)
    if "{{" in left or "}}" in left:
        return "Write variables in double braces, such as {{1}}."
    return ""


def labels_in(lines: str, text: str) -> dict[str, str]:
    """Parses lines of the form "variable: label".

    Raises:
        ValueError: a line is invalid, or there are too many variables; with a message.
    """
    labels: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, colon, words = line.partition(":")
        name = name.strip().strip("{}").strip()
        if not colon or not words.strip():
            raise ValueError("One per line: variable, colon, label.")
        if not _NAME.fullmatch(name):
            raise ValueError("Variable names consist of letters, digits and underscores, e.g. 2.")
        labels[name] = words.strip()[:LONGEST_NAME]
    if len(MessageTemplate("", "", text, labels).variables) > MOST_VARIABLES:
        raise ValueError(f"At most {MOST_VARIABLES} variables.")
    return labels


def value_problem(value: str) -> str:
    """Returns the error message for a variable's value by WhatsApp's rules, or ""."""
    if not value.strip():
        return "Enter a value."
    if _NO_VALUE.search(value):
        return "Write one line, with at most four spaces in a row."
    return f"At most {LONGEST_VALUE} characters." if len(value) > LONGEST_VALUE else ""
