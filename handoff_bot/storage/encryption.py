"""Encryption at rest: keys from a file, and sealed values. Usable without the rest of the storage.

A sealed value names its format and its key, so that keys can be rotated and plain values stay
readable beside sealed ones. AES-256-GCM binds each value to its place (table and column).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from handoff_bot.domain.errors import EncryptionError, Undecryptable

logger = logging.getLogger(__name__)

TEXT_PREFIX = "hf1:"
"""Begins a sealed text: prefix, 8 digits of the key's id, ":", base64 of nonce and ciphertext."""
BYTES_PREFIX = b"\0hf1"
"""Begins sealed bytes: prefix, 8 digits of the key's id, nonce and ciphertext."""
ID_LENGTH = 8
NONCE_LENGTH = 12
TAG_LENGTH = 16
KEY_LENGTH = 32
LARGEST_FILE = 64 * 1024
MOST_KEYS = 100
"""Other lines do not count."""
MOST_TROUBLES = 100
"""Pairs of a place and a key that are counted: key ids in damaged values may be anything."""
MISSING = "its key {key} is not in ENCRYPTION_KEY_FILE"
DAMAGED = "it is damaged or belongs elsewhere"
NO_LIBRARY = (
    "ENCRYPTION_KEY_FILE is set, but the library for encryption is missing. Install it with: "
    "pip install 'handoff-bot[encryption]'"
)
_TEXT_START = len(TEXT_PREFIX) + ID_LENGTH + 1
BYTES_START = len(BYTES_PREFIX) + ID_LENGTH + NONCE_LENGTH
"""Length of what a file must have to be recognised as sealed."""
_BYTES_START = len(BYTES_PREFIX) + ID_LENGTH
_HEX = frozenset("0123456789abcdef")


def new_key() -> str:
    """Returns a new key as one line of a key file: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(KEY_LENGTH)).decode()


def key_id_of(stored: str | bytes) -> str:
    """Returns the id of the key that sealed a stored value, "" for a plain value."""
    if isinstance(stored, bytes):
        found = stored[len(BYTES_PREFIX) : _BYTES_START].decode("latin-1")
        is_sealed = stored.startswith(BYTES_PREFIX) and len(stored) >= _BYTES_START + NONCE_LENGTH
    else:
        found = stored[len(TEXT_PREFIX) : _TEXT_START - 1]
        is_sealed = stored.startswith(TEXT_PREFIX) and stored[_TEXT_START - 1 : _TEXT_START] == ":"
    return found if is_sealed and len(found) == ID_LENGTH and _HEX.issuperset(found) else ""


class Keyring:
    """The keys of a key file: the first one seals, all of them open. For several threads.

    `repr` shows ids only. An id is a hash of its key, so it can be shown and stored.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        """Takes the lines of a key file; empty lines and lines that begin with "#" do not count.

        Raises:
            EncryptionError: a line is no key, there is none, or the library is missing.
        """
        cipher = _library()
        self._ciphers: dict[str, Any] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key = _parsed(line.strip(), number)
            self._ciphers.setdefault(_id_of(key), cipher(key))
            if len(self._ciphers) > MOST_KEYS:
                raise EncryptionError(f"ENCRYPTION_KEY_FILE holds more than {MOST_KEYS} keys.")
        if not self._ciphers:
            raise EncryptionError(
                "ENCRYPTION_KEY_FILE holds no key. Write one with: handoff keys new FILE"
            )
        self.first = next(iter(self._ciphers))
        self._guard = threading.Lock()
        self._troubles: Counter[tuple[str, str]] = Counter()

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Returns the ids of all keys, that of the sealing key first."""
        return tuple(self._ciphers)

    @property
    def troubles(self) -> dict[tuple[str, str], int]:
        """Returns (place, key id) -> how often a value could not be opened since the start."""
        with self._guard:
            return dict(self._troubles)

    # Closures, because a message seals and opens some thirty values.

    def sealer(self, place: str) -> Callable[[str], str]:
        """Returns what seals texts for a place, such as "message.text"."""
        encrypt, bound = self._ciphers[self.first].encrypt, place.encode()
        start, random, encode = f"{TEXT_PREFIX}{self.first}:", os.urandom, base64.b64encode

        def seal(text: str) -> str:
            nonce = random(NONCE_LENGTH)
            return start + encode(nonce + encrypt(nonce, text.encode(), bound)).decode("ascii")

        return seal

    def seal(self, text: str, place: str) -> str:
        """Seals one text for a place."""
        return self.sealer(place)(text)

    def open(self, stored: str, place: str) -> str:
        """Opens a sealed text; returns a plain one, or one that only begins like a sealed one, as it is.

        Raises:
            Undecryptable: its key is missing, or it was changed or sealed for another place.
        """
        key = key_id_of(stored)
        if not key:
            return stored
        try:
            raw = base64.b64decode(stored[_TEXT_START:], validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if key not in self._ciphers and len(raw) <= NONCE_LENGTH + TAG_LENGTH:
            return stored  # nothing that we have sealed: anybody can write such a text
        return self._opened(raw, key, place).decode()

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        """Seals bytes for a place."""
        nonce = os.urandom(NONCE_LENGTH)
        sealed = self._ciphers[self.first].encrypt(nonce, content, place.encode())
        return b"".join((BYTES_PREFIX, self.first.encode(), nonce, sealed))

    def open_bytes(self, stored: bytes, place: str) -> bytes:
        """Opens sealed bytes; returns plain ones as they are. Raises as `open`."""
        key = key_id_of(stored)
        return self._opened(stored[_BYTES_START:], key, place) if key else stored

    def _opened(self, raw: bytes, key: str, place: str) -> bytes:
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise self._trouble(place, key, MISSING.format(key=key))
        nonce, sealed = raw[:NONCE_LENGTH], raw[NONCE_LENGTH:]
        if len(sealed) < TAG_LENGTH:
            raise self._trouble(place, key, DAMAGED)
        try:
            opened: bytes = cipher.decrypt(nonce, sealed, place.encode())
        except _invalid_tag():
            raise self._trouble(place, key, DAMAGED) from None
        return opened

    def _trouble(self, place: str, key: str, why: str) -> Undecryptable:
        """Counts a value that cannot be opened, and logs the first one of its kind."""
        pair = (place, key)
        with self._guard:
            is_new = pair not in self._troubles
            if not is_new or len(self._troubles) < MOST_TROUBLES:
                self._troubles[pair] += 1
        if is_new:
            logger.error("stored value cannot be decrypted", extra={"place": place, "key_id": key})
        return Undecryptable(why)


def read_keyring(path: Path, guarded: Collection[Path] = ()) -> Keyring:
    """Reads a key file.

    Args:
        guarded: folders whose files the system protects itself, with modes of its own: systemd's
            credentials and Docker's secrets.

    Raises:
        EncryptionError: the file is missing, readable by others, or holds something else than keys.
    """
    try:
        with open(path, "rb") as file:
            about = os.fstat(file.fileno())
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise EncryptionError(f"ENCRYPTION_KEY_FILE cannot be read ({error.strerror}).") from None
    is_guarded = any(path.absolute().is_relative_to(folder) for folder in guarded)
    if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and not is_guarded:
        raise EncryptionError(
            "ENCRYPTION_KEY_FILE can be read by other users of this machine. Restrict it with: "
            f"chmod 600 {path}"
        )
    if len(content) > LARGEST_FILE:
        raise EncryptionError("ENCRYPTION_KEY_FILE is too large to be a key file.")
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise EncryptionError("ENCRYPTION_KEY_FILE is not a text file of keys.") from None
    return Keyring(lines)


def write_new_key(path: Path) -> str:
    """Creates a key file with one new key, which only its owner can read; returns the key's id.

    Raises:
        EncryptionError: the file exists, or cannot be written.
    """
    key = new_key()
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise EncryptionError(
            f"{path} exists. To rotate, add a line to it with the output of: handoff keys new"
        ) from None
    except OSError as error:
        raise EncryptionError(f"{path} cannot be written ({error.strerror}).") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(handle)
    return _id_of(base64.urlsafe_b64decode(key))


def _parsed(line: str, number: int) -> bytes:
    try:
        key = base64.b64decode(line, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_LENGTH:
        # The line itself is not shown: it may be a key with one character too many.
        raise EncryptionError(
            f"ENCRYPTION_KEY_FILE: line {number} is not a key. Make one with: handoff keys new"
        )
    return key


def _id_of(key: bytes) -> str:
    return hmac.digest(key, b"handoff key id", "sha256").hex()[:ID_LENGTH]


def _library() -> Any:
    # Imported here: it takes memory and time that deployments without encryption should not pay.
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise EncryptionError(NO_LIBRARY) from None
    return AESGCM


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag
