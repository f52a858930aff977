"""``diorama civitai [search|show|download]``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from diorama.cli.client import Client, connect
from diorama.cli.job_running import _follow
from diorama.cli.options import add_connection
from diorama.cli.terminal import as_json, clean, table, warn

_LINK = re.compile(r"/models/(\d{1,12})(?!.*modelVersionId=)")
_ASSET = re.compile(r"[0-9a-z]{26}")
_HASH = re.compile(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{10}|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{64}")
_VERSION = re.compile(r"(?:modelVersionId=|/api/download/models/|civitai:\d+@)(\d{1,12})")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_search(verbs.add_parser("search", help="find models"))
    verb = verbs.add_parser(
        "show", help="say everything about a model, a version or a hash, or what a picture was made with"
    )
    verb.add_argument(
        "name",
        help="model number, link, AIR, hash, v and the number of a version (v128713), or the id of a picture made here",
    )
    verb.add_argument("--nsfw", action="store_true", help="show mature previews too")
    add_connection(verb)
    verb.set_defaults(run=show)
    verb = verbs.add_parser("download", help="fetch a file into the models folder")
    verb.add_argument("name", help="number of a version, link, AIR or hash")
    verb.add_argument(
        "--file", type=int, metavar="ID", help="one file of the version (default: the best safe one)"
    )
    verb.add_argument("--quiet", action="store_true", help="no progress")
    add_connection(verb)
    verb.set_defaults(run=download)


def _add_search(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("query", nargs="*", help="words")
    verb.add_argument("--type", action="append", dest="types", help="Checkpoint, LORA, VAE ... (repeatable)")
    verb.add_argument("--base", action="append", dest="base_models", help='such as "SDXL 1.0" (repeatable)')
    verb.add_argument("--sort", help='such as "Most Downloaded", Newest')
    verb.add_argument("--period", choices=("AllTime", "Year", "Month", "Week", "Day"))
    verb.add_argument("--tag")
    verb.add_argument("--creator", dest="username")
    verb.add_argument("--nsfw", action="store_true", help="mature models too")
    verb.add_argument("--cursor", help="where the last page ended")
    verb.add_argument("--limit", type=int, default=20, help="models per page, 1 to 100 (default: 20)")
    add_connection(verb)
    verb.set_defaults(run=search)


def search(options: argparse.Namespace) -> int:
    """Print a page of models."""
    names = ("types", "base_models", "sort", "period", "tag", "username", "nsfw", "cursor", "limit")
    filters = {name: getattr(options, name) for name in names}
    with connect(options) as client:
        found = client.service("civitai.search", query=" ".join(options.query), **filters)
    if options.json:
        print(as_json(found))
        return 0
    rows = [
        (
            str(model["id"]),
            str(model["version_id"] or ""),
            model["name"],
            model["type"],
            model["base_model"] or "",
            str(model["downloads"]),
        )
        for model in found["models"]
    ]
    print(table(rows, ("MODEL", "VERSION", "NAME", "TYPE", "BASE", "DOWNLOADS")))
    if found["next_cursor"]:
        warn(clean(f"More with --cursor '{found['next_cursor']}'"))
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a model or a version."""
    name = options.name.strip()
    with connect(options) as client:
        if _ASSET.fullmatch(name):
            return _print_origins(client.service("civitai.of_asset", asset_id=name), options)
        found = _look_up(client, name, options.nsfw)
    if options.json:
        print(as_json(found))
        return 0
    versions = found.get("versions", [found])
    title = found.get("model_name", found["name"])
    print(clean(f"{title}  ({found['type']}, {found['page']})"))
    if found.get("license"):
        print(clean(f"  {'licence':12}{_terms(found['license'])}"))
    for version in versions:
        for line in version_lines(version):
            print(clean(line))
    return 0


def _print_origins(told: Mapping[str, Any], options: argparse.Namespace) -> int:
    """Print which versions a picture was made with."""
    if options.json:
        print(as_json(told))
        return 0
    for item in told["found"]:
        version = item["version"]
        print(
            clean(f"{item['role']:6}{item['name']}  {version.get('model_name') or ''}  ({version['page']})")
        )
        for line in version_lines(version):
            print(clean(line))
    for item in told["unknown"]:
        print(clean(f"{item['role']:6}{item['name']}  not on Civitai ({item['hash'][:16]})"))
    if not told["found"] and not told["unknown"]:
        warn("Its recipe names no file by its hash.")
    return 0


def _look_up(client: Client, name: str, nsfw: bool) -> dict[str, Any]:
    if name.isdigit() and len(name) < 10:
        return client.service("civitai.model", model_id=int(name), nsfw=nsfw)
    if name[:1].lower() == "v" and name[1:].isdigit():
        return client.service("civitai.version", version_id=int(name[1:]), nsfw=nsfw)
    if found := _VERSION.search(name):
        return client.service("civitai.version", version_id=int(found[1]), nsfw=nsfw)
    if found := _LINK.search(name):
        return client.service("civitai.model", model_id=int(found[1]), nsfw=nsfw)
    if _HASH.fullmatch(name):
        return client.service("civitai.by_hash", digest=name, nsfw=nsfw)
    from diorama.contract.errors import InvalidRequest

    raise InvalidRequest(
        f"{name!r:.80} names nothing on Civitai.",
        field="name",
        fix="Give a model number, v and the number of a version, a link, an AIR, or a hash.",
    )


def version_lines(version: Mapping[str, Any]) -> list[str]:
    """Return a version as lines for people."""
    family = f" ({version['family']})" if version["family"] else ""
    lines = [f"  version {version['id']}  {version['name']}  {version['base_model']}{family}"]
    if version["trigger_words"]:
        lines.append(f"    words      {', '.join(version['trigger_words'])}")
    if version["recommended"]:
        settings = ", ".join(f"{key} {value}" for key, value in version["recommended"].items())
        lines.append(f"    settings   {settings}")
    if version["early_access_until"]:
        lines.append(f"    early access until {version['early_access_until']}")
    for file in version["files"]:
        mark = "*" if file["id"] == version["download_file_id"] else " "
        size = f"{file['size'] / 1e6:.1f} MB"
        lines.append(f"   {mark}file {file['id']}  {file['name']}  {file['type']}  {size}")
        if file["problem"]:
            lines.append(f"      {file['problem']}")
    if version["download_problem"]:
        lines.append(f"    not downloadable: {version['download_problem']}")
    return lines


def _terms(terms: Mapping[str, Any]) -> str:
    known = {
        "credit_required": ("credit required", "no credit needed"),
        "sell_images": ("images may be sold", "no commercial use of images"),
        "derivatives": ("derivatives allowed", "no derivatives"),
    }
    words = [
        texts[0] if terms[name] else texts[1] for name, texts in known.items() if terms[name] is not None
    ]
    return ", ".join(words) or "not told"


def download(options: argparse.Namespace) -> int:
    """Fetch a file as a job, and say which words call it up."""
    with connect(options) as client:
        job = client.service("civitai.download", source=_source(options.name), file_id=options.file)
        job = _follow(client, client.job(job["job_id"]), options)
    if options.json:
        print(as_json(job))
        return 0
    print(clean(f"{job['model']} is in the models folder."))
    for line in _use(options, job["model"]):
        warn(clean(line))
    return 0


def _use(options: argparse.Namespace, model_id: str) -> list[str]:
    """Say under which name a fetched file is used, and which words call it up; nothing when Civitai does not answer."""
    from diorama.contract.errors import DioramaError

    version_id = model_id.partition(":")[2].partition("/")[0]
    try:
        with connect(options) as client:
            lines = [str(client.model(model_id)["availability"]["fix"] or "")]
            words = client.service("civitai.version", version_id=int(version_id))["trigger_words"]
    except DioramaError:
        return []
    return lines + ([f"Words that call it up: {', '.join(words)}"] if words else [])


def _source(name: str) -> str:
    """Take ``v128713`` for 128713, as ``show`` does."""
    stripped = name.strip()
    return stripped[1:] if stripped[:1].lower() == "v" and stripped[1:].isdigit() else stripped
