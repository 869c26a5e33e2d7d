"""OpenAI's stand-in on loopback: Responses, Chat Completions and transcriptions, with scripted answers."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from handoff_sandbox.openai import files, refusals, schemas, shapes, translations
from handoff_sandbox.openai.files import Upload
from handoff_sandbox.openai.shapes import Called, Refusal
from handoff_sandbox.server import Faults, Journal, Server

Json = dict[str, Any]
Said = str | Json | Refusal | Called
"""A text, an object to return as JSON, a refusal, or calls of functions."""
Script = Callable[[Json], Said | None]
"""Returns the answer for a request body; None falls back to the rules."""

INVALID = "invalid_request_error"


class OpenAIStandIn:
    """OpenAI, for the unmodified client: `OpenAI(api_key=…, base_url=stand_in.base_url)`.

    Without a script or a matching rule, the answer is the smallest value of the requested format. A
    translation is the original text with the language in front. Transcriptions and descriptions are
    invented (`files.py`).

    Args:
        journal, faults: shared with other stand-ins; its own if None.
        api_key: the only accepted key.
        port: 0 for any free one.
        lacks: features that some compatible services lack: "responses", "models", "transcriptions"
            (the endpoints), "json_schema", "json_object" (the formats), and parameters: "store",
            "max_tokens", "max_completion_tokens", "max_output_tokens", "reasoning.effort".
        efforts: the accepted values of the reasoning effort.
        is_strict: reports all refused parameters at once, as servers built on FastAPI do.
        models: name -> shutdown day, or None; other models are unknown then. Without it, any name is valid.
        reasoning: effort -> reasoning tokens; without an effort, the value of "medium".

    Attributes:
        url, base_url: the address, without and with "/v1".
        models, reasoning: as given; may be changed.
        seconds: the length that it says of each voice note; None says none.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        faults: Faults | None = None,
        *,
        api_key: str = "sk-sandbox",
        port: int = 0,
        lacks: Collection[str] = (),
        efforts: Collection[str] = refusals.EFFORTS,
        is_strict: bool = False,
        models: Mapping[str, str | None] | None = None,
        reasoning: Mapping[str, int] | None = None,
    ) -> None:
        self.journal, self.faults, self.api_key = journal or Journal(), faults or Faults(), api_key
        self._lacks, self._efforts, self._is_strict = frozenset(lacks), tuple(efforts), is_strict
        self.models, self.reasoning = models, reasoning or {}
        self._script: Script = lambda _: None
        self._rules: list[tuple[str, Said]] = []
        self._requests: list[Json] = []
        self._hears: Callable[[Upload], str] = files.heard_in
        self._uploads: list[Upload] = []
        self.seconds: float | None = 4.0
        self._guard = threading.Lock()
        self._server = Server(
            self._app(), "openai", self.journal, self.faults, port=port, fault_answer=shapes.fault
        )
        self.url, self.base_url = self._server.url, f"{self._server.url}/v1"

    def start(self) -> OpenAIStandIn:
        """Starts the server; returns itself."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Closes all connections and threads."""
        self._server.stop()

    def __enter__(self) -> OpenAIStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # -- the script

    def respond_with(self, script: Script) -> None:
        """Sets the script that decides all answers."""
        self._script = script

    def respond_when(self, words: str, said: Said) -> None:
        """Adds a rule: answers so if the user's input contains `said`, ignoring case. The first match wins.

        Args:
            said: an object is merged into the smallest value, and only applies if its names match.
        """
        with self._guard:
            self._rules.append((words.casefold(), said))

    def requests(self) -> list[Json]:
        """Returns the bodies of valid, authenticated requests, oldest first."""
        with self._guard:
            return list(self._requests)

    def hear_with(self, script: Callable[[Upload], str]) -> None:
        """Sets what is heard in voice notes."""
        self._hears = script

    def uploads(self) -> list[Upload]:
        """Returns the files that were transcribed, oldest first."""
        with self._guard:
            return list(self._uploads)

    # -- the API

    def _app(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        if "responses" not in self._lacks:
            app.post("/v1/responses")(self._responses)
        app.post("/v1/chat/completions")(self._completions)
        if "transcriptions" not in self._lacks:
            app.post("/v1/audio/transcriptions")(self._transcription)
        if "models" not in self._lacks:
            app.get("/v1/models/<name>")(self._model)
        return app

    def _model(self, name: str) -> Response:
        if problem := self._wrong_key() or self._unknown(name):
            return problem
        return _with_id(jsonify(shapes.model(name, (self.models or {}).get(name))))

    def _wrong_key(self) -> Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.api_key}":
            return None
        return _problem(401, "Incorrect API key provided.", code="invalid_api_key")

    def _unknown(self, model: object) -> Response | None:
        if self.models is None or model in self.models:
            return None
        words = f"The model '{model}' does not exist or you do not have access to it."
        return _problem(404, words, code="model_not_found")

    def _transcription(self) -> Response:
        if problem := self._wrong_key():
            return problem
        given, model = request.files.get("file"), request.form.get("model", "")
        for name, value in (("file", given), ("model", model)):
            if not value:
                words = f"Missing required parameter: '{name}'."
                return _problem(400, words, "missing_required_parameter", name)
        if problem := self._unknown(model):
            return problem
        upload = Upload(given.filename or "", model, given.read()) if given else Upload("", "", b"")
        if not upload.is_supported:
            words = f"Invalid file format. Supported formats: {list(files.FORMATS)}"
            return _problem(400, words, param="file")
        if len(upload.data) > files.LARGEST:
            words = f"Maximum content size limit ({files.LARGEST}) exceeded"
            return _problem(413, words, param="file")
        with self._guard:
            self._uploads.append(upload)
        return _with_id(jsonify(files.transcription(self._hears(upload), self.seconds)))

    def _responses(self) -> Response:
        return self._answer("input", shapes.response)

    def _completions(self) -> Response:
        return self._answer("messages", shapes.completion)

    def _answer(self, asked: str, shape: Callable[[Json, Any, int], Json]) -> Response:
        if problem := self._wrong_key():
            return problem
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return _problem(400, "We could not parse the JSON body of your request.")
        with self._guard:
            self._requests.append(body)
        problem = self._refusal(body) or self._lack(body, asked) or _problem_with(body, asked)
        if problem := problem or self._unknown(body["model"]):
            return problem
        said = self._said(body)
        text = json.dumps(said) if isinstance(said, dict) else said
        reasoned = self.reasoning.get(shapes.effort_of(body) or "medium", 0)
        return _with_id(jsonify(shape(body, text, reasoned)))

    def _refusal(self, body: Json) -> Response | None:
        refused = list(refusals.refused(body, self._lacks, self._efforts))
        if not refused:
            return None
        if not self._is_strict:
            return _with_status(400, refusals.as_openai(refused[0]))
        return _with_status(422, refusals.as_fastapi(refused, body))

    def _lack(self, body: Json, asked: str) -> Response | None:
        kind = shapes.wanted_by(body).kind
        if kind not in self._lacks:
            return None
        param = _form(asked)
        words = f"Invalid parameter: '{param}' of type '{kind}' is not supported with this model."
        return _problem(400, words, param=param)

    def _said(self, body: Json) -> Said:
        said = self._script(body)
        return self._by_rule(body) if said is None else said

    def _by_rule(self, body: Json) -> Said:
        wanted = shapes.wanted_by(body)
        least: Said = {} if wanted.kind == "json_object" else "Understood."
        if wanted.kind == "json_schema":
            least = schemas.smallest(wanted.schema)
        if translations.is_wanted(body):
            least = translations.translated(body)
        elif found := files.described(body):
            least = found
        heard = shapes.words_of(body, "user").casefold()
        with self._guard:
            rules = [said for words, said in self._rules if words in heard]
        for said in rules:
            if not (isinstance(said, dict) and isinstance(least, dict)):
                return said
            if wanted.kind == "json_object" or schemas.covers(wanted.schema, said):
                return schemas.laid_over(least, said)
        return least


def _problem_with(body: Json, asked: str) -> Response | None:
    """Returns OpenAI's error for a request, None if it is accepted."""
    for name in ("model", asked):
        if not body.get(name):
            words = f"Missing required parameter: '{name}'."
            return _problem(400, words, "missing_required_parameter", name)
    if problem := _problem_with_tools(body):
        return problem
    if body.get("stream"):
        return _problem(400, "This stand-in answers at once.", "unsupported_value", "stream")
    return _problem_with_form(body, _form(asked))


def _problem_with_tools(body: Json) -> Response | None:
    """Returns OpenAI's error for tools that are not strict, and for calls without an output."""
    for at, tool in enumerate(body.get("tools") or ()):
        schema = tool.get("parameters") or {}
        if tool.get("type") != "function" or not tool.get("name"):
            param = f"tools[{at}].name"
            words = f"Missing required parameter: '{param}'."
            return _problem(400, words, "missing_required_parameter", param)
        complaint = schemas.complaint(schema) if tool.get("strict") else None
        if complaint:
            words = f"Invalid schema for function '{tool['name']}': {complaint}"
            return _problem(400, words, "invalid_function_parameters", f"tools[{at}].parameters")
    asked = body.get("input")
    items = asked if isinstance(asked, list) else []
    called = {one.get("call_id") for one in items if one.get("type") == "function_call"}
    told = {one.get("call_id") for one in items if one.get("type") == "function_call_output"}
    for missing in called - told:
        words = f"No tool output found for function call {missing}."
        return _problem(400, words, param="input")
    for missing in told - called:
        words = f"No tool call found for function call output with call_id {missing}."
        return _problem(400, words, param="input")
    return None


def _form(asked: str) -> str:
    return "text.format" if asked == "input" else "response_format"


def _problem_with_form(body: Json, param: str) -> Response | None:
    wanted = shapes.wanted_by(body)
    if wanted.kind == "json_schema" and not wanted.schema:
        return _problem(400, f"Missing schema in '{param}'.", "missing_required_parameter", param)
    if wanted.kind == "json_object" and "json" not in shapes.words_of(body).casefold():
        words = f"The input must contain the word 'json' to use '{param}' of type 'json_object'."
        return _problem(400, words, param=param)
    complaint = schemas.complaint(wanted.schema) if wanted.is_strict else None
    if complaint:
        return _problem(400, f"Invalid schema: {complaint}", "invalid_json_schema", param)
    return None


def _problem(
    status: int, words: str, code: str | None = None, param: str | None = None
) -> Response:
    return _with_status(status, shapes.error(words, INVALID, code, param))


def _with_status(status: int, body: Json) -> Response:
    response = jsonify(body)
    response.status_code = status
    return _with_id(response)


def _with_id(response: Response) -> Response:
    response.headers["x-request-id"] = f"req_{uuid.uuid4().hex}"
    return response
