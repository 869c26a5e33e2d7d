"""The local assistant's own phrases by language: doubt, and replies to small talk."""

# ruff: noqa: RUF001

from __future__ import annotations

import re

from handoff_bot.ai.assistant.words import words_of
from handoff_bot.domain.signals import Act

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
    "tr": "Bu sorunun cevabını bilmiyorum. Ekibimizden biriyle görüşmek ister misiniz?",
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
    "tr": "Ekibimizden biri size bu konuda şunu yazdı: “{words}”",
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
    "tr": "Merhaba! Size nasıl yardımcı olabilirim?",
    "sv": "Hej! Vad kan jag hjälpa till med?",
    "id": "Halo! Ada yang bisa saya bantu?",
    "vi": "Xin chào! Tôi có thể giúp gì cho bạn?",
    "ru": "Здравствуйте! Чем могу помочь?",
    "uk": "Вітаю! Чим можу допомогти?",
    "el": "Γεια σας! Πώς μπορώ να βοηθήσω;",
    "he": "שלום! במה אפשר לעזור?",
    "ar": "مرحبًا! كيف يمكنني مساعدتك؟",
    "hi": "नमस्ते! मैं आपकी क्या मदद कर सकता हूँ?",
    "ja": "こんにちは！ご用件をお聞かせください。",
    "ko": "안녕하세요! 무엇을 도와드릴까요?",
    "zh": "您好！请问有什么可以帮您？",
    "th": "สวัสดี มีอะไรให้ช่วยไหม",
}

WELCOME = {
    "en": "You're welcome! Just write if there is anything else.",
    "es": "¡De nada! Escriba cuando quiera si necesita algo más.",
    "pt": "De nada! É só escrever se precisar de mais alguma coisa.",
    "fr": "Je vous en prie ! Écrivez-moi si vous avez besoin d'autre chose.",
    "de": "Gern geschehen! Schreiben Sie einfach, wenn noch etwas ist.",
    "it": "Prego! Scriva pure se ha bisogno di altro.",
    "nl": "Graag gedaan! Schrijf gerust als er nog iets is.",
    "pl": "Proszę bardzo! Proszę pisać, jeśli będzie coś jeszcze.",
    "tr": "Rica ederim! Başka bir şey olursa yazmanız yeterli.",
    "sv": "Varsågod! Skriv gärna om det är något mer.",
    "id": "Sama-sama! Silakan tulis jika ada hal lain.",
    "vi": "Không có gì! Cứ nhắn nếu bạn cần gì thêm.",
    "ru": "Пожалуйста! Напишите, если понадобится что-то ещё.",
    "uk": "Прошу! Напишіть, якщо знадобиться щось іще.",
    "el": "Παρακαλώ! Γράψτε μας αν χρειαστείτε κάτι άλλο.",
    "he": "בשמחה! כתבו לנו אם צריך עוד משהו.",
    "ar": "على الرحب والسعة! اكتب لنا إذا احتجت إلى أي شيء آخر.",
    "hi": "आपका स्वागत है! कुछ और चाहिए हो तो बस लिख दें।",
    "ja": "どういたしまして。ほかにご用がありましたらお書きください。",
    "ko": "천만에요! 더 필요한 것이 있으면 언제든지 적어 주세요.",
    "zh": "不客气！如果还有其他需要，请随时留言。",
    "th": "ด้วยความยินดี หากมีอะไรเพิ่มเติมพิมพ์มาได้เลย",
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
    "tr": "Tamam. Başka bir şey olursa yazmanız yeterli.",
    "sv": "Okej. Skriv gärna om det är något mer.",
    "id": "Baik. Silakan tulis jika ada hal lain.",
    "vi": "Vâng. Cứ nhắn nếu bạn cần gì thêm.",
    "ru": "Хорошо. Напишите, если понадобится что-то ещё.",
    "uk": "Гаразд. Напишіть, якщо знадобиться щось іще.",
    "el": "Εντάξει. Γράψτε μας αν χρειαστείτε κάτι άλλο.",
    "he": "בסדר. כתבו לנו אם צריך עוד משהו.",
    "ar": "حسنًا. اكتب لنا إذا احتجت إلى أي شيء آخر.",
    "hi": "ठीक है। कुछ और चाहिए हो तो बस लिख दें।",
    "ja": "承知しました。ほかにご用がありましたらお書きください。",
    "ko": "알겠습니다. 더 필요한 것이 있으면 언제든지 적어 주세요.",
    "zh": "好的。如果还有其他需要，请随时留言。",
    "th": "ได้เลย หากมีอะไรเพิ่มเติมพิมพ์มาได้เลย",
}

GOODBYE = {
    "en": "Goodbye, and all the best!",
    "es": "¡Hasta pronto!",
    "pt": "Até logo!",
    "fr": "Au revoir, et à bientôt !",
    "de": "Auf Wiedersehen, alles Gute!",
    "it": "Arrivederci!",
    "nl": "Tot ziens!",
    "pl": "Do widzenia!",
    "tr": "Hoşça kalın!",
    "sv": "Hej då, ha det bra!",
    "id": "Sampai jumpa!",
    "vi": "Tạm biệt bạn!",
    "ru": "До свидания, всего доброго!",
    "uk": "До побачення, на все добре!",
    "el": "Γεια σας, να είστε καλά!",
    "he": "להתראות, כל טוב!",
    "ar": "مع السلامة!",
    "hi": "अलविदा, आपका दिन शुभ हो!",
    "ja": "それでは失礼いたします。",
    "ko": "안녕히 가세요!",
    "zh": "再见，祝您愉快！",
    "th": "แล้วพบกันใหม่",
}

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
ok okay k kk oki alright fine good cool sure vale bueno bien listo beleza certo tabom d accord entendu parfait
gut passt alles klar super va bene perfetto goed prima oke dobrze jasne tamam peki
"""
_AGREED = frozenset(_AGREED_TEXT.split())


def in_language(phrases: dict[str, str], language: str) -> str:
    """Returns the phrase in that language, or in English."""
    return phrases.get(language, phrases[FALLBACK_LANGUAGE])


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
    return in_language(_PLEASANTRIES[act], language)
