import asyncio
import json
import logging
import time

import pytest
from replay_server import Answer, completion, replay

from clamp_mmpose.llm import client as client_module
from clamp_mmpose.llm.ask import ask
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.journal import Journal
from clamp_mmpose.llm.language_model import AnswerError, ServerError
from clamp_mmpose.llm.request import Reply, Request, Usage

KEY = 'sk-proj-0123456789abcdefXYZ'
AT_ONCE = {'retry-after-ms': '10', 'retry-after': '0.01'}


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', KEY)
    monkeypatch.delenv('OPENAI_BASE_URL', raising=False)


@pytest.fixture(params=['aiohttp', 'httpx'])
def transport(request, monkeypatch):
    """Both have the same errors."""
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if request.param == 'httpx':
        monkeypatch.setattr(client_module, '_http_client', lambda: None)
    elif client_module._http_client() is None:
        pytest.skip('aiohttp is not installed, or Python is older than 3.10')


def make_request(**settings):
    return Request('r', (dict(role='user', content='Is the arm raised?'),), 'p/1', settings)


def answer(answers, *requests, attempt=0, **kwargs):
    """The replies of one client to the requests, one after another, and the server."""

    async def run(url):
        client = OpenAIClient('tiny', url, **{'max_retries': 1, **kwargs})
        try:
            return [await client.answer(request, attempt) for request in requests or [make_request()]]
        finally:
            await client.close()

    with replay(answers) as server:
        return asyncio.run(run(server.url)), server


def fault(answers, *requests, **kwargs):
    with pytest.raises((AnswerError, ServerError)) as raised:
        answer(answers, *requests, **kwargs)
    assert '\n' not in str(raised.value)
    return raised.value


def changed(**changes):
    return {**completion('Yes.'), **changes}


def test_request_and_reply(transport):
    replies, server = answer([Answer(completion('Yes.'))], make_request(top_p=0.5), attempt=2, seed=7)
    assert replies == [Reply('Yes.', 'stop', Usage(10, 4), 'tiny-2026-01-01')]
    assert server.bodies == [
        dict(
            model='tiny',
            messages=[dict(role='user', content='Is the arm raised?')],
            temperature=0.7,
            max_tokens=1024,
            seed=9,
            top_p=0.5,
        )
    ]
    assert server.headers[0]['authorization'] == f'Bearer {KEY}'


def test_settings_without_a_value_are_not_sent():
    _, server = answer([Answer(completion('Yes.'))], make_request(temperature=None), seed=None)
    assert set(server.bodies[0]) == {'model', 'messages', 'max_tokens'}


@pytest.mark.parametrize(
    ('body', 'reply'),
    [
        (changed(usage=None), Reply('Yes.', 'stop', None, 'tiny-2026-01-01')),
        (changed(usage=dict(prompt_tokens=-1, completion_tokens=4)), Reply('Yes.', 'stop', None, 'tiny-2026-01-01')),
        (changed(usage=dict(prompt_tokens='10', completion_tokens=4)), Reply('Yes.', 'stop', None, 'tiny-2026-01-01')),
        (changed(choices=[]), Reply('', 'stop', Usage(10, 4), 'tiny-2026-01-01')),
        (changed(choices=None), Reply('', 'stop', Usage(10, 4), 'tiny-2026-01-01')),
        (changed(choices='Yes.'), Reply('', 'stop', Usage(10, 4), 'tiny-2026-01-01')),
        (changed(choices=[dict(message=None, finish_reason=None)]), Reply('', 'stop', Usage(10, 4), 'tiny-2026-01-01')),
        (completion(None), Reply('', 'stop', Usage(10, 4), 'tiny-2026-01-01')),
        (completion([dict(type='text', text='Ye'), dict(type='text', text='s.')]), Reply('Yes.', usage=Usage(10, 4))),
        (completion('Yes', 'length'), Reply('Yes', 'length', Usage(10, 4))),
        (completion('', 'content_filter'), Reply('', 'content_filter', Usage(10, 4))),
        (completion(None, refusal='I cannot.'), Reply('I cannot.', 'refusal', Usage(10, 4))),
        (completion('Yes.', 'eos'), Reply('Yes.', 'stop', Usage(10, 4))),
        (changed(model=3), Reply('Yes.', 'stop', Usage(10, 4), 'tiny')),
    ],
)
def test_answers_of_servers_that_differ(body, reply):
    found = answer([Answer(body)])[0][0]
    assert found == Reply(reply.text, reply.finish_reason, reply.usage, reply.model or 'tiny-2026-01-01')


def test_a_stop_string_left_in_is_cut():
    """As transformers serve does."""
    body = completion('Yes.</s>\nQuestion: and</s>')
    assert answer([Answer(body)], make_request(stop='</s>'))[0][0].text == 'Yes.'
    assert answer([Answer(body)], make_request(stop=['\nQuestion', '</s>']))[0][0].text == 'Yes.'


def test_an_endless_text_is_cut(monkeypatch):
    monkeypatch.setattr(client_module, 'LONGEST_TEXT', 3)
    assert answer([Answer(completion('Yes.'))])[0][0] == Reply('Yes', 'length', Usage(10, 4), 'tiny-2026-01-01')


FORMAT = dict(type='json_schema', json_schema=dict(name='answer', schema=dict(type='object')))


@pytest.mark.parametrize(
    ('status', 'body'),
    [
        (500, dict(error=dict(code=500, message="Failed to parse grammar for 'json_schema'", type='server_error'))),
        (400, dict(error=dict(message="'response_format' is not supported", type='invalid_request_error'))),
        (422, dict(detail=[dict(loc=['body', 'response_format'], msg='Extra inputs are not permitted')])),
    ],
)
def test_a_refused_response_format_is_left_out(status, body, caplog):
    def serve(sent):
        return Answer(body, status) if 'response_format' in sent else Answer(completion('{"answer": "yes"}'))

    replies, server = answer(serve, *2 * [make_request(response_format=FORMAT)])
    assert [reply.text for reply in replies] == 2 * ['{"answer": "yes"}']
    assert ['response_format' in sent for sent in server.bodies] == [True, False, False]  # refused once


def test_a_server_that_refuses_without_the_format_too_is_not_asked_for_ever():
    sent = []
    with pytest.raises(AnswerError, match='schema of the message'):
        answer(
            lambda body: sent.append(body) or Answer(dict(error='schema of the message'), 400),
            make_request(response_format=FORMAT),
        )
    assert ['response_format' in body for body in sent] == [True, False]


def test_an_ignored_response_format_is_the_parsers_matter(tmp_path):
    """As in transformers serve; JSON is what the task asked for."""
    texts = iter(['The arm is raised.', '{"answer": "yes"}'])
    with replay(lambda _: Answer(completion(next(texts)))) as server, Journal(tmp_path / 'j') as journal:
        asked = ask(
            [make_request(response_format=FORMAT)],
            OpenAIClient('tiny', server.url),
            journal,
            lambda _, text: json.loads(text),
            progress=False,
        )
    assert asked.values == dict(r=dict(answer='yes')) and asked.sent == 2
    assert [json.loads(line)['status'] for line in (tmp_path / 'j').open()] == ['unparsable', 'done']


def test_newer_models_name_the_limit_differently():
    text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    def serve(sent):
        wrong = 'max_tokens' in sent
        return Answer(dict(error=dict(message=text, param='max_tokens')), 400) if wrong else Answer(completion('Yes.'))

    replies, server = answer(serve, max_tokens=5)
    assert replies[0].text == 'Yes.' and server.bodies[-1]['max_completion_tokens'] == 5
    assert len(server.bodies) == 2


def test_retry_after_is_honored(transport):
    """By the first request too, which is sent without the retries of the package."""
    limited = Answer(dict(error=dict(message='Rate limit')), 429, {'retry-after': '0.4'})
    _, server = answer([limited, limited, Answer(completion('Yes.'))])
    assert [late - soon >= 0.39 for soon, late in zip(server.times, server.times[1:])] == [True, True]
    good = Answer(completion('Yes.'))
    _, server = answer([good, limited, good], make_request(), make_request())
    assert 0.39 <= server.times[2] - server.times[1] < 2


@pytest.mark.parametrize(
    ('status', 'body', 'kind', 'message'),
    [
        (401, dict(error=dict(message='Incorrect API key')), ServerError, 'refuses the key (HTTP 401): check OPENAI_'),
        (403, 'Forbidden', ServerError, 'refuses the key (HTTP 403)'),
        (
            404,
            dict(error=dict(message='no such model')),
            ServerError,
            "has no model 'tiny' (HTTP 404: 'no such model')",
        ),
        (400, dict(error=dict(message='unknown', param='model')), ServerError, "has no model 'tiny'"),
        (402, '', ServerError, 'add credit'),
        (429, dict(error=dict(message='x', code='insufficient_quota')), ServerError, 'add credit'),
        (
            429,
            dict(error=dict(message='Rate limit')),
            ServerError,
            'after 1 retries: lower concurrency (16), or set req',
        ),
        (400, dict(error=dict(message='too long')), AnswerError, "failed (HTTP 400: 'too long')"),
        (500, dict(error=dict(message='CUDA\nout of memory')), AnswerError, "failed (HTTP 500: 'CUDA out of memory')"),
        (503, '<html>' + 'x' * 10_000, AnswerError, 'failed (HTTP 503: '),
        (200, '{"choices": [', AnswerError, 'sent no valid JSON: \'{"choices": [\''),
        (200, '[' * 100_000, AnswerError, 'sent no valid JSON'),
        (200, dict(error=dict(message='Provider returned error')), AnswerError, 'failed: Provider returned error'),
    ],
)
def test_errors_say_what_to_do(status, body, kind, message):
    error = fault([Answer(body, status, AT_ONCE)])
    assert type(error) is kind and message in str(error) and len(str(error)) < 600
    if kind is AnswerError:
        assert error.again == (status != 400)


def test_errors_are_tried_again(transport):
    replies, server = answer([Answer('', 500, AT_ONCE), Answer('', 502, AT_ONCE), Answer(completion('Yes.'))])
    assert replies[0].text == 'Yes.' and len(server.bodies) == 3


def test_no_server_is_said_at_once(transport, free_port):
    started = time.monotonic()
    with pytest.raises(
        ServerError, match=rf'the server at http://127.0.0.1:{free_port}/v1 cannot be reached: start it'
    ):
        asyncio.run(OpenAIClient('tiny', f'http://127.0.0.1:{free_port}/v1').answer(make_request(), 0))
    assert time.monotonic() - started < 2


def test_a_slow_server_and_a_cut_connection(transport):
    error = fault([Answer(completion('Yes.'), delay=1)], timeout=0.1, max_retries=0)
    assert 'did not answer within 0.1 s: raise timeout' in str(error) and error.again
    error = fault([Answer(completion('Yes.'), cut=20)], max_retries=0)
    assert 'cut the connection' in str(error) and error.again
    replies, _ = answer([Answer(completion('Yes.'), cut=20), Answer(completion('Yes.'))])
    assert replies[0].text == 'Yes.'


def test_a_connection_that_is_cut_before_an_answer(transport):
    """The server is there, so that the request is sent again, and other requests are."""
    sent = []

    async def cut(reader, writer):
        sent.append(await reader.readuntil(b'\r\n\r\n'))
        writer.close()

    async def run():
        server = await asyncio.start_server(cut, '127.0.0.1', 0)
        client = OpenAIClient('tiny', f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1', max_retries=0)
        try:
            await client.answer(make_request(), 0)
        finally:
            await client.close()
            server.close()

    with pytest.raises(AnswerError, match='cut the connection') as raised:
        asyncio.run(run())
    assert raised.value.again and len(sent) == 2


def test_a_proxy_of_the_environment_is_asked_and_not_for_addresses_of_no_proxy(monkeypatch):
    good = [Answer(completion('Yes.'))]
    with replay(good) as proxy:
        monkeypatch.setenv('http_proxy', proxy.url[: -len('/v1')])
        monkeypatch.setenv('no_proxy', '127.0.0.1')
        assert answer(good)[0][0].text == 'Yes.' and proxy.bodies == []
        monkeypatch.setenv('no_proxy', '')
        _, server = answer(good)
        assert (len(proxy.bodies), server.bodies) == (1, [])


def test_requests_and_tokens_per_minute_are_limited():
    good = [Answer(completion('Yes.'))]
    for limit in (dict(requests_per_minute=600), dict(tokens_per_minute=600 * (5 + 8 + 87))):  # 18 characters, 87 more
        _, server = answer(good, *4 * [make_request(max_tokens=87)], **limit)
        assert 0.2 < server.times[-1] - server.times[0] < 1.5


def test_the_key_is_written_nowhere(tmp_path, caplog, capfd):
    """Though the server sends it back, in answers, names and errors."""
    caplog.set_level(logging.DEBUG)

    def echo(sent):
        bodies = dict(
            good=completion(f'Your key is {KEY}'), bad=dict(error=f'No access with Authorization: Bearer {KEY}')
        )
        body = bodies[sent['messages'][0]['content']]
        return Answer({**body, 'model': KEY}, 200 if 'choices' in body else 400)

    requests = [Request(name, (dict(role='user', content=name),), 'p/1') for name in ('good', 'bad')]
    with replay(echo) as server, Journal(tmp_path / 'j') as journal:
        client = OpenAIClient('tiny', server.url)
        asked = ask(requests, client, journal, lambda _, text: text, progress=False)
        assert server.headers[0]['authorization'].endswith(KEY)
    assert asked.values == dict(good='Your key is [OPENAI_API_KEY]') and 'No access' in asked.failed['bad']
    written = (tmp_path / 'j').read_text() + caplog.text + ''.join(capfd.readouterr()) + repr(asked)
    assert KEY not in written + repr(client) + repr(vars(client)) + str(client.settings)
    error = fault([Answer(f'Bearer {KEY} is not valid', 401)])
    assert KEY not in repr(error) and error.__suppress_context__


def test_a_key_in_escapes_is_found_too():
    body = json.dumps(completion(f'Your key is {KEY}, \ud800')).replace('sk-proj', r'sk\u002dproj')
    replies, _ = answer([Answer(body.replace('tiny-2026-01-01', KEY.replace('-', r'\u002d')))])
    assert (replies[0].text, replies[0].model) == ('Your key is [OPENAI_API_KEY], ?', '[OPENAI_API_KEY]')


def test_messages_and_key_go_to_no_other_server(transport):
    with replay([Answer(completion('Yes.'))]) as other:
        moved = Answer('', 307, {'location': other.url.replace('127.0.0.1', 'localhost') + '/chat/completions'})
        assert 'redirects to another address (HTTP 307)' in str(fault([moved]))
        assert other.bodies == []


def test_the_key_is_sent_by_https_or_to_this_machine_only():
    assert OpenAIClient('tiny')._keeps_key and OpenAIClient('tiny', 'https://example.org/v1')._keeps_key
    client = OpenAIClient('tiny', 'http://example.org/v1')

    async def sent():
        key = client._open().api_key
        await client.close()
        return key

    assert asyncio.run(sent()) == 'none'


def test_a_local_server_needs_no_key(monkeypatch):
    monkeypatch.delenv('OPENAI_API_KEY')
    replies, _ = answer([Answer(completion('A none answer'))])
    assert replies[0].text == 'A none answer'
    with pytest.raises(ServerError, match='set the environment variable OPENAI_API_KEY'):
        asyncio.run(OpenAIClient('tiny').answer(make_request(), 0))


@pytest.mark.parametrize(
    'url', ['localhost:8000', 'ftp://localhost', 'http://', 'http://me:secret@host/v1', 'http://h?key=secret']
)
def test_addresses_are_checked(url):
    with pytest.raises(ValueError, match='base_url') as raised:
        OpenAIClient('tiny', url)
    assert 'secret' not in str(raised.value)


def test_a_client_serves_one_event_loop_after_another(tmp_path):
    with replay([Answer(completion('Yes.'))]) as server:
        client = OpenAIClient('tiny', server.url)
        for _ in range(2):
            assert asyncio.run(client.answer(make_request(), 0)).text == 'Yes.'
