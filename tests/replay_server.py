"""A server that speaks OpenAI's protocol and answers what a test gives it, in order."""

import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Union

Body = Union[str, Dict[str, Any]]


@dataclass
class Answer:
    """One answer of the server.

    Attributes:
        body: a dict is sent as JSON.
        delay: seconds before it.
        cut: send only so many bytes of the body, then close the connection.
    """

    body: Body = ''
    status: int = 200
    headers: Dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: Optional[int] = None


def completion(text: Optional[str], finish_reason: str = 'stop', **message: Any) -> Dict[str, Any]:
    """A usual body, as OpenAI sends it."""
    choice = dict(index=0, finish_reason=finish_reason, message=dict(role='assistant', content=text, **message))
    return dict(
        id='chatcmpl-1',
        object='chat.completion',
        created=1764000000,
        model='tiny-2026-01-01',
        choices=[choice],
        usage=dict(prompt_tokens=10, completion_tokens=4, total_tokens=14),
    )


class ReplayServer(ThreadingHTTPServer):
    """Sends ``answers`` in order, and the last one for ever; or what a function makes of each request.

    Attributes:
        bodies, headers, times: of the requests, in order.
    """

    daemon_threads = True

    def __init__(self, answers: Union[List[Answer], Callable[[Dict[str, Any]], Answer]]):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.answers = answers
        self.bodies: List[Dict[str, Any]] = []
        self.headers: List[Dict[str, str]] = []
        self.times: List[float] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}/v1'

    def take(self, body: Dict[str, Any], headers: Dict[str, str]) -> Answer:
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            if callable(self.answers):
                return self.answers(body)
            return self.answers[min(len(self.bodies), len(self.answers)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: ReplayServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        answer = self.server.take(body, {name.lower(): value for name, value in self.headers.items()})
        time.sleep(answer.delay)
        content = (json.dumps(answer.body) if isinstance(answer.body, dict) else answer.body).encode()
        head = [f'HTTP/1.1 {answer.status} X', f'content-length: {len(content)}', 'content-type: application/json']
        head += [f'{name}: {value}' for name, value in answer.headers.items()]
        try:
            self.wfile.write('\r\n'.join([*head, '', '']).encode() + content[: answer.cut])
            if answer.cut is not None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                self.close_connection = True
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def replay(answers: Union[List[Answer], Callable[[Dict[str, Any]], Answer]]) -> Iterator[ReplayServer]:
    """A running server on a free port."""
    with ReplayServer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
