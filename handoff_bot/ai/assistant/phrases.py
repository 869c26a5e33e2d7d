"""What the local assistant says by itself, in the customer's language: unsure, greeting, thanks."""

from __future__ import annotations

from handoff_bot.ai.assistant.words import words_of

FALLBACK_LANGUAGE = "en"

UNSURE = {
    "en": "I'm not sure I have the answer to that. Would you like to talk to a person from our team?",
    "es": "No estoy seguro de tener la respuesta. ¿Quiere hablar con una persona de nuestro equipo?",
    "pt": "Não tenho certeza da resposta. Quer falar com uma pessoa da nossa equipe?",
    "fr": "Je ne suis pas sûr d'avoir la réponse. Souhaitez-vous parler à une personne de notre équipe ?",
    "de": "Ich bin nicht sicher, ob ich darauf die Antwort habe. "
    "Möchten Sie mit einem Menschen aus unserem Team sprechen?",
    "it": "Non sono sicuro di avere la risposta. Vuole parlare con una persona del nostro team?",
    "nl": "Ik weet niet zeker of ik daar het antwoord op heb. Wilt u iemand van ons team spreken?",
    "pl": "Nie jestem pewien, czy znam odpowiedź. Czy mam połączyć z naszym konsultantem?",
    "tr": "Bu sorunun cevabını bilmiyorum. Ekibimizden biriyle görüşmek ister misiniz?",  # noqa: RUF001 - Turkish
}

RECALLED = {
    "en": "A colleague of mine wrote to you about this: “{words}”",
    "es": "Una persona de nuestro equipo le escribió sobre esto: «{words}»",
    "pt": "Uma pessoa da nossa equipe escreveu sobre isso: “{words}”",
    "fr": "Une personne de notre équipe vous a écrit à ce sujet : « {words} »",
    "de": "Dazu hat Ihnen jemand aus unserem Team geschrieben: „{words}“",
    "it": "Una persona del nostro team le ha scritto in merito: «{words}»",
    "nl": "Iemand van ons team schreef u hierover: “{words}”",
    "pl": "Osoba z naszego zespołu napisała o tym: „{words}”",
    "tr": "Ekibimizden biri size bu konuda şunu yazdı: “{words}”",  # noqa: RUF001 - Turkish
}

GREETING = {
    "en": "Hello! What can I help you with?",
    "es": "¡Hola! ¿En qué puedo ayudarle?",
    "pt": "Olá! Em que posso ajudar?",
    "fr": "Bonjour ! Comment puis-je vous aider ?",
    "de": "Hallo! Wobei kann ich Ihnen helfen?",
    "it": "Buongiorno! Come posso aiutarla?",
    "nl": "Hallo! Waar kan ik u mee helpen?",
    "pl": "Dzień dobry! W czym mogę pomóc?",
    "tr": "Merhaba! Size nasıl yardımcı olabilirim?",  # noqa: RUF001 - Turkish
}

WELCOME = {
    "en": "You're welcome! Is there anything else I can help you with?",
    "es": "¡De nada! ¿Puedo ayudarle en algo más?",
    "pt": "De nada! Posso ajudar em mais alguma coisa?",
    "fr": "Je vous en prie ! Puis-je vous aider pour autre chose ?",
    "de": "Gern geschehen! Kann ich sonst noch etwas für Sie tun?",
    "it": "Prego! Posso aiutarla in altro?",
    "nl": "Graag gedaan! Kan ik u nog ergens mee helpen?",
    "pl": "Proszę bardzo! Czy mogę jeszcze w czymś pomóc?",
    "tr": "Rica ederim! Başka bir konuda yardımcı olabilir miyim?",  # noqa: RUF001 - Turkish
}

ANYTHING_ELSE = {
    "en": "All right. Just write if there is anything else.",
    "es": "De acuerdo. Escriba cuando quiera si necesita algo más.",
    "pt": "Certo. É só escrever se precisar de mais alguma coisa.",
    "fr": "Très bien. Écrivez-moi si vous avez besoin d'autre chose.",
    "de": "Alles klar. Schreiben Sie einfach, wenn noch etwas ist.",
    "it": "Va bene. Scriva pure se ha bisogno di altro.",
    "nl": "Prima. Schrijf gerust als er nog iets is.",
    "pl": "W porządku. Proszę pisać, jeśli będzie coś jeszcze.",
    "tr": "Tamam. Başka bir şey olursa yazmanız yeterli.",  # noqa: RUF001 - Turkish
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
ok okay k kk oki alright fine good cool sure vale bueno bien listo beleza certo tabom d accord entendu parfait
gut passt alles klar super va bene perfetto goed prima oke dobrze jasne tamam peki
"""
_AGREED = frozenset(_AGREED_TEXT.split())
_FILLERS = frozenset(
    {"a", "bien", "je", "lot", "many", "mil", "much", "muito", "so", "u", "very", "wel"}
)
_MOST_WORDS = 5


def in_language(phrases: dict[str, str], language: str) -> str:
    """The phrase in that language, in English when there is none."""
    return phrases.get(language, phrases[FALLBACK_LANGUAGE])


def without_pleasantries(text: str) -> list[str]:
    """The words without the greeting, thanks or "ok" before what is really said."""
    words = words_of(text)
    while words and (words[0] in _AGREED or words[0] in _THANKS or words[0] in _GREETINGS):
        words = words[1:]
    return words


def small_talk(text: str, language: str) -> str:
    """The answer to a message that is nothing but a greeting, an "ok" or thanks, "" for any other."""
    words = words_of(text)
    if not words or len(words) > _MOST_WORDS:
        return ""
    if _GREETINGS.issuperset(words):
        return in_language(GREETING, language)
    if _AGREED.issuperset(words):
        return in_language(ANYTHING_ELSE, language)
    said = set(words) - _AGREED
    thanks = _THANKS.issuperset(said) and not _FILLERS.issuperset(said)
    return in_language(WELCOME, language) if thanks else ""
