"""The command `diorama`: finds the noun or verb, imports that one file, and hands over.

Nothing is imported here that is not needed to print the help; a test holds this.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMMANDS = {
    "generate": 'make pictures from text (the default: `diorama "a red ball"`)',
    "edit": "change a picture",
    "video": "make a video from text or a picture",
    "upscale": "enlarge a picture or a video",
    "models": "list, show, add, search, download, delete, unload models; disk use",
    "loras": "list LoRA: here, and worth getting",
    "jobs": "list, show, cancel, retry jobs",
    "assets": "list, show, export what was made",
    "info": "show the recipe inside a file",
    "replay": "run a file's recipe again and compare",
    "plugins": "show installed backends, and broken ones",
    "keys": "set, test, remove provider keys",
    "costs": "show what was spent, by day, model, session",
    "civitai": "search, show, download models of Civitai",
    "comfyui": "status; list, import, show, run, convert workflows",
    "serve": "start the server and the page",
    "doctor": "check this installation",
    "config": "show settings and where they come from",
}
"""Every command with its line of help. A name is also the name of its file here (with ``_command``)."""

_EPILOG = """\
exit codes: 0 done, 1 failed, 2 wrong use, 3 key missing or refused, 4 not found, 5 backend unavailable, 130 cancelled
Progress goes to stderr, results to stdout. DIORAMA_HOME keeps everything in one folder; --server or DIORAMA_SERVER
talks to a running server."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Without ``argv`` it is the process's own command, which ends now: it does not wait for threads of a backend that
    is still asking a server which never answers.
    """
    if argv is not None:
        return _run(list(argv))
    code = _run(sys.argv[1:])
    _leave_threads_behind(code)
    return code


def _leave_threads_behind(code: int) -> None:
    """End the process at once if threads are left, daemons too: Python waits for those of executors, whatever they are.

    Everything of ours is closed by now.
    """
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        return
    import os

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from diorama import __version__

        print(f"diorama {__version__}")
        return 0
    if arguments[0] not in COMMANDS:
        arguments.insert(0, "generate")
    from diorama.cli.running import run_command

    return run_command(arguments[0], arguments[1:])


def help_text() -> str:
    """Return the overview."""
    width = max(map(len, COMMANDS)) + 2
    lines = [
        'usage: diorama "PROMPT" [options]',
        "       diorama COMMAND [options]",
        "",
        "One catalog behind one engine for image and video generation.",
        "",
        "commands:",
        *(f"  {name:{width}}{line}" for name, line in COMMANDS.items()),
        "",
        "`diorama COMMAND --help` says more.",
        "",
        _EPILOG,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
