"""Parses customers' plain answers: opt-outs, and CSAT answers from 1 to 5."""

# ruff: noqa: E501, RUF001 - customers' languages

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from handoff_bot.domain.messages import Consent

# -- opt-outs: whole messages that only mean "stop messaging me"
# Where a carrier keeps the opt-out list (SMS), the carrier decides. Ambiguous words are left out on
# purpose (cancel, end, quit, help; alto "high", baixa "low") and are treated as normal text.

_STOP = """
stop | stop all | stop now | unsubscribe | unsubscribe me | unsubscribe all | unsubscribe from all
opt out | opt me out | i opt out | i want to opt out | i want to unsubscribe
i would like to unsubscribe | stop messaging me | stop messaging | stop texting me | stop texting
stop sending me messages | stop sending messages | stop sending | stop messages
stop all messages | stop contacting me | stop writing to me | stop writing me | stop promotions
no more messages | no more texts | do not message me | don't message me | don't text me
do not text me | do not contact me | don't contact me | do not contact me again
remove me from your list | remove me from the list | take me off your list | take me off this list
remove my number | unsub | stop it all | stop messaging me now | parar | pare | baja
dar de baja | darme de baja | dame de baja | quiero darme de baja | no más mensajes
no quiero más mensajes | no me escriban más | deja de escribirme | dejen de escribirme
pare de enviar mensagens | pare de me mandar mensagem | parem de me enviar mensagens
não quero mais mensagens | descadastrar | me descadastre | sem mais mensagens | arrêt | arrêter
arrêtez | stop sms | désabonner | me désabonner | désabonnez-moi | se désabonner | désinscription
désinscrire | désinscrivez-moi | désabonnement | plus de messages | ne m'écrivez plus
arrêtez de m'écrire | stopp | alle stoppen | abmelden | abbestellen | austragen
keine nachrichten mehr | keine weiteren nachrichten | schreiben sie mir nicht mehr
ich möchte mich abmelden | newsletter abmelden | hört auf mir zu schreiben | ferma | fermatevi
basta messaggi | disiscrivimi | disiscrizione | disiscrivi | non scrivetemi più
niente più messaggi | smettete di scrivermi | afmelden | uitschrijven | schrijf me uit
geen berichten meer | stop met berichten | stop met appen | meld me af | wypisz | wypisz mnie
wypisuję się | nie piszcie do mnie | nie pisz do mnie | koniec wiadomości | żadnych wiadomości
avregistrera | avregistrera mig | inga fler meddelanden | sluta skriva | sluta skicka meddelanden
durdur | durdurun | mesaj atmayın | mesaj göndermeyin | abonelikten çık | abonelikten çıkar
artık yazmayın | berhenti | berhenti berlangganan | hentikan | hentikan pesan
jangan kirim pesan lagi | setop | dừng | dừng lại | ngừng | ngừng nhắn tin | đừng nhắn tin nữa
hủy đăng ký | ngừng gửi tin nhắn | стоп | остановить | отписаться | отпишите меня | отписка
не пишите мне | не пишите больше | прекратите писать | стоп всё | больше не пишите | відписатися
відпишіть мене | відписка | не пишіть мені | зупинити | більше не пишіть | припиніть писати | στοπ
σταματήστε | σταμάτα | διακοπή | απεγγραφή | διαγραφή από τη λίστα | όχι άλλα μηνύματα
μη μου στέλνετε μηνύματα | הסר | הסרה | הסירו אותי | עצור | עצרו | תפסיקו | הפסק
הפסיקו לשלוח הודעות | בטל הרשמה | להסרה | תורידו אותי מהרשימה | توقف | توقفوا | أوقف | إيقاف
إيقاف الرسائل | أوقفوا الرسائل | إلغاء الاشتراك | الغاء الاشتراك | لا ترسلوا رسائل | ألغ الاشتراك
रोकें | स्टॉप | बंद करो | बंद करें | मैसेज बंद करो | संदेश बंद करें | सदस्यता समाप्त करें
अनसब्सक्राइब | मुझे मैसेज मत भेजो | band karo | message band karo | msg band karo
mujhe message mat bhejo | 停止 | 配信停止 | ストップ | 登録解除 | 配信を停止
配信停止してください | 送らないで | もう送らないでください | メッセージを送らないで | 購読解除
중지 | 정지 | 스톱 | 수신거부 | 수신 거부 | 구독취소 | 구독 취소 | 그만 보내세요
메시지 보내지 마세요 | 문자 보내지 마세요 | 退订 | 退訂 | 取消订阅 | 取消訂閱 | 停止发送
停止發送 | 别再发了 | 不要再发了 | 不要再发信息 | 不要再给我发消息 | 别给我发消息 | หยุด | หยุดส่ง
หยุดส่งข้อความ | เลิกส่งข้อความ | ยกเลิกการสมัคร | เลิกติดตาม | ยกเลิกรับข้อความ | ไม่ต้องส่งมาอีก
afmeld | frameld | ingen flere beskeder | meld meg av | avmeld | ingen flere meldinger
slutt å sende | lopeta | ei enää viestejä | odhlásit | odhlásit odběr | už nepište
žádné další zprávy | odhlásiť | odhlásiť odber | leiratkozás | leiratkozom | leiratkozni
ne írjanak többet | dezabonare | dezabonați-mă | nu mai trimiteți mesaje | opriți | отпиши ме
отписване | спри | спрете | odjava | odjavi me | odjavi | nemojte mi pisati | prestanite | отјава
одјави ме | loobun | lõpeta | atsisakau | atsisakyti | sustabdyti | atteikties | apturēt
atrakstīties | atura | atureu | donar-me de baixa | berhenti hantar | sitisha | jiondoe
itigil | tigil | huwag na mag-text | বন্ধ করুন | আনসাবস্ক্রাইব | நிறுத்து | நிறுத்தவும் | بند کریں
پیغام بند کریں | توقف ارسال | لغو اشتراک | لغو عضویت
"""

_START = """
start | unstop | restart | subscribe | resubscribe | opt in | opt me in | start again
start messages | resume | resume messages | iniciar | empezar | reanudar | suscribir | retomar
começar | reprendre | démarrer | starten | wieder starten | riprendi | avvia | hervatten | wznów
starta | başlat | mulai | bắt đầu | старт | возобновить | відновити | έναρξη | חידוש | ابدأ
استئناف | शुरू करें | 再開 | 開始 | 다시 시작 | 시작 | 恢复 | 重新订阅 | 开始 | เริ่ม | start igen
"""

_POLITE = """
please | pls | plz | thanks | thank you | por favor | porfa | gracias | obrigado | obrigada
s'il vous plaît | s'il te plaît | svp | merci | bitte | danke | per favore | grazie | alstublieft
alsjeblieft | aub | graag | proszę | tack | snälla | lütfen | tolong | làm ơn | пожалуйста
спасибо | будь ласка | παρακαλώ | בבקשה | תודה | من فضلك | لو سمحت | कृपया | お願いします
ください | 请 | 請 | 谢谢 | 부탁해요 | 부탁합니다 | 주세요 | ค่ะ | ครับ | prosím | kérem | hi
hello | hey | ok | just | now | immediately
"""
_LONGEST = 80
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0655\ufe0e\ufe0f]")
"""Marks that do not change a word: Latin, Greek and Cyrillic accents, Hebrew and Arabic points.
Other marks are vowels.
"""


_REPEATED = re.compile(r"\A(.{3,}?)\1+\Z")


def _key(text: str) -> str:
    """Normalises letters and digits: no case, accents, width, punctuation, emoji or spaces."""
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in _ACCENTS.sub("", spelt) if unicodedata.category(c)[0] in "LMN")


def _keys(lines: str) -> frozenset[str]:
    return frozenset(_key(one) for line in lines.splitlines() for one in line.split("|")) - {""}


_KEYWORDS = {
    **dict.fromkeys(_keys(_START), Consent.START),
    **dict.fromkeys(_keys(_STOP), Consent.STOP),
}
_POLITENESS = tuple(_keys(_POLITE))


def plain(text: str) -> Consent | None:
    """Returns STOP or START if the message says nothing else, politely or not; otherwise None."""
    if len(text) > _LONGEST:
        return None
    key = _REPEATED.sub(r"\1", _key(text))
    if not (key.startswith(_POLITENESS) or key.endswith(_POLITENESS)):
        return _KEYWORDS.get(key)
    bare = (
        form
        for polite in _POLITENESS
        for form in (key.removeprefix(polite), key.removesuffix(polite))
    )
    return next((_KEYWORDS[one] for one in (key, *bare) if one in _KEYWORDS), None)


# -- CSAT answers: digits, words, stars, a comment
# A rating is a separate number from 1 to 5: the whole message, or with a unit (5/5, 4 stars), or
# before a separated comment ("5 - great service!"). Full marks on another scale (10/10) are a 5.
# Other numbers of other scales are no rating, and neither is a number that counts things.

_WORDS = (
    "one uno una um uma un une eins ein een één jeden jedna ett bir satu một один одна одне ένα אחת אחד واحد एक ek "
    "一 いち 하나 일 หนึ่ง",
    "two dos dois duas deux zwei due twee dwa dwie två iki dua hai два две дві δύο שתיים שניים اثنان اثنين दो do "
    "二 两 に 둘 이 สอง",
    "three tres três trois drei tre drie trzy üç tiga ba три τρία שלוש שלושה ثلاثة तीन teen 三 さん 셋 삼 สาม",
    "four cuatro quatro quatre vier quattro cztery fyra dört empat bốn четыре чотири τέσσερα ארבע ארבעה أربعة اربعة "
    "चार char 四 よん 넷 사 สี่",
    "five cinco cinq fünf cinque vijf pięć fem beş lima năm пять п'ять πέντε חמש חמישה خمسة पाँच पांच paanch panch "
    "五 ご 다섯 오 ห้า",
)
_NUMBERS = {word: score for score, line in enumerate(_WORDS, 1) for word in line.split()}
_ALONE = frozenset(
    [
        "do",
        "un",
        "um",
        "ein",
        "een",
        "bir",
        "hai",
        "ba",
        "one",
        "一",
        "に",
        "이",
        "일",
        "오",
        "사",
        "さん",
    ]
)
"""Ambiguous words: they only count as a whole message."""

_STARS = (
    r"stars?|estrellas?|estrelas?|étoiles?|etoiles?|sterne?n?|stelle|stella|sterren|ster|gwiazd\w*|stjärn\w*|yıldız"
    r"|bintang|sao|звезд\w*|звёзд\w*|зірк\w*|зірок|αστέρι\w*|כוכב\w*|نجوم|نجمات?|نجمة|सितारे|स्टार|taare|星|つ星|顆星|颗星"
    r"|별|점|点|點|分|ดาว|คะแนน|points?|puntos?|pontos?|punkte?n?|punti|punten|punkt\w*|poäng|puan|poin|điểm|балл\w*"
    r"|бал\w*|βαθμ\w*|נקודות|نقاط|अंक|[★⭐🌟✭✯]"
)
_OF = r"/|of|out of|von|de|sur|su|van|na|z|av|üzerinden|dari|trên|из|з|από|מתוך|من|में से|中"
_FIVE = f"(?:5|{'|'.join(_WORDS[4].split())})"
_NUMBER = "|".join(sorted(map(re.escape, _NUMBERS.keys() - _ALONE), key=len, reverse=True))
_SCORE = rf"(?P<score>[1-5]|{_NUMBER})"
_ALONE_AT_ALL = re.compile(rf"(?P<score>[1-5]|{'|'.join(map(re.escape, _NUMBERS))})")
_EDGE = r"(?<![\w.,/-])"
_WITH_UNIT = re.compile(
    rf"{_EDGE}{_SCORE}(?:\s{{0,2}}(?:{_OF})\s{{0,2}}{_FIVE}(?!\w|[.,/]\d)(?:\s{{0,2}}(?:{_STARS})(?!\w))?"
    rf"|[\s-]{{0,2}}(?:{_STARS})(?!\w))"
)
_FULL_MARKS = re.compile(r"(?P<n>10{1,2})\s{0,2}/\s{0,2}(?P=n)(?!\d)|100\s?%")
_IN_FRONT = re.compile(rf"{_SCORE}\s{{0,2}}(?:[-–—:,.;!(+\n]|\s[-–—])+(?!\d)")
_THANKS = (
    "thank|thx|ty\\b|cheers|gracias|obrigad|valeu|merci|danke|vielen dank|grazie|bedankt|dank|dzięk|tack|teşekkür|sağ ol"
    "|terima|makasih|cảm ơn|спасибо|благодар|дякую|ευχαριστ|תודה|شكر|धन्यवाद|शुक्रिया|ありがと|감사|고마|谢|謝|ขอบคุณ"
)
_REASONS = r"because|cause|cos|but|porque|pero|mas|mais|parce|weil|aber|perch[eé]|ma|omdat|maar|bo|ale|потому|но"
_GOES_ON = re.compile(rf"{_SCORE}\s(?=(?:{_THANKS})|(?:{_REASONS})(?!\w))")
_AT_THE_END = re.compile(rf"(?:^|[\s:=]){_SCORE}[\s.!)*]{{0,4}}$")
_CORRECTS = re.compile(
    r"\b(?:sorry|oops|i meant|meant|i mean|correction|wrong|mistake|rather|actually|perdón|perdon|quise|quería decir|digo"
    r"|desculp\w*|quis dizer|pardon|désolé\w*|je voulais|plutôt|entschuldig\w*|meinte|sollte|scusa\w*|volevo|intendevo"
    r"|bedoelde|oeps|przepraszam|chodziło|miałem|miałam|förlåt|menade|pardon|özür|demek|maaf|maksud\w*|xin lỗi|ý tôi"
    r"|извините|простите|имел\w*|вибачте|мав|мала|συγγνώμη|εννοούσα)\b|סליחה|התכוונתי|آسف|قصدت|माफ|मतलब|ごめん|すみません"
    r"|間違|죄송|아니|抱歉|不好意思|我是说|ขอโทษ|หมายถึง"
)
_INTRODUCES = re.compile(
    r"\b(?:rating|rate|score|give|giving|it'?s|definitely|solid|perfect|strong|nota|note|bewertung|voto|cijfer|ocena|betyg|puan|nilai|điểm"
    r"|оценка|оцінка|βαθμός)\b|ציון|تقييم|评分|評価|평점|คะแนน"
)
_STAR = "★⭐🌟✭✯"
_EMPTY_STAR = "☆✩"
_STAR_RUN = re.compile(rf"[{_STAR}{_EMPTY_STAR}]+")
_UNSEEN = re.compile("[\u20e3\ufe0e\ufe0f\u200b-\u200f\u2060]")
_FEW_WORDS, _LONGEST_ANSWER = 7, 1000
_ASKS = re.compile("[?？؟]")


@dataclass(frozen=True)
class Rating:
    """A customer's rating.

    Attributes:
        score: from 1 to 5.
        comment: the rest of the text, or "". Hostile.
        corrects: True if they say that an earlier rating was a mistake.
    """

    score: int
    comment: str = ""
    corrects: bool = False

    @property
    def asks(self) -> bool:
        """Returns whether the comment contains a question."""
        return _ASKS.search(self.comment) is not None


def rating_in(text: str) -> Rating | None:
    """Returns the rating in a message, or None."""
    if len(text) > _LONGEST_ANSWER:
        return None
    said = " ".join(_plain(text).split())
    return (
        _star_run(said) or _alone(said) or _corrected(said) or _with_unit(said) or _in_front(said)
    )


def _plain(text: str) -> str:
    """Normalises: ASCII digits, lowercase, standard width."""
    shown = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    digits = (str(unicodedata.digit(c)) if c.isdecimal() else c for c in shown)
    return "".join(digits).casefold()


def _star_run(said: str) -> Rating | None:
    """Returns a row of stars as a rating; only filled ones count."""
    rows = _STAR_RUN.findall(said.replace(" ", ""))
    filled = sum(c in _STAR for c in rows[0]) if len(rows) == 1 else 0
    beside = _STAR_RUN.sub("", said)
    comment = _comment(beside)
    if not 1 <= filled <= 5 or len(rows[0]) > 5 or any(c.isdigit() for c in beside):
        return None
    if len(rows[0]) == 1 and comment:  # "four ⭐", or praise: "thank you, Dana 🌟"
        return None
    return Rating(filled, comment)


def _alone(said: str) -> Rating | None:
    """A number with only punctuation and symbols around it."""
    words = "".join(c if c.isalnum() or c in "'" or _is_mark(c) else " " for c in said).split()
    found = _ALONE_AT_ALL.fullmatch(words[0]) if len(words) == 1 else None
    if found is None or re.search(r"[-−]\s?\d|\d\s?%|\$|€|£", said):
        return None
    return Rating(_score(found["score"]))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _corrected(said: str) -> Rating | None:
    """ "Sorry, I meant 2", or "my rating is 4": a number after a few introducing words."""
    found = _AT_THE_END.search(said)
    lead = said[: found.start()] if found else ""
    if found is None or len(said.split()) > _FEW_WORDS or re.search(r"\d", lead):
        return None
    corrects = _CORRECTS.search(lead) is not None
    return (
        Rating(_score(found["score"]), "", corrects)
        if corrects or _INTRODUCES.search(lead)
        else None
    )


def _with_unit(said: str) -> Rating | None:
    """A number with its unit: 5/5, 4 stars, three out of five."""
    if full := _FULL_MARKS.match(said):
        return Rating(5, _comment(said[full.end() :]))
    found = _WITH_UNIT.search(said)
    if found is None or len(_WITH_UNIT.findall(said)) > 1:
        return None
    rest = said[: found.start()] + " " + said[found.end() :]
    corrects = _CORRECTS.search(said[: found.start()]) is not None
    return Rating(_score(found["score"]), _comment(rest), corrects)


def _in_front(said: str) -> Rating | None:
    """A number, a separator and a comment."""
    found = _IN_FRONT.match(said) or _GOES_ON.match(said)
    rest = said[found.end() :].strip() if found else ""
    if found is None or rest[:1].isdigit():  # "3 - 4 days"
        return None
    return Rating(_score(found["score"]), _comment(rest))


def _score(word: str) -> int:
    return int(word) if word.isdecimal() else _NUMBERS[word]


def _comment(rest: str) -> str:
    """Returns the comment without the separator; "" without any letter."""
    words = rest.strip(" \t\n-–—:,.;!()+*\"'")
    return words if any(c.isalpha() for c in words) else ""
