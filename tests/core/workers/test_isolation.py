"""Nothing that a worker does not need gets into it: no keys, no other backend's options, no folder of chance."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from diorama.settings import load_settings
from diorama.workers.devices import detect_devices
from diorama.workers.environment import worker_environment

KEYS = {
    "FAL_KEY": "canary-fal-0001",
    "REPLICATE_API_TOKEN": "canary-replicate-2",
    "HIGGSFIELD_CREDENTIALS": "canary-id:canary-secret",
    "ANTHROPIC_API_KEY": "canary-anthropic-3",
    "HF_TOKEN": "canary-hf-000004",
    "CIVITAI_API_TOKEN": "canary-civitai-5",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-000006",
    "DB_PASSWORD": "canary-db-0000007",
    "DIORAMA_API_KEY": "canary-own-000008",
    "SCRIPTED_KEY": "canary-declared-9",
    "HTTPS_PROXY": "http://user:canary-proxy@10.0.0.1:3128",
}


@pytest.fixture
def with_keys(monkeypatch, make_bench):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    return make_bench()


def test_no_key_is_in_the_workers_environment(with_keys):
    facts = with_keys.run("tell")[0].facts
    environ = facts["environ"]
    assert not [name for name, value in environ.items() if "canary" in value]
    assert environ["TOKENIZERS_PARALLELISM"] == "false"
    assert environ["CUDA_VISIBLE_DEVICES"] == ""
    assert environ["PATH"] == os.environ["PATH"]
    if sys.platform == "linux":
        assert b"canary" not in Path(f"/proc/{facts['pid']}/environ").read_bytes()


def test_settings_reach_the_worker_without_keys_and_without_other_backends(make_bench):
    bench = make_bench(
        environ={
            "DIORAMA_SERVER__API_KEYS": "canary-server-key",
            "DIORAMA_DATABASE_URL": "postgresql://u:canary-pass@db/x",
        }
    )
    seen = bench.run("settings")[0].facts["settings"]
    assert "'colour': 'blue'" in seen
    assert "canary" not in seen


def test_a_secret_is_asked_for_and_never_logged(make_bench):
    bench = make_bench(secrets={("scripted", "api_key"): "canary-secret-value"})
    assert bench.run("secret")[0].facts["length"] == len("canary-secret-value")
    assert "the key is" in bench.log
    assert "printed" in bench.log
    bench.close()
    assert "canary" not in bench.log


def test_the_current_folder_is_not_a_place_for_libraries(make_bench, tmp_path, monkeypatch):
    (tmp_path / "msgspec.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    path = make_bench().run("tell")[0].facts["path"]
    assert "" not in path
    assert str(tmp_path) not in path


def test_declared_variables_and_addresses_with_passwords_are_left_out():
    kept = worker_environment(
        {
            "ODD": "1",
            "PLAIN": "2",
            "URL": "redis://:pw@h/0",
            "KEYBOARD": "3",
            "PWD": "/x",
            "MONKEY": "4",
            "API_KEY2": "5",
        },
        ["ODD"],
    )
    assert int(kept.pop("GOMP_SPINCOUNT")) < 30_000
    assert kept == {"PLAIN": "2", "KEYBOARD": "3", "PWD": "/x", "MONKEY": "4"}


def devices(tmp_path, environ=None, **variables):
    return detect_devices(load_settings({"DIORAMA_HOME": str(tmp_path), **variables}), environ or {})


def test_devices_that_are_set_are_taken(tmp_path):
    assert devices(tmp_path, DIORAMA_DEVICES="cuda:1,cpu") == ("cuda:1", "cpu")


@pytest.mark.parametrize(
    ("visible", "cards", "expected"),
    [
        (None, 2, ("cuda:0", "cuda:1")),
        ("1", 2, ("cuda:0",)),
        ("1,0", 2, ("cuda:0", "cuda:1")),
        ("", 2, ("cpu",)),
        ("-1", 2, ("cpu",)),
        ("0,7,1", 2, ("cuda:0",)),
        ("GPU-8932f937", 2, ("cuda:0",)),
        ("0", 0, ("cpu",)),
        (None, 0, ("cpu",)),
    ],
)
def test_cuda_devices_follow_the_cards_and_the_variable(tmp_path, monkeypatch, visible, cards, expected):
    from diorama.workers import devices as module

    folder = tmp_path / "gpus"
    for index in range(cards):
        (folder / str(index)).mkdir(parents=True)
    monkeypatch.setattr(module, "_NVIDIA_CARDS", ((folder, "*"),))
    monkeypatch.setattr(module, "_count_by_nvml", lambda: None)
    monkeypatch.setattr(module, "_torch_is_cpu_only", lambda settings: False)
    monkeypatch.setattr(module.sys, "platform", "linux")
    assert devices(tmp_path, {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}) == expected


def test_detecting_devices_does_not_import_torch(tmp_path):
    code = (
        "import sys; from diorama.settings import load_settings; from diorama.workers.devices import detect_devices;"
        f"detect_devices(load_settings({{'DIORAMA_HOME': {str(tmp_path)!r}}})); print('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    )
