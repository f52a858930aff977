"""``diorama loras [list|scan|download]``."""

from __future__ import annotations

import argparse
from typing import Any

from diorama.cli.client import connect
from diorama.cli.job_running import _follow
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table, warn
from diorama.contract.errors import InvalidRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    _add_options(parser)
    verbs = parser.add_subparsers(metavar="VERB")
    for name, text in (
        ("list", "list LoRA, those here first"),
        ("scan", "look through the folders again and list what is here"),
    ):
        verb = verbs.add_parser(name, help=text)
        _add_options(verb)
        verb.set_defaults(here=name == "scan")
    verb = verbs.add_parser("download", help="fetch one of the list, or a file of the hub, as a job")
    verb.add_argument("name", help="id or title of the list, or owner/name/file.safetensors of the hub")
    verb.add_argument("--quiet", action="store_true", help="no progress")
    add_connection(verb)
    verb.set_defaults(run=download)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", metavar="FAMILY", help="only those that fit this family, such as sdxl")
    add_connection(parser)
    parser.set_defaults(run=list_loras, here=False)


def list_loras(options: argparse.Namespace) -> int:
    """Print the LoRA."""
    with connect(options) as client:
        loras = client.loras(options.kind)
    if options.here:
        loras = [lora for lora in loras if lora["availability"]["state"] == "ready"]
    if options.json:
        print(as_json(loras))
        return 0
    if not loras:
        warn(
            "There are none. `diorama loras` shows what is worth getting, `diorama loras download` fetches it."
        )
        return 0
    print(table([_row(lora) for lora in loras], ("LORA", "FITS", "TITLE", "TRIGGERS", "STATE")))
    return 0


def _row(lora: dict[str, Any]) -> tuple[str, ...]:
    state = lora["availability"]
    words = "ready" if state["state"] == "ready" else str(state["fix"])
    return lora["id"], lora["kind"] or "?", lora["title"], ", ".join(lora["triggers"]), words


def download(options: argparse.Namespace) -> int:
    """Fetch a LoRA as a job."""
    with connect(options) as client:
        model, lora = _wanted(options.name, client.loras())
        if lora is not None and lora["availability"]["state"] == "ready":
            print(clean(f"{lora['title']} is here already: --lora {lora['id']}"))
            return 0
        _follow(client, client.submit({"kind": "download", "model": model}), options)
        here = [item for item in client.loras() if item["availability"]["state"] == "ready"]
    title = lora["title"] if lora else options.name
    found = next((item for item in here if item["download"] == model or item["id"] == options.name), None)
    print(clean(f"{title} is on disk" + (f": --lora {found['id']}" if found else ".")))
    return 0


def _wanted(name: str, loras: list[dict[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """Return the id for the download job, and the LoRA of the list when it is one."""
    low = name.casefold()
    for lora in loras:
        names = {str(lora[key]).casefold() for key in ("id", "title", "download")}
        if low in names | {lora["id"].casefold().rpartition("/")[2]}:
            if not lora["download"] and lora["availability"]["state"] != "ready":
                raise InvalidRequest(
                    f"{lora['title']} cannot be fetched from here.",
                    field="name",
                    fix=lora["availability"].get("fix"),
                )
            return lora["download"], lora
    if name.endswith(".safetensors") and name.count("/") >= 2:
        return (name if ":" in name else f"local:{name}"), None
    raise InvalidRequest(
        f"No LoRA of the list is called {name!r}.",
        field="name",
        fix="`diorama loras` shows them; of the hub, give owner/name/file.safetensors.",
    )
