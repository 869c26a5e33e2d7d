"""PDF, DOCX, HTML and exported archives are articles, too; broken and hostile ones are named and skipped."""

import builtins
import io
import zipfile
from datetime import date

import pytest

from handoff_bot.ai.assistant import articles, documents
from handoff_bot.ai.assistant.articles import read_folder, readings
from handoff_bot.ai.assistant.checks import check_knowledge
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Turn

TODAY = date(2026, 11, 30)
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    articles._remembered.cache_clear()


def archive(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as inside:
        for name, text in files.items():
            inside.writestr(name, text)
    return made.getvalue()


def docx(*paragraphs):
    """Paragraphs as (style, text)."""
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    styles = (
        '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    )
    return archive(
        **{
            "[Content_Types].xml": f'<Types xmlns="{kinds}"/>',
            "_rels/.rels": (
                f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}" '
                'Target="word/document.xml"/></Relationships>'
            ),
            "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": f'<w:styles xmlns:w="{_W}">{styles}</w:styles>',
        }
    )


def pdf(*lines, more=b""):
    """A page with lines as (type size, text)."""
    at, drawn = 780, []
    for size, text in lines:
        drawn.append(f"BT /F1 {size} Tf 50 {at} Td ({text}) Tj ET")
        at -= 30
    content = "\n".join(drawn).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(made)
    made += b"xref\n0 6\n0000000000 65535 f \n%s" % table
    return made + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


HTML = """<html><head><title>Repairs</title></head><body><nav>Home Shop</nav><main><h1>Repairs</h1>
<h2>Zips</h2><p>We repair zips for <b>12 EUR</b>.</p></main><footer>Imprint</footer></body></html>"""


def test_documents_are_read_by_their_type_and_say_where_they_are_from(tmp_path, detector):
    (tmp_path / "repairs.html").write_text(HTML)
    (tmp_path / "care.docx").write_bytes(
        docx(("Heading1", "Care"), ("Normal", "Wash the jacket at 30 degrees."))
    )
    (tmp_path / "loan.pdf").write_bytes(
        pdf((24, "Loan boats"), (11, "A kayak costs 20 EUR a"), (11, "day, with paddles."))
    )

    found = {one.origin: one for one in read_folder(tmp_path, TODAY)}

    assert {name: (one.heading, one.text) for name, one in found.items()} == {
        "repairs.html": ("Zips", "We repair zips for 12 EUR."),
        "care.docx": ("Care", "Wash the jacket at 30 degrees."),
        "loan.pdf": ("Loan boats", "A kayak costs 20 EUR a day, with paddles."),
    }
    with Knowledge(tmp_path, meaning=detector.encoder.vectors) as knowledge:
        talk = ConversationContext((Turn("customer", "What does a kayak cost a day?"),))
        answer = LocalAssistant(knowledge, detector.act_of).answer(talk, "en")
    assert "20 EUR" in answer.text
    assert answer.sources == ("loan (loan.pdf)",)


def test_an_exported_archive_is_read_with_the_archive_in_it(tmp_path):
    inner = archive(
        **{
            "Help/Gift cards 0123456789abcdef0123456789abcdef.md": "# Gift cards\n\nValid for 3 years."
        }
    )
    outer = archive(**{"Part-1.zip": inner, "page.html": HTML, "__MACOSX/page.html": HTML})
    (tmp_path / "export.zip").write_bytes(outer)

    found = {one.name: one for one in readings(tmp_path, TODAY)}

    assert all(not one.is_wrong for one in found.values())
    assert {passage.title for one in found.values() for passage in one.passages} == {
        "Gift cards",
        "Repairs",
    }


def _locked_pdf():
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf((11, "secret")))))
    writer.encrypt("word", algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


BAD = {
    "broken.pdf": (lambda: pdf((11, "text"))[:150], documents.BROKEN),
    "no.pdf": (lambda: b"GIF89a", documents.BROKEN),
    "locked.pdf": (_locked_pdf, documents.ENCRYPTED),
    "locked.docx": (lambda: b"\xd0\xcf\x11\xe0" + b"x" * 600, documents.ENCRYPTED),
    "no.docx": (lambda: b"hello", documents.BROKEN),
    "bomb.docx": (lambda: archive(**{"word/document.xml": b"0" * 110_000_000}), documents.TOO_MUCH),
    "long.docx": (lambda: docx(("Normal", "0" * 6_000_000)), documents.TOO_LONG),
    "slow.pdf": (lambda: pdf(*[(11, "text")] * 40_000), documents.TOO_SLOW),
    "bomb.zip": (lambda: archive(**{"a.md": b"0" * 110_000_000}), documents.TOO_MUCH),
    "no.zip": (lambda: b"PK\x03\x04nothing", documents.BROKEN),
    "large.html": (lambda: b"<p>x</p>" * 500_000, documents.TOO_LARGE),
}


def test_bad_documents_are_named_by_the_doctor_and_skipped(tmp_path):
    (tmp_path / "good.md").write_text("# Good\n\nAn article.\n")
    for name, (make, _) in BAD.items():
        (tmp_path / name).write_bytes(make())

    found = {one.name.partition("/")[0]: one.left_out for one in readings(tmp_path, TODAY)}
    check = check_knowledge(tmp_path, TODAY)

    assert found == {"good.md": ""} | {name: why for name, (_, why) in BAD.items()}
    assert not check.ok
    assert "bomb.docx" in check.words


def test_an_archive_that_lies_about_its_sizes_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST", 1_000)
    (tmp_path / "lies.zip").write_bytes(archive(**{"a.md": b"0" * 5_000, "b.md": b"# B\n\nText."}))
    monkeypatch.setattr(articles, "content", lambda path: path.read_bytes())

    found = {one.name: one.left_out for one in readings(tmp_path, TODAY)}

    assert found["lies.zip/b.md"] == ""
    assert found["lies.zip/a.md"] == documents.TOO_LARGE


def test_archives_in_an_archive_share_what_may_be_unpacked(monkeypatch):
    monkeypatch.setattr(
        documents._Budget, "__init__", lambda self: vars(self).update(left=9_000, members=50)
    )
    inner = archive(**{"a.md": b"0" * 4_000})

    def read(**files):
        return [one.name for one in documents.members(archive(**files), lambda name: True)]

    assert read(**{"1.zip": inner, "2.zip": inner}) == ["a.md", "a.md"]
    with pytest.raises(ValueError, match="unpacks to more"):
        read(**{"1.zip": inner, "2.zip": inner, "3.zip": inner})
    with pytest.raises(ValueError, match="unpacks to more"):
        read(**{"1.zip": archive(**{f"{number}.md": b"0" for number in range(60)})})


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *more):
        if name.startswith(("pypdf", "mammoth")):
            raise ImportError(name)
        return real(name, *more)

    (tmp_path / "loan.pdf").write_bytes(pdf((11, "text")))
    (tmp_path / "care.docx").write_bytes(docx(("Normal", "text")))
    monkeypatch.setattr(builtins, "__import__", without)

    assert {one.left_out for one in readings(tmp_path, TODAY)} == {documents.MISSING}
