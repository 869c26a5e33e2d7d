/** What the widget says, by language. {n}, {name} and {minutes} are filled in. */

/** @typedef {Record<string, string>} Texts */

const KEYS = [
  "title", "open", "close", "greeting", "write", "send", "person", "assistant", "automatic", "waitingAt",
  "minutes", "withAgent", "you", "typing", "sending", "sent", "delivered", "read", "failed", "retry",
  "offline", "tooFast", "unread", "messages", "team", "gone", "attach", "refused",
];

/** One list for each language, in the order of KEYS. @type {Record<string, string[]>} */
const LANGUAGES = {
  en: ["Chat", "Open chat", "Close chat", "Hello! How can we help?", "Write a message", "Send", "Talk to a person", "Assistant", "automatic", "You are number {n} in the queue.", "About {minutes} min to wait.", "You are talking to {name}.", "You", "is writing…", "Sending", "Sent", "Delivered", "Read", "Not sent", "Try again", "No connection. Your messages will be sent when it is back.", "That was too fast. We go on in {n} s.", "{n} unread", "Messages", "Team", "This file is no longer kept.", "Attach a file", "{name} was not sent: {why}"],
  es: ["Chat", "Abrir el chat", "Cerrar el chat", "¡Hola! ¿En qué podemos ayudarte?", "Escribe un mensaje", "Enviar", "Hablar con una persona", "Asistente", "automático", "Eres el número {n} de la cola.", "Unos {minutes} min de espera.", "Hablas con {name}.", "Tú", "está escribiendo…", "Enviando", "Enviado", "Entregado", "Leído", "No enviado", "Reintentar", "Sin conexión. Tus mensajes se enviarán cuando vuelva.", "Demasiado rápido. Seguimos en {n} s.", "{n} sin leer", "Mensajes", "Equipo", "Este archivo ya no se conserva.", "Adjuntar un archivo", "{name} no se envió: {why}"],
  de: ["Chat", "Chat öffnen", "Chat schließen", "Hallo! Wie können wir helfen?", "Nachricht schreiben", "Senden", "Mit einem Menschen sprechen", "Assistent", "automatisch", "Sie sind Nummer {n} in der Warteschlange.", "Noch etwa {minutes} Min.", "Sie sprechen mit {name}.", "Sie", "schreibt…", "Wird gesendet", "Gesendet", "Zugestellt", "Gelesen", "Nicht gesendet", "Noch einmal", "Keine Verbindung. Ihre Nachrichten gehen hinaus, sobald sie wieder da ist.", "Das war zu schnell. In {n} s geht es weiter.", "{n} ungelesen", "Nachrichten", "Team", "Diese Datei wird nicht mehr aufbewahrt.", "Datei anhängen", "{name} wurde nicht gesendet: {why}"],
  fr: ["Chat", "Ouvrir le chat", "Fermer le chat", "Bonjour ! Comment pouvons-nous vous aider ?", "Écrire un message", "Envoyer", "Parler à une personne", "Assistant", "automatique", "Vous êtes numéro {n} dans la file.", "Environ {minutes} min d’attente.", "Vous parlez avec {name}.", "Vous", "écrit…", "Envoi", "Envoyé", "Distribué", "Lu", "Non envoyé", "Réessayer", "Pas de connexion. Vos messages partiront à son retour.", "C’était trop rapide. On reprend dans {n} s.", "{n} non lus", "Messages", "Équipe", "Ce fichier n’est plus conservé.", "Joindre un fichier", "{name} n’a pas été envoyé : {why}"],
  pt: ["Chat", "Abrir o chat", "Fechar o chat", "Olá! Como podemos ajudar?", "Escreva uma mensagem", "Enviar", "Falar com uma pessoa", "Assistente", "automático", "Você é o número {n} da fila.", "Cerca de {minutes} min de espera.", "Você está falando com {name}.", "Você", "está escrevendo…", "Enviando", "Enviada", "Entregue", "Lida", "Não enviada", "Tentar de novo", "Sem conexão. Suas mensagens serão enviadas quando ela voltar.", "Rápido demais. Continuamos em {n} s.", "{n} não lidas", "Mensagens", "Equipe", "Este arquivo não está mais guardado.", "Anexar um arquivo", "{name} não foi enviado: {why}"],
  it: ["Chat", "Apri la chat", "Chiudi la chat", "Ciao! Come possiamo aiutarti?", "Scrivi un messaggio", "Invia", "Parla con una persona", "Assistente", "automatico", "Sei il numero {n} in coda.", "Circa {minutes} min di attesa.", "Stai parlando con {name}.", "Tu", "sta scrivendo…", "Invio", "Inviato", "Consegnato", "Letto", "Non inviato", "Riprova", "Nessuna connessione. I messaggi partiranno quando torna.", "Troppo veloce. Si continua tra {n} s.", "{n} non letti", "Messaggi", "Team", "Questo file non è più conservato.", "Allega un file", "{name} non è stato inviato: {why}"],
  nl: ["Chat", "Chat openen", "Chat sluiten", "Hallo! Waarmee kunnen we helpen?", "Schrijf een bericht", "Versturen", "Met een mens praten", "Assistent", "automatisch", "Je bent nummer {n} in de wachtrij.", "Nog ongeveer {minutes} min.", "Je praat met {name}.", "Jij", "schrijft…", "Bezig met versturen", "Verstuurd", "Bezorgd", "Gelezen", "Niet verstuurd", "Opnieuw", "Geen verbinding. Je berichten gaan weg zodra die terug is.", "Dat ging te snel. Over {n} s gaan we verder.", "{n} ongelezen", "Berichten", "Team", "Dit bestand wordt niet meer bewaard.", "Bestand bijvoegen", "{name} is niet verstuurd: {why}"],
  pl: ["Czat", "Otwórz czat", "Zamknij czat", "Dzień dobry! W czym możemy pomóc?", "Napisz wiadomość", "Wyślij", "Porozmawiaj z człowiekiem", "Asystent", "automatyczny", "Twoje miejsce w kolejce: {n}.", "Około {minutes} min czekania.", "Rozmawiasz z {name}.", "Ty", "pisze…", "Wysyłanie", "Wysłano", "Dostarczono", "Przeczytano", "Nie wysłano", "Spróbuj ponownie", "Brak połączenia. Wiadomości wyślemy, gdy wróci.", "Za szybko. Ruszamy dalej za {n} s.", "Nieprzeczytane: {n}", "Wiadomości", "Zespół", "Ten plik nie jest już przechowywany.", "Załącz plik", "Nie wysłano {name}: {why}"],
  tr: ["Sohbet", "Sohbeti aç", "Sohbeti kapat", "Merhaba! Nasıl yardımcı olabiliriz?", "Mesaj yazın", "Gönder", "Bir insanla konuş", "Asistan", "otomatik", "Sırada {n}. kişisiniz.", "Yaklaşık {minutes} dk bekleme.", "{name} ile konuşuyorsunuz.", "Siz", "yazıyor…", "Gönderiliyor", "Gönderildi", "Teslim edildi", "Okundu", "Gönderilemedi", "Yeniden dene", "Bağlantı yok. Mesajlarınız bağlantı gelince gönderilecek.", "Çok hızlı. {n} sn sonra devam.", "{n} okunmamış", "Mesajlar", "Ekip", "Bu dosya artık saklanmıyor.", "Dosya ekle", "{name} gönderilmedi: {why}"],
  ar: ["محادثة", "افتح المحادثة", "أغلق المحادثة", "مرحبًا! كيف يمكننا مساعدتك؟", "اكتب رسالة", "إرسال", "التحدث إلى شخص", "المساعد", "آلي", "رقمك في الانتظار: {n}.", "الانتظار حوالي {minutes} دقيقة.", "أنت تتحدث مع {name}.", "أنت", "يكتب…", "جارٍ الإرسال", "أُرسلت", "وصلت", "قُرئت", "لم تُرسل", "حاول مجددًا", "لا يوجد اتصال. سنرسل رسائلك عند عودته.", "هذا سريع جدًا. نتابع بعد {n} ث.", "{n} غير مقروءة", "الرسائل", "الفريق", "لم يعد هذا الملف محفوظًا.", "إرفاق ملف", "لم يُرسل {name}: {why}"],
  ja: ["チャット", "チャットを開く", "チャットを閉じる", "こんにちは。ご用件をどうぞ。", "メッセージを入力", "送信", "担当者と話す", "アシスタント", "自動応答", "現在の順番は{n}番目です。", "待ち時間は約{minutes}分です。", "{name}が対応しています。", "あなた", "入力中…", "送信中", "送信済み", "配信済み", "既読", "送信できませんでした", "再試行", "接続がありません。復旧後に送信します。", "少し速すぎます。{n}秒後に続けます。", "未読{n}件", "メッセージ", "チーム", "このファイルは保存期間が終わりました。", "ファイルを添付", "{name}は送信されませんでした: {why}"],
  zh: ["聊天", "打开聊天", "关闭聊天", "您好！有什么可以帮您？", "输入消息", "发送", "转人工", "助手", "自动", "您在队列中排第{n}位。", "大约还需等待{minutes}分钟。", "正在与{name}对话。", "您", "正在输入…", "发送中", "已发送", "已送达", "已读", "未发送", "重试", "没有连接。恢复后将发送您的消息。", "太快了，{n}秒后继续。", "{n}条未读", "消息", "团队", "此文件已不再保存。", "添加附件", "{name}未发送：{why}"],
};

const RIGHT_TO_LEFT = new Set(["ar"]);

/**
 * The texts for a page.
 * @param {(string | null | undefined)[]} wanted locales, the most wanted first
 * @returns {{locale: string, language: string, direction: "ltr" | "rtl", texts: Texts}}
 */
export function textsFor(wanted) {
  const locale = wanted.find((one) => one && languageOf(one) in LANGUAGES) ?? "en";
  const language = languageOf(locale);
  const words = LANGUAGES[language] ?? [];
  const texts = Object.fromEntries(KEYS.map((key, at) => [key, words[at] ?? ""]));
  return { locale, language, direction: RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr", texts };
}

/** @param {string} locale */
function languageOf(locale) {
  return locale.toLowerCase().split(/[-_]/)[0] ?? "";
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
