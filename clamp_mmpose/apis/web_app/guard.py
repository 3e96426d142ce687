"""What reaches Gradio: known hosts, the page's own requests, and nothing that names a file outside its uploads."""

import json
import math
import re
from typing import Any, Awaitable, Callable, Dict, List, Optional, Sequence, Tuple
from urllib.parse import parse_qs

import anyio
import gradio as gr

from .uploads import MAX_BYTES, check_space, upload_path

LOCAL_NAMES = ('localhost', '127.0.0.1', '::1')
MAX_REQUEST = 2**18  # bytes of a JSON request
MULTIPART = 2**14  # bytes around an uploaded file
DISCARDED = 2**29  # bytes of a refused request that are still received
API = '/gradio_api/'
PAGES = re.compile(
    r'/(config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(assets|static|svelte)/.+'
    r'|gradio_api/(info/?|theme\.css|startup-events|app_id/?|queue/(status|data)|upload_progress|heartbeat/[\w-]{1,64}))?'
)
POSTS = (f'{API}queue/join', f'{API}upload')
FILE = f'{API}file='
SESSION = re.compile(r'[\w-]{1,64}')
HOST = re.compile(r'(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)(:\d{1,5})?')

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]


class Refused(Exception):
    """A request that is answered here, with a status and one line."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Guard:
    """ASGI middleware outside of all others.

    Args:
        app: the ASGI app of Gradio.
        blocks: the page.
        names: host names in lower case that requests may use, beyond those of this machine's loopback interface.
    """

    def __init__(self, app: Callable, blocks: gr.Blocks, names: Sequence[str] = ()):
        self.app = app
        self.blocks = blocks
        self.names = {*LOCAL_NAMES, *names}

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Forward a request, or answer it with a status of 4xx or 5xx and one line of text."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        if scope['type'] != 'http':  # the page uses no websockets
            await send({'type': 'websocket.close', 'code': 1008})
            return
        try:
            scope = self._check_headers(scope)
            receive = await self._check_request(scope, receive)
        except Refused as refused:
            if refused.status == 413:  # a client that is still sending would not read the answer
                await _discard(receive)
            await _answer(send, refused.status, str(refused), scope['method'] != 'HEAD')
            return
        await self.app(scope, receive, send)

    def _check_headers(self, scope: dict) -> dict:
        headers: Dict[str, List[str]] = {}
        for name, value in scope['headers']:
            headers.setdefault(name.decode('latin-1').lower(), []).append(value.decode('latin-1').strip().lower())
        hosts = headers.get('host', [])
        forwarded = [name.strip() for value in headers.get('x-forwarded-host', []) for name in value.split(',')]
        if len(hosts) != 1:
            raise Refused(400, 'a request needs one Host header.')
        for host in (*hosts, *forwarded):
            if host_name(host) not in self.names:
                raise Refused(
                    403, f'unknown host {host!r:.200}: start the page with --allowed-host NAME to use this name.'
                )
        for origin in headers.get('origin', []):
            # the same name and port: another port is another server
            if re.sub('^https?://', '', origin) not in (*hosts, *forwarded):
                raise Refused(403, f'a page of {origin!r:.200} may not use this page.')
        # Gradio builds its links from this header too
        kept = [(name, value) for name, value in scope['headers'] if name.lower() != b'x-gradio-server']
        return dict(scope, headers=kept)

    async def _check_request(self, scope: dict, receive: Receive) -> Receive:
        path, method = scope['path'], scope['method']
        if method in ('GET', 'HEAD'):
            if path.startswith(FILE):
                await _in_thread(_check_file, path[len(FILE) :])
            elif not PAGES.fullmatch(path):
                raise Refused(404, 'not found.')
            _check_query(scope)
            return receive
        if path not in POSTS or method != 'POST':
            raise Refused(404, 'not found.')
        upload = path == POSTS[1]
        length = _length(scope, MAX_BYTES + MULTIPART if upload else MAX_REQUEST)
        if upload:
            await _in_thread(_check_space)
            _check_query(scope)
            return receive
        body = await _in_thread(self._check_join, await _read(receive, length))
        scope['headers'] = [(name, value) for name, value in scope['headers'] if name.lower() != b'content-length']
        scope['headers'].append((b'content-length', str(len(body)).encode()))
        return _replay(body, receive)

    def _check_join(self, body: bytes) -> bytes:
        """The request as Gradio gets it: known fields only, scalars, and files by their checked paths alone."""
        request = _parse(body)
        session, number, values = (request.get(key) for key in ('session_hash', 'fn_index', 'data'))
        if not isinstance(session, str) or not SESSION.fullmatch(session):
            raise Refused(400, 'session_hash must have 1 to 64 letters, digits, "-" or "_".')
        if type(number) is not int or number not in self.blocks.fns:
            raise Refused(400, 'fn_index must be the number of an event of this page.')
        inputs = self.blocks.fns[number].inputs
        if not isinstance(values, list) or len(values) != len(inputs):
            raise Refused(400, f'data must be a list of {len(inputs)} values for this event.')
        trigger = request.get('trigger_id')
        checked = dict(
            session_hash=session,
            fn_index=number,
            trigger_id=trigger if type(trigger) is int else None,
            event_data=request.get('event_data'),
            data=[_check_value(value, isinstance(block, gr.Image)) for value, block in zip(values, inputs)],
        )
        return json.dumps(checked, ensure_ascii=False, allow_nan=False).encode('utf-8')


def host_name(host: str) -> Optional[str]:
    """``'[::1]:7860'`` -> ``'::1'``; None for anything but a name or an address, with or without a port."""
    match = HOST.fullmatch(host)
    return match[1].strip('[]') if match else None


def known_names(*hosts: str) -> List[str]:
    """Host names and addresses as :class:`Guard` compares them: ``'[::1]'`` -> ``'::1'``.

    Raises:
        ValueError: not a name or an address alone.
    """
    names = [host_name(f'[{host}]' if ':' in host and '[' not in host else host) for host in map(str.lower, hosts)]
    for host, name in zip(hosts, names):
        if name is None or host.lower().strip('[]') != name:
            raise ValueError(f'a host is a name or an address without port, such as page.example.org; got {host!r}.')
    return [name for name in names if name]


def _check_value(value: Any, is_image: bool) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        if is_image and value is not None:
            raise Refused(400, 'an image must be null or an uploaded file.')
        return value
    if not is_image or not isinstance(value, dict):
        raise Refused(400, 'values must be null, texts, numbers, or for an image an uploaded file.')
    try:
        path = upload_path(value.get('path'))
    except ValueError as error:
        raise Refused(403, str(error)) from None
    # nothing else of the client is kept, above all no URL
    return dict(path=path, meta={'_type': 'gradio.FileData'})


def _parse(body: bytes) -> dict:
    try:
        request = json.loads(body.decode('utf-8'), parse_constant=_not_finite, parse_float=_finite, parse_int=_integer)
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode('utf-8')  # fails for lone surrogates
    except UnicodeError:
        raise Refused(400, 'the request is not UTF-8 text, or has half a surrogate pair.') from None
    except RecursionError:
        raise Refused(400, 'the request is nested too deeply.') from None
    except ValueError as error:
        raise Refused(400, f'the request is not JSON: {error}.') from None
    if not isinstance(request, dict):
        raise Refused(400, 'the request must be a JSON object.')
    return request


def _not_finite(text: str) -> float:
    raise ValueError(f'numbers must be finite, got {text[:20]}')


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _not_finite(text)


def _integer(text: str) -> int:
    if len(text) > 15:
        raise ValueError(f'numbers must be below 1e15, got {text[:20]}')
    return int(text)


def _check_file(path: str) -> None:
    try:
        upload_path(path)
    except ValueError as error:
        raise Refused(403, str(error)) from None


def _check_space() -> None:
    try:
        check_space()
    except ValueError as error:
        raise Refused(507, str(error)) from None


def _check_query(scope: dict) -> None:
    """Keep the parameters that the page uses; others load a saved page or another one."""
    query = parse_qs(scope['query_string'].decode('latin-1'))
    kept = []
    for key in ('session_hash', 'upload_id'):
        for value in query.get(key, [])[:1]:
            if not SESSION.fullmatch(value):
                raise Refused(400, f'{key} must have 1 to 64 letters, digits, "-" or "_".')
            kept.append(f'{key}={value}')
    scope['query_string'] = '&'.join(kept).encode()


def _length(scope: dict, limit: int) -> int:
    """The length of the body, which the server enforces."""
    lengths = [value for name, value in scope['headers'] if name.lower() == b'content-length']
    if len(lengths) != 1 or not lengths[0].isdigit():
        raise Refused(411, 'a request needs a Content-Length header.')
    if len(lengths[0]) > 15 or int(lengths[0]) > limit:
        raise Refused(413, f'the request has {lengths[0].decode()[:15]} bytes: up to {limit:,} are read.')
    return int(lengths[0])


async def _read(receive: Receive, length: int) -> bytes:
    body = b''
    while True:
        message = await receive()
        if message['type'] != 'http.request':
            raise Refused(400, 'the request ended early.')
        body += message.get('body', b'')
        if len(body) > length:
            raise Refused(413, f'the request is longer than its {length:,} bytes.')
        if not message.get('more_body'):
            return body


async def _discard(receive: Receive) -> None:
    left = DISCARDED
    while left > 0:
        message = await receive()
        left -= len(message.get('body', b''))
        if not message.get('more_body'):
            return


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def replay() -> dict:
        return messages.pop() if messages else await receive()

    return replay


async def _in_thread(function: Callable, *args: Any) -> Any:
    """Run what may wait for a disk outside of the event loop, which all users share."""
    return await anyio.to_thread.run_sync(function, *args)


async def _answer(send: Send, status: int, message: str, has_body: bool) -> None:
    body = json.dumps(dict(detail=message), allow_nan=False).encode()
    headers: List[Tuple[bytes, bytes]] = [
        (b'content-type', b'application/json'),
        (b'content-length', str(len(body)).encode()),
        (b'x-content-type-options', b'nosniff'),
    ]
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body if has_body else b''})
