import json
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from clamp_mmpose.evaluation.text_quality.grammar import GrammarMissing, grammar_errors


@pytest.fixture
def server():
    """Answers as LanguageTool; each "eror" is an error."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer([dict(name='English (US)', code='en', longCode='en-US')])

        def do_POST(self):
            text = parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode()).get('text', [''])[0]
            self.answer(dict(matches=[match(text)] * text.count('eror')))

        def answer(self, content):
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(('127.0.0.1', 0), Answer)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{http.server_port}'
    http.shutdown()
    http.server_close()


def match(text):
    context = dict(text=text, offset=0, length=4)
    rule = dict(id='R', issueType='misspelling', category=dict(id='TYPOS', name='Typos'), description='')
    return dict(message='', replacements=[], offset=0, length=4, context=context, sentence=text, rule=rule)


def test_errors_are_counted_by_a_running_server(server):
    pytest.importorskip('language_tool_python')
    assert grammar_errors(['No fault.', 'An eror, an eror.', ''], server) == [0, 2, 0]


def test_a_server_that_does_not_answer():
    pytest.importorskip('language_tool_python')
    with pytest.raises(ConnectionError, match=r'LanguageTool at http://127\.0\.0\.1:9 failed'):
        grammar_errors(['No fault.'], 'http://127.0.0.1:9')


def test_what_is_missing_is_named_and_nothing_is_downloaded(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'language_tool_python', None)
    with pytest.raises(
        GrammarMissing, match=r'^language-tool-python is missing .* -m pip install language-tool-python'
    ):
        grammar_errors(['A.'])
    monkeypatch.undo()
    pytest.importorskip('language_tool_python')
    monkeypatch.setenv('LTP_PATH', str(tmp_path))
    monkeypatch.setattr(shutil, 'which', lambda name: None)
    with pytest.raises(GrammarMissing, match=r'^Java is missing: install Java 17'):
        grammar_errors(['A.'])
    monkeypatch.setattr(shutil, 'which', lambda name: '/usr/bin/java')
    with pytest.raises(
        GrammarMissing, match=r'^LanguageTool is missing: .* or give a running server with --language-tool'
    ):
        grammar_errors(['A.'])
    assert not list(tmp_path.iterdir())
