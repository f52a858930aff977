"""The guarded way to the network, against servers on the loopback interface."""

import datetime
import ssl
import threading
import time

import pytest
from core.access.loopback import make_door, serving
from diorama.access import fetch as fetch_module
from diorama.access import lines as lines_module
from diorama.access.addresses import configured_hosts, is_public
from diorama.access.fetch import SafeFetch
from diorama.contract import BackendError, BackendNotReady, DioramaError, InvalidRequest, JobCancelled
from diorama.workers.cancel import CancelFlag

REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://user@93.184.216.34/",
    "http://93.184.216.34@127.0.0.1/",
    "http://user:pw@93.184.216.34/",
    "http://127.0.0.1\\@93.184.216.34/",
    "http://93.184.216.34\t/",
    "http://93.184.216.34/\r\nX: y",
    " http://93.184.216.34/",
    "http://93.184.216.34:22/",
    "http://93.184.216.34:8080/",
    "https://１２７.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "file:///etc/passwd",
    "gopher://93.184.216.34/",
    "ftp://93.184.216.34/x",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//93.184.216.34/x",
    "http:///x",
    "",
    "http://" + "a" * 9000,
]


@pytest.mark.parametrize("url", REFUSED)
def test_addresses_that_are_never_fetched(settings, tmp_path, url):
    with pytest.raises(InvalidRequest) as caught:
        SafeFetch(settings).fetch(url, work_dir=tmp_path)
    assert caught.value.field == "url"
    assert caught.value.fix
    assert list(tmp_path.glob("fetched-*")) == []


def test_names_that_lead_inside_are_refused_whatever_they_are_called(settings):
    for answers in (["169.254.169.254"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"]):
        door = make_door(settings, resolver=lambda host, port, answers=answers: answers)
        with pytest.raises(InvalidRequest):
            door.check("http://metadata.google.internal/computeMetadata/v1/")
    make_door(settings, resolver=lambda host, port: ["93.184.216.34", "2606:2800:220:1::1"]).check(
        "https://example.org/"
    )


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_a_name_is_resolved_once_and_the_checked_address_is_used(settings, server, tmp_path, monkeypatch):
    """A name server that answers with a public address first and a private one next gains nothing."""
    answers, asked = iter([["127.0.0.3"], ["127.0.0.1"]]), []

    def resolver(host, port):
        asked.append(host)
        return next(answers)

    monkeypatch.setattr(
        fetch_module, "is_public", lambda address: address == "127.0.0.3" or is_public(address)
    )
    monkeypatch.setattr(fetch_module, "_PORTS", {"http": server.port, "https": 443})
    with pytest.raises(BackendError, match="cannot be reached"):  # nobody listens on 127.0.0.3
        make_door(settings, resolver=resolver).fetch("http://rebind.example/picture", work_dir=tmp_path)
    assert asked == ["rebind.example"]
    assert server.seen == []


def test_a_configured_host_is_fetched(door, server, tmp_path):
    fetched = door.fetch(
        server.url + "/picture?x=1", work_dir=tmp_path, headers={"Authorization": "Bearer k"}
    )
    assert fetched.path.read_bytes() == b"pixels" * 1000
    assert (fetched.mime, fetched.size) == ("image/png", 6000)
    assert fetched.path.parent == tmp_path
    path, headers = server.seen[0]
    assert path == "/picture?x=1"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["authorization"] == "Bearer k"
    assert headers["accept-encoding"] == "identity"


def test_head_brings_the_size_and_no_body(door, server, tmp_path):
    fetched = door.fetch(server.url + "/picture", work_dir=tmp_path, method="HEAD")
    assert (fetched.size, fetched.path.stat().st_size) == (6000, 0)
    with pytest.raises(InvalidRequest):
        door.fetch(server.url + "/picture", work_dir=tmp_path, method="POST")


def test_only_the_configured_port_is_open(settings, server, tmp_path):
    with serving() as other:
        door = make_door(settings, api_url=server.url)
        with pytest.raises(InvalidRequest):
            door.fetch(other.url + "/picture", work_dir=tmp_path)
        make_door(settings, allow_hosts=["127.0.0.1"]).fetch(other.url + "/picture", work_dir=tmp_path)


def test_configured_hosts_are_read_from_addresses_and_lists():
    hosts = configured_hosts(
        {
            "url": "http://Box.local:8188",
            "base_url": "https://api.x",
            "allow_hosts": ["10.0.0.5", "[::1]:99"],
            "url2": "http://no",
        }
    )
    assert hosts == {("box.local", 8188), ("api.x", 443), ("10.0.0.5", None), ("::1", 99)}


def test_a_redirect_is_checked_again(door, server, tmp_path):
    with serving() as inside:
        server.target = inside.url + "/picture"
        with pytest.raises(InvalidRequest):
            door.fetch(server.url + "/to", work_dir=tmp_path)
        assert inside.seen == []
    for target in ("file:///etc/passwd", "http://169.254.169.254/", "http://[::1]/", "gopher://x"):
        server.target = target
        with pytest.raises(InvalidRequest):
            door.fetch(server.url + "/to", work_dir=tmp_path)


def test_a_stranger_cannot_redirect_to_a_configured_host(settings, server, tmp_path, monkeypatch):
    with serving("127.0.0.2") as stranger:
        monkeypatch.setattr(
            fetch_module, "is_public", lambda address: address == "127.0.0.2" or is_public(address)
        )
        monkeypatch.setattr(fetch_module, "_PORTS", {"http": stranger.port, "https": 443})
        door = make_door(settings, url=server.url)
        assert door.fetch(stranger.url + "/to", work_dir=tmp_path).size == 6000
        stranger.target = server.url + "/picture"
        with pytest.raises(InvalidRequest):
            door.fetch(stranger.url + "/to", work_dir=tmp_path)
        assert server.seen == []


def test_a_redirect_to_another_host_gets_no_headers(settings, server, tmp_path):
    with serving("127.0.0.2") as other:
        door = make_door(settings, url=server.url, storage_url=other.url)
        server.target = other.url + "/picture"
        sent = {
            "Authorization": "Key k",
            "X-Api-Key": "k",
            "Cookie": "c",
            "Range": "bytes=0-",
            "Accept": "image/*",
        }
        door.fetch(server.url + "/to", work_dir=tmp_path, headers=sent)
        assert server.seen[0][1]["x-api-key"] == "k"
        received = other.seen[0][1]
        assert not {"authorization", "x-api-key", "cookie"} & set(received)
        assert (received["range"], received["accept"]) == ("bytes=0-", "image/*")
        server.target = "/picture"
        door.fetch(server.url + "/to", work_dir=tmp_path, headers=sent)
        assert server.seen[-1][1]["x-api-key"] == "k"  # same origin: they stay


def test_redirects_end(door, server, tmp_path):
    with pytest.raises(BackendError, match="redirects"):
        door.fetch(server.url + "/round", work_dir=tmp_path)
    assert len(server.seen) < 12


@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (403, False), (429, True), (500, True), (503, True)]
)
def test_bad_answers_say_whether_trying_again_helps(door, server, tmp_path, status, retryable):
    with pytest.raises(BackendError, match=str(status)) as caught:
        door.fetch(f"{server.url}/status/{status}", work_dir=tmp_path)
    assert caught.value.retryable is retryable
    assert "details" not in str(caught.value)


@pytest.mark.parametrize("path", ["ten_gigabytes", "endless", "bomb"])
def test_no_more_bytes_than_allowed(door, server, tmp_path, path):
    with pytest.raises(BackendError, match="larger"):
        door.fetch(f"{server.url}/{path}", work_dir=tmp_path, max_bytes=1_000_000)
    assert list(tmp_path.glob("fetched-*")) == []


def test_a_trickle_counts_as_silence(settings, server, tmp_path):
    with pytest.raises(BackendError, match="slowly") as caught:
        make_door(settings, url=server.url).fetch(server.url + "/drip", work_dir=tmp_path, timeout=0.3)
    assert caught.value.retryable
    with pytest.raises(BackendError, match="slowly"):
        make_door(settings, url=server.url, max_seconds=0.3).fetch(server.url + "/drip", work_dir=tmp_path)


def test_silence_and_a_cut_are_errors_that_may_pass(door, server, tmp_path):
    for path in ("/silent", "/short"):
        with pytest.raises(BackendError) as caught:
            door.fetch(server.url + path, work_dir=tmp_path, timeout=0.3)
        assert caught.value.retryable
    assert list(tmp_path.glob("fetched-*")) == []


def test_a_cancel_ends_a_fetch_that_waits(door, server, tmp_path):
    flag = CancelFlag()

    def cancel():
        server.began.wait(20)
        flag.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(JobCancelled):
        door.fetch(server.url + "/silent", work_dir=tmp_path, timeout=25.0, cancel=flag)
    assert time.monotonic() - began < 20  # far below the timeout: it was woken


def test_variables_with_proxies_are_not_read(door, server, tmp_path, monkeypatch):
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        door.fetch(server.url + "/picture", work_dir=tmp_path)
        assert proxy.seen == []


def test_offline_reaches_configured_hosts_only(settings, server, tmp_path):
    door = make_door(settings, url=server.url, offline=True, resolver=lambda host, port: ["127.0.0.1"])
    door.fetch(server.url + "/picture", work_dir=tmp_path)
    with pytest.raises(BackendNotReady):
        door.fetch("https://example.org/", work_dir=tmp_path)


def test_messages_do_not_repeat_what_an_address_carries(door, server, tmp_path):
    with pytest.raises(DioramaError) as caught:
        door.fetch(server.url + "/status/404?token=canary", work_dir=tmp_path)
    assert "canary" not in str(caught.value.describe())


def certificate(folder, name):
    """Make a self-signed certificate for ``name``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(settings, tmp_path, monkeypatch):
    file = certificate(tmp_path, "pictures.example")
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(file)
    monkeypatch.setattr(lines_module, "tls", lambda: ssl.create_default_context(cafile=str(file)))
    with serving(tls=mine) as server:
        names = ["pictures.example", "other.example"]
        door = make_door(settings, allow_hosts=names, resolver=lambda host, port: ["127.0.0.1"])
        fetched = door.fetch(f"https://pictures.example:{server.port}/picture", work_dir=tmp_path)
        assert fetched.size == 6000
        assert server.seen[0][1]["host"] == f"pictures.example:{server.port}"
        with pytest.raises(BackendError):
            door.fetch(f"https://other.example:{server.port}/picture", work_dir=tmp_path)
        assert len(server.seen) == 1


def test_all_addresses_of_a_host_are_tried(settings, server, tmp_path):
    door = make_door(
        settings, allow_hosts=["two.example"], resolver=lambda host, port: ["127.0.0.9", "127.0.0.1"]
    )
    assert door.fetch(f"http://two.example:{server.port}/picture", work_dir=tmp_path).size == 6000
