"""A mail server on loopback that counts what it accepted, and misbehaves on request."""

import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from email.policy import default


class SmtpDouble(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP for ``smtplib``. ``accepted`` holds every message to whose end it said 250.

    ``answers`` replaces the reply to a command or address ("MAIL", "DATA", "END", "a@example.org"); the reply "hang up"
    drops the line instead. A command named in ``waits`` waits for its event before it is answered.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.accepted: list[Message] = []
        self.answers: dict[str, str] = {}
        self.waits: dict[str, threading.Event] = {}
        self.heard: dict[str, threading.Event] = {name: threading.Event() for name in ("EHLO", "DATA", "END")}
        self.conversations = 0
        self._counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    @property
    def recipients(self) -> list[str]:
        """To whom it accepted mail, each as often as it did."""
        with self._counting:
            return sorted(str(message["To"]) for message in self.accepted)

    def accept(self, content: bytes) -> None:
        with self._counting:
            self.accepted.append(message_from_bytes(content, policy=default))

    def __enter__(self) -> "SmtpDouble":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception) -> None:
        for event in self.waits.values():
            event.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """A worker that was killed leaves a broken line; that is what it is here for."""


class _Conversation(socketserver.StreamRequestHandler):
    server: SmtpDouble

    def handle(self) -> None:
        self.server.conversations += 1
        self._say("220 double")
        while line := self.rfile.readline():
            words = line.decode("ascii", "replace").strip()
            verb = words[:4].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "DATA":
                if not self._answer("DATA", "354 go on"):
                    continue
                content = self._read_content()
                if content is None:
                    return
                if self._answer("END", "250 taken"):
                    self.server.accept(content)
                    self._say("250 taken")
            elif verb == "RCPT":
                self._say(self._reply(words.partition("<")[2].partition(">")[0], "250 ok"))
            else:
                self._say(self._reply(verb, "250 ok"))

    def _read_content(self) -> bytes | None:
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b"..") else line)

    def _answer(self, verb: str, usual: str) -> bool:
        """Whether the usual answer is due; the end of a message is answered by the caller once it is counted."""
        reply = self._reply(verb, usual)
        if reply != usual or verb == "DATA":
            self._say(reply)
        return reply == usual

    def _reply(self, verb: str, usual: str) -> str:
        if verb in self.server.heard:
            self.server.heard[verb].set()
        if verb in self.server.waits:
            self.server.waits[verb].wait(60)
        return self.server.answers.get(verb, usual)

    def _say(self, reply: str) -> None:
        if reply == "hang up":
            self.connection.close()
            raise ConnectionAbortedError
        self.wfile.write(f"{reply}\r\n".encode())
