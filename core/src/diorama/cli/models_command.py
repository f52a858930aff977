"""``diorama models [list|show|search|add|remove|download|delete|unload|du|refresh]``."""

from __future__ import annotations

import argparse
from typing import Any

from diorama.cli.client import connect
from diorama.cli.job_running import _follow
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table, warn


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``list``."""
    _add_filters(parser)
    add_connection(parser)
    parser.set_defaults(run=list_models, text=None)
    verbs = parser.add_subparsers(metavar="VERB")
    for name, text, run in (
        ("list", "list what there is", list_models),
        ("search", "list models that hold some words", list_models),
    ):
        verb = verbs.add_parser(name, help=text)
        if name == "search":
            verb.add_argument("text", nargs="+", help="words that all occur")
        _add_filters(verb)
        add_connection(verb)
        verb.set_defaults(run=run, **({} if name == "search" else {"text": None}))
    for name, text, run in (
        ("show", "say everything about one model", show),
        ("download", "fetch a model's files", download),
        ("delete", "remove a downloaded model from disk", delete),
        ("remove", "take a model that was added out of the list; its files stay", remove),
        ("unload", "free the memory that a model takes in the running server", unload),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("model", help="model id, alias or family")
        verb.add_argument("--quiet", action="store_true", help="no progress")
        add_connection(verb)
        verb.set_defaults(run=run)
    verb = verbs.add_parser("add", help="add a diffusers folder, a .safetensors or .gguf file, or a hub id")
    verb.add_argument("source", help="path or hub id")
    verb.add_argument("--backend", default="local", help="backend that shall run it (default: local)")
    verb.set_defaults(run=add)
    verb = verbs.add_parser("du", help="show what each model takes on disk")
    add_connection(verb)
    verb.set_defaults(run=disk_use)
    verb = verbs.add_parser("refresh", help="ask every backend for a fresh list")
    add_connection(verb)
    verb.set_defaults(run=refresh)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operation", choices=("generate", "edit", "video", "upscale"))
    parser.add_argument("--backend", help="id of a backend")
    parser.add_argument("--category")
    parser.add_argument("--tag")
    parser.add_argument(
        "--ready", action="store_const", const="ready", dest="availability", help="only what can run now"
    )
    parser.add_argument("--by", choices=("family",), help="group the offers of each model")


def list_models(options: argparse.Namespace) -> int:
    """Print the catalog."""
    text = " ".join(options.text) if options.text else None
    filters = {
        name: getattr(options, name) for name in ("operation", "backend", "category", "tag", "availability")
    }
    if options.by == "family":
        return _list_families(options, text, filters)
    with connect(options) as client:
        models = client.models(text=text, **filters)
    if options.json:
        print(as_json(models))
        return 0
    rows = [
        (
            model["id"],
            model["title"],
            "/".join(model["operations"]),
            model["availability"]["state"].replace("_", " "),
            price(model),
        )
        for model in models
    ]
    print(table(rows, ("MODEL", "TITLE", "DOES", "STATE", "PRICE")))
    return 0


def _list_families(options: argparse.Namespace, text: str | None, filters: dict[str, str | None]) -> int:
    with connect(options) as client:
        families = client.families(text=text, **filters)
    if options.json:
        print(as_json(families))
        return 0
    rows = [
        (
            family["family"],
            offer["id"],
            offer["availability"]["state"].replace("_", " "),
            price(offer),
            f"{offer['median_seconds']:.1f} s" if offer["median_seconds"] is not None else "",
            (offer["license"] or {}).get("name", ""),
            "leaves this machine" if offer["data_leaves_machine"] else "stays here",
        )
        for family in families
        for offer in family["offers"]
    ]
    print(table(rows, ("FAMILY", "OFFER", "STATE", "PRICE", "USUALLY", "LICENCE", "DATA")))
    return 0


def price(model: dict[str, Any]) -> str:
    """Return the price of a model in words."""
    found = model.get("price")
    if not found:
        return "not told" if model.get("data_leaves_machine") else "free"
    if not found["amount"]:
        return "free"
    return f"{found['amount']:g} {found['currency']}/{found['per']}"


def show(options: argparse.Namespace) -> int:
    """Print one entry whole."""
    with connect(options) as client:
        model = client.model(options.model)
    if options.json:
        print(as_json(model))
        return 0
    availability = model["availability"]
    print(clean(f"{model['title']}  ({model['id']})"))
    for name in ("description", "family", "kind", "author", "revision", "disk_gb", "memory_gb"):
        if model.get(name):
            print(clean(f"  {name.replace('_', ' '):12}{model[name]}"))
    print(
        clean(
            f"  {'state':12}{availability['state']}"
            + (f": {availability['fix']}" if availability.get("fix") else "")
        )
    )
    print(clean(f"  {'price':12}{price(model)}"))
    if model.get("license"):
        print(clean(f"  {'licence':12}{model['license']['name']}"))
    for operation, can in model["operations"].items():
        print(f"  {operation}:")
        for line in capability_lines(can):
            print(clean("    " + line))
    for kind, words in (model.get("vocabulary") or {}).items():
        print(clean(f"  knows {kind}: {', '.join(words)}"))
    return 0


SOURCES = {
    "https": "https address",
    "hub": "owner/name[/file] of the hub",
    "civitai": "civitai:VERSION",
    "own": "id at the provider",
}


def capability_lines(can: dict[str, Any]) -> list[str]:
    """Return one line per control of an operation."""
    lines = []
    for name, value in can.items():
        if (
            isinstance(value, dict)
            and "minimum" in value
            and "maximum" in value
            and "multiple_of" not in value
        ):
            default = f", usually {value['default']:g}" if value.get("default") is not None else ""
            lines.append(f"{name}: {value['minimum']:g} to {value['maximum']:g}{default}")
    sizes = can.get("sizes")
    if sizes:
        usual = (
            f"usually {sizes['default'][0]}x{sizes['default'][1]}"
            if sizes.get("default")
            else "as the model likes"
        )
        lines.append("size: the input's own" if sizes["match_input"] else f"size: {usual}")
        if sizes["ratios"]:
            lines.append("ratios: " + ", ".join(sizes["ratios"]))
    if can.get("produces"):
        lines.append(f"makes: {'sound' if can['produces'] == 'audio' else can['produces']}")
    lines += [name.replace("_", " ") for name in ("negative_prompt", "mask", "audio") if can.get(name)]
    if can.get("lora_kinds"):
        ways = (
            ", ".join(SOURCES[source] for source in can.get("lora_sources") or ()) or "files of this machine"
        )
        lines.append(f"--lora: up to {can['max_loras']} for {', '.join(can['lora_kinds'])}; {ways}")
    for name, rule in (can.get("parameters") or {}).get("properties", {}).items():
        lines.append(f"-p {name}=... {rule.get('description') or rule.get('type', '')}")
    return lines


def download(options: argparse.Namespace) -> int:
    """Fetch a model as a job."""
    with connect(options) as client:
        job = client.submit({"kind": "download", "model": options.model})
        job = _follow(client, job, options)
    print(f"{job['model']} is on disk.")
    return 0


def delete(options: argparse.Namespace) -> int:
    """Remove a model from disk."""
    with connect(options) as client:
        model = client.model(options.model)["id"]
        before = {item["id"]: item for item in client.disk_use()}
        freed = client.delete_model(model)
        after = {item["id"] for item in client.disk_use()}
    if model not in before and not freed:
        print(clean(f"Nothing of {model} is on this disk."))
        return 0
    print(f"Freed {_size(freed)}.")
    others = before.get(model, {}).get("shared_with")
    if others:
        print(clean(f"The files that {', '.join(others)} use too stay."))
    gone = sorted(set(before) - after - {model})
    if gone:
        print(clean(f"Gone with it, for it had the same files: {', '.join(gone)}."))
    return 0


def remove(options: argparse.Namespace) -> int:
    """Take a model of the user's own out of the list."""
    with connect(options) as client:
        print(clean(f"Removed {client.remove_model(options.model)} from the list; its files stay."))
    return 0


def unload(options: argparse.Namespace) -> int:
    """Free a model's memory."""
    with connect(options) as client:
        print(clean(f"{client.unload_model(options.model)} has left the memory."))
    return 0


def disk_use(options: argparse.Namespace) -> int:
    """Print what models take on disk."""
    with connect(options) as client:
        models = client.disk_use()
    if options.json:
        print(as_json(models))
        return 0
    rows = [
        (
            _size(model["size_bytes"]),
            _size(model["freeable_bytes"]),
            model["id"],
            ", ".join(model["shared_with"]),
            model["path"],
        )
        for model in models
    ]
    print(table(rows, ("SIZE", "DELETE FREES", "MODEL", "SHARES FILES WITH", "PATH")))
    return 0


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def add(options: argparse.Namespace) -> int:
    """Add a model of the user's own to a backend that takes them."""
    with connect(argparse.Namespace(server=None)) as client:
        model = client.add_model(options.backend, options.source)
    print(clean(f"Added {model['id']} ({model['title']})."))
    if model["availability"]["state"] != "ready":
        warn(clean(str(model["availability"]["fix"])))
    return 0


def refresh(options: argparse.Namespace) -> int:
    """Ask every backend anew, then list."""
    with connect(options) as client:
        client.refresh()
        print(f"{len(client.models())} models.")
    return 0
