"""``diorama doctor``."""

from __future__ import annotations

import argparse
from contextlib import closing
from importlib import metadata, util
from typing import Any

from diorama.cli.terminal import as_json, clean


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print findings as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check the installation; the exit code is 1 when something is wrong."""
    findings = [
        finding
        for check in (_settings, _disk, _libraries, _torchvision, _plugins, _page, _database)
        for finding in check()
    ]
    if options.json:
        print(as_json(findings))
    else:
        for finding in findings:
            mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}[finding["level"]]
            print(clean(f"{mark} {finding['what']}"))
            if finding.get("fix"):
                print(clean(f"        {finding['fix']}"))
    return int(any(finding["level"] == "error" for finding in findings))


def _finding(level: str, what: str, fix: str | None = None) -> dict[str, Any]:
    return {"level": level, "what": what, "fix": fix}


def _settings() -> list[dict[str, Any]]:
    from diorama.settings import load_settings

    settings = load_settings()
    where = settings.config_file if settings.config_file.exists() else "defaults (no config.toml)"
    return [_finding("ok", f"settings from {where}; data in {settings.data_dir}")]


def _disk() -> list[dict[str, Any]]:
    import os
    import shutil

    from diorama.settings import load_settings

    settings = load_settings()
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return [
            _finding(
                "error",
                f"the data directory cannot be made: {error}",
                "Set DIORAMA_HOME to a folder you can write.",
            )
        ]
    if not os.access(settings.data_dir, os.W_OK):
        return [
            _finding(
                "error",
                f"{settings.data_dir} cannot be written",
                "Set DIORAMA_HOME to a folder you can write.",
            )
        ]
    free = shutil.disk_usage(settings.data_dir).free
    if free < settings.limits.min_free_bytes:
        return [
            _finding(
                "error",
                f"only {free / 1e6:.0f} MB free",
                "Free some space; jobs are refused below the floor.",
            )
        ]
    return [_finding("ok", f"{free / 1e9:.1f} GB free")]


def _libraries() -> list[dict[str, Any]]:
    findings = []
    for name, needed in (
        ("torch", "local models"),
        ("diffusers", "local models"),
        ("av", "videos"),
        ("isal", "fast saving"),
    ):
        try:
            findings.append(_finding("ok", f"{name} {metadata.version(name)}"))
        except metadata.PackageNotFoundError:
            findings.append(
                _finding(
                    "warning", f"{name} is not installed; it is needed for {needed}", f"pip install {name}"
                )
            )
    return findings


def _torchvision() -> list[dict[str, Any]]:
    """A torchvision that does not fit torch breaks diffusers as a whole, with errors that name neither."""
    if util.find_spec("torchvision") is None:
        return []
    try:
        __import__("torchvision")
    except Exception as error:
        fix = "Install the pair that belongs together, or remove torchvision."
        return [_finding("error", f"torchvision does not fit torch: {error}", fix)]
    return [_finding("ok", f"torchvision {metadata.version('torchvision')}")]


def _plugins() -> list[dict[str, Any]]:
    from diorama.plugins.registry import PluginRegistry
    from diorama.settings import load_settings

    registry = PluginRegistry(load_settings())
    registry.load()
    findings = [
        _finding("ok", f"backend {item.id} ({item.distribution} {item.version})") for item in registry.loaded
    ]
    findings += [
        _finding(
            "error",
            f"plugin {item.name} ({item.distribution}) is broken: {item.reason}",
            "Update or uninstall it.",
        )
        for item in registry.broken
    ]
    if not registry.backends:
        findings.append(_finding("error", "no backend is installed", "pip install diorama-local-diffusers"))
    return findings


def _page() -> list[dict[str, Any]]:
    if util.find_spec("diorama_web") is None:
        return [_finding("error", "the web package is missing", "Install diorama anew.")]
    return [_finding("ok", "the page is there")]


def _database_server(url: str) -> dict[str, Any]:
    from diorama.contract import DioramaError
    from diorama.database.connection import connect, open_engine

    try:
        engine = open_engine(url)
        connect(engine).close()
    except DioramaError as error:
        return _finding("error", error.message, error.fix or "")
    return _finding("ok", f"the database {engine.url.database} answers")


def _database() -> list[dict[str, Any]]:
    import sqlite3

    from diorama.settings import load_settings

    settings = load_settings()
    if settings.database_url:
        return [_database_server(settings.database_url)]
    file = settings.data_dir / "diorama.sqlite"
    if not file.exists():
        return [_finding("ok", "no database yet; the first start makes one")]
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        return [
            _finding(
                "error", f"the database is damaged: {verdict}", "Restore the newest .bak file beside it."
            )
        ]
    return [_finding("ok", f"database {file.stat().st_size / 1e6:.1f} MB, sound")]
