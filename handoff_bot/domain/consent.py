"""Plain opt-outs: whole messages that only mean "stop messaging me", in many languages.

Where a carrier keeps the opt-out list (SMS), the carrier decides. Ambiguous words are left out on
purpose (cancel, end, quit, help; alto "high", baixa "low") and are treated as normal text.
"""

from __future__ import annotations

import re
import unicodedata

from handoff_bot.domain.messages import Consent

# ruff: noqa: RUF001 - customers' languages

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
