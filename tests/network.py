"""A network on this machine: a throw-away CA, and proxies that lead somewhere, or nowhere."""

import datetime
import random
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
MOST_DROPS = 2_000  # where nobody hangs up
PORTS = range(20_000, 32_000)  # none that a system takes by itself for a connection


def free_port() -> int:
    """A port that is free at every IPv4 address of this machine."""
    for port in random.sample(PORTS, 50):
        with suppress(OSError), socket.create_server(("", port)):
            return port
    raise OSError("none of 50 ports is free")


def page(status: str, *lines: str, body: str = "<h1>Welcome</h1>") -> bytes:
    """A whole HTTP answer with a web page in it."""
    head = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Connection: close", *lines, "", body]).encode("ascii")


class Authority:
    """A certificate authority that nobody trusts but whoever is given `bundle`."""

    def __init__(self, folder: Path, host: str) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named("Throw-away CA")
        own = self._certificate(self._name, self._key.public_key(), authority=True)
        self.bundle, chain = folder / "ca.pem", folder / "chain.pem"
        self.bundle.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(_named(host), key.public_key(), authority=False, host=host)
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(chain)

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool,
        host: str = "",
    ) -> x509.Certificate:
        now, ours = datetime.datetime.now(datetime.UTC), self._key.public_key()
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=authority, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), False),
            (_usage(authority=authority), True),
        ]
        if host:
            extensions.append((x509.SubjectAlternativeName([x509.DNSName(host)]), False))
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - DAY,
            not_valid_after=now + DAY,
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    others = "content_commitment key_encipherment data_encipherment key_agreement crl_sign "
    others += "encipher_only decipher_only"
    named = dict.fromkeys(others.split(), False)
    return x509.KeyUsage(**named, digital_signature=not authority, key_cert_sign=authority)


class _Connection(socketserver.StreamRequestHandler):
    """One connection to a proxy: its head is read, then the proxy's way with it is gone."""

    def handle(self) -> None:
        lines = []
        while (line := self.rfile.readline().strip()) != b"":
            lines.append(line.decode("latin-1"))
        if not lines:
            return
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        proxy.asked.append(lines)
        target = lines[0].split()[1]
        if proxy.says is not None:
            self.wfile.write(proxy.says)
            proxy.closing.wait(30 if proxy.hangs else 0)
        elif target in proxy.routes:
            self._lead(proxy.routes[target])
        else:
            proxy.closing.wait(30)  # it never answers

    def _lead(self, port: int) -> None:
        with closing(socket.create_connection(("127.0.0.1", port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pour, args=(there, self.connection), daemon=True)
            back.start()
            _pour(self.connection, there)
            back.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Proxy:
    """A proxy on a port of this machine: `asked` has the head of each request that it got.

    It leads a CONNECT to the ports in `routes`, or gives the one answer `says` to whatever it is
    asked, and then hangs up or `hangs`; with neither it never answers.
    """

    def __init__(
        self, port: int, routes: Mapping[str, int], says: bytes | None, *, hangs: bool
    ) -> None:
        self.url, self.routes = f"http://127.0.0.1:{port}", routes
        self.says, self.hangs = says, hangs
        self.asked, self.closing = list[list[str]](), threading.Event()


@contextmanager
def proxy(
    routes: Mapping[str, int] | None = None, says: bytes | None = None, *, hangs: bool = False
) -> Iterator[Proxy]:
    """A `Proxy`, running."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Connection) as server:
        server.daemon_threads, server.block_on_close = True, False
        made = Proxy(server.server_address[1], routes or {}, says, hangs=hangs)
        server.proxy = made  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()
            thread.join()


class Drips:
    """A server that never ends its answer: `sent` counts the drops of it, `url` is where it is."""

    def __init__(self, port: int, head: bytes, drop: bytes, pause: float) -> None:
        self.url, self.head, self.drop, self.pause = f"http://127.0.0.1:{port}", head, drop, pause
        self.sent, self.closing = 0, threading.Event()


class _Dripping(socketserver.StreamRequestHandler):
    """One connection to a server that drips."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        drips: Drips = self.server.drips  # type: ignore[attr-defined]
        with suppress(OSError):  # the client hangs up
            self.connection.sendall(drips.head)
            while drips.sent < MOST_DROPS and not drips.closing.wait(drips.pause):
                self.connection.sendall(drips.drop)
                drips.sent += 1


@contextmanager
def dripping(head: bytes, drop: bytes, pause: float = 0.02) -> Iterator[Drips]:
    """A server that sends `head`, then drop after drop until its client hangs up, running."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Dripping) as server:
        server.daemon_threads, server.block_on_close = True, False
        made = Drips(server.server_address[1], head, drop, pause)
        server.drips = made  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()
            thread.join()
