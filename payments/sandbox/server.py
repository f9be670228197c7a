"""HTTP: reads a request, asks whoever answers for its address, writes the answer."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from .account import Account
from .api import answer_api
from .control import answer_control
from .hosted_page import answer_page
from .ids import new_id
from .wire import Answer, Refused, Request

LARGEST_BODY = 1024 * 1024  # bytes

log = logging.getLogger("payments.sandbox")


class SandboxServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    account: Account

    def __init__(self, bind: str, port: int, *, may_control: Callable[[str], bool]):
        self.may_control = may_control  # asked with the peer's address
        self.address_family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self.open_connections: set[socket.socket] = set()
        self.connections_lock = threading.Lock()
        super().__init__((bind, port), Conversation)

    def server_bind(self) -> None:
        # The inherited one looks the host name up, which can take seconds on a machine without a network.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def process_request(self, request, client_address) -> None:
        with self.connections_lock:
            self.open_connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        with self.connections_lock:
            self.open_connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address) -> None:
        log.debug("A connection broke.", exc_info=True)

    def server_close(self) -> None:
        super().server_close()
        with self.connections_lock:
            connections = list(self.open_connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was faster


class Conversation(BaseHTTPRequestHandler):
    """One connection; it may carry several requests."""

    protocol_version = "HTTP/1.1"
    server_version = "SandboxStripe"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    timeout = 60  # seconds an idle connection is kept
    server: SandboxServer

    def answer_request(self) -> None:
        try:
            request = self.read_request()
            answer = self.answer_to(request)
        except Refused as refusal:
            self.close_connection = True
            answer = refusal.answer()
        except Exception:
            log.exception("The sandbox failed on %s %s", self.command, self.path)
            answer = Refused("The sandbox failed; see its log.", status=500, kind="api_error").answer()
        self.write(answer)

    # The names that the standard library calls.
    do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = do_PATCH = answer_request  # noqa: N815

    def read_request(self) -> Request:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            raise Refused("The sandbox needs a Content-Length.", status=411)
        if int(length) > LARGEST_BODY:
            raise Refused("The request is too large.", status=413)
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(new_id("req_", 14), self.command, path, query, headers, body)

    def answer_to(self, request: Request) -> Answer:
        account = self.server.account
        if request.path.startswith("/v1/"):
            return answer_api(account, request)
        if request.path.startswith("/_double/"):
            return answer_control(account, request, is_allowed=self.server.may_control(self.client_address[0]))
        return answer_page(account, request)

    def write(self, answer: Answer) -> None:
        time.sleep(answer.wait)
        if answer.is_lost:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
