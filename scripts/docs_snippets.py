"""Fill the code blocks of the documentation from tested files, or check that they are up to date.

A block that follows the line ``<!-- from PATH#REGION -->`` (or ``<!-- from PATH -->`` for a whole file) holds what
stands between ``# [start:REGION]`` and ``# [end:REGION]`` in that file.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"(<!-- from (?P<path>[^#\s]+)(?:#(?P<region>\w+))? -->\n```(?P<kind>\w+)\n)(?P<body>.*?)(```)", re.DOTALL
)
MARK = re.compile(r"^\s*# \[(start|end):\w+\]\n", re.MULTILINE)


def region_of(path: str, region: str | None) -> str:
    """Return the text of a region, without its markers and indentation."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if region is not None:
        found = re.search(
            rf"# \[start:{region}\]\n(.*?)^[ \t]*# \[end:{region}\]", text, re.DOTALL | re.MULTILINE
        )
        if found is None:
            raise SystemExit(f"{path} has no region {region}")
        text = found[1]
    return textwrap.dedent(MARK.sub("", text)).strip("\n") + "\n"


def filled(page: str) -> str:
    """Return the page with every marked block filled."""
    return BLOCK.sub(lambda match: match[1] + region_of(match["path"], match["region"]) + match[6], page)


def main() -> int:
    """Rewrite the pages, or with ``--check`` say which ones are out of date."""
    check = "--check" in sys.argv
    stale = []
    for page in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"):
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            stale.append(page.name)
            if not check:
                page.write_text(after, encoding="utf-8")
    if check and stale:
        print("out of date, run `python scripts/docs_snippets.py`: " + ", ".join(stale))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
