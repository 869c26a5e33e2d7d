"""Default customer texts for each moment and language."""

from __future__ import annotations

from enum import StrEnum


class Moment(StrEnum):
    """When a fixed text is sent."""

    DISCLOSURE = "disclosure"
    VOICE_NOTE = "voice_note"
    PICTURE = "picture"
    UNREADABLE = "unreadable"
    STARTED = "started"
    POSITION = "position"
    WAITING_LONG = "waiting_long"
    NOBODY_HERE = "nobody_here"
    OUT_OF_HOURS = "out_of_hours"
    CALLBACK = "callback"
    BUSY = "busy"
    TAKEN = "taken"
    GREETING = "greeting"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    RESOLVED = "resolved"
    RETURNED = "returned"
    DISMISSED = "dismissed"
    CSAT = "csat"
    CSAT_THANKS = "csat_thanks"
    STOPPED = "stopped"
    RESUMED = "resumed"
    CORRECTION = "correction"


TEXTS: dict[str, dict[Moment, str]] = {
    "en": {
        Moment.DISCLOSURE: "Hi, I'm an automated assistant. You can ask for a person at any time.",
        Moment.VOICE_NOTE: (
            "I'm an automated assistant and can't listen to voice notes. "
            "Please write what it is about, or ask for a person."
        ),
        Moment.PICTURE: (
            "I'm an automated assistant and can't look at pictures. "
            "Please write what it shows and how I can help, or ask for a person."
        ),
        Moment.UNREADABLE: (
            "I'm an automated assistant and can't open this kind of message. "
            "Please write what it is about, or ask for a person."
        ),
        Moment.STARTED: (
            "I'm connecting you with a member of our team. "
            "Your wait time is approximately {wait_minutes} minutes."
        ),
        Moment.POSITION: (
            "You are number {position} in the queue. Your wait time is approximately "
            "{wait_minutes} minutes."
        ),
        Moment.WAITING_LONG: (
            "Sorry for the wait. You are number {position} in the queue, and we haven't "
            "forgotten you."
        ),
        Moment.NOBODY_HERE: (
            "Our team is busy right now. Your request is ticket #{ticket}, and you don't "
            "have to wait here."
        ),
        Moment.OUT_OF_HOURS: (
            "Our team is currently offline. Your request is ticket #{ticket}, and we will "
            "reply as soon as we are back."
        ),
        Moment.CALLBACK: (
            "We couldn't connect you with our team in time. Your request is ticket "
            "#{ticket}, and we will get back to you here."
        ),
        Moment.BUSY: (
            "Our team is busy right now. We have your message, and a person will join you here as "
            "soon as possible. Until then you can keep asking me."
        ),
        Moment.TAKEN: "Now speaking with {agent}.",
        Moment.GREETING: ("Hi, I'm {agent}. I've reviewed your conversation and I'm here to help."),
        Moment.RELEASED: (
            "I'm passing you to another member of our team. "
            "Your wait time is approximately {wait_minutes} minutes."
        ),
        Moment.TRANSFERRED: "Now speaking with {agent}.",
        Moment.RESOLVED: "This conversation is now closed. Write again any time you need us.",
        Moment.RETURNED: (
            "You're back with our automated assistant. Just ask if you want a person again."
        ),
        Moment.DISMISSED: (
            "Our automated assistant will carry on helping you. Just ask if you want a person."
        ),
        Moment.CSAT: "How did we do? Reply with a number from 1 (bad) to 5 (very good).",
        Moment.CSAT_THANKS: "Thank you for your answer.",
        Moment.STOPPED: "You won't receive any more messages from us. Reply START to resume.",
        Moment.RESUMED: "You will receive messages from us again. Reply STOP to end them.",
        Moment.CORRECTION: "Correction:",
    },
    "es": {
        Moment.DISCLOSURE: (
            "Hola, soy un asistente automático. Puedes pedir hablar con una persona cuando quieras."
        ),
        Moment.VOICE_NOTE: (
            "Soy un asistente automático y no puedo escuchar notas de voz. "
            "Escríbeme de qué se trata o pide hablar con una persona."
        ),
        Moment.PICTURE: (
            "Soy un asistente automático y no puedo ver imágenes. "
            "Escríbeme qué muestra y cómo puedo ayudarte, o pide hablar con una persona."
        ),
        Moment.UNREADABLE: (
            "Soy un asistente automático y no puedo abrir este tipo de mensaje. "
            "Escríbeme de qué se trata o pide hablar con una persona."
        ),
        Moment.STARTED: (
            "Te estoy poniendo en contacto con una persona de nuestro equipo. "
            "El tiempo de espera es de unos {wait_minutes} minutos."
        ),
        Moment.POSITION: (
            "Eres el número {position} de la cola. El tiempo de espera es de unos "
            "{wait_minutes} minutos."
        ),
        Moment.WAITING_LONG: (
            "Sentimos que tarde más de lo previsto. Eres el número {position} de la cola y no"
            " nos hemos olvidado de ti."
        ),
        Moment.NOBODY_HERE: (
            "Ahora mismo no hay nadie libre en nuestro equipo. Tu consulta es el ticket n.º "
            "{ticket}; no hace falta que esperes aquí."
        ),
        Moment.OUT_OF_HOURS: (
            "Nuestro equipo no está disponible en este momento. Tu consulta es el ticket n.º "
            "{ticket} y te responderemos en cuanto volvamos."
        ),
        Moment.CALLBACK: (
            "No hemos podido encontrar a nadie a tiempo. Tu consulta es el ticket n.º "
            "{ticket} y te responderemos por aquí."
        ),
        Moment.BUSY: (
            "Nuestro equipo está muy ocupado en este momento. Tenemos tu mensaje y una persona te "
            "atenderá aquí en cuanto sea posible. Mientras tanto puedes seguir preguntándome."
        ),
        Moment.TAKEN: "Ahora hablas con {agent}.",
        Moment.GREETING: "Hola, soy {agent}. He leído tu conversación y estoy aquí para ayudarte.",
        Moment.RELEASED: (
            "Te paso con otra persona de nuestro equipo. "
            "El tiempo de espera es de unos {wait_minutes} minutos."
        ),
        Moment.TRANSFERRED: "Ahora hablas con {agent}.",
        Moment.RESOLVED: (
            "Esta conversación queda cerrada. Escríbenos de nuevo cuando nos necesites."
        ),
        Moment.RETURNED: (
            "Vuelves a hablar con nuestro asistente automático. "
            "Si quieres hablar con una persona, solo pídelo."
        ),
        Moment.DISMISSED: (
            "Nuestro asistente automático seguirá ayudándote. "
            "Si quieres hablar con una persona, solo pídelo."
        ),
        Moment.CSAT: "¿Qué tal lo hemos hecho? Responde con un número del 1 (mal) al 5 (muy bien).",
        Moment.CSAT_THANKS: "Gracias por tu respuesta.",
        Moment.STOPPED: "No recibirás más mensajes nuestros. Responde START para reanudarlos.",
        Moment.RESUMED: "Volverás a recibir nuestros mensajes. Responde STOP para detenerlos.",
        Moment.CORRECTION: "Corrección:",
    },
    "de": {
        Moment.DISCLOSURE: (
            "Hallo, ich bin ein automatischer Assistent. "
            "Sie können jederzeit nach einem Menschen fragen."
        ),
        Moment.VOICE_NOTE: (
            "Ich bin ein automatischer Assistent und kann keine Sprachnachrichten anhören. "
            "Bitte schreiben Sie, worum es geht, oder fragen Sie nach einem Menschen."
        ),
        Moment.PICTURE: (
            "Ich bin ein automatischer Assistent und kann keine Bilder ansehen. "
            "Bitte schreiben Sie, was es zeigt und wie ich helfen kann, oder fragen Sie nach einem Menschen."
        ),
        Moment.UNREADABLE: (
            "Ich bin ein automatischer Assistent und kann diese Art von Nachricht nicht öffnen. "
            "Bitte schreiben Sie, worum es geht, oder fragen Sie nach einem Menschen."
        ),
        Moment.STARTED: (
            "Ich verbinde Sie mit einem Mitglied unseres Teams. "
            "Die Wartezeit beträgt ungefähr {wait_minutes} Minuten."
        ),
        Moment.POSITION: (
            "Sie sind Nummer {position} in der Warteschlange. Die Wartezeit beträgt etwa "
            "{wait_minutes} Minuten."
        ),
        Moment.WAITING_LONG: (
            "Es dauert leider länger als gedacht. Sie sind Nummer {position} in der "
            "Warteschlange, und wir haben Sie nicht vergessen."
        ),
        Moment.NOBODY_HERE: (
            "Gerade ist niemand aus unserem Team frei. Ihr Anliegen ist Ticket Nr. {ticket}; "
            "Sie müssen hier nicht warten."
        ),
        Moment.OUT_OF_HOURS: (
            "Unser Team ist gerade nicht da. Ihr Anliegen ist Ticket Nr. {ticket}, und wir "
            "antworten, sobald wir zurück sind."
        ),
        Moment.CALLBACK: (
            "Wir konnten leider nicht rechtzeitig jemanden für Sie erreichen. Ihr Anliegen "
            "ist Ticket Nr. {ticket}, und wir melden uns hier."
        ),
        Moment.BUSY: (
            "Unser Team ist gerade ausgelastet. Wir haben Ihre Nachricht, und ein Mensch meldet "
            "sich hier, sobald es geht. Bis dahin können Sie weiter mich fragen."
        ),
        Moment.TAKEN: "Sie sprechen jetzt mit {agent}.",
        Moment.GREETING: (
            "Hallo, ich bin {agent}. Ich habe Ihr Gespräch gelesen und helfe Ihnen gern."
        ),
        Moment.RELEASED: (
            "Ich gebe Sie an ein anderes Mitglied unseres Teams weiter. "
            "Die Wartezeit beträgt ungefähr {wait_minutes} Minuten."
        ),
        Moment.TRANSFERRED: "Sie sprechen jetzt mit {agent}.",
        Moment.RESOLVED: "Dieses Gespräch ist nun beendet. Schreiben Sie uns jederzeit wieder.",
        Moment.RETURNED: (
            "Jetzt antwortet wieder unser automatischer Assistent. "
            "Fragen Sie einfach, wenn Sie einen Menschen möchten."
        ),
        Moment.DISMISSED: (
            "Unser automatischer Assistent hilft Ihnen weiter. "
            "Fragen Sie einfach, wenn Sie einen Menschen möchten."
        ),
        Moment.CSAT: "Wie war es? Antworten Sie mit einer Zahl von 1 (schlecht) bis 5 (sehr gut).",
        Moment.CSAT_THANKS: "Danke für Ihre Antwort.",
        Moment.STOPPED: (
            "Sie erhalten keine Nachrichten mehr von uns. Mit START geht es wieder los."
        ),
        Moment.RESUMED: "Sie erhalten wieder Nachrichten von uns. Mit STOP beenden Sie sie.",
        Moment.CORRECTION: "Korrektur:",
    },
    "fr": {
        Moment.DISCLOSURE: (
            "Bonjour, je suis un assistant automatique. "
            "Vous pouvez demander une personne à tout moment."
        ),
        Moment.VOICE_NOTE: (
            "Je suis un assistant automatique et je ne peux pas écouter les messages vocaux. "
            "Écrivez-moi de quoi il s'agit ou demandez une personne."
        ),
        Moment.PICTURE: (
            "Je suis un assistant automatique et je ne peux pas voir les images. "
            "Écrivez-moi ce qu'elle montre et comment je peux aider, ou demandez une personne."
        ),
        Moment.UNREADABLE: (
            "Je suis un assistant automatique et je ne peux pas ouvrir ce type de message. "
            "Écrivez-moi de quoi il s'agit ou demandez une personne."
        ),
        Moment.STARTED: (
            "Je vous mets en relation avec un membre de notre équipe. "
            "Le temps d'attente est d'environ {wait_minutes} minutes."
        ),
        Moment.POSITION: (
            "Vous êtes numéro {position} dans la file. Le temps d'attente est d'environ "
            "{wait_minutes} minutes."
        ),
        Moment.WAITING_LONG: (
            "Désolé, c'est plus long que prévu. Vous êtes numéro {position} dans la file, et "
            "nous ne vous avons pas oublié."
        ),
        Moment.NOBODY_HERE: (
            "Personne de notre équipe n'est libre pour le moment. Votre demande est le ticket"
            " n° {ticket} ; inutile d'attendre ici."
        ),
        Moment.OUT_OF_HOURS: (
            "Notre équipe est absente pour le moment. Votre demande est le ticket n° "
            "{ticket}, et nous répondrons dès notre retour."
        ),
        Moment.CALLBACK: (
            "Nous n'avons pu joindre personne à temps. Votre demande est le ticket n° "
            "{ticket}, et nous reviendrons vers vous ici."
        ),
        Moment.BUSY: (
            "Notre équipe est très sollicitée en ce moment. Nous avons votre message, et une "
            "personne vous répondra ici dès que possible. D'ici là, vous pouvez continuer à me "
            "poser vos questions."
        ),
        Moment.TAKEN: "Vous parlez maintenant avec {agent}.",
        Moment.GREETING: (
            "Bonjour, je suis {agent}. J'ai lu votre conversation et je suis là pour vous aider."
        ),
        Moment.RELEASED: (
            "Je vous transfère à un autre membre de notre équipe. "
            "Le temps d'attente est d'environ {wait_minutes} minutes."
        ),
        Moment.TRANSFERRED: "Vous parlez maintenant avec {agent}.",
        Moment.RESOLVED: (
            "Cette conversation est maintenant close. Écrivez-nous quand vous le souhaitez."
        ),
        Moment.RETURNED: (
            "Notre assistant automatique reprend la conversation. "
            "Demandez simplement si vous voulez une personne."
        ),
        Moment.DISMISSED: (
            "Notre assistant automatique continue de vous aider. "
            "Demandez simplement si vous voulez une personne."
        ),
        Moment.CSAT: "Comment avons-nous été ? Répondez par un chiffre de 1 (mal) à 5 (très bien).",
        Moment.CSAT_THANKS: "Merci pour votre réponse.",
        Moment.STOPPED: "Vous ne recevrez plus nos messages. Répondez START pour reprendre.",
        Moment.RESUMED: "Vous recevrez de nouveau nos messages. Répondez STOP pour les arrêter.",
        Moment.CORRECTION: "Correction :",
    },
    "pt": {
        Moment.DISCLOSURE: (
            "Olá, sou um assistente automático. Pode pedir para falar com uma pessoa a qualquer "
            "momento."
        ),
        Moment.VOICE_NOTE: (
            "Sou um assistente automático e não consigo ouvir mensagens de voz. "
            "Escreva do que se trata ou peça para falar com uma pessoa."
        ),
        Moment.PICTURE: (
            "Sou um assistente automático e não consigo ver imagens. "
            "Escreva o que ela mostra e como posso ajudar, ou peça para falar com uma pessoa."
        ),
        Moment.UNREADABLE: (
            "Sou um assistente automático e não consigo abrir este tipo de mensagem. "
            "Escreva do que se trata ou peça para falar com uma pessoa."
        ),
        Moment.STARTED: (
            "Estou colocando você em contato com uma pessoa da nossa equipe. "
            "O tempo de espera é de cerca de {wait_minutes} minutos."
        ),
        Moment.POSITION: (
            "Você é o número {position} da fila. O tempo de espera é de cerca de "
            "{wait_minutes} minutos."
        ),
        Moment.WAITING_LONG: (
            "Desculpe, está demorando mais que o previsto. Você é o número {position} da "
            "fila, e não nos esquecemos de você."
        ),
        Moment.NOBODY_HERE: (
            "Ninguém da nossa equipe está livre agora. O seu pedido é o ticket n.º {ticket}; "
            "não precisa esperar aqui."
        ),
        Moment.OUT_OF_HOURS: (
            "A nossa equipe não está disponível no momento. O seu pedido é o ticket n.º "
            "{ticket}, e responderemos assim que voltarmos."
        ),
        Moment.CALLBACK: (
            "Não conseguimos encontrar ninguém a tempo. O seu pedido é o ticket n.º {ticket},"
            " e voltaremos a falar com você por aqui."
        ),
        Moment.BUSY: (
            "A nossa equipe está muito ocupada neste momento. Recebemos a sua mensagem, e uma "
            "pessoa falará com você aqui assim que possível. Até lá, você pode continuar me "
            "perguntando."
        ),
        Moment.TAKEN: "Agora você está falando com {agent}.",
        Moment.GREETING: "Olá, sou {agent}. Li a sua conversa e estou aqui para ajudar.",
        Moment.RELEASED: (
            "Vou passar você para outra pessoa da nossa equipe. "
            "O tempo de espera é de cerca de {wait_minutes} minutos."
        ),
        Moment.TRANSFERRED: "Agora você está falando com {agent}.",
        Moment.RESOLVED: "Esta conversa está encerrada. Escreva de novo quando precisar.",
        Moment.RETURNED: (
            "Você voltou ao nosso assistente automático. Se quiser uma pessoa, é só pedir."
        ),
        Moment.DISMISSED: (
            "O nosso assistente automático continua ajudando você. Se quiser uma pessoa, é só pedir."
        ),
        Moment.CSAT: "Como nos saímos? Responda com um número de 1 (mal) a 5 (muito bem).",
        Moment.CSAT_THANKS: "Obrigado pela sua resposta.",
        Moment.STOPPED: "Você não receberá mais mensagens nossas. Responda START para retomar.",
        Moment.RESUMED: "Você voltará a receber as nossas mensagens. Responda STOP para parar.",
        Moment.CORRECTION: "Correção:",
    },
}
