import argparse

import pytest
from replay_server import Answer, completion, replay

from clamp_mmpose.cli.asking import add_asking, run_asking
from clamp_mmpose.llm.client import OpenAIClient
from clamp_mmpose.llm.request import Request

REQUESTS = [
    Request(name, (dict(role='system', content='Short.'), dict(role='user', content=f'Question {name}')), 'p/1')
    for name in 'abc'
]


def run(server, path, *flags):
    parser = argparse.ArgumentParser()
    add_asking(parser)
    client = OpenAIClient('tiny', server.url, max_tokens=100)
    asked = run_asking(parser.parse_args(flags), REQUESTS, client, path, lambda _, text: text)
    return asked, client


def test_dry_run_asks_nothing(tmp_path, capsys):
    """A prompt has 6 + 10 characters in two messages: 2 + 3 + 2 x 8 tokens."""
    with replay([Answer(completion('Yes.'))]) as server:
        asked, _ = run(server, tmp_path / 'j', '--dry-run', '--price-in', '1', '--price-out', '2000')
        assert asked is None and not server.bodies and not (tmp_path / 'j').exists()
        text = capsys.readouterr().out
        assert text.startswith('--- a, prompt p/1\n[system] Short.\n[user] Question a\n--- b, prompt p/1\n')
        assert 'Question c' not in text
        assert '3 requests, 3 to ask; about 63 tokens of prompts, at most 300 of answers' in text
        assert 'cost: at most 0.60, without retries' in text
        run(server, tmp_path / 'j')
        run(server, tmp_path / 'j', '--dry-run')
        assert '3 requests, 0 to ask; about 0 tokens' in capsys.readouterr().out


def test_run_and_summary(tmp_path, capsys):
    answers = [Answer(completion('Yes.')), Answer(completion('Yes', 'length')), Answer(completion('Yes.'))]
    flags = ('--price-in', '1e5', '--price-out', '0', '--retries', '0', '--concurrency', '1')
    with replay(answers) as server:
        asked, client = run(server, tmp_path / 'j', *flags)
    assert client.concurrency == 1 and list(asked.values) == ['a', 'c']
    assert capsys.readouterr().out == (
        '2 answered (0 by the journal); 1 not: 1 truncated; 3 requests sent, 30 + 12 tokens; '
        'cost 3.00, with earlier runs 3.00.\n'
    )


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--price-in', '1'], 'give both --price-in and --price-out'),
        (['--budget', '1'], '--budget needs --price-in and --price-out'),
    ],
)
def test_prices_belong_together(tmp_path, flags, message):
    with replay([]) as server, pytest.raises(ValueError, match=message):
        run(server, tmp_path / 'j', *flags)
