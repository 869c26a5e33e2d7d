"""Which files pass between customers and agents, and under which names."""

import pytest

from handoff_bot.domain.errors import Unacceptable
from handoff_bot.domain.files import (
    KINDS,
    LARGEST,
    MB,
    Fetched,
    examined,
    refuse_early,
    safe_name,
    size_in_words,
)
from tests.samples import JPEG, PDF, PNG, SAMPLES

EXE = b"MZ\x90\x00\x03"
ELF = b"\x7fELF\x02\x01"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def test_there_is_a_sample_of_every_kind():
    assert set(SAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_what_it_says_it_is_passes(kind):
    file = examined(Fetched(kind, "x", SAMPLES[kind]))
    assert (file.content_type, file.data) == (kind, SAMPLES[kind])
    assert file.name.startswith("x.")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lie", [EXE, ELF, HTML, b"#!/bin/sh\n"], ids=["exe", "elf", "html", "sh"])
def test_programs_and_web_pages_pass_under_no_name(kind, lie):
    with pytest.raises(Unacceptable):
        examined(Fetched(kind, "photo.jpg", lie if lie is not EXE else lie + b"\x00"))


REFUSED = {
    "web page": ("text/html", HTML),
    "picture that can run scripts": ("image/svg+xml", b"<svg onload='alert(1)'/>"),
    "program": ("application/x-msdownload", EXE),
    "archive": ("application/zip", b"PK\x03\x04"),
    "script": ("text/javascript", b"alert(1)"),
    "no type, and no kind that is certain": ("application/octet-stream", b"PK\x03\x04"),
    "nonsense as a type": ("<!channel>", JPEG),
    "document that says it is a picture": ("image/png", PDF),
    "picture that says it is a document": ("application/pdf", PNG),
    "empty": ("image/png", b""),
    "text with zero bytes": ("text/plain", b"a\x00b"),
    "web page as text": ("text/plain", b"\xef\xbb\xbf\n <HTML>"),
}


@pytest.mark.parametrize(("said", "data"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_allowed_is_refused_in_words(said, data):
    with pytest.raises(Unacceptable) as refused:
        examined(Fetched(said, "x", data))
    assert "<!channel>" not in str(refused.value)
    assert str(refused.value).endswith(".")


TRUE_KINDS = {
    "parameters are left out": ("IMAGE/JPEG; charset=binary", JPEG, "image/jpeg"),
    "another name of the same": ("image/jpg", JPEG, "image/jpeg"),
    "another kind of picture": ("image/jpeg", PNG, "image/png"),
    "no type, and a kind that is certain": ("application/octet-stream", PDF, "application/pdf"),
    "nothing said": ("", JPEG, "image/jpeg"),
}


@pytest.mark.parametrize(("said", "data", "kind"), TRUE_KINDS.values(), ids=TRUE_KINDS)
def test_a_file_is_known_by_what_it_is(said, data, kind):
    assert examined(Fetched(said, "x", data)).content_type == kind


def test_a_file_that_is_too_large_is_refused_with_the_limit():
    with pytest.raises(Unacceptable, match="larger than 20 MB"):
        examined(Fetched("image/png", "x", PNG + bytes(LARGEST)))
    with pytest.raises(Unacceptable, match=r"larger than 0\.5 MB"):
        examined(Fetched("image/png", "x", PNG + bytes(MB // 2)), {"image/png": MB // 2})


def test_a_channel_takes_what_its_limits_name():
    with pytest.raises(Unacceptable, match=r"application/pdf"):
        refuse_early("application/pdf", 10, {"image/png": MB})
    with pytest.raises(Unacceptable, match="larger than 1 MB"):
        refuse_early("image/png", MB + 1, {"image/png": MB})
    refuse_early("image/png", MB, {"image/png": MB})
    refuse_early("application/octet-stream", MB, {"image/png": MB})  # its bytes will tell


NAMES = {
    "plain": ("photo.jpg", "image/jpeg", "photo.jpg"),
    "another usual ending": ("Photo.JPEG", "image/jpeg", "Photo.jpeg"),
    "no ending": ("photo", "image/jpeg", "photo.jpg"),
    "wrong ending": ("invoice.pdf.exe", "application/pdf", "invoice.pdf.exe.pdf"),
    "unix path": ("../../etc/passwd", "text/plain", "passwd.txt"),
    "windows path": (r"C:\Windows\system32\evil.png", "image/png", "evil.png"),
    "hidden": (".htaccess", "text/plain", "htaccess.txt"),
    "device": ("con.png", "image/png", "picture.png"),
    "nothing": ("", "image/png", "picture.png"),
    "dots alone": ("../..", "audio/ogg", "sound.ogg"),
    "ending alone": (".pdf", "application/pdf", "pdf.pdf"),
    "reading direction": ("photo\u202egpj.exe.png", "image/png", "photogpj.exe.png"),
    "line breaks": ("a\r\nSet-Cookie: x.png", "image/png", "aSet-Cookie_ x.png"),
    "markup": ('<!channel> "&amp;.png', "image/png", "!channel_ __amp.png"),
    "other scripts": ("请求 Grüße.pdf", "application/pdf", "请求 Grüße.pdf"),
}


@pytest.mark.parametrize(("given", "kind", "name"), NAMES.values(), ids=NAMES)
def test_a_name_is_only_a_name(given, kind, name):
    assert safe_name(given, kind) == name


@pytest.mark.parametrize("given", ["x" * 5000, "😀" * 5000, "." * 5000], ids=["x", "emoji", "dots"])
def test_a_name_fits_into_every_file_system(given):
    assert 0 < len(safe_name(given, "image/png").encode()) <= 255


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 kB"), (240_000, "240 kB"), (1_240_000, "1.2 MB")]
)
def test_sizes_are_said_as_people_say_them(size, words):
    assert size_in_words(size) == words
