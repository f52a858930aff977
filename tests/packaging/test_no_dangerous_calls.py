"""What our code never does: open a pickle, run text as code, call a shell, or take its own way to the network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (
        "core/src",
        "web/src",
        *(item.relative_to(ROOT).as_posix() for item in ROOT.glob("plugins/*/src")),
    )
    for path in (ROOT / folder).rglob("*.py")
)
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "tarfile",
    "telnetlib",
    "ftplib",
}
"""Formats that run code when they are read, archives that write where they like, and networks of old."""
HTTP = {"httpx", "httpx2", "requests", "aiohttp", "urllib3", "urllib.request", "http.client"}
HTTP_USERS = {
    "core/src/diorama/access/fetch.py": "the guarded door itself",
    "core/src/diorama/access/lines.py": "the connections of the guarded door",
    "core/src/diorama/contract/remote/http.py": "providers' own APIs, at addresses that the user set",
    "core/src/diorama/cli/http_client.py": "our own server",
    "core/src/diorama/testing/fake.py": "a stand-in provider, for tests",
    "plugins/civitai/src/diorama_civitai/api/client.py": "checks every address itself",
    "plugins/civitai/src/diorama_civitai/download/transfer.py": "connects to checked addresses only",
    "plugins/comfyui/src/diorama_comfyui/server/client.py": "servers that the user configured",
    "plugins/fal/src/diorama_fal/client.py": "hands a client to the provider's library",
    "plugins/higgsfield/src/diorama_higgsfield/client.py": "names its errors",
    "plugins/replicate/src/diorama_replicate/client.py": "hands a client to the provider's library",
    "plugins/local_diffusers/src/diorama_local_diffusers/models/hub.py": "names its errors",
}
"""Who may use an HTTP client, and why."""
CALLS = {
    "eval": "text as code", "exec": "text as code", "compile": "text as code", "__import__": "a name from somewhere",
    "os.system": "a shell", "os.popen": "a shell", "subprocess.getoutput": "a shell", "extractall": "an archive",
    "torch.load": "a pickle", "numpy.load": "perhaps a pickle", "np.load": "perhaps a pickle", "tempfile.mktemp": "a race",
    "unpack_archive": "an archive", "StaticFiles": "a folder served as it lies",
}  # fmt: skip
ALLOWED = {
    (
        "plugins/local_diffusers/src/diorama_local_diffusers/upscale/convert.py",
        "torch.load",
    ): "its hash is known, tensors only",
    ("core/src/diorama/cli/doctor_command.py", "__import__"): "a fixed name",
    (
        "plugins/fal/src/diorama_fal/client.py",
        "follow_redirects",
    ): "as the official client; keys are dropped across origins",
}
FLAGS = {
    "shell": True,
    "trust_remote_code": True,
    "weights_only": False,
    "allow_pickle": True,
    "verify": False,
    "follow_redirects": True,
}


def name_of(node: ast.expr) -> str:
    """Return ``a.b.c`` of an expression, as far as it is names."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{name_of(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def findings(path: str) -> Iterator[str]:
    """Yield what a file does that it should not."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module or ""}
            )
            for name in names & MODULES:
                yield f"{where} imports {name}"
            if names & HTTP and path not in HTTP_USERS:
                yield f"{where} imports an HTTP client"
        elif isinstance(node, ast.Call):
            called = name_of(node.func)
            for name in {called, called.rpartition(".")[2]} & CALLS.keys():
                if called != name and name in ("compile", "eval", "exec"):
                    continue  # a method of that name: torch's and re's are harmless
                if (path, name) not in ALLOWED:
                    yield f"{where} calls {called}: {CALLS[name]}"
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if (
                    keyword.arg in FLAGS
                    and value is FLAGS[keyword.arg]
                    and (path, keyword.arg) not in ALLOWED
                ):
                    yield f"{where} sets {keyword.arg}={value}"


def test_nothing_dangerous_is_done() -> None:
    assert len(SOURCES) > 250
    assert [finding for path in SOURCES for finding in findings(path)] == []


def test_whoever_may_is_still_there() -> None:
    """An exception that nobody needs any more is a hole for the next one."""
    for path in HTTP_USERS:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert any(f"import {name}" in text or f"from {name}" in text for name in HTTP), path
    for path, name in ALLOWED:
        assert f"{name}{'=' if name in FLAGS else '('}" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from yaml import load", "import httpx", "import urllib.request", "eval(x)", "os.system(x)",
        "torch.load(x)", "run(x, shell=True)", "np.load(x)", "a.extractall(b)", "f(trust_remote_code=True)",
        "f(weights_only=False)", "get(u, verify=False)",
    ],
)  # fmt: skip
def test_the_check_itself_finds_something(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.py").write_text(f"def f():\n    {line}\n")
    monkeypatch.setitem(findings.__globals__, "ROOT", tmp_path)
    assert list(findings("x.py"))
