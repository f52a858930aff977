"""A server on the loopback interface that answers well and badly, and doors that lead to it."""

import gzip
import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace

from diorama.access.fetch import SafeFetch


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        getattr(self, "go_" + self.path.strip("/").partition("?")[0].partition("/")[0])()

    do_HEAD = do_GET

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.server.connections.append(self.client_address)

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            if value is not None:
                self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def go_picture(self):
        self.answer(b"pixels" * 1000, Content_Type="Image/PNG; charset=x")

    def go_cookie(self):
        self.answer(b"with a session", Set_Cookie="session=theirs; Path=/")

    def go_to(self):
        self.answer(status=302, Location=self.server.target)

    def go_round(self):
        self.answer(status=307, Location="/round")

    def go_status(self):
        self.answer(b"secret provider details", status=int(self.path.rpartition("/")[2]))

    def go_bomb(self):
        self.answer(gzip.compress(b"\0" * 20_000_000), Content_Encoding="gzip")

    def go_ten_gigabytes(self):
        self.answer(Content_Length=str(10 * 1024**3))

    def go_endless(self):
        self.answer(Content_Length=None, Connection="close")
        while True:
            self.wfile.write(b"x" * 65536)

    def go_short(self):
        self.answer(b"only this", Content_Length="5000", Connection="close")
        self.close_connection = True

    def go_drip(self):
        self.answer(Content_Length="1000000")
        while not self.server.closing.wait(0.02):
            self.wfile.write(b".")
            self.wfile.flush()

    def go_once(self):
        """Answers as if the connection went on, and closes it."""
        self.answer(b"once")
        self.close_connection = True

    def go_silent(self):
        self.answer(Content_Length="1000000")
        self.server.began.set()
        self.server.closing.wait(30)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up in the middle are what these tests are about."""


@contextmanager
def serving(host="127.0.0.1", tls=None):
    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.seen, server.target, server.connections = [], "/picture", []
    server.closing, server.began = threading.Event(), threading.Event()
    server.port = server.server_address[1]
    server.url = f"http://{host}:{server.port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


def make_door(settings, *, resolver=None, max_seconds=60.0, offline=False, lines=None, **options):
    settings = replace(settings, backends={"b": options}, offline=offline)
    more = {"resolver": resolver} if resolver else {}
    more["lines"] = lines
    return SafeFetch(settings, "b", max_seconds=max_seconds, **more)
