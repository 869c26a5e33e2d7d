"""Reads customers' voice notes and pictures with OpenAI's models. What is read is data like their text.

A picture is described in a request of its own, without functions and without articles: text in it
can neither call a look-up nor see what the assistant knows. Files get a name of ours.
"""

from __future__ import annotations

import base64

import openai
from pydantic import BaseModel, ValidationError

from handoff_bot import spans
from handoff_bot.ai import prompts
from handoff_bot.ai.deadline import within
from handoff_bot.ai.failures import Failure, failure_of, malformed, never_left, timed_out
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.personal_data import Redactor
from handoff_bot.domain.errors import CapReached, ModelError
from handoff_bot.domain.file_reading import seconds_of
from handoff_bot.domain.files import File
from handoff_bot.domain.language_models import Usage
from handoff_bot.domain.messages import storable
from handoff_bot.domain.text import LANGUAGES
from handoff_bot.ports import ModelWatch, Spending

_LONGEST = 100_000
"""Characters of a response. Ten minutes of speech need a tenth."""
_NAMES = {"audio/ogg": "voice.ogg", "audio/mpeg": "voice.mp3", "audio/mp4": "voice.m4a"}


class Description(BaseModel):
    """The language model's answer about a picture."""

    description: str


class _Usage(BaseModel):
    seconds: float | None = None


class _Transcription(BaseModel):
    text: str


class _Counted(BaseModel):
    usage: _Usage | None = None


class OpenAIFileReader:
    """Thread-safe.

    Args:
        client: from `connect`.
        transcriber: name of the model that transcribes.
        model: describes pictures.
        seconds: deadline of a transcription.
        picture_seconds: deadline of a description.
        watch: told the outcome of transcriptions.
    """

    def __init__(
        self,
        client: openai.OpenAI,
        transcriber: str,
        model: LanguageModel,
        spending: Spending | None = None,
        *,
        seconds: float = 20.0,
        picture_seconds: float = 8.0,
        watch: ModelWatch | None = None,
    ) -> None:
        self._client = client
        self._transcriber = transcriber
        self._model = model
        self._spending = spending
        self._seconds = seconds
        self._picture_seconds = picture_seconds
        self._watch = watch

    def transcribe(self, file: File, contact_id: int | None = None) -> str:
        """Returns what is said in a voice note, in the language that is spoken.

        Raises:
            ModelError: with the kind of failure as its whole text, e.g. "timeout".
        """
        if self._spending and not self._spending.allows(contact_id):
            raise CapReached("spent enough for today")
        try:
            body = self._sent(file, contact_id)
            self._count(file, contact_id, _seconds_in(body))  # also what cannot be read is paid
            said = _parsed(body)
        except Failure as failure:
            self._report(failure)
            raise ModelError(str(failure)) from None
        if self._watch:
            self._watch.answered()
        return storable(said.text).strip()

    def _report(self, failure: Failure) -> None:
        if self._watch and failure.trouble:
            self._watch.failed(failure.trouble, failure.detail)

    def _sent(self, file: File, contact_id: int | None) -> str:
        """Returns the response. A request without one may be paid too."""
        transcriptions = self._client.audio.transcriptions.with_raw_response
        upload = (_NAMES[file.content_type], file.data, file.content_type)
        try:
            with spans.call("model /audio/transcriptions", "language-model"):
                return within(
                    self._seconds,
                    lambda: (
                        transcriptions.create(
                            file=upload, model=self._transcriber, timeout=self._seconds
                        ).text
                    ),
                )
        except TimeoutError:
            self._count(file, contact_id)
            raise timed_out() from None
        except openai.OpenAIError as error:
            if isinstance(error, openai.APIConnectionError) and not never_left(error):
                self._count(file, contact_id)
            raise failure_of(error) from None

    def _count(self, file: File, contact_id: int | None, seconds: float = 0.0) -> None:
        """Counts the service's length of the audio, or else ours."""
        if self._spending:
            length = seconds if seconds > 0 else seconds_of(file)
            self._spending.record(contact_id, Usage(self._transcriber, 0, 0, seconds=length))

    def describe(self, file: File, asked: str, language: str, contact_id: int | None = None) -> str:
        """Returns what a picture shows.

        Raises:
            ModelError: as above.
        """
        redactor = Redactor()
        message = prompts.shortened(prompts.readable(redactor.mask(asked)))
        reply = self._model.ask(
            prompts.DESCRIBE.format(language=LANGUAGES.get(language, LANGUAGES["en"])),
            prompts.enclosed("message", [message] if message else []),
            Description,
            self._picture_seconds,
            contact_id,
            pictures=(_data_url(file),),
        )
        return storable(redactor.restore(reply.description)).strip()


def _seconds_in(body: str) -> float:
    """Returns the length that the service has counted; 0 if it does not say."""
    try:
        said = _Counted.model_validate_json(body) if len(body) <= _LONGEST else _Counted()
    except ValidationError:
        return 0.0
    return (said.usage.seconds if said.usage else None) or 0.0


def _parsed(body: str) -> _Transcription:
    if len(body) > _LONGEST:
        raise malformed()
    try:
        return _Transcription.model_validate_json(body)
    except ValidationError:
        raise malformed() from None


def _data_url(file: File) -> str:
    return f"data:{file.content_type};base64,{base64.b64encode(file.data).decode()}"
