"""Lighthouse over the studio's pages: performance, accessibility, best practices, each 95 at least on a desktop.

Lighthouse is no part of the project: ``npm install lighthouse`` in a folder of its own, and name its program in
``LIGHTHOUSE`` where it is not in the path. Chromium is found as in the browser tests, or named in ``CHROMIUM``. Each page
is measured as on a desktop, and as on a phone far away: there a slow network and a processor four times slower than this
one are simulated. That multiplies what other programs on this machine take away, so the median of several runs counts.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from web.served import Server

GOAL = 95
CATEGORIES = ("performance", "accessibility", "best-practices")
AUDITS = {
    "first": "first-contentful-paint", "largest": "largest-contentful-paint", "blocked": "total-blocking-time",
    "shift": "cumulative-layout-shift",
}  # fmt: skip
PAGES = ("/image", "/assets", "/models", "/queue", "/settings")
SECONDS = 180
RUNS = int(os.environ.get("RUNS", "3"))


def main() -> int:
    lighthouse = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not lighthouse or not chromium:
        print("lighthouse: not installed here (npm install lighthouse; apt-get install chromium)")
        return 0
    pages = sys.argv[1:] or list(PAGES)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "home")
        try:
            for number in range(6):
                server.finished(server.submit(prompt=f"study {number}", session_id="studies", num_images=2))
            for page in pages:
                for profile in ("mobile", "desktop"):
                    good &= _median(lighthouse, chromium, server.url + page, page, profile, Path(folder))
        finally:
            server.stop()
    return 0 if good else 1


def _median(program: str, chromium: str, url: str, page: str, profile: str, folder: Path) -> bool:
    runs = [run for _ in range(RUNS) if (run := _measure(program, chromium, url, page, profile, folder))]
    if not runs:
        return False
    scores = {name: round(statistics.median(_score(run, name) for run in runs)) for name in CATEGORIES}
    every = " ".join(str(round(_score(run, "performance"))) for run in runs)
    audits = {
        name: statistics.median(run["audits"][key]["numericValue"] for run in runs)
        for name, key in AUDITS.items()
    }
    print(
        f"{page} {profile}: {', '.join(f'{name} {score}' for name, score in scores.items())} (performance of each run: {every}); "
        f"first paint {audits['first'] / 1000:.1f} s, largest {audits['largest'] / 1000:.1f} s, "
        f"blocked {audits['blocked']:.0f} ms, shift {audits['shift']:.3f}"
    )
    for name in CATEGORIES:
        if scores[name] < GOAL:
            _explain(runs[-1], name)
    return min(scores.values()) >= GOAL


def _measure(
    program: str, chromium: str, url: str, page: str, profile: str, folder: Path
) -> dict[str, Any] | None:
    out = folder / "report.json"
    command = [
        program, url, "--quiet", "--output=json", f"--output-path={out}", f"--only-categories={','.join(CATEGORIES)}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]  # fmt: skip
    if profile == "desktop":
        command.append("--preset=desktop")
    environ = {**os.environ, "CHROME_PATH": chromium}
    done = subprocess.run(command, env=environ, timeout=SECONDS, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(out.read_text()) if out.is_file() and not done.returncode else {}
    if not report or report.get("runtimeError"):
        print(f"{page} {profile}: {report.get('runtimeError', {}).get('code') or done.stderr.strip()[-300:]}")
        return None
    return report


def _score(report: dict[str, Any], name: str) -> float:
    return 100 * float(report["categories"][name]["score"] or 0)


def _explain(report: dict[str, Any], name: str) -> None:
    for item in report["categories"][name]["auditRefs"]:
        audit = report["audits"][item["id"]]
        if item["weight"] and audit["score"] is not None and audit["score"] < 0.9:
            print(f"    {name}: {audit['title']} {audit.get('displayValue', '')}")


if __name__ == "__main__":
    raise SystemExit(main())
