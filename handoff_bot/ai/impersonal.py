"""Removes what identifies a person or an order from a text that other customers may read.

More is removed than from a request to a language model (`personal_data`): also names, postal addresses,
order numbers and days, because an article needs none of them. Nothing is restored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from handoff_bot.ai.assistant.words import STOPWORDS, words_of
from handoff_bot.ai.personal_data import DATE, personal_data, plain
from handoff_bot.domain.articles import GAP

_MONEY = (
    r"(?:[$€£¥₹₩₽₺₴₫₱฿₦]|EUR|USD|GBP|CHF|JPY|CNY|INR|PLN|BRL|SEK|NOK|DKK|CZK|HUF|RON|TRY"
    r"|zł|kr|Kč|Ft|euros?|dollars?|pounds?|円|元|원)"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]{1,500}", re.IGNORECASE)
_PERSONAL_URL = re.compile(r"[0-9]{4}|[?#@]")
"""A link with a long number or a query usually belongs to one customer."""
# A price, an amount or a year keeps its digits. Letters are ASCII: other scripts write no blanks.
_UNIT = r"(?:%|°|[kcm]?m|[km]?g|m?l|k?Wh?|mAh|V|[KMGT]B|px|kcal|dpi)"
_NUMBER = re.compile(
    rf"(?P<kept>{_MONEY} ?[0-9][0-9.,' ]{{0,12}}|[0-9][0-9.,']{{0,12}} ?(?:{_MONEY}|{_UNIT})(?![A-Za-z])"
    r"|(?<![A-Za-z0-9_/-])(?:19|20)[0-9]{2}(?![A-Za-z0-9_/-]))"
    r"|[#№] ?[A-Za-z0-9_-]{1,40}"
    r"|(?<![A-Za-z0-9_])[A-Za-z0-9_/-]{0,40}?[0-9]{4,40}[A-Za-z0-9_/-]{0,40}"
    r"|(?<![A-Za-z0-9_])[A-Z]{1,6}[-_/][0-9]{2,20}(?![A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9_])(?=[A-Z0-9]{0,40}[0-9])(?=[A-Z0-9]{0,40}[A-Z])[A-Z0-9]{5,40}(?![A-Za-z0-9_])"
)
_WORD = r"[^\W\d_][\w'\u2019-]{0,40}"
_KINDS_OF_STREETS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|square|terrace|crescent"
)
_STREET = re.compile(
    r"(?<!\w)[\w-]{0,40}(?:stra(?:ß|ss)e|str\.|weg|gasse|allee|platz|straat|laan|gatan|vägen|veien|utca)"
    r" ?[0-9]{1,4}[a-z]?(?!\w)"
    rf"|(?<!\w)[0-9]{{1,5}}[a-z]? (?:{_WORD} ){{1,3}}(?:{_KINDS_OF_STREETS})(?!\w)\.?"
    r"|(?<!\w)[0-9]{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|impasse)"
    rf"(?: d[eu]s?| de la| de l'| l[ae]s?)?(?: {_WORD}){{1,3}}"
    r"|(?<!\w)(?:via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|travessa|ulica|ul\.|al\.)"
    rf"(?: {_WORD}){{1,4}},? (?:n\.?º? ?)?[0-9]{{1,4}}[a-z]?(?!\w)",
    re.IGNORECASE,
)
_TOWN = re.compile(r"(?<![\w.,])[0-9]{5} [A-ZÄÖÜÉ][\w'\u2019-]{2,40}")
_TITLED = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Miss|Dr|Herrn?|Frau|Mme|Mlle|Monsieur|Madame|Señora?|Sra?|Signora?|Sig|Senhora?"
    r"|Pani?|De heer|Mevrouw|Mw)\.? (?:[A-ZÀ-ÞŁŚŻŹĆ][\w'\u2019-]{1,40}(?: (?=[A-ZÀ-ÞŁŚŻŹĆ]))?){1,3}"
)
_CALLED = re.compile(
    r"(?<!\w)(?:my name is|name's|ich heiße|mein name ist|je m'appelle|me llamo|mi nombre es|mi chiamo"
    r"|meu nome é|chamo-me|mijn naam is|nazywam się|jag heter|jeg hedder|ad\u0131m)"
    rf" (?P<name>{_WORD}(?-i:(?: [A-ZÀ-ÞŁŚŻŹĆ][\w'\u2019-]{{1,40}}){{0,2}}))",
    re.IGNORECASE,
)
_UPPER = "A-ZÀ-ÖØ-ÞŁŚŻŹĆČŠŽĞİŞ"
_CAPITALISED = rf"[{_UPPER}](?=[\w'\u2019-]*[a-zß-öø-ÿ])[\w'\u2019-]{{1,40}}"
_PARTICLE = "von|van|de|del|della|di|da|dos|der|den|la|le|el|al|bin|zu|ter"
_FOLLOWED = (
    r"(?=\s*(?:[,.;:!?()…\u2013\u2014&\n]|-\s|\Z)|\s+(?:and|from|here|with|but|und|aus|von|hier|et|du|y|e|ed|en|van|uit"
    r"|i|z|och|från|og|fra|ve|I)(?![\w-]))"
)
_INTRODUCED = re.compile(
    r"(?<![\w'\u2019-])(?:i['\u2019]?m|i am|this is|ich bin|hier ist|hier spricht|hier schreibt|je suis"
    r"|c['\u2019]est|soy|sono|sou(?: [oa])?|aqui é|ik ben|u spreekt met|jestem|z tej strony|jag är|det här är"
    r"|jeg er|dette er|ben)"
    rf" (?P<name>(?-i:{_CAPITALISED}(?: (?:(?:{_PARTICLE}) ){{0,2}}{_CAPITALISED}){{0,2}}"
    rf"{_FOLLOWED}))",
    re.IGNORECASE,
)
"""A form that also says other things, so that only a capitalised name counts, and only at the end of a
clause ("I'm Very sorry").
"""
_NO_NAMES_TEXT = """
very so not just still also all here back really too sure sorry urgent important great good bad wrong fine
ok okay confused worried disappointed unhappy happy angry upset frustrated done late ready lost stuck
unacceptable ridiculous terrible awful perfect true correct right new unable interested looking trying
waiting having writing calling wondering asking planning going getting moving amazing crazy serious
customer member student guest buyer seller premium prime gold silver platinum support service
german austrian swiss french italian spanish portuguese dutch polish swedish danish norwegian turkish
english british irish american canadian australian indian chinese japanese muslim jewish vegan
kunde kundin neukunde neukundin stammkunde stammkundin privatkunde firmenkunde geschäftskunde mitglied
händler händlerin käufer käuferin student studentin rentner rentnerin gast abonnent abonnentin
deutscher deutsche österreicher österreicherin schweizer schweizerin dringend
order thanks please hello hi danke bitte hallo gracias hola merci bonjour grazie ciao obrigado obrigada
bestellung commande pedido ordine bestelling
"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
_LOWER_WORD = re.compile(r" (?=[^\W\d_])([\w'\u2019-]{2,40})")
_CLAUSE_END = re.compile(r"\s*(?:[^\w\s]|\Z|\n)|\s+(?P<next>[^\W\d_]+)")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NAME_PART = re.compile(r"[^\W\d_][\w'\u2019-]*")
_GAPS = re.compile(rf"{GAP}(?:[\s,]*{GAP})+")
_SHORTEST_NAME = 2


def names_said(text: str) -> list[str]:
    """Returns the names by which a customer introduces themselves.

    Not found: names in lower case, except after "my name is", and names in the middle of a clause.
    """
    text = text[:4000]
    called = [_with_surname(found["name"], text[found.end() :]) for found in _CALLED.finditer(text)]
    introduced = (found["name"] for found in _INTRODUCED.finditer(text))
    return called + [name for name in introduced if name.split()[0].lower() not in _NO_NAMES]


def _with_surname(name: str, rest: str) -> str:
    """Adds up to two words in lower case ("my name is anna schmidt") that end the clause."""
    if " " in name:
        return name
    added, at = "", 0
    for _ in range(2):
        found = _LOWER_WORD.match(rest, at)
        if found is None or not STOPWORDS.isdisjoint(words_of(found[1])):
            break
        if found[1].lower() in _NO_NAMES:
            return name
        at = found.end()
        end = _CLAUSE_END.match(rest, at)
        if end and (not end["next"] or not STOPWORDS.isdisjoint(words_of(end["next"]))):
            added = rest[:at]
    return f"{name}{added}"


def impersonal(text: str, names: Iterable[str] = ()) -> str:
    """Returns the text with a gap in place of all that may identify a person or an order."""
    text = _URL.sub(lambda found: GAP if _PERSONAL_URL.search(found[0]) else found[0], text)
    pieces: list[str] = []
    at = 0
    for (start, end), _ in personal_data(text):
        pieces += text[at:start], GAP
        at = end
    text = "".join([*pieces, text[at:]])
    for pattern in (_STREET, _TOWN, _TITLED):
        text = pattern.sub(GAP, text)
    text = _without_names(text, names)
    text = _at(text, [found.span() for found in DATE.finditer(plain(text))])
    return _GAPS.sub(GAP, _at(text, list(_numbers(text))))


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    links = [found.span() for found in _URL.finditer(text)]
    for found in _NUMBER.finditer(plain(text)):
        if not found["kept"] and not any(start <= found.start() < end for start, end in links):
            yield found.span()


def _at(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        text = f"{text[:start]}{GAP}{text[end:]}"
    return text


def _without_names(text: str, names: Iterable[str]) -> str:
    """Replaces whole names and each part of them; in scripts without spaces also within a word."""
    parts = {
        part
        for name in names
        for part in (name.strip(), *_NAME_PART.findall(name))
        if len(part) >= _SHORTEST_NAME
    }
    for part in sorted(parts, key=len, reverse=True):
        form = re.escape(part)
        whole = form if _UNSPACED.search(part) else rf"(?<!\w){form}(?:['\u2019]?s)?(?!\w)"
        text = re.sub(whole, GAP, text, flags=re.IGNORECASE)
    return text
