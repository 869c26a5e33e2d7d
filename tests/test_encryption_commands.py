"""The commands that make keys, encrypt, decrypt, back up and check an encrypted database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff_bot import app
from handoff_bot.cli import main
from handoff_bot.domain.errors import EncryptionError
from handoff_bot.settings import read_settings
from handoff_bot.storage import resealing
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import Keyring
from handoff_bot.storage.models import Contact

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    assert run("keys", "new", str(path)).exit_code == 0
    return path


@pytest.fixture
def stored(database, database_url: str, monkeypatch) -> str:
    """A database with a plain name, and its address in the environment."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("ENCRYPTION_KEY_FILE", raising=False)
    with database.write() as tx:
        tx.add(Contact(name="Dana Xylophone", created_at=NOW))
    database.close()
    return database_url


def use(keys: Path, url: str) -> None:
    """As a start of the bot does."""
    keyring = Keyring(keys.read_text().splitlines())
    opened = Database(url, keyring=keyring)
    with opened.write() as tx:
        resealing.use_keys(tx, keyring, NOW)
    opened.close()


def names(url: str, keyring: Keyring | None = None) -> list[str]:
    opened = Database(url, keyring=keyring)
    with opened.read() as tx:
        found = [one.name for one in tx.session.query(Contact)]
    opened.close()
    return found


def test_a_key_is_printed_or_written_but_never_both(keys):
    printed = run("keys", "new").stdout.strip()
    assert Keyring([printed]).ids
    again = run("keys", "new", str(keys))
    assert again.exit_code == 2
    assert "handoff keys new" in again.stderr
    assert keys.read_text().strip() not in again.output


def test_a_database_is_encrypted_rotated_and_decrypted(stored, keys, monkeypatch):
    without = run("db", "encrypt")
    assert (without.exit_code, without.stderr.strip()) == (2, app.NO_KEY_FILE)
    assert run("db", "decrypt").exit_code == 2
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(keys))
    early = run("db", "encrypt")
    assert early.exit_code == 2
    assert "--offline" in early.stderr
    use(keys, stored)
    done = run("db", "encrypt")
    assert done.exit_code == 0, done.output
    assert "encrypted: 1 row of contact" in done.stdout
    assert "backups made before still hold" in done.stdout
    (kept,) = names(stored)
    assert kept.startswith("hf1:")
    keys.write_text(run("keys", "new").stdout + keys.read_text())
    use(keys, stored)
    assert "1 row of contact" in run("db", "encrypt").stdout
    new, old = keys.read_text().splitlines()
    keys.write_text(f"{new}\n")
    assert names(stored, Keyring([new])) == ["Dana Xylophone"]
    assert "nothing was left to do" in run("db", "encrypt").stdout
    opened = run("db", "decrypt")
    assert opened.exit_code == 0, opened.output
    assert "remove ENCRYPTION_KEY_FILE" in opened.stdout
    assert names(stored) == ["Dana Xylophone"]
    assert not any(key in done.output + opened.output for key in (new, old))


def test_a_start_is_refused_with_one_line(stored, keys, monkeypatch, tmp_path):
    use(keys, stored)
    key = Keyring(keys.read_text().splitlines()).first
    for file, hint in (("", key), (str(tmp_path / "none"), "cannot be read")):
        monkeypatch.setenv("ENCRYPTION_KEY_FILE", file)
        with pytest.raises(EncryptionError, match=hint):
            app.refuse_lacking_keys(settings())
        refused = run("jobs", "list")
        assert refused.exit_code == 2
        assert len(refused.stderr.strip().splitlines()) == 1
    keys.chmod(0o644)
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(keys))
    with pytest.raises(EncryptionError, match="chmod 600"):
        app.refuse_lacking_keys(settings())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    app.refuse_lacking_keys(settings())


def settings():
    return read_settings(names=("DATABASE_URL", "ENCRYPTION_KEY_FILE"))


def test_the_doctor_counts_what_is_plain(stored, keys, monkeypatch):
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(keys))
    use(keys, stored)
    (check,) = [one for one in app._check_database(settings()) if one.what == "encryption"]
    assert not check.ok
    assert "1 row not encrypted with it. Run: handoff db encrypt" in check.words
    assert run("db", "encrypt").exit_code == 0
    (check,) = [one for one in app._check_database(settings()) if one.what == "encryption"]
    assert check.ok
    assert keys.read_text().strip() not in check.words
    monkeypatch.delenv("ENCRYPTION_KEY_FILE")
    (check,) = app._check_database(settings())
    assert (check.what, check.ok) == ("encryption", False)
    assert "Set ENCRYPTION_KEY_FILE" in check.words


def test_backups_name_their_keys_and_hold_none(stored, keys, monkeypatch, tmp_path):
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(keys))
    use(keys, stored)
    assert run("db", "encrypt").exit_code == 0
    keyring = Keyring(keys.read_text().splitlines())
    copy = tmp_path / "copy.backup"
    made = run("db", "backup", str(copy))
    assert f"must hold the key {keyring.first}" in made.stdout
    assert keys.read_bytes().strip() not in copy.read_bytes()
    assert b"Xylophone" not in copy.read_bytes()
    assert f"must hold the key {keyring.first}" in run("db", "check").stdout


def test_an_encrypted_backup_is_restored(stored, keys, database, monkeypatch, tmp_path):
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(keys))
    use(keys, stored)
    assert run("db", "encrypt").exit_code == 0
    copy = tmp_path / "copy.backup"
    assert run("db", "backup", str(copy)).exit_code == 0
    database.close()
    restored = run("db", "restore", str(copy), "--replace")
    assert restored.exit_code == 0, restored.output
    assert "must hold the key" in restored.stdout
    keyring = Keyring(keys.read_text().splitlines())
    assert names(stored, keyring) == ["Dana Xylophone"]
