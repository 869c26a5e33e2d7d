"""Web pages are articles, too: read politely, only from listed hosts, and only when they change."""

import threading
from datetime import date
from http.server import BaseHTTPRequestHandler

import pytest

from handoff_bot.ai import safe_requests
from handoff_bot.ai.assistant import main_text, web_pages
from handoff_bot.ai.assistant.articles import read_folder
from handoff_bot.ai.assistant.checks import check_knowledge
from handoff_bot.ai.assistant.web_pages import Fetcher, FetchError, WebPages
from handoff_bot.ai.assistant.web_state import STATE, known_pages, problems
from handoff_bot.ai.safe_requests import Response
from tests.loopback import Loopback

TODAY = date(2026, 11, 30)


def page(heading, *paragraphs):
    text = "".join(f"<p>{one}</p>" for one in paragraphs)
    return (
        f"<html><head><title>{heading} | Shop</title></head><body><nav><a href='/'>Home</a></nav>"
        f"<main><h1>{heading}</h1><h2>Details</h2>{text}</main><footer>Imprint</footer></body></html>"
    )


class Site(Loopback):
    """Pages by path: a text, or (status, headers, body). Keeps what was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.pages = {}
        self.asked = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        found = self.server.pages.get(self.path, (404, {}, ""))
        kind = "application/xml" if self.path.endswith(".xml") else "text/html; charset=utf-8"
        status, headers, body = found if isinstance(found, tuple) else (200, {}, found)
        if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status, body = 304, ""
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with Site() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def crawl(site, tmp_path):
    pauses = []

    def run(*paths):
        listed = [site.url + path for path in paths or ("/sitemap.xml",)]
        fetcher = Fetcher(listed, may_contact=lambda _: True)
        return WebPages(tmp_path, listed, fetcher, pauses.append, main_text.read).crawl()

    run.pauses = pauses
    return run


def sitemap(site, *paths):
    return (
        f"<urlset>{''.join(f'<url><loc>{site.url}{path}</loc></url>' for path in paths)}</urlset>"
    )


SHIPPING = page(
    "Shipping",
    "We ship to Norway for 12 EUR, and the parcel arrives within five working days.",
    "Orders above 100 EUR are shipped free of charge to every country that we deliver to.",
)


def texts(folder):
    return {one.origin: one.text for one in read_folder(folder, TODAY)}


def test_the_pages_of_a_sitemap_are_articles_that_name_their_address(site, crawl, tmp_path):
    site.pages = {"/sitemap.xml": sitemap(site, "/shipping"), "/shipping": SHIPPING}

    assert crawl().written == 1

    (found,) = read_folder(tmp_path, TODAY)
    assert found.source == f"Shipping ({site.url}/shipping)"
    assert "We ship to Norway for 12 EUR" in found.text
    assert "Imprint" not in found.text


def test_what_has_not_changed_is_not_written_and_what_is_gone_is_removed(site, crawl, tmp_path):
    site.pages = {
        "/sitemap.xml": sitemap(site, "/shipping", "/old"),
        "/shipping": (200, {"ETag": '"1"'}, SHIPPING),
        "/old": SHIPPING.replace("Norway", "Iceland"),
    }
    assert crawl().written == 2
    del site.pages["/old"]

    again = crawl()

    assert (again.written, again.unchanged, again.removed) == (0, 1, 1)
    site.pages["/sitemap.xml"] = sitemap(site, "/shipping")
    site.pages["/shipping"] = (200, {"ETag": '"2"'}, SHIPPING.replace("12 EUR", "9 EUR"))
    assert crawl().written == 1
    assert "9 EUR" in texts(tmp_path)[f"{site.url}/shipping"]


def test_robots_are_respected_and_requests_are_spaced(site, crawl, tmp_path):
    site.pages = {
        "/robots.txt": "User-agent: *\nDisallow: /private\nCrawl-delay: 3\n",
        "/sitemap.xml": sitemap(site, "/private/a", "/shipping", "/hidden"),
        "/private/a": SHIPPING,
        "/hidden": SHIPPING.replace("<head>", "<head><meta name='robots' content='noindex'>"),
        "/shipping": SHIPPING,
    }

    crawl()

    assert list(texts(tmp_path)) == [f"{site.url}/shipping"]
    assert "/private/a" not in site.asked
    assert set(crawl.pauses) == {3.0}


def test_robots_are_also_respected_after_a_redirect(site, crawl, tmp_path):
    site.pages = {
        "/robots.txt": "User-agent: *\nDisallow: /private\n",
        "/moved": (302, {"Location": "/private/a"}, ""),
        "/private/a": SHIPPING,
    }

    assert "robots.txt does not allow it" in crawl("/moved").problems[0]

    assert "/private/a" not in site.asked
    assert texts(tmp_path) == {}


def test_a_server_that_fails_costs_no_article(site, crawl, tmp_path):
    site.pages = {"/sitemap.xml": sitemap(site, "/shipping"), "/shipping": SHIPPING}
    crawl()

    site.pages["/shipping"] = (503, {}, "")
    assert crawl().problems
    site.pages["/sitemap.xml"] = (500, {}, "")
    assert crawl().removed == 0

    assert texts(tmp_path)
    check = check_knowledge(tmp_path, TODAY)
    assert not check.ok
    assert "web pages not read" in check.words


def test_only_listed_hosts_are_contacted_also_after_a_redirect(site, crawl, tmp_path):
    secret = f"http://localhost:{site.server_port}/metadata"
    site.pages = {
        "/sitemap.xml": sitemap(site, "/moved").replace("<urlset>", f"<urlset><loc>{secret}</loc>"),
        "/moved": (302, {"Location": secret}, ""),
        "/metadata": SHIPPING,
    }

    found = crawl()

    assert "/metadata" not in site.asked
    assert texts(tmp_path) == {}
    assert all("not a listed host" in one for one in found.problems)


def test_a_listed_host_in_the_private_network_is_refused(site):
    with pytest.raises(FetchError, match="public internet"):
        Fetcher([site.url]).get(site.url, {})


def test_a_redirect_is_followed_only_if_the_caller_allows_its_target(site):
    site.pages = {"/a": (302, {"Location": "/b"}, ""), "/b": SHIPPING}
    fetcher = Fetcher([site.url], may_contact=lambda _: True)
    assert fetcher.get(f"{site.url}/a", {}).status == 200
    site.asked.clear()

    def refuse(url):
        raise FetchError(f"not {url}")

    with pytest.raises(FetchError, match=f"not {site.url}/b"):
        fetcher.get(f"{site.url}/a", {}, refuse)
    assert site.asked == ["/a"]


def test_a_redirect_never_leaves_https(monkeypatch):
    def redirected(address, *_):
        asked.append(str(address))
        return Response(302, b"", {"location": "http://shop.example/b"})

    asked = []
    monkeypatch.setattr(safe_requests, "get", redirected)
    with pytest.raises(FetchError, match="from https to http"):
        Fetcher(["https://shop.example/"]).get("https://shop.example/a", {})
    assert asked == ["https://shop.example/a"]


def test_hostile_pages_and_sitemaps_are_bounded(site, crawl, tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
    site.pages = {
        "/bomb.xml": bomb,
        "/large": "x" * 4_000_000,
        "/picture": (200, {"Content-Type": "image/png"}, "PNG"),
        "/loop": (302, {"Location": "/loop"}, ""),
    }

    found = crawl("/bomb.xml", "/large", "/picture", "/loop")

    assert len(found.problems) == 4
    assert texts(tmp_path) == {}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/bad", "<html><body><p>Text</p><![foo[</body></html>"),
        ("/robots.txt", "User-agent: *\nDisallow: //[x\nCrawl-delay: \u00b2\n"),
        ("/robots.txt", f"User-agent: *\nCrawl-delay: {'9' * 400}\n"),
        ("/odd.xml", '<?xml version="1.0" encoding="foo"?><urlset/>'),
    ],
)
def test_what_one_page_or_host_sends_does_not_stop_the_others(site, crawl, tmp_path, path, answer):
    site.pages = {"/shipping": SHIPPING, path: answer}

    crawl("/odd.xml", "/bad", "/shipping")

    assert f"{site.url}/shipping" in texts(tmp_path)
    assert f"{site.url}/shipping" in known_pages(tmp_path)


def test_a_full_disk_costs_one_page_and_not_what_is_known_of_the_others(
    site, crawl, tmp_path, monkeypatch
):
    site.pages = {"/first": SHIPPING, "/second": SHIPPING}
    write = web_pages.write_file

    def full(path, data):
        if "first" in path.name:
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(web_pages, "write_file", full)
    found = crawl("/first", "/second")

    assert found.problems == (f"{site.url}/first: No space left on device",)
    assert list(known_pages(tmp_path)) == [f"{site.url}/second"]


def test_an_unforeseen_error_loses_nothing_that_is_known(site, crawl, tmp_path, monkeypatch):
    site.pages = {"/first": SHIPPING, "/second": SHIPPING}

    def failing(url):
        if "second" in url:
            raise ZeroDivisionError
        return "first.md"

    monkeypatch.setattr(web_pages, "_name", failing)
    with pytest.raises(ZeroDivisionError):
        crawl("/first", "/second")

    assert list(known_pages(tmp_path)) == [f"{site.url}/first"]


def test_a_page_whose_file_is_gone_is_written_again(site, crawl, tmp_path):
    site.pages = {"/shipping": (200, {"ETag": '"1"'}, SHIPPING)}
    crawl("/shipping")
    (tmp_path / known_pages(tmp_path)[f"{site.url}/shipping"]["file"]).unlink()

    assert crawl("/shipping").written == 1
    assert texts(tmp_path)


def test_long_addresses_in_a_sitemap_do_not_fill_the_state(site, crawl, tmp_path):
    locs = "".join(f"<loc>{site.url}/{number}{'a' * 30_000}</loc>" for number in range(60))
    site.pages = {"/sitemap.xml": f"<urlset>{locs}</urlset>"}

    crawl()

    assert len(problems(tmp_path)) == 50
    assert (tmp_path / STATE).stat().st_size < 50_000


def test_pages_of_sitemaps_that_cannot_be_read_are_kept_until_there_are_too_many(
    site, crawl, tmp_path, monkeypatch
):
    monkeypatch.setattr(web_pages, "MOST_PAGES", 2)
    for number in range(3):
        site.pages = {f"/{number}": SHIPPING}
        crawl("/gone.xml", f"/{number}")

    assert set(texts(tmp_path)) == {f"{site.url}/1", f"{site.url}/2"}


def test_two_runs_do_not_overlap(site, crawl, tmp_path, monkeypatch):
    site.pages = {"/shipping": SHIPPING}
    meanwhile = []
    visit = WebPages._visit

    def visiting(pages, url, run):
        monkeypatch.setattr(WebPages, "_visit", visit)
        meanwhile.append(crawl("/shipping"))
        visit(pages, url, run)

    monkeypatch.setattr(WebPages, "_visit", visiting)

    assert crawl("/shipping").written == 1
    assert meanwhile[0].is_busy
    assert meanwhile[0].written == 0


def test_the_process_that_reads_a_page_is_bounded_in_time_memory_and_tags(monkeypatch):
    assert "12 EUR" in main_text.main_text(SHIPPING.encode()).text
    assert main_text.main_text(b"<p>a" * 60_000).problem == "the page is too large"
    slow = b"<html><body><p " + b"".join(b"a%d " % one for one in range(60_000)) + b">a</p></body>"
    monkeypatch.setattr(main_text, "_SECONDS", 1.0)
    assert main_text.main_text(slow) == main_text.MainText(problem=main_text.NOT_READ)


def test_an_article_that_no_parser_reads_costs_only_itself(tmp_path):
    (tmp_path / "bad.md").write_text("# Bad\n\n<div>\n<![foo[\n")
    (tmp_path / "good.md").write_text("# Good\n\nWe ship to Norway.\n")

    assert [one.title for one in read_folder(tmp_path, TODAY)] == ["Good"]
