import asyncio
import io
import json
import threading
from functools import partial

import pytest
from replay_server import Answer, completion, replay
from tqdm import tqdm

from clamp_mmpose.llm.ask import ask
from clamp_mmpose.llm.asked import Prices
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.journal import Journal
from clamp_mmpose.llm.language_model import ServerError
from clamp_mmpose.llm.request import Request, Usage


def make_requests(number, **settings):
    return [
        Request(f'r{i}', (dict(role='user', content=f'question {i}'),), 'conversation/1', settings)
        for i in range(number)
    ]


def parse(request, text):
    """The answer must begin with the word of the question."""
    if not text.startswith('answer'):
        raise ValueError('no answer')
    return text.upper()


def echo(body):
    return Answer(completion(body['messages'][0]['content'].replace('question', 'answer')))


def run(server, path, requests, retries=2, model=(), **kwargs):
    client = OpenAIClient('tiny', server.url, **{'max_retries': 0, **dict(model)})
    with Journal(path) as journal:
        return ask(requests, client, journal, kwargs.pop('parse', parse), retries, progress=False, **kwargs)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_answers_are_parsed_and_kept(tmp_path):
    with replay(echo) as server:
        asked = run(server, tmp_path / 'j.jsonl', make_requests(3))
    assert asked.values == dict(r0='ANSWER 0', r1='ANSWER 1', r2='ANSWER 2')
    assert (asked.sent, asked.reused, asked.failed, asked.usage) == (3, 0, {}, Usage(30, 12))
    kept = {line['id']: line for line in lines(tmp_path / 'j.jsonl')}
    assert {name: kept['r1'][name] for name in ('status', 'text', 'usage', 'model', 'prompt', 'attempt')} == dict(
        status='done', text='answer 1', usage=[10, 4], model='tiny-2026-01-01', prompt='conversation/1', attempt=0
    )
    assert kept['r1']['settings'] == dict(model='tiny', temperature=0.7, max_tokens=1024, seed=0)
    provenance = asked.provenance['r1']
    assert provenance['key'] == kept['r1']['key'] and provenance['attempts'] == 1
    assert provenance['model'] == 'tiny-2026-01-01' and provenance['prompt'] == 'conversation/1'


def test_an_event_loop_may_be_running(tmp_path):
    """As in Jupyter; errors arrive too."""

    async def cell(path):
        return run(server, path, make_requests(3))

    with replay(echo) as server:
        assert asyncio.run(cell(tmp_path / 'j.jsonl')).values == dict(r0='ANSWER 0', r1='ANSWER 1', r2='ANSWER 2')
    with replay(lambda body: Answer(status=401)) as server, pytest.raises(ServerError):
        asyncio.run(cell(tmp_path / 'k.jsonl'))


def test_what_the_journal_has_is_not_asked(tmp_path):
    path = tmp_path / 'j.jsonl'
    with replay(echo) as server:
        run(server, path, make_requests(2))
        before = path.read_bytes()
        again = run(server, path, make_requests(2))
        assert len(server.bodies) == 2 and path.read_bytes() == before
        more = run(server, path, make_requests(3))
        other = run(server, path, make_requests(1, temperature=0.1))
    assert again.values == dict(r0='ANSWER 0', r1='ANSWER 1') and (again.sent, again.reused) == (0, 2)
    assert (more.sent, more.reused, other.sent) == (1, 2, 1)


def test_the_same_request_is_asked_once(tmp_path):
    twins = [Request(name, make_requests(1)[0].messages, 'p/1') for name in 'ab']
    with replay(echo) as server:
        asked = run(server, tmp_path / 'j.jsonl', twins)
    assert asked.values == dict(a='ANSWER 0', b='ANSWER 0') and asked.sent == 1
    with replay(echo) as server, pytest.raises(ValueError, match="two requests have the id 'r0'"):
        run(server, tmp_path / 'j.jsonl', 2 * make_requests(1))


@pytest.mark.parametrize(
    ('bad', 'status', 'reason'),
    [
        (completion('answer', 'length'), 'truncated', 'truncated: raise max_tokens'),
        (completion(None, refusal='I will not.'), 'refused', 'refused: I will not.'),
        (completion('', 'content_filter'), 'refused', 'refused: content_filter'),
        (completion('As a model'), 'unparsable', 'unparsable: no answer'),
        (completion(None), 'unparsable', 'unparsable: the text is empty'),
    ],
)
def test_bad_answers_are_kept_marked_and_asked_again(tmp_path, bad, status, reason):
    path = tmp_path / 'j.jsonl'
    with replay([Answer(bad), Answer(completion('answer'))]) as server:
        asked = run(server, path, make_requests(1))
        assert [body['seed'] for body in server.bodies] == [0, 1]
    assert asked.values == dict(r0='ANSWER') and asked.provenance['r0']['attempts'] == 2
    assert [(line['status'], line['attempt']) for line in lines(path)] == [(status, 0), ('done', 1)]
    path.unlink()
    with replay([Answer(bad)]) as server:
        assert run(server, path, make_requests(1)).failed == dict(r0=reason)
        assert len(server.bodies) == 3
        assert run(server, path, make_requests(1)).failed == dict(r0=reason)
        assert len(server.bodies) == 3  # no further attempt is left
        run(server, path, make_requests(1), retries=3)
        assert [body['seed'] for body in server.bodies] == [0, 1, 2, 3]


def test_a_better_parser_reads_what_the_journal_has(tmp_path):
    with replay([Answer(completion('As a model'))]) as server:
        run(server, tmp_path / 'j.jsonl', make_requests(1), retries=0)
        asked = run(server, tmp_path / 'j.jsonl', make_requests(1), parse=lambda _, text: text)
        assert asked.values == dict(r0='As a model') and len(server.bodies) == 1


def test_an_answer_is_kept_though_the_parser_fails(tmp_path):
    def broken(request, text):
        raise KeyError('fault')

    with replay(echo) as server, pytest.raises(KeyError, match='fault'):
        run(server, tmp_path / 'j.jsonl', make_requests(1), parse=broken)
    assert [(line['status'], line['text']) for line in lines(tmp_path / 'j.jsonl')] == [('unparsable', 'answer 0')]


def test_errors_are_recorded_and_do_not_count_in_the_next_run(tmp_path):
    path = tmp_path / 'j.jsonl'
    bad = Answer(dict(error=dict(message='maximum context length is 4096 tokens')), 400)
    with replay([bad, Answer(completion('answer'))]) as server:
        asked = run(server, path, make_requests(1))
        assert len(server.bodies) == 1  # the same request would fail again
        assert 'maximum context length' in asked.failed['r0']
        assert run(server, path, make_requests(1), retries=0).values == dict(r0='ANSWER')
    assert [line['status'] for line in lines(path)] == ['error', 'done']


def test_missing_usage_is_estimated_and_marked(tmp_path):
    body = completion('answer ' * 8)
    del body['usage']
    with replay([Answer(body)]) as server:
        asked = run(server, tmp_path / 'j.jsonl', make_requests(1), prices=Prices(1.0, 2.0))
    assert asked.estimated == 1 and asked.usage == Usage(3 + 8, 14)  # 10 and 56 characters, one message
    assert 'those of 1 estimated from the length of the texts; cost' in asked.summary()
    assert asked.cost == pytest.approx((11 + 2 * 14) / 1e6)
    assert lines(tmp_path / 'j.jsonl')[0]['estimated'] is True


def test_the_run_ends_before_the_budget_is_exceeded(tmp_path):
    """Each request may cost 18 bytes + 8 + 74 answered tokens = 100, and costs 14."""
    requests = make_requests(10, max_tokens=82)
    path = tmp_path / 'j.jsonl'
    with replay(echo) as server:
        asked = run(server, path, requests, budget=170.0, prices=Prices(1e6, 1e6))
        assert asked.cost == asked.total_cost == 14 * asked.sent <= 170 < 14 * asked.sent + 100
        assert asked.sent == len(asked.values) == len(server.bodies) == 6
        assert asked.failed['r9'] == 'not asked: the next request may exceed the budget of 170'
        again = run(server, path, requests, budget=170.0, prices=Prices(1e6, 1e6))
        assert (again.sent, again.reused, again.total_cost) == (0, 6, 84)
        assert run(server, path, requests, budget=1000.0, prices=Prices(1e6, 1e6)).sent == 4
    with pytest.raises(ValueError, match='a budget needs the prices'):
        run(server, path, requests, budget=1.0)
    with replay(echo) as server, pytest.raises(ValueError, match='needs max_tokens'):
        run(server, path, make_requests(11), budget=1.0, prices=Prices(1, 1), model=dict(max_tokens=None))


def test_what_is_under_way_counts(tmp_path):
    """Of 16 workers only as many send at a time as the budget could pay for."""
    under_way, most, lock = [0], [0], threading.Lock()

    def slow(body):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        timer = threading.Timer(0.05, lambda: under_way.__setitem__(0, under_way[0] - 1))
        timer.start()
        return Answer(completion('answer'), delay=0.06)

    with replay(slow) as server:
        asked = run(server, tmp_path / 'j', make_requests(8, max_tokens=82), budget=330.0, prices=Prices(1e6, 1e6))
    assert most[0] == 3 and len(asked.values) == 8


def test_a_server_that_cannot_be_used_ends_the_run_and_answers_stay(tmp_path):
    path = tmp_path / 'j.jsonl'
    with replay([*4 * [Answer(completion('answer'))], Answer('', 401)]) as server:
        with pytest.raises(ServerError, match='refuses the key'):
            run(server, path, make_requests(100), model=dict(concurrency=2))
        assert len(server.bodies) <= 6
    assert len(lines(path)) == 4


def test_many_errors_in_a_row_end_the_run(tmp_path):
    with replay([Answer(dict(error='unknown model'), 400)]) as server:
        with pytest.raises(ServerError, match=r'20 requests failed in a row, the last one: .*unknown model'):
            run(server, tmp_path / 'j', make_requests(100), model=dict(concurrency=4))
        assert len(server.bodies) <= 24


def test_the_progress_bar_shows_the_cost(tmp_path, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr('clamp_mmpose.llm.ask.tqdm', partial(tqdm, file=shown, mininterval=0))
    monkeypatch.setattr(shown, 'isatty', lambda: True)
    with replay(echo) as server, Journal(tmp_path / 'j') as journal:
        ask(make_requests(3), OpenAIClient('tiny', server.url), journal, parse, prices=Prices(1e5, 1e5))
    last = shown.getvalue().split('\r')[-1]
    assert '3/3' in last and 'cost=4.20' in last and 'failed=0' in last  # 3 x 14 tokens
