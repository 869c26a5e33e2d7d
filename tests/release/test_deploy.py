"""The files in deploy/ name what exists, and work as far as a machine without a container engine shows."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from handoff_bot.cli import main
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.settings import Settings, load_env_file, read_settings
from tests.docs.pages import ROOT, read
from tests.release import offline
from tests.release.test_wheel import PATIENCE, Installed, bare

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load(read(DEPLOY / "compose.yaml"))
DOCKERFILE = re.sub(r"\\\n\s*", "", read(DEPLOY / "Dockerfile"))
ENV = DEPLOY / "env.example"
FOR_COMPOSE = {"DOMAIN", "POSTGRES_PASSWORD"}
"""Variables that only compose.yaml reads."""
SYSTEM = {"HOME", "PATH"}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.M)


def image_environment() -> dict[str, str]:
    (line,) = [each for each in instructions("ENV") if "HOST" in each]
    return dict(re.findall(r"(\w+)=(\S+)", line))


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / "handoff.service")
    return found


def example() -> dict[str, str]:
    """All variables of the example, also those that are commented out."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", read(ENV), re.M))


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(
        command,
        env=bare(**environ) | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


# -- settings


def test_every_variable_is_a_setting():
    used = {*example()} | {*COMPOSE["services"]["handoff"]["environment"]} | {*image_environment()}
    assert used - FOR_COMPOSE - SYSTEM <= Settings.model_fields.keys()


def test_the_example_filled_in_is_a_complete_environment(tmp_path):
    values = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "s",
        "SLACK_QUEUE_CHANNEL": "C0123456789",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t",
        "TWILIO_SMS_FROM": "+15550100",
    }
    text = read(ENV).replace("#PUBLIC_BASE_URL", "PUBLIC_BASE_URL")
    for name, value in values.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    (tmp_path / ".env").write_text(text)
    load_env_file(tmp_path / ".env", found := dict[str, str]())
    assert read_settings(found).PUBLIC_BASE_URL == "https://bot.example.com"


def test_the_example_is_read_alike_by_docker_systemd_and_handoff():
    """Docker keeps quotes, systemd keeps comments behind a value, and compose replaces `$`."""
    for value in example().values():
        assert not set(value) & set("'\"$#\\"), value


# -- compose


def test_compose_takes_only_variables_of_the_example_and_files_that_exist():
    text = read(DEPLOY / "compose.yaml")
    assert set(re.findall(r"\$\{(\w+)", text)) == FOR_COMPOSE <= example().keys()
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists()
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
    build = COMPOSE["services"]["handoff"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")


def test_the_bots_container_is_read_only_and_without_privileges():
    bot = COMPOSE["services"]["handoff"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in bot
    assert set(bot["networks"]) & set(COMPOSE["services"]["caddy"]["networks"])
    assert not set(COMPOSE["services"]["db"]["networks"]) - {
        name for name, network in COMPOSE["networks"].items() if network
    }


def test_one_proxy_stands_before_the_bot_and_is_trusted():
    assert COMPOSE["services"]["handoff"]["environment"]["TRUSTED_PROXIES"] == "1"
    assert COMPOSE["services"]["handoff"]["environment"]["HOST"] == "0.0.0.0"  # noqa: S104


# -- the image


def test_the_image_runs_the_bot_as_a_user_without_rights_on_its_volume():
    assert json.loads(instructions("ENTRYPOINT")[-1]) == ["handoff"]
    assert json.loads(instructions("CMD")[-1]) in [[name] for name in main.commands]
    assert instructions("USER") == ["10001:10001"]
    assert "useradd --uid 10001" in instructions("RUN")[-1]
    assert instructions("VOLUME") == instructions("WORKDIR")[-1:] == [image_environment()["HOME"]]
    assert image_environment()["HOST"] == "0.0.0.0"  # noqa: S104
    assert "DATABASE_URL" not in image_environment()


def test_what_the_image_is_built_from_makes_the_same_wheel_and_holds_no_secrets(tmp_path):
    lines = read(DEPLOY / "Dockerfile.dockerignore").splitlines()
    assert "*" in lines
    assert "**/.env" in lines
    context = tmp_path / "context"
    for name in (line[1:] for line in lines if line.startswith("!")):
        (target := context / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, target, **({"symlinks": True} if (ROOT / name).is_dir() else {}))
    shutil.rmtree(context / "handoff_sandbox" / "web")
    (copied,) = [line for line in instructions("COPY") if line.startswith("deploy/")]
    assert (context / copied.split()[0]).is_file()
    theirs = offline.build(tmp_path / "theirs", context)
    assert theirs.read_bytes() == offline.build(tmp_path / "ours").read_bytes()


def test_the_lock_holds_every_dependency_in_its_range_with_hashes_and_without_hosts():
    text = read(DEPLOY / "requirements.txt")
    assert "://" not in text
    assert "--index" not in text
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+).*\\\n    --hash=sha256:", text, re.M)
    assert len(pins) == len(re.findall(r"^[a-z0-9].*==", text, re.M))
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    for wanted in map(Requirement, project["dependencies"]):
        versions = [version for name, version in pins if name == wanted.name]
        assert versions
        assert all(version in wanted.specifier for version in versions), wanted


@pytest.fixture
def confined(installed, empty) -> Iterator["Confined"]:
    if run("bwrap", "--ro-bind", "/", "/", "--unshare-user", "true").returncode:
        pytest.skip("this machine allows no user namespaces")
    made = Confined(installed, empty)
    with made:
        yield made


class Confined(Installed):
    """As in the image: a user without rights, a root that cannot be written to, /tmp and the volume."""

    def start_bot(self, arguments=("serve",), more=None) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.inside(self._installed / "bin" / "handoff", *arguments),
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def environment(self, more=None) -> dict[str, str]:
        image = image_environment() | {"PATH": os.defpath, "HOME": str(self._folder)}
        return super().environment() | image | {"PORT": str(self.port)}

    def inside(self, *command: str | Path) -> list[str]:
        folder = str(self._folder)
        # What is installed links to the packages of this environment, which may be in /tmp.
        ours = sys.prefix
        readable = ["--ro-bind", ours, ours, "--ro-bind", *2 * [str(self._installed)]]
        user = ["--unshare-user", "--uid", "10001", "--gid", "10001", "--chdir", folder]
        root = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108
        return [
            "bwrap",
            "--die-with-parent",
            *root,
            *readable,
            "--bind",
            folder,
            folder,
            *user,
            *map(str, command),
        ]

    def health(self) -> int:
        """The exit code of the image's health check."""
        (check,) = instructions("HEALTHCHECK")
        python, *arguments = json.loads(check.partition("CMD ")[2])
        command = self.inside(self._installed / "bin" / python, *arguments)
        return subprocess.run(
            command, env=self.environment(), stderr=subprocess.DEVNULL, check=False
        ).returncode


def test_the_bot_serves_on_a_read_only_root_without_rights_and_its_health_check_says_so(confined):
    assert confined.health() == 1
    confined.start_bot()
    confined.wait_until_ready(PATIENCE)
    assert confined.health() == 0
    confined.twilio.customer_writes("sms", "+15550177", "How long does delivery take?")
    confined.twilio.wait_for(lambda: len(confined.twilio.phone("+15550177")) == 1, PATIENCE)
    command = confined.inside(confined._installed / "bin" / "handoff", "report")
    report = subprocess.run(command, env=confined.environment(), check=True, capture_output=True)
    assert b"conversation" in report.stdout
    assert "handoff.db" in {file.name for file in confined._folder.iterdir()}


# -- systemd and the proxies


def test_the_unit_runs_a_command_that_exists_and_reads_the_settings_from_a_file():
    service = unit()["Service"]
    program, command = service["ExecStart"].split()
    assert Path(program).name == "handoff"
    assert command in main.commands
    assert service["EnvironmentFile"] == "/etc/handoff/env"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["RestartPreventExitStatus"] == "2"


def test_systemd_finds_no_fault_in_the_unit_and_little_exposure(installed, tmp_path):
    text = read(DEPLOY / "handoff.service").replace("/opt/handoff", str(installed))
    (path := tmp_path / "handoff.service").write_text(text)
    verified = run("systemd-analyze", "verify", "--man=no", str(path))
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = run("systemd-analyze", "security", "--offline=true", "--threshold=15", str(path))
    assert judged.returncode == 0, judged.stdout


def test_caddy_accepts_its_file_and_sends_everything_to_the_bot():
    adapted = run("caddy", "adapt", "--config", str(DEPLOY / "Caddyfile"), DOMAIN="bot.example.com")
    assert adapted.returncode == 0, adapted.stderr
    assert json.loads(adapted.stdout)
    assert '"bot.example.com"' in adapted.stdout
    assert '"dial":"handoff:3000"' in adapted.stdout


def test_nginx_accepts_its_file(tmp_path):
    keys = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    assert run(*keys, "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/cert").returncode == 0
    text = read(DEPLOY / "nginx.conf")
    text = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", f"{tmp_path}/cert", text)
    text = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", f"{tmp_path}/key", text)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}}}\n"
    )
    tested = run("nginx", "-t", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf")
    assert tested.returncode == 0, tested.stderr


def test_both_proxies_let_the_largest_upload_through():
    for name, pattern in (
        ("nginx.conf", r"client_max_body_size (\d+)m"),
        ("Caddyfile", r"(\d+)MB"),
    ):
        (most,) = re.findall(pattern, re.sub(r"#.*", "", read(DEPLOY / name)))
        assert int(most) * 1_000_000 > LARGEST_UPLOAD
