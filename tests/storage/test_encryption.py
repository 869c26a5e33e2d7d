"""Keys and sealed values: what is readable, what is refused, and what is never shown."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from handoff_bot.domain.errors import EncryptionError, Undecryptable
from handoff_bot.storage.encryption import (
    MOST_KEYS,
    Keyring,
    key_id_of,
    new_key,
    read_keyring,
    write_new_key,
)

KEYRING = Keyring([new_key()])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_a_sealed_text_opens_to_itself_and_does_not_contain_it(text):
    sealed = KEYRING.seal(text, "message.text")
    assert KEYRING.open(sealed, "message.text") == text
    assert key_id_of(sealed) == KEYRING.first
    assert len(text) < 8 or text not in sealed
    assert sealed != KEYRING.seal(text, "message.text")


@given(st.binary(max_size=300))
def test_sealed_bytes_open_to_themselves(content):
    sealed = KEYRING.seal_bytes(content, "attachment.data")
    assert KEYRING.open_bytes(sealed, "attachment.data") == content
    assert key_id_of(sealed) == KEYRING.first


@given(TEXTS.filter(lambda text: not key_id_of(text)))
def test_a_plain_text_stays_readable(text):
    assert KEYRING.open(text, "message.text") == text


@given(st.text(alphabet="hf1:0a=\u00e9 ", max_size=40) | TEXTS)
def test_no_stored_text_raises_anything_but_undecryptable(stored):
    with suppress(Undecryptable):
        assert KEYRING.open(f"hf1:{stored}", "message.text") == f"hf1:{stored}"


@given(st.data())
def test_a_changed_or_truncated_value_is_refused(data):
    sealed = KEYRING.seal("the secret door 7", "message.text")  # its base64 has no unused bits
    start = sealed.rindex(":") + 1
    place = data.draw(st.integers(start, len(sealed) - 1))
    other = data.draw(st.sampled_from("ABCdef019+/").filter(lambda one: one != sealed[place]))
    for broken in (sealed[:place] + other + sealed[place + 1 :], sealed[:place]):
        with pytest.raises(Undecryptable, match="damaged"):
            KEYRING.open(broken, "message.text")


def test_a_value_of_another_column_is_refused():
    sealed = KEYRING.seal("a note for agents only", "note.text")
    with pytest.raises(Undecryptable, match="belongs elsewhere"):
        KEYRING.open(sealed, "delivery.text")


def test_all_keys_open_and_the_first_one_seals():
    old, new = new_key(), new_key()
    before = Keyring([old]).seal("hello", "note.text")
    both = Keyring(["# rotated in May", new, "", old])
    assert both.open(before, "note.text") == "hello"
    assert key_id_of(both.seal("hello", "note.text")) == Keyring([new]).first
    with pytest.raises(Undecryptable, match="ENCRYPTION_KEY_FILE") as caught:
        Keyring([new]).open(before, "note.text")
    assert key_id_of(before) in str(caught.value)


def test_values_that_cannot_be_opened_are_counted_and_logged_once(caplog):
    keyring, stranger = Keyring([new_key()]), Keyring([new_key()])
    sealed = stranger.seal("plain secret", "note.text")
    for _ in range(3):
        with pytest.raises(Undecryptable):
            keyring.open(sealed, "note.text")
    assert keyring.troubles == {("note.text", stranger.first): 3}
    assert [one.message for one in caplog.records] == ["stored value cannot be decrypted"]


def test_neither_keys_nor_texts_are_shown():
    line = new_key()
    keyring = Keyring([line])
    assert repr(keyring) == f"Keyring({keyring.first})"
    assert line[:8] not in repr(keyring)
    with pytest.raises(EncryptionError) as caught:
        Keyring([f"{line}x"])
    assert line[:8] not in str(caught.value)


def test_a_key_file_has_the_format_of_fernet(tmp_path):
    path = tmp_path / "keys"
    made = write_new_key(path)
    assert read_keyring(path).ids == (made,)
    Fernet(path.read_text().strip())
    assert Keyring([Fernet.generate_key().decode()]).ids


def test_a_key_file_is_never_overwritten_and_private(tmp_path):
    path = tmp_path / "keys"
    write_new_key(path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(EncryptionError, match="exists"):
        write_new_key(path)
    assert path.read_bytes() == before
    with pytest.raises(EncryptionError, match="cannot be written"):
        write_new_key(tmp_path / "none" / "keys")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "keys"
    write_new_key(path)
    path.chmod(mode)
    with pytest.raises(EncryptionError, match="chmod 600"):
        read_keyring(path)
    assert read_keyring(path, [tmp_path]).ids  # a folder of systemd's or Docker's


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"", "no key"),
        (b"# only a comment\n\n", "no key"),
        (b"short\n", "line 1 is not a key"),
        (b"\xff\xfe", "not a text file"),
        (b"#" * 70_000, "too large"),
    ],
)
def test_a_wrong_key_file_is_refused(tmp_path: Path, content, hint):
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(EncryptionError, match=hint):
        read_keyring(path)


def test_comments_do_not_count_as_keys(tmp_path: Path):
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text("# a comment\n" * (MOST_KEYS + 1) + new_key())
    assert len(read_keyring(path).ids) == 1
    path.write_text("\n".join(new_key() for _ in range(MOST_KEYS + 1)))
    with pytest.raises(EncryptionError, match="more than 100 keys"):
        read_keyring(path)


@pytest.mark.parametrize("text", ["hf1:deadbeef:x", "hf1:deadbeef:", "hf1:deadbeef:AAAA"])
def test_a_text_that_only_begins_like_a_sealed_one_is_plain(text):
    keyring = Keyring([new_key()])
    assert keyring.open(text, "note.text") == text
    assert keyring.troubles == {}


def test_a_missing_key_file_is_refused(tmp_path):
    with pytest.raises(EncryptionError, match="cannot be read"):
        read_keyring(tmp_path / "none")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers", None)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(EncryptionError, match=r"handoff-bot\[encryption\]"):
        Keyring([new_key()])


def test_random_bytes_are_not_reused():
    assert len({KEYRING.seal("", "x.y") for _ in range(100)}) == 100
