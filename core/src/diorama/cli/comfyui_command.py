"""``diorama comfyui [status|list|import|show|run|convert]``."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path
from typing import Any

from diorama.cli.client import connect, read_input
from diorama.cli.job_running import _follow, _print_result, _write_outputs
from diorama.cli.options import add_connection, parse_parameters
from diorama.cli.terminal import as_json, clean, table, warn


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs; no verb means ``status``."""
    add_connection(parser)
    parser.set_defaults(run=status)
    verbs = parser.add_subparsers(metavar="VERB")
    for name, text, run in (
        ("status", "ask the servers how they are", status),
        ("list", "list workflows", list_all),
    ):
        verb = verbs.add_parser(name, help=text)
        add_connection(verb)
        verb.set_defaults(run=run)
    verb = verbs.add_parser(
        "import", help="take in a workflow: JSON, or a picture, video or sound that carries one"
    )
    verb.add_argument("file")
    verb.add_argument("--title", help="name for people (default: out of the file)")
    verb.add_argument("--on", dest="comfyui_server", metavar="URL", help="ComfyUI server that must run it")
    add_connection(verb)
    verb.set_defaults(run=import_one)
    verb = verbs.add_parser("show", help="say everything about a workflow")
    verb.add_argument("workflow", help="id")
    add_connection(verb)
    verb.set_defaults(run=show)
    verb = verbs.add_parser("convert", help="print a workflow in the form of ComfyUI's API")
    verb.add_argument("file")
    verb.add_argument("-o", "--output", metavar="FILE", help="write it there")
    add_connection(verb)
    verb.set_defaults(run=convert)
    _add_run(verbs.add_parser("run", help="run a workflow with named values"))


def _add_run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("workflow", help="id")
    verb.add_argument("prompt", nargs="*", help="the workflow's prompt")
    verb.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a value (repeatable)"
    )
    verb.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="a source picture (repeatable)"
    )
    verb.add_argument(
        "--sound", action="append", default=[], metavar="FILE", help="a sound that goes in (repeatable)"
    )
    verb.add_argument("--mask", metavar="FILE", help="white is changed")
    verb.add_argument("-o", "--output", metavar="FILE", help="where to write; '-' for stdout")
    verb.add_argument("--strict", action="store_true", help="refuse instead of adjusting or ignoring a value")
    verb.add_argument("--quiet", action="store_true", help="no progress")
    add_connection(verb)
    verb.set_defaults(run=run)


def status(options: argparse.Namespace) -> int:
    """Print the servers."""
    with connect(options) as client:
        answer = client.service("comfyui.status")
    if options.json:
        print(as_json(answer))
        return 0
    rows = [
        (
            server["url"],
            f"up, {server['queue']} in the queue" if server["online"] else "down",
            server["version"],
            ", ".join(str(device["name"]) for device in server["devices"]) or server["error"],
        )
        for server in answer["servers"]
    ]
    print(table(rows, ("SERVER", "STATE", "VERSION", "DEVICES")))
    return 0 if any(server["online"] for server in answer["servers"]) else 5


def list_all(options: argparse.Namespace) -> int:
    """Print the imported workflows."""
    with connect(options) as client:
        found = client.service("comfyui.workflows")["workflows"]
    if options.json:
        print(as_json(found))
        return 0
    rows = [
        (item["id"], item["title"], "/".join(item["operations"]), item["server"] or "any") for item in found
    ]
    print(table(rows, ("WORKFLOW", "TITLE", "DOES", "SERVER")))
    return 0


def import_one(options: argparse.Namespace) -> int:
    """Take in a workflow and print its form."""
    path = read_input(options.file)
    with connect(options) as client:
        told = client.service(
            "comfyui.import", file=_encoded(path), file_name=path.name, title=options.title, **_on(options)
        )
    if options.json:
        print(as_json(told))
        return 0
    print(clean(f"Imported {told['model']} ({told['title']}, {_does(told)})."))
    _print_form(told)
    if told["operation"]:
        warn(f"It runs with `{_call(told)}`; -p NAME=VALUE sets another value.")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a workflow's form and what is missing."""
    with connect(options) as client:
        told = client.service("comfyui.show", workflow_id=options.workflow)
    if options.json:
        print(as_json(told))
        return 0
    print(clean(f"{told['title']}  ({told['model']}, {_does(told)})"))
    _print_form(told)
    return 0


def convert(options: argparse.Namespace) -> int:
    """Convert a workflow; the report goes to stderr."""
    with connect(options) as client:
        told = client.service("comfyui.convert", file=_encoded(read_input(options.file)))
    _warn_report(told)
    text = as_json(told if options.json else told["prompt"])
    if options.output:
        Path(options.output).expanduser().write_text(text + "\n", encoding="utf-8")
        print(options.output)
        return 0
    print(text)
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a workflow from values to files."""
    parameters: dict[str, Any] = parse_parameters(options.parameter)
    if options.prompt:
        parameters["prompt"] = " ".join(options.prompt)
    if options.image:
        parameters["images"] = [_encoded(read_input(path)) for path in options.image]
    if options.sound:
        parameters["sounds"] = [_encoded(read_input(path)) for path in options.sound]
    if options.mask:
        parameters["mask"] = _encoded(read_input(options.mask))
    with connect(options) as client:
        job = client.service(
            "comfyui.run", workflow_id=options.workflow, parameters=parameters, strict=options.strict or None
        )
        job = _follow(client, client.job(job["job_id"]), options)
        body = {"prompt": parameters.get("prompt") or options.workflow}
        paths = _write_outputs(client, job, body, options)
        _print_result(job, paths, options)
    return 0


def _call(told: dict[str, Any]) -> str:
    roles = {item["role"] for item in told["parameters"]}
    words = [f"diorama comfyui run {told['id']}"]
    words += ['"PROMPT"'] if "prompt" in roles else []
    words += ["--image FILE"] if roles & {"image", "video"} else []
    words += ["--sound FILE"] if "audio" in roles else []
    return " ".join(words)


def _does(told: dict[str, Any]) -> str:
    return str(told["operation"] or f"cannot run: {told['reason']}")


def _print_form(told: dict[str, Any]) -> None:
    rows = [
        (item["name"], item["group"], item["type"], str(item["default"]), item["label"])
        for item in told["parameters"]
        if not item["hidden"]
    ]
    print(table(rows, ("NAME", "GROUP", "TYPE", "DEFAULT", "LABEL")))
    _warn_report(told)


def _warn_report(told: dict[str, Any]) -> None:
    for item in told["missing_nodes"]:
        package = f" (package {item['package']})" if item["package"] else ""
        warn(clean(f"missing node: {item['class_type']}{package}"))
    for item in told["missing_files"]:
        source = f", from {item['url']}" if item["url"] else ""
        warn(clean(f"missing file: {item['directory'] or 'models'}/{item['name']}{source}"))
    for item in (*told["issues"], *told["problems"]):
        warn(clean(f"{item['severity']}: {item['message']}"))


def _on(options: argparse.Namespace) -> dict[str, Any]:
    """``--server`` is the Diorama server; the ComfyUI server has a name of its own."""
    return {"server": options.comfyui_server} if options.comfyui_server else {}


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
