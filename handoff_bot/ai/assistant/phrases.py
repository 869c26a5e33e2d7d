"""The local assistant's own phrases by language: doubt, and replies to small talk."""

# ruff: noqa: RUF001

from __future__ import annotations

import re

from handoff_bot.ai.assistant.words import folded, words_of
from handoff_bot.domain import texts
from handoff_bot.domain.signals import Act

UNSURE = "unsure"
RECALLED = "recalled"
GREETING = "greeting"
WELCOME = "welcome"
ANYTHING_ELSE = "anything_else"
GOODBYE = "goodbye"
ROBOT = "robot"
WHICH, WHICH_END = "which", "which_end"
OTHER_LANGUAGE = "other_language"
YES, NO = "yes", "no"

_LONGEST_ROBOT = 80

_PLEASANTRIES = {
    Act.HELLO: GREETING,
    Act.THANKS: WELCOME,
    Act.BYE: GOODBYE,
    Act.ACCEPT: ANYTHING_ELSE,
    Act.DECLINE: ANYTHING_ELSE,
}


_GREETINGS_TEXT = """
hi hello hey hiya good morning afternoon evening there hola buenas buenos dias tardes noches ola
oi bom dia boa tarde noite bonjour bonsoir salut hallo guten tag morgen abend moin ciao salve
buongiorno buonasera goedemorgen goedemiddag goedendag goedenavond hoi dzien dobry czesc merhaba
selam
"""
_GREETINGS = frozenset(_GREETINGS_TEXT.split())
_THANKS_TEXT = """
thanks thank you thx ty so very much a lot many cheers great perfect gracias muchas mil obrigado
obrigada muito merci beaucoup bien danke vielen dank schon sehr grazie mille tante bedankt dank je
u wel dziekuje dzieki bardzo tesekkurler tesekkur ederim
"""
_THANKS = frozenset(_THANKS_TEXT.split())
_AGREED_TEXT = """
ok okay k kk oki alright fine good cool sure vale bueno bien listo beleza certo tabom d accord
entendu parfait gut passt alles klar super va bene perfetto goed prima oke dobrze jasne tamam peki
"""
_AGREED = frozenset(_AGREED_TEXT.split())


def say(phrase: str, language: str, **values: str) -> str:
    """Renders the phrase in that language, or in English."""
    return texts.find("assistant", phrase, language).fill(**values)


def without_pleasantries(text: str) -> list[str]:
    """Returns the text without a leading greeting, thanks or "ok"."""
    words = words_of(text)
    while words and (words[0] in _AGREED or words[0] in _THANKS or words[0] in _GREETINGS):
        words = words[1:]
    return words


_REFUSAL = re.compile(
    r"\W*(?:no|nope|nah|nein|non|n[ãa]o|nee|nej|nie|hayır|нет|ні|όχι)\b"
    r"(?:[\s,]+(?:thanks|thank you|danke|merci|gracias|obrigad[oa]|grazie|bedankt|tack"
    r"|dzięki|dziękuję|спасибо|дякую))?"
    r"[\s,.;:!–—-]+(?=\w)",
    re.IGNORECASE,
)


def after_refusal(text: str) -> str:
    """Returns the text after "no, thanks" to an offer, "" if it does not begin so."""
    found = _REFUSAL.match(text)
    return text[found.end() :] if found else ""


def pleasantry(act: Act, language: str) -> str:
    """Returns the reply to small talk."""
    return say(_PLEASANTRIES[act], language)


_MACHINES_TEXT = """
robot robots bot chatbot machine ai computer human person real roboter maschine ki mensch echter
echt automat humano humana maquina persona real ia humain robo pessoa umano macchina mens robotti
czlowiek czlowiekiem robotem botem insan misin manniska dator человек робот бот людина ρομποτ
ανθρωπος רובוט אדם روبوت إنسان انسان بشر रोबोट इंसान manusia nguoi may หุ่นยนต์ บอต
"""
_YOU_TEXTS = {
    "en": """are you is this am i talking speaking chatting to with a an the or just really actually u r
        hey hi hello there someone""",
    "de": """bist du sind sie ist das spreche ich mit einem einer ein eine oder schreibe ihr etwa hier
        wirklich""",
    "es": "eres usted es tu un una o esto estoy hablando con acaso",
    "fr": "vous etes tu es est ce que je parle avec un une ou c ai t il",
    "it": "sei lei e un una o sto parlando con",
    "pt": "voce e um uma o esta estou falando com tu es",
    "nl": "ben jij bent u je spreek ik met een praat",
    "pl": "czy jestes to rozmawiam z pan",
    "tr": "sen siz misin musun mi mu bir ile konusuyorum",
    "sv": "ar du talar jag med en ett",
    "ru": "ты вы я это с говорю ли или",
    "uk": "ви чи я ти розмовляю з",
    "el": "ειναι εισαι εισαστε μιλαω με σε",
    "he": "אתה את האם אני מדבר עם",
    "ar": "هل أنت انت هذا أتحدث مع",
    "hi": "क्या आप तुम हैं हो एक यह",
    "id": "apakah anda kamu ini",
    "vi": "ban co phai la khong",
    "th": "คุณเป็น ไหม",
}


def _words(text: str) -> list[str]:
    """Returns words with their vowel signs, which Indic scripts write as marks."""
    return _WITH_SIGNS.findall(folded(text))


_WITH_SIGNS = re.compile(r"[\w\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963]+")
_YOU_IN = {code: frozenset(_words(text)) for code, text in _YOU_TEXTS.items()}
_YOU = frozenset().union(*_YOU_IN.values())
_MACHINES = frozenset(_words(_MACHINES_TEXT))
_UNSPACED_ROBOT = re.compile(
    "(?:あなた|これ|君).{0,4}(?:ロボット|ボット|人間|AI)|(?:ロボット|ボット|人間|AI)ですか|你是.{0,4}(?:机器人|真人|人工|AI|人)"
    "|(?:로봇|봇|사람|AI)(?:인가요|이에요|입니까|이야|이세요)|คุณเป็น.{0,6}(?:หุ่นยนต์|บอ[ทต]|คน|มนุษย์)"
)


def asks_whether_robot(text: str) -> bool:
    """Returns whether the message only asks whether a human or a machine answers."""
    if len(text) > _LONGEST_ROBOT:
        return False
    if _UNSPACED_ROBOT.search(text):
        return True
    words = _words(text)
    return (
        len(words) > 1
        and bool(_MACHINES & set(words))
        and bool(_YOU & set(words))
        and set(words) <= _MACHINES | _YOU
    )


def robot_language(text: str) -> str:
    """Returns the language of such a question by its small words; "" for another one, or if unsure."""
    if not asks_whether_robot(text):
        return ""
    words = set(_words(text))
    counts = {code: len(words & small) for code, small in _YOU_IN.items()}
    best = max(counts.values())
    languages = [code for code, count in counts.items() if count == best]
    return languages[0] if best and len(languages) == 1 else ""
