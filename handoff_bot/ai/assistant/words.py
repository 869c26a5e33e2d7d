"""Normalises words of questions and passages across endings, accents and scripts without spaces."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_MARKS = re.compile("[\u0300-\u036f]")
# Thai, Lao, Khmer, Burmese, kana, Han: written without spaces, so every character counts as a word.
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")
_WORD = re.compile(r"\w+")
MOST_WORDS = 40
_LONG_NUMBER = 4
_SHORTEST_STEM = 4

# Question words of any topic. A missing one only costs a little confidence.
_STOPWORDS_TEXT = """
a about am an and any are as at be been but by can could did do does doing for from get give go
had has have he hello help hey hi how i if in is it its just know let like ll look me my need now
of ok on one or our out please re s say see she should so some t tell than thank thanks that the
their them then there these they this to too try u up us ve very want was we were what when where
which who why will with would you your al algo como con cual cuando cuanto cuanta de del donde e
el ella en es esta este esto estan ha hay hola la las le lo los me mi mis muy no o para pero por
puede pueden puedo que quien quiero se si sin son su sus tengo tiene un una uno usted y ya ao aos
com da das do dos ela ele em eu isso isto meu minha na nao nas nos ou pela pelo posso qual quanto
quero sao sem ser seu sua tem tenho uma voce voces ai au aux avec avez c ce ces cette comment d
dans des du elle est et etes il ils j je l leur ma mais mes mon n ne nous ou par pas peut peux
plus pour puis qu quand quel quelle quelles quels qui s sa sont sur suis un une veux vos votre
vous aber als am an auch auf aus bei bin bitte das dass dem den der des die dies diese dieser doch
ein eine einem einen einer er es fur habe haben hallo hat ich ihr ihre ihren im in ist kann konnen
man mein meine meinem meinen meiner mich mir mit muss nach nicht noch oder sich sie sind so uber
um und uns unser von vor wann war warum was wegen welche wenn wer werden wie wird wo zu zum zur ci
che chi ciao come con cosa cui da dal del della delle dei di dove e gli ho i il io la le lo ma mi
mia mio nel nella non per piu posso quale quando quanto sono sua suo un una vi voglio vorrei bij
dan dat de deze dit een en er heb hebben heeft het hij hoe ik is je jullie kan kunnen maar met
mijn naar niet nog of om ook op te u uit uw van voor waar wanneer wat we welke wie wil zijn
"""
STOPWORDS = frozenset(_STOPWORDS_TEXT.split())

# What is asked for, not about what: `questions` compares that. They only count without others.
_GENERIC_TEXT = """
much many long cost costs price prices charge charges take takes often old soon fast happens
happen possible allowed kostet kosten preis preise dauert lange viel viele teuer moglich passiert
cuesta cuestan vale precio tarda dura coute coutent prix combien temps costa costano prezzo tempo
custa custam preco kost prijs lang lange duurt kosztuje cena ile kac kadar fiyati kostar pris
"""
_GENERIC = frozenset(_GENERIC_TEXT.split())


def folded(text: str) -> str:
    """Returns lowercase text without Latin accents, with spaces around characters of scripts
    without spaces.
    """
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", bare).casefold())


def words_of(text: str) -> list[str]:
    """Returns all words, normalised."""
    return _WORD.findall(folded(text))


def telling_stems(text: str) -> list[str]:
    """Returns a question's distinct stems without stop words, at most 40.

    In scripts without spaces, a stem is a pair of neighbouring characters, separated by a space.
    """
    return list(telling_words(text))[:MOST_WORDS]


def telling_words(text: str) -> dict[str, str]:
    """Returns the content words by their stems, each with a word that has it.

    In scripts without spaces, a word is a pair of neighbouring characters.
    """
    words = words_of(text)
    spaced = [(stem(word), word) for word in words if _is_telling(word)]
    pairs = [
        (f"{one} {two}", one + two)
        for one, two in pairwise(words)
        if _is_unspaced(one) and _is_unspaced(two)
    ]
    found = dict([*spaced, *pairs])
    return {one: word for one, word in found.items() if word not in _GENERIC} or found


def may_be_about(topic: str, text: str) -> bool:
    """Returns whether the text has any content word of the topic, in any form.

    Forms of one word have stems of different length; rather too many words match than too few.
    """
    stems = {*map(stem, words_of(text)), *telling_words(text)}
    return any(_is_form(one, other) for one in telling_words(topic) for other in stems)


def _is_form(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= _SHORTEST_STEM and longer.startswith(shorter))


def stem(word: str) -> str:
    """Returns the common prefix of a word's forms; longer words lose more of their end."""
    if len(word) < 5:
        return word
    return word[
        : max(_SHORTEST_STEM, len(word) - (1 if len(word) == 5 else 2 if len(word) == 6 else 3))
    ]


def _is_telling(word: str) -> bool:
    """Excludes order numbers and the like, which no article contains."""
    is_number = word.isdecimal() and len(word) >= _LONG_NUMBER
    return not (is_number or word in STOPWORDS or _is_unspaced(word))


def _is_unspaced(word: str) -> bool:
    return _UNSPACED.match(word) is not None


def is_generic(text: str) -> bool:
    """Returns whether the content words only say what is asked for ("how much does it cost?")."""
    words = [word for word in words_of(text) if _is_telling(word)]
    return bool(words) and all(word in _GENERIC for word in words)
