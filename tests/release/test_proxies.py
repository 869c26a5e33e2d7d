"""The website chat through the proxies of deploy/: a stream is not held up on its way."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import KNOWLEDGE, World
from tests.docs.pages import ROOT, read
from tests.flows.test_website import SETTINGS, Page
from tests.release.test_wheel import PATIENCE, bare, until_it_answers

DEPLOY = ROOT / "deploy"


def caddy(folder: Path, port: int, bot: int) -> tuple[list[str], dict[str, str]]:
    """Its file as it is, with addresses on loopback and without its own control port."""
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + read(DEPLOY / "Caddyfile"))
    environ = {"DOMAIN": f"http://127.0.0.1:{port}", "HANDOFF": f"127.0.0.1:{bot}"}
    return ["caddy", "run", "--config", str(folder / "Caddyfile")], environ


def nginx(folder: Path, port: int, bot: int) -> tuple[list[str], dict[str, str]]:
    """Its second server, without TLS, on loopback."""
    text = "server {" + read(DEPLOY / "nginx.conf").split("server {")[2]
    text = re.sub(r"^ +(?:listen|ssl_\w+|server_name) .*\n", "", text, flags=re.M)
    text = text.replace("server {", f"server {{\nlisten 127.0.0.1:{port};", 1)
    text = text.replace("127.0.0.1:3000", f"127.0.0.1:{bot}")
    own = f"pid {folder}/pid;\ndaemon off;\nerror_log stderr;\nevents {{}}\n"
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(f"{own}http {{\naccess_log off;\n{paths}{text}}}\n")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], {}


@contextmanager
def running(command: list[str], environ: dict[str, str], folder: Path) -> Iterator[None]:
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *command[1:]],
            env=bare(HOME=str(folder), **environ),
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.parametrize("proxy", [caddy, nginx])
def test_a_visitor_behind_the_proxy_hears_an_answer_at_once(proxy, tmp_path):
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    with World(url, knowledge=KNOWLEDGE, log=tmp_path / "log") as world:
        world.start_bot(more=SETTINGS | {"TRUSTED_PROXIES": "1"})
        world.wait_until_ready(PATIENCE)
        port = free_port()
        with running(*proxy(tmp_path, port, world.port), tmp_path), requests.Session() as http:
            http.trust_env = False
            world.bot_url = f"http://127.0.0.1:{port}"
            until_it_answers(http, f"{world.bot_url}/healthz")
            page = Page(world)
            listening = page.listen()
            page.says("How long does delivery take?")
            page.hears("Standard delivery takes 2 to 4 working days")
            world.stop_bot()
            listening.join(PATIENCE)
            assert not listening.is_alive()
            page.close()
