"""The web page against requests that its own page never sends, over plain HTTP."""

import base64
import functools
import http.server
import io
import json
import os
import socket
import threading
import zlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny import text_query_config
from web_page import TEXTS, build, missing, send, send_file

from clamp_mmpose.cli import app as app_command

META = {'_type': 'gradio.FileData'}
REFUSED = 'this is not a file that was uploaded to this page'


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """A running page: its address, its upload folder, and ``ask``, which sends an event and waits for its result."""
    try:
        import httpx

        from clamp_mmpose.apis import web_app
    except ImportError as error:
        missing(str(error))
    root = tmp_path_factory.mktemp('web_security')
    (root / 'uploads').mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('GRADIO_TEMP_DIR', str(root / 'uploads'))
        inferencer = build(root, text_query_config())
        blocks = web_app.build_app(inferencer, TEXTS)
        address = web_app.launch(blocks).rstrip('/')
        with httpx.Client(base_url=address, timeout=20) as client:

            def ask(event, data, session='user', **fields):
                number = ['load', 'click', 'clear_box', 'choose', 'run', 'redraw'].index(event)
                body = dict(fn_index=number, data=data, session_hash=session, **fields)
                return send(client, json.dumps(body), session)

            def load(content, session='user'):
                """Upload and load an image; returns the alert."""
                done, values = ask('load', [dict(path=send_file(client, content), meta=META)], session)
                assert done, values
                return values[4]

            yield SimpleNamespace(
                root=root,
                uploads=root / 'uploads',
                address=address,
                client=client,
                blocks=blocks,
                inferencer=inferencer,
                module=web_app,
                upload=functools.partial(send_file, client),
                ask=ask,
                send=functools.partial(send, client),
                load=load,
            )
        blocks.close()


@pytest.fixture(scope='module')
def listener():
    """A server on this machine: its address, and the requests that reached it."""
    reached = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            reached.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png())

        do_HEAD = do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(address=f'http://127.0.0.1:{server.server_port}', reached=reached)
    server.shutdown()


def png(width=80, height=60):
    image = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.imencode('.png', cv2.resize(image, (width, height)))[1].tobytes()


@pytest.fixture(scope='module')
def outside(page, listener):
    """Paths that are no uploads, some of them of good images."""
    image = page.root / 'outside.png'
    image.write_bytes(png())
    (page.root / 'folder').mkdir()
    (page.root / 'folder' / 'image.png').write_bytes(png())
    os.mkfifo(page.uploads / 'pipe.png')
    (page.uploads / 'link.png').symlink_to(image)
    (page.uploads / 'linked').symlink_to(page.root / 'folder')
    (page.uploads / 'loop').symlink_to('loop')
    paths = [
        str(image),
        'outside.png',
        '../outside.png',
        f'{page.uploads}/../outside.png',
        f'{page.uploads}/link.png',
        f'{page.uploads}/linked/image.png',
        f'{page.uploads}/linked/../link.png',
        f'{page.uploads}/loop',
        f'{page.uploads}/pipe.png',
        f'{page.uploads}/none.png',
        f'{page.uploads}2/image.png',
        f'{image}\0.png',
        str(page.uploads),
        f'{page.uploads}/',
        '/dev/zero',
        '/proc/self/environ',
        '/etc/hostname',
        f'file://{image}',
        f'{listener.address}/image.png',
        f'//{listener.address[7:]}/image.png',
        'data:image/png;base64,' + base64.b64encode(png()).decode(),
        '~/image.png',
        'x' * 100_000,
    ]
    yield paths
    (page.uploads / 'pipe.png').unlink()


def test_only_uploads_are_loaded(page, listener, outside):
    for path in [*outside, '', None, 5, [outside[0]], dict(path=outside[0])]:
        for fields in ({}, dict(meta=META), dict(meta=META, is_stream=True, url=f'{listener.address}/url.png')):
            status, text = page.ask('load', [dict(path=path, **fields)])
            assert status == 403 and REFUSED in text, path
    for value in (
        outside[0],
        [dict(path=outside[0], meta=META)],
        dict(value=dict(path=outside[0], meta=META)),
        dict(url=f'{listener.address}/image.png', meta=META),
        dict(url='data:image/png;base64,' + base64.b64encode(png()).decode()),
        {},
        5,
    ):
        assert page.ask('load', [value])[0] in (400, 403), value
    # a file in the place of a text, where Gradio looks too
    for place in (2, 3, 4):
        values = [None, None, 'chin', '', 0.3, None]
        values[place] = dict(path=outside[0], meta=META)
        assert page.ask('run', values)[0] == 400
    # nothing of the file that a client describes is used but its path
    file = dict(path=page.upload(png()), url=f'{listener.address}/url.png', is_stream=True, meta=META)
    done, values = page.ask('load', [file])
    assert done and values[4] == ''
    assert listener.reached == []


def test_only_uploads_are_sent(page, listener, outside):
    path = page.upload(png())
    assert page.client.get(f'/gradio_api/file={path}').content == png()
    for path in outside:
        answer = page.client.get('/gradio_api/file=' + path[:9000].replace('\0', '%00'))
        assert answer.status_code in (403, 404) and REFUSED in answer.text, path
    assert page.client.get(f'/gradio_api/file/{outside[0]}').status_code == 404
    assert listener.reached == []


def test_handlers_check_paths_themselves(page, outside):
    """Also if a path came past the check of requests."""
    from clamp_mmpose.apis.web_app import handlers, uploads

    alerts = []
    thread = threading.Thread(target=lambda: alerts.extend(handlers.load(dict(path=path))[4] for path in outside))
    thread.start()
    thread.join(20)  # a named pipe that is opened to read waits for a writer
    assert len(alerts) == len(outside)
    assert all(REFUSED in alert for alert in alerts)
    with pytest.raises(ValueError, match=REFUSED):
        uploads._read(str(page.uploads / 'pipe.png'))
    with pytest.raises(ValueError, match=REFUSED):
        uploads._read(str(page.uploads / 'link.png'))


def test_upload_folder_behind_a_link(page, monkeypatch):
    from clamp_mmpose.apis.web_app.uploads import upload_path

    (page.root / 'alias').symlink_to(page.uploads)
    path = page.upload(png())
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(page.root / 'alias'))
    assert upload_path(path.replace('/uploads/', '/alias/')) == path


@pytest.mark.parametrize(
    'method, path',
    [
        ('POST', 'run/load'),
        ('POST', 'api/load'),
        ('POST', 'call/load'),
        ('POST', 'call/v2/load'),
        ('GET', 'proxy=http://127.0.0.1:1/x'),
        ('GET', 'stream/a/b/1/playlist.m3u8'),
        ('POST', 'stream/a'),
        ('POST', 'component_server'),
        ('POST', 'process_recording'),
        ('POST', 'vibe-edit'),
        ('GET', 'deep_link?session_hash=user'),
        ('GET', 'run-history/buckets'),
        ('GET', 'dev/reload'),
        ('GET', 'custom_component/a/client/b/c'),
        ('POST', 'queue/join/'),
        ('PUT', 'upload'),
    ],
)
def test_other_routes_of_gradio_are_closed(page, method, path):
    answer = page.client.request(method, f'/gradio_api/{path}', json=dict(data=[None], fn_index=0))
    assert (answer.status_code, answer.json()) == (404, {'detail': 'not found.'})


def test_pages_take_no_parameters(page):
    for query in ('?page=none', '?deep_link=../../state', '?__theme=dark'):
        assert page.client.get(f'/{query}').text == page.client.get('/').text
    assert page.client.get('/monitoring').status_code == 404


@pytest.mark.parametrize('path', ['/', '/config', '/gradio_api/queue/data?session_hash=a', '/assets/x', '/none'])
def test_unknown_hosts(page, path):
    for host in (
        'evil.example',
        'evil.example:7860',
        'localhost.evil.example',
        'localhost@evil.example',
        '10.0.0.1',
        'a b',
    ):
        for method in ('GET', 'POST', 'OPTIONS'):
            headers = {'Host': host, 'Origin': f'http://{host}', 'Access-Control-Request-Method': 'POST'}
            answer = page.client.request(method, path, headers=headers)
            assert answer.status_code == 403, (host, method)
            assert 'unknown host' in answer.text and '--allowed-host' in answer.text
            assert 'access-control-allow-origin' not in answer.headers


def test_known_hosts(page):
    port = page.address.rpartition(':')[2]
    for host in ('localhost', f'localhost:{port}', 'LocalHost:9000', '127.0.0.1', '[::1]', f'[::1]:{port}'):
        assert page.client.get('/config', headers={'Host': host}).status_code == 200, host
        assert page.client.get('/config', headers={'Host': host, 'Origin': f'http://{host}'}).status_code == 200
    assert page.client.get('/config', headers={'X-Forwarded-Host': 'evil.example'}).status_code == 403


def test_pages_of_other_origins(page):
    body = dict(fn_index=2, data=[None], session_hash='user')
    for origin in ('http://evil.example', 'null', 'http://localhost:1', 'https://127.0.0.1', 'file://', ''):
        for path in ('/gradio_api/queue/join', '/gradio_api/upload', '/config'):
            method = 'GET' if path == '/config' else 'POST'
            answer = page.client.request(method, path, json=body, headers={'Origin': origin})
            assert answer.status_code == 403 and 'may not use this page' in answer.text, (origin, path)
    assert page.client.post('/gradio_api/queue/join', json=body, headers={'Origin': page.address}).status_code == 200


@pytest.mark.parametrize(
    'head, status',
    [
        ('GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost', 400),
        ('GET / HTTP/1.0', 400),
        ('GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost', 400),
        (
            'GET /gradio_api/queue/data HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13',
            None,
        ),
    ],
)
def test_raw_requests(page, head, status):
    with socket.create_connection(('127.0.0.1', int(page.address.rpartition(':')[2])), timeout=5) as connection:
        connection.sendall(f'{head}\r\nConnection: close\r\n\r\n'.encode())
        answer = connection.recv(1000).decode()
    assert int(answer.split()[1]) == status if status else 400 <= int(answer.split()[1]) < 500


def test_allowed_hosts(page):
    from clamp_mmpose.apis.web_app.guard import known_names

    blocks = page.module.build_app(page.inferencer, TEXTS)
    try:
        address = page.module.launch(blocks, allowed_hosts=['Page.Example.org', '10.0.0.1'])

        def status(host, **headers):
            return page.client.get(f'{address}config', headers=dict(headers, Host=host)).status_code

        for host in ('page.example.org', 'page.example.org:8080', '10.0.0.1:80', 'localhost'):
            assert status(host) == status(host, Origin=f'https://{host}') == 200
        assert status('other.example.org') == 403
        assert status('page.example.org', Origin='http://other.example.org') == 403
        # behind a proxy that keeps its own name in another header
        assert (
            status('localhost:7860', **{'X-Forwarded-Host': 'page.example.org', 'Origin': 'https://page.example.org'})
            == 200
        )
    finally:
        blocks.close()
    assert known_names('::1', '[::2]', 'HOST', '0.0.0.0') == ['::1', '::2', 'host', '0.0.0.0']
    for name in ('http://host', 'host:80', '*', '', 'a b', '[::1]:80', '*.example.org'):
        with pytest.raises(ValueError, match='a host is a name or an address without port'):
            known_names(name)
    with pytest.raises(ValueError, match='the port must be from 1 to 65535, got 70000'):
        page.module.launch(blocks, port=70000)


def test_command_passes_hosts_and_a_folder_of_its_own(page, monkeypatch):
    served = []

    def launch(blocks, *args):
        folder = os.environ['GRADIO_TEMP_DIR']
        served.append((args, folder, os.stat(folder).st_mode & 0o777))
        raise ValueError('stop')

    monkeypatch.setattr(page.module, 'launch', launch)
    files = [str(page.root / 'config.py'), str(page.root / 'model.pth')]
    hosts = ['--host', '0.0.0.0', '--allowed-host', 'a.example', '--allowed-host', 'b.example']
    assert app_command.main([*files, *hosts, '--device', 'cpu']) == 1
    ((args, folder, mode),) = served
    assert args == ('0.0.0.0', None, ['a.example', 'b.example'])
    assert mode == 0o700 and folder.startswith(str(page.uploads)) and not os.path.exists(folder)
    assert os.environ['GRADIO_TEMP_DIR'] == str(page.uploads)


def test_settings_of_gradio(page, monkeypatch):
    """What no request of these tests reaches: limits of time and of waiting, and Gradio's ways to the outside."""
    passed = {}
    blocks = page.module.build_app(page.inferencer, TEXTS)
    monkeypatch.setattr(type(blocks), 'launch', lambda _, **kwargs: passed.update(kwargs) or (None, 'address', None))
    page.module.launch(blocks)
    closed = ('share', 'show_error', 'enable_monitoring', 'ssr_mode', 'pwa', 'mcp_server', 'run_history')
    assert {key: passed.get(key) for key in closed} == dict.fromkeys(closed, False)
    assert passed['max_file_size'] == 32 * 2**20
    assert blocks.analytics_enabled is False and blocks.delete_cache == (900, 3600)
    assert blocks._queue.max_size == 64
    assert {fn.concurrency_limit for fn in blocks.fns.values()} == {4}
    states = [block for block in blocks.blocks.values() if type(block).__name__ == 'State']
    assert [state.time_to_live for state in states] == [3600] * 4


def test_only_the_path_of_a_file_reaches_gradio(page):
    from clamp_mmpose.apis.web_app.guard import _check_value

    path = page.upload(png())
    sent = dict(path=path, url='http://evil.example/a.png', is_stream=True, orig_name='a', meta=META)
    assert _check_value(sent, True) == dict(path=path, meta=META)


def test_bytes_are_limited(page):
    content = bytes(33 * 2**20)
    answer = page.client.post('/gradio_api/upload', files={'files': ('image.png', content)})
    assert answer.status_code == 413 and 'up to 33,570,816 are read' in answer.text
    two = [('files', ('image.png', content[: 17 * 2**20]))] * 2  # together
    assert page.client.post('/gradio_api/upload', files=two).status_code == 413
    headers = {'Content-Type': 'multipart/form-data'}
    chunks = page.client.post('/gradio_api/upload', content=iter([b'x']), headers=headers)
    assert chunks.status_code == 411
    # a sparse file of a terabyte
    path = page.uploads / 'sparse.png'
    with open(path, 'wb') as file:
        file.write(png())
        file.truncate(2**35)
    try:
        done, values = page.ask('load', [dict(path=str(path), meta=META)])
        assert done and 'the file has 34,359,738,368 bytes: up to 33,554,432 are read.' in values[4]
    finally:
        path.unlink()


def test_pixels_are_limited_before_decoding(page, monkeypatch):
    def chunk(kind, content):
        return len(content).to_bytes(4, 'big') + kind + content + zlib.crc32(kind + content).to_bytes(4, 'big')

    def bomb(side):
        """A black PNG of 1 bit per pixel."""
        header = side.to_bytes(4, 'big') * 2 + bytes([1, 0, 0, 0, 0])
        rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
        return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')

    small = bomb(80)
    assert page.load(small) == ''
    monkeypatch.setattr('clamp_mmpose.apis.web_app.uploads.decode_image', lambda *_: pytest.fail('it was decoded'))
    for side in (8008, 20_000):  # 64,128,064 pixels, and so many that Pillow refuses too
        content = bomb(side)
        assert len(content) < 60_000
        assert 'the image has more than the 64,000,000 pixels that are read' in page.load(content)


def test_the_disk_is_limited(page, monkeypatch):
    page.load(png())
    monkeypatch.setattr('clamp_mmpose.apis.web_app.uploads.MAX_FOLDER_BYTES', 1000)
    answer = page.client.post('/gradio_api/upload', files={'files': ('image.png', png())})
    assert answer.status_code == 507 and 'try again in an hour' in answer.text
    assert 'try again in an hour' in page.ask('run', [None, None, 'chin', '', 0.3, None])[1][0]


def test_images_are_read_as_elsewhere(page):
    from clamp_mmpose.apis.web_app.uploads import read_upload

    rows = np.arange(60, dtype=np.uint8)[:, None].repeat(80, axis=1)
    jpeg = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees
    Image.fromarray(rows * 4).save(jpeg, 'JPEG', exif=exif)
    turned = read_upload(page.upload(jpeg.getvalue(), 'a.jpg'))
    assert turned.shape == (80, 60, 3)
    assert turned[40, 0].tolist() > [230, 230, 230] and turned[40, 59].tolist() < [9, 9, 9]
    gray = read_upload(page.upload(cv2.imencode('.png', rows * np.uint16(1024))[1].tobytes()))
    assert gray.shape == (60, 80, 3) and gray.dtype == np.uint8
    assert gray[59, 0].tolist() == [235, 235, 235]  # 59 * 1024 / 257
    for content in (b'', b'GIF89a', b'%PDF-1.4', png()[:500], b'\0' * 100, b'#?RADIANCE\n\n-Y 9 +X 9\n'):
        assert 'this file is not a complete image' in page.load(content)


def test_what_a_session_keeps(page):
    """The path of the image, and the small image that the slider draws on."""
    from clamp_mmpose.apis.web_app.search import Found

    for session in ('first', 'second'):
        assert page.load(png(2000, 1500), session) == ''
        assert page.ask('run', [None, None, 'chin, nose, mane', '', 0.3, None], session)[0]
    states = [list(page.blocks.state_holder.session_data[name].state_data.values()) for name in ('first', 'second')]
    for state in states:
        (found,) = [value for value in state if isinstance(value, Found)]
        arrays = [value for value in found if isinstance(value, np.ndarray)]
        assert [array.nbytes for array in arrays] == [640 * 480 * 3]
        assert found.image.base is None  # not a part of a larger array
        assert sum(len(str(value)) for value in state if value is not found) < 1000
        (path,) = [value for value in state if isinstance(value, str)]
        assert path.startswith(str(page.uploads))


def test_sessions_are_limited(page):
    assert page.load(png(), 'oldest') == ''
    for i in range(100):
        assert page.ask('clear_box', [None], f'user-{i}')[0] is True
    assert len(page.blocks.state_holder.session_data) == 100
    done, values = page.ask('run', [None, None, 'chin', '', 0.3, None], 'oldest')
    assert done and 'there is no image yet' in values[0]


def test_a_slow_user_does_not_stop_uploads(page, monkeypatch):
    from clamp_mmpose.apis.web_app import handlers

    entered, leave, read = threading.Event(), threading.Event(), handlers.read_upload

    def slow(path):
        if 'slow' in path:
            entered.set()
            assert leave.wait(20)
        return read(path)

    monkeypatch.setattr(handlers, 'read_upload', slow)
    file = dict(path=page.upload(png(), 'slow.png'), meta=META)
    thread = threading.Thread(target=page.ask, args=('load', [file], 'slow'))
    thread.start()
    try:
        assert entered.wait(10)
        assert page.load(png(), 'quick') == ''
    finally:
        leave.set()
        thread.join()


def test_wrong_values_get_a_plain_answer(page):
    assert page.load(png()) == ''

    def failed(event, data, message, **fields):
        assert page.ask(event, data, **fields) == (False, message)

    corner = 'a corner must be two numbers within the 80 x 60 pixels of the image.'
    for index in ([1], [1, 2, 3], 'ab', None, [1, '2'], [-1, 2], [81, 2], [2, 61], [10**14, 1], [True, 1], {'0': 1}):
        failed('click', [None, None], corner, event_data=dict(index=index, value=None))
    for event_data in (None, 5, 'index', [1, 2], {}):
        failed('click', [None, None], corner, event_data=event_data)
    for value in (-0.1, 1.01, '0.5', None, True, 10**14):
        message = f'the confidence must be a number from 0 to 1, got {value!r}.'.replace("'", '&#x27;')
        failed('redraw', [None, value], message)
        assert page.ask('run', [None, None, 'chin', '', value, None])[1][0].endswith(f'{message}</p>')
    for value in (8, '7', None, True, 9.0, 'face', -1):
        failed('choose', [value, '', '', None], 'there is no such category: choose one of the list.')
    failed('choose', [7, 5, '', None], 'the keypoint names must be a text, got 5.')

    def alert(names, skeleton, message):
        done, values = page.ask('run', [None, None, names, skeleton, 0.3, None])
        assert done and message in values[0], values

    alert(5, '', 'the keypoint names must be a text, got 5.')
    alert('chin', True, 'the skeleton must be a text, got True.')
    alert(None, None, 'keypoint names must not be empty')
    alert(','.join(['a'] * 9000), '', 'there are 9,000 keypoint names: up to 200 are searched at once.')
    alert('x' * 20_001, '', 'the keypoint names have 20,001 characters: up to 20,000 are read.')
    alert('chin', '0-' + '9' * 20_001, 'the skeleton have 20,003 characters')
    for size in (10**6, 10**7):
        status, text = page.ask('run', [None, None, 'x' * size, '', 0.3, None])
        assert status == 413 and 'up to 262,144 are read' in text
    assert page.ask('run', [None, None, '\n'.join(map(str, range(100_000))), '', 0.3, None])[0] == 413


@pytest.mark.parametrize(
    'body, message',
    [
        ('', 'the request is not JSON'),
        ('[]', 'the request must be a JSON object.'),
        ('null', 'the request must be a JSON object.'),
        ('{"data": ' + '[' * 100_000, 'nested too deeply'),
        ('{"fn_index": 5, "data": [null, NaN], "session_hash": "user"}', 'numbers must be finite, got NaN'),
        ('{"fn_index": 5, "data": [null, -Infinity], "session_hash": "user"}', 'numbers must be finite, got -Infinity'),
        ('{"fn_index": 5, "data": [null, 1e999], "session_hash": "user"}', 'numbers must be finite, got 1e999'),
        ('{"fn_index": 5, "data": [null, ' + '9' * 5000 + '], "session_hash": "user"}', 'numbers must be below 1e15'),
        ('{"fn_index": 4, "data": [null, null, "\\ud800", "", 0.3], "session_hash": "user"}', 'half a surrogate pair'),
        (b'{"fn_index": 4, "data": [null, null, "\xff", "", 0.3], "session_hash": "user"}', 'not UTF-8'),
        ('{"fn_index": 99, "data": [], "session_hash": "user"}', 'fn_index must be'),
        ('{"fn_index": -1, "data": [], "session_hash": "user"}', 'fn_index must be'),
        ('{"fn_index": true, "data": [], "session_hash": "user"}', 'fn_index must be'),
        ('{"fn_index": "0", "data": [null], "session_hash": "user"}', 'fn_index must be'),
        ('{"fn_index": [], "data": [null], "session_hash": "user"}', 'fn_index must be'),
        ('{"fn_index": 2, "data": [], "session_hash": "user"}', 'data must be a list of 1 values'),
        ('{"fn_index": 2, "data": {"0": 1}, "session_hash": "user"}', 'data must be a list of 1 values'),
        ('{"fn_index": 2, "session_hash": "user"}', 'data must be a list of 1 values'),
        ('{"fn_index": 2, "data": [null]}', 'session_hash must have'),
        ('{"fn_index": 2, "data": [null], "session_hash": "../a"}', 'session_hash must have'),
        ('{"fn_index": 2, "data": [null], "session_hash": ["user"]}', 'session_hash must have'),
        ('{"fn_index": 5, "data": [null, [0.5]], "session_hash": "user"}', 'values must be null, texts, numbers'),
    ],
)
def test_malformed_requests(page, body, message):
    status, text = page.send(body)
    assert status == 400 and message in text
    assert 'Traceback' not in text and 'site-packages' not in text


def test_names_that_cannot_be_drawn(page):
    """The server answers, and goes on."""
    assert page.load(png()) == ''
    for name in ('a\0b', '\x1b[31m', '\u202e', '\U0001f600', 'e\u0301', 'a\u2028b'):
        assert page.ask('run', [None, None, name, '', 0.3, None])[0] is True
    assert page.ask('run', [None, None, 'chin', '', 0.3, None])[1][0] == ''


def test_unexpected_errors_are_not_shown(page, monkeypatch, capsys):
    from clamp_mmpose.apis.web_app import handlers

    assert page.load(png()) == ''

    def fail(*_):
        raise RuntimeError('in /secret/folder')

    monkeypatch.setattr(handlers, 'find', fail)
    answer = page.ask('run', [None, None, 'chin', '', 0.3, None])
    assert answer == (False, 'this request failed; the log of the server says where.')
    assert 'RuntimeError: in /secret/folder' in capsys.readouterr().err
