"""The page that asks a vision-language model, over plain HTTP and in a browser."""

import html
import json
import os
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image
from web_page import expect, field, missing, send, send_file, upload

from clamp_mmpose.apis import ImageChat
from clamp_mmpose.cli import app as command

META = {'_type': 'gradio.FileData'}
PIXELS = np.random.default_rng(0).integers(0, 255, (2, 40, 30, 3), np.uint8)  # RGB
IMAGES = [Image.fromarray(pixels) for pixels in PIXELS]
PNGS = [cv2.imencode('.png', pixels[..., ::-1])[1].tobytes() for pixels in PIXELS]
FIRST, SECOND = 'Where is the left eye of this object?', 'Which object is it?'
HOSTILE = """<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>
<a href="https://evil.example/a">a</a> [b](https://evil.example/b) ![c](https://evil.example/c.png)
https://evil.example/d <iframe src="https://evil.example/e"></iframe> **bold** `code` $$x^2$$ \\(x\\)
${window.hacked=1} {{window.hacked}} &lt;b&gt; <think>x</think> data:text/html,<script>window.hacked=1</script>"""


@pytest.fixture(scope='module')
def page(tuned, tmp_path_factory):
    """A running page: ``load`` and ``ask`` send its events and wait for their results."""
    try:
        import httpx

        from clamp_mmpose.apis import web_app
    except ImportError as error:
        missing(str(error))
    root = tmp_path_factory.mktemp('chat_page')
    chat = ImageChat(str(tuned[0]), str(tuned[1]), 'cpu')

    def answer(image, question, history):
        return HOSTILE if question.startswith('<') else chat(image, question, history)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('GRADIO_TEMP_DIR', str(root / 'uploads'))
        os.mkdir(root / 'uploads')
        blocks = web_app.build_chat(answer)
        address = web_app.launch(blocks).rstrip('/')
        with httpx.Client(base_url=address, timeout=20) as client:

            def event(name, data, session='user'):
                number = ['load', 'ask', 'clear'].index(name)
                return send(client, json.dumps(dict(fn_index=number, data=data, session_hash=session)), session)

            def load(content, session='user'):
                done, values = event('load', [dict(path=send_file(client, content), meta=META)], session)
                assert done, values
                return values[4]

            def ask(question, session='user'):
                """The conversation and the alert."""
                done, values = event('ask', [None, question, None], session)
                assert done, values
                texts = [(item['role'], html.unescape(item['content'][0]['text'])) for item in values[2]]
                return texts, values[3]

            yield SimpleNamespace(
                root=root, address=address, client=client, blocks=blocks, chat=chat, event=event, load=load, ask=ask
            )
        blocks.close()


def test_a_conversation(page):
    assert page.load(PNGS[0]) == ''
    first = page.chat(IMAGES[0], FIRST)
    shown = [('user', FIRST), ('assistant', first)]
    assert page.ask(FIRST) == (shown, '')
    second = page.chat(IMAGES[0], SECOND, [(FIRST, first)])
    assert page.ask(SECOND)[0] == [*shown, ('user', SECOND), ('assistant', second)]
    # an error is shown, and the conversation is kept
    texts, alert = page.ask('where ' * 600)
    assert len(texts) == 4 and 'the conversation has' in alert and 'role="alert"' in alert
    # another user has neither image nor conversation
    assert page.ask(SECOND, 'other') == ([('user', SECOND), ('assistant', page.chat(None, SECOND))], '')
    # another image, or Clear, starts a new one
    assert page.event('clear', []) == (True, [None, [], ''])
    assert page.ask(SECOND)[0] == [('user', SECOND), ('assistant', page.chat(IMAGES[0], SECOND))]
    assert page.load(PNGS[1]) == ''
    assert page.ask(SECOND)[0] == [('user', SECOND), ('assistant', page.chat(IMAGES[1], SECOND))]
    assert 'this file is not a complete image' in page.load(PNGS[0][:100])
    assert page.ask(SECOND)[0] == [('user', SECOND), ('assistant', page.chat(None, SECOND))]


def test_an_answer_that_comes_late(page):
    """It belongs to the image before: the next question does not continue it."""
    from clamp_mmpose.apis.web_app import chat_handlers

    asked = []

    def answer(image, question, history):
        asked.append(history)
        return ''

    before = ('another.png', [('a', 'b')])
    _, talk, texts, _ = chat_handlers.ask(answer, None, 'c', before)
    assert asked == [[]] and talk == (None, [('c', '')])
    assert [item['content'] for item in texts] == ['c', '(no answer)']
    assert chat_handlers.ask(answer, None, 'd', talk)[1] == (None, [('c', ''), ('d', '')]) and asked[1] == [('c', '')]


def test_only_uploads_are_read(page):
    outside = page.root / 'outside.png'
    outside.write_bytes(PNGS[0])
    for path in (str(outside), '../outside.png', f'{page.root}/uploads/../outside.png', 'https://evil.example/a.png'):
        status, text = page.event('load', [dict(path=path, url=path, meta=META)])
        assert status == 403 and 'this is not a file that was uploaded' in text
        assert page.event('load', [path])[0] == 400
        assert page.event('ask', [None, dict(path=path, meta=META), None])[0] == 400
    # a state is of the server, whatever a client sends
    done, values = page.event('ask', [str(outside), SECOND, 'x'], 'fresh')
    assert done and html.unescape(values[2][1]['content'][0]['text']) == page.chat(None, SECOND)
    from clamp_mmpose.apis.web_app import chat_handlers

    assert 'this is not a file that was uploaded' in chat_handlers.load(dict(path=str(outside)))[4]


def test_wrong_values_get_a_plain_answer(page, monkeypatch, capsys):
    for question, message in (
        (5, 'the question must be a text, got 5.'),
        (None, 'the question is empty'),
        ('x' * 20_001, 'the question has 20,001 characters: up to 20,000 are read.'),
        ('a </s> b', 'has the special token &#x27;&lt;/s&gt;&#x27;'),
        ('a <image> b', '0 images for 1 &lt;image&gt; tag'),
    ):
        texts, alert = page.ask(question, 'wrong')
        assert texts == [] and message in alert
    assert page.event('ask', [None, 'x' * 10**6, None])[0] == 413
    monkeypatch.setattr('clamp_mmpose.apis.web_app.chat_handlers.messages', lambda _: 1 / 0)
    assert page.event('ask', [None, SECOND, None]) == (False, 'this request failed; the log of the server says where.')
    assert 'ZeroDivisionError' in capsys.readouterr().err


def test_questions_and_answers_are_escaped(page):
    done, values = page.event('ask', [None, '<b onclick="x">', None], 'escaped')
    texts = [item['content'][0]['text'] for item in values[2]]
    assert done and texts[0] == '&lt;b onclick=&quot;x&quot;&gt;'
    assert not set('<>"') & set(texts[1]) and html.unescape(texts[1]) == HOSTILE


def test_settings(page):
    assert page.blocks._queue.max_size == 64 and page.blocks.delete_cache == (900, 3600)
    assert {fn.concurrency_limit for fn in page.blocks.fns.values()} == {4}
    assert {fn.api_visibility for fn in page.blocks.fns.values()} == {'private'}
    states = [block for block in page.blocks.blocks.values() if type(block).__name__ == 'State']
    assert [state.time_to_live for state in states] == [3600] * 2


def test_command_opens_the_chat_page(page, tuned, monkeypatch, capsys):
    titles = []

    def launch(blocks, *_):
        titles.append(blocks.title)
        raise ValueError('stop')

    monkeypatch.setattr('clamp_mmpose.apis.web_app.launch', launch)
    assert command.main([str(tuned[0]), str(tuned[1]), '--device', 'cpu']) == 1
    assert titles == ['Ask about an image'] and 'error: stop' in capsys.readouterr().err


def test_in_a_browser(page, visit):
    """A question and its answer; neither can be more than text."""
    for i in (0, 1):
        (page.root / f'{i}.png').write_bytes(PNGS[i])
    tab = visit(page.address)
    upload(tab, page.root / '0.png')
    conversation = tab.locator('#conversation')
    field(tab, 'question').fill(FIRST)
    tab.click('#ask')
    expect(conversation).to_contain_text(page.chat(IMAGES[0], FIRST))
    expect(field(tab, 'question')).to_have_value('')
    tags = 'img, a, b, strong, code, script, iframe, .katex, think'
    usual = conversation.locator(tags).count()
    field(tab, 'question').fill('<b>Who?</b> [a](https://evil.example/q)')
    field(tab, 'question').press('Enter')
    expect(conversation).to_contain_text('data:text/html,<script>')
    words = ' '.join(conversation.inner_text().split())
    assert ' '.join(HOSTILE.split()) in words and '<b>Who?</b> [a](https://evil.example/q)' in words
    assert conversation.locator(tags).count() == usual
    assert tab.evaluate('window.hacked') is None
    tab.click('#clear')
    expect(conversation).not_to_contain_text(FIRST)
    field(tab, 'question').fill('x </s>')
    tab.click('#ask')
    expect(tab.locator('#message [role=alert]')).to_contain_text("special token '</s>'")
    expect(field(tab, 'question')).to_have_value('x </s>')
    upload(tab, page.root / '1.png')
    expect(tab.locator('#message [role=alert]')).to_have_count(0)
    field(tab, 'question').fill(SECOND)
    tab.click('#ask')
    expect(conversation).to_contain_text(page.chat(IMAGES[1], SECOND))
