"""A PostgreSQL server of our own for the length of a test run: fresh folder, Unix socket, no network."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

START_SECONDS = 60


def find_binaries() -> Path | None:
    """Return the folder with `initdb` and `postgres`, newest version first; Debian keeps them off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in versions), key=lambda path: float(path.parent.name), default=None)


class Cluster:
    """Started when made. PostgreSQL refuses to run as root; there it runs as the user `postgres`."""

    def __init__(self, binaries: Path) -> None:
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a short path, as sockets need
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        data = self.folder / "data"
        initdb = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "diorama",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=self.user, cwd=self.folder)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 200,
        }
        said = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *said], stderr=self.log, user=self.user, cwd=self.folder
        )
        self._number = 0
        self._wait()

    def _wait(self) -> None:
        import time

        import psycopg

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(host=str(self.folder), user="diorama", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def database(self) -> str:
        """Make an empty database and return its URL as a person would write it."""
        import psycopg

        self._number += 1
        name = f"diorama{self._number}"
        with psycopg.connect(
            host=str(self.folder), user="diorama", dbname="postgres", autocommit=True
        ) as server:
            server.execute(f"CREATE DATABASE {name}")
        return f"postgresql://diorama@/{name}?host={self.folder}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait(START_SECONDS)
        self.log.close()
        shutil.rmtree(self.folder)
