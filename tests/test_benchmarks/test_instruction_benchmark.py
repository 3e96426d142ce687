import json

from benchmarks import run
from benchmarks.instructions import chat_labels, records


def test_records_have_one_round():
    for turns in records(9):
        assert [turn['from'] for turn in turns] == ['human', 'gpt']
        assert turns[0]['value'].startswith('<image>\n') and len(turns[1]['value'].split()) in (25, 110, 180)


def test_labels(tmp_path):
    """At least a token for each word of the answers, and 576 for the image of 336 / 14 by 336 / 14 patches."""
    words = sum(len(turns[1]['value'].split()) for turns in records(3))
    result = chat_labels(3)
    assert result['learned'] * 3 >= words + 3 and result['tokens'] > 576 + result['learned']
    assert run.main(['chat-labels', '--records', '3', '--json', str(tmp_path / 'a.json')]) == 0
    assert json.loads((tmp_path / 'a.json').read_text())['tokens'] == result['tokens']
