"""The local assistant's own phrases by language: doubt, and replies to small talk."""

# ruff: noqa: RUF001

from __future__ import annotations

import re

from handoff_bot.ai.assistant.words import words_of
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
_MACHINES = frozenset(_MACHINES_TEXT.split())
_YOU_TEXT = """
are you is this am i talking speaking chatting to with a an the or just really actually u r hey hi
hello there someone bist du sind sie ist das spreche ich mit einem einer ein eine oder schreibe
ihr etwa hier wirklich eres usted es tu un una o esto estoy hablando con acaso eres vous etes tu
es est ce que je parle avec une ou c ai t il sei lei e sto parlando con voce esta falando estou
ben jij bent u spreek ik met een praat je czy jestes to rozmawiam z pan sen siz misin musun mi mu
bir ile konusuyorum ar du talar jag med en ett ты вы я это с говорю ли или ви чи я ти розмовляю з
ειναι εισαι εισαστε μιλαω με σε אתה את האם אני מדבר עם هل أنت انت هذا أتحدث مع क्या आप तुम हैं हो
एक यह apakah anda kamu ini ban co phai la khong คุณเป็น ไหม
"""
_YOU = frozenset(_YOU_TEXT.split())
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
    words = words_of(text)
    return (
        len(words) > 1
        and bool(_MACHINES & set(words))
        and bool(_YOU & set(words))
        and set(words) <= _MACHINES | _YOU
    )
