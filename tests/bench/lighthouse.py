"""Lighthouse over the studio's pages: performance, accessibility, best practices, each 95 at least on a desktop.

Lighthouse is no part of the project: ``npm install lighthouse`` in a folder of its own, and name its program in
``LIGHTHOUSE`` where it is not in the path. Chromium is found as in the browser tests, or named in ``CHROMIUM``. Each page
is measured as on a desktop, and as on a phone far away: there a slow network and a processor four times slower than this
one are simulated, so its performance says as much about the load of this machine; it is printed and has no goal.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from web.served import Server

GOAL = 95
CATEGORIES = ("performance", "accessibility", "best-practices")
PAGES = ("/image", "/assets", "/models", "/queue", "/settings")
SECONDS = 180


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
                    good &= _measure(lighthouse, chromium, server.url + page, page, profile, Path(folder))
        finally:
            server.stop()
    return 0 if good else 1


def _measure(program: str, chromium: str, url: str, page: str, profile: str, folder: Path) -> bool:
    out = folder / "report.json"
    command = [
        program, url, "--quiet", "--output=json", f"--output-path={out}", f"--only-categories={','.join(CATEGORIES)}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]  # fmt: skip
    if profile == "desktop":
        command.append("--preset=desktop")
    environ = {**os.environ, "CHROME_PATH": chromium}
    done = subprocess.run(command, env=environ, timeout=SECONDS, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{page} {profile}: {done.stderr.strip()[-300:]}")
        return False
    report: dict[str, Any] = json.loads(out.read_text())
    scores = {name: round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES}
    paint = report["audits"]["largest-contentful-paint"]["numericValue"] / 1000
    print(
        f"{page} {profile}: {', '.join(f'{name} {score}' for name, score in scores.items())}; largest paint {paint:.1f} s"
    )
    for name in CATEGORIES:
        if scores[name] < GOAL:
            for item in report["categories"][name]["auditRefs"]:
                audit = report["audits"][item["id"]]
                if item["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                    print(f"    {name}: {audit['title']} {audit.get('displayValue', '')}")
    if profile == "mobile":
        del scores["performance"]
    return min(scores.values()) >= GOAL


if __name__ == "__main__":
    raise SystemExit(main())
