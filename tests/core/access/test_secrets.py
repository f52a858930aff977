"""Where keys are found and kept, and that they are never told again."""

import logging
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest
from diorama.access import redaction
from diorama.access.keyrings import SystemKeyring
from diorama.access.secrets import Secrets
from diorama.contract import Backend, BackendSettings, InvalidRequest
from diorama.settings import load_settings


class Reads(Backend):
    secrets: ClassVar = {"api_key": ("FIRST_KEY", "SECOND_KEY"), "extra": ()}


BACKENDS = {"b": Reads(BackendSettings(id="b")), "c": Reads(BackendSettings(id="c"))}


class Ring:
    """A keyring in memory."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, name):
        return self.kept.get((service, name))

    def set_password(self, service, name, value):
        self.kept[service, name] = value

    def delete_password(self, service, name):
        del self.kept[service, name]


@pytest.fixture
def settings(tmp_path):
    return load_settings({"DIORAMA_HOME": str(tmp_path), "DIORAMA_KEYRING": "0"})


def with_ring(settings, ring, environ=None):
    secrets = Secrets(settings, BACKENDS, {} if environ is None else environ)
    secrets._keyring = SystemKeyring(settings, load=lambda: ring)
    return secrets


def test_the_environment_comes_before_the_keyring_and_that_before_the_file(settings):
    environ, ring = {}, Ring()
    Secrets(settings, BACKENDS, {}).set("b", "api_key", "from-file")
    secrets = with_ring(settings, None, environ)
    assert secrets.get("b", "api_key") == "from-file"
    secrets = with_ring(settings, ring, environ)
    ring.kept[f"diorama ({settings.config_dir})", "b/api_key"] = "from-keyring"
    assert secrets.get("b", "api_key") == "from-keyring"
    environ["SECOND_KEY"] = " from-second \n"
    assert secrets.get("b", "api_key") == "from-second"
    environ["FIRST_KEY"] = "from-first"
    assert secrets.get("b", "api_key") == "from-first"
    assert secrets.get("b", "extra") is None
    assert secrets.get("unknown", "api_key") is None


def test_the_file_is_for_its_owner_only(settings, caplog):
    secrets = Secrets(settings, BACKENDS, {})
    assert secrets.set("b", "api_key", "canary-in-a-file") == "file"
    file = settings.config_dir / "secrets.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secrets.toml" in caplog.text
    assert "canary" not in caplog.text
    file.chmod(0o644)
    assert secrets.get("b", "api_key") == "canary-in-a-file"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "could be read by other users" in caplog.text
    assert os.listdir(settings.config_dir) == ["secrets.toml"]


def test_two_instances_keep_their_own(settings):
    secrets = Secrets(settings, BACKENDS, {})
    secrets.set("b", "api_key", "value of b")
    secrets.set("c", "api_key", 'value "of" c')
    assert (secrets.get("b", "api_key"), secrets.get("c", "api_key")) == ("value of b", 'value "of" c')
    assert secrets.delete("b", "api_key")
    assert not secrets.delete("b", "api_key")
    assert (secrets.get("b", "api_key"), secrets.get("c", "api_key")) == (None, 'value "of" c')


def test_the_keyring_takes_over_from_the_file(settings):
    ring = Ring()
    Secrets(settings, BACKENDS, {}).set("b", "api_key", "old value")
    secrets = with_ring(settings, ring)
    assert secrets.set("b", "api_key", "new value") == "keyring"
    assert Secrets(settings, BACKENDS, {}).get("b", "api_key") is None
    assert secrets.get("b", "api_key") == "new value"
    assert secrets.delete("b", "api_key")
    assert secrets.get("b", "api_key") is None


def test_a_keyring_that_hangs_costs_one_wait_and_is_reported(settings, caplog):
    release = threading.Event()

    def hang():
        release.wait(30)
        return Ring()

    ring = SystemKeyring(settings, load=hang, patience=0.1)
    assert ring.get("b", "api_key") is None
    assert "gave no answer" in caplog.text
    release.set()
    began = time.monotonic()
    for name in range(100):
        assert ring.get("b", str(name)) is None
        assert not ring.set("b", str(name), "value")
    assert time.monotonic() - began < 5
    assert caplog.text.count("gave no answer") == 1


def test_a_keyring_that_fails_leads_to_the_file(settings, caplog):
    class Locked(Ring):
        def set_password(self, service, name, value):
            raise RuntimeError(f"locked, and here is {value}")

    secrets = with_ring(settings, Locked())
    assert secrets.set("b", "api_key", "canary-value") == "file"
    assert secrets.get("b", "api_key") == "canary-value"
    assert "canary" not in caplog.text


def test_values_that_are_no_keys_are_refused(settings):
    secrets = Secrets(settings, BACKENDS, {})
    for value in ("", "  ", "two\nlines", "nul\0"):
        with pytest.raises(InvalidRequest) as caught:
            secrets.set("b", "api_key", value)
        assert caught.value.field == "api_key"
    with pytest.raises(InvalidRequest, match="no secret"):
        secrets.set("b", "password", "x")


def test_status_tells_little(settings):
    secrets = Secrets(settings, BACKENDS, {"FIRST_KEY": "canary-long-enough-7890"})
    secrets.set("b", "extra", "short")
    key, extra = secrets.status("b")
    assert (key.set, key.source, key.ending, key.variables) == (
        True,
        "environment",
        "7890",
        ("FIRST_KEY", "SECOND_KEY"),
    )
    assert (extra.set, extra.source, extra.ending) == (True, "file", "")
    assert "canary" not in repr((key, extra))
    assert "short" not in repr((key, extra))


def test_a_damaged_file_is_reported_and_not_fatal(settings, caplog):
    settings.config_dir.mkdir(parents=True)
    (settings.config_dir / "secrets.toml").write_text("not [ toml")
    assert Secrets(settings, BACKENDS, {}).get("b", "api_key") is None
    assert "not valid TOML" in caplog.text


def test_a_damaged_file_is_put_aside_before_a_new_one_is_written(settings):
    settings.config_dir.mkdir(parents=True)
    (settings.config_dir / "secrets.toml").write_text('[b]\napi_key = "the-only-copy"\nbroken [')
    secrets = Secrets(settings, BACKENDS, {})
    assert secrets.delete("b", "api_key") is False
    secrets.set("b", "extra", "a-new-value")
    assert secrets.get("b", "extra") == "a-new-value"
    assert "the-only-copy" in (settings.config_dir / "secrets.damaged.toml").read_text()


def test_one_who_asks_while_a_key_is_set_does_not_bring_the_old_one_back(settings):
    ring = Ring()
    secrets = with_ring(settings, ring)
    secrets.set("b", "api_key", "old-key-value")
    store = ring.set_password

    def asked_meanwhile(service, name, value):
        secrets._keyring._answers["b", "api_key"] = (time.monotonic(), "old-key-value")
        store(service, name, value)

    ring.set_password = asked_meanwhile
    secrets.set("b", "api_key", "new-key-value")
    assert secrets.get("b", "api_key") == "new-key-value"


def test_what_was_handed_out_is_scrubbed_from_logs_and_tracebacks(settings, capsys):
    value = 'canary/with "odd" = signs'
    Secrets(settings, BACKENDS, {"FIRST_KEY": value}).get("b", "api_key")
    logger = logging.Logger("scrubbed")
    logger.addHandler(logging.StreamHandler())
    redaction.install(logger)
    redaction.install(logger)
    assert len(logger.handlers[0].filters) == 1
    logger.warning("plain %s, encoded canary%%2Fwith%%20%%22odd%%22%%20%%3D%%20signs", value)
    logger.warning('{"key": "canary/with \\"odd\\" = signs"}')
    try:
        raise ValueError(f"refused {value}")
    except ValueError:
        logger.exception("failed")
    logger.warning("a wrong %d format", "text")
    logger.warning("Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345")
    printed = capsys.readouterr().err
    assert "canary" not in printed
    assert "abcdefghijklmnop" not in printed
    assert printed.count(redaction.MASK) >= 4
    assert "a wrong" in printed


def test_short_values_do_not_blot_out_words():
    redaction.register("the")
    redaction.register("")
    redaction.register(None)
    assert redaction.redact("the weather") == "the weather"


def test_without_a_session_bus_the_keyring_is_not_even_imported(tmp_path):
    code = (
        "import sys; sys.platform = 'linux'; from diorama.access.secrets import Secrets;"
        "from diorama.settings import load_settings; from diorama.contract import Backend, BackendSettings;"
        f"s = Secrets(load_settings({{'DIORAMA_HOME': {str(tmp_path)!r}}}), {{}});"
        "print(s.get('b', 'api_key'), 'keyring' in sys.modules)"
    )
    environ = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if key in os.environ}
    if Path(f"/run/user/{os.getuid()}/bus").exists():
        pytest.skip("this machine has a session bus")
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**environ, "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert run.stdout.split() == ["None", "False"], run.stderr
