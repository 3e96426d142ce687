import asyncio
import json

from replay_server import Answer, completion, replay

from benchmarks import llm_asking, run


def test_journal(tmp_path):
    """In this process, which has the package already."""
    path = str(tmp_path / 'journal.jsonl')
    llm_asking._write_journal(path, 20)
    result = llm_asking._resume(path, 20)
    assert result['lines'] == 20 and 0 < result['opened_s'] < result['resumed_s'] < 5
    assert result['resumed_mib'] < 50
    line = json.loads((tmp_path / 'journal.jsonl').read_text().splitlines()[0])
    assert line['text'] == llm_asking.TEXT and line['usage'] == [900, 250]


def test_rate(monkeypatch, tmp_path, capsys):
    """Against a server of this process; both ways send the same."""
    with replay([Answer(completion('Yes.'))]) as server:
        llm_asking._ask(server.url, 3)
        ours = sorted(json.dumps(body, sort_keys=True) for body in server.bodies)
        asyncio.run(llm_asking._bare(server.url, 3))
        assert sorted(json.dumps(body, sort_keys=True) for body in server.bodies[3:]) == ours

    measured = dict(ideal_per_s=800, per_s=400, bare_per_s=500, of_ideal=0.5, of_bare=0.8, cpu_ms=2.5, bare_cpu_ms=2)
    monkeypatch.setattr(llm_asking, 'rate', lambda requests, delay: dict(measured, requests=requests, delay_s=delay))
    assert run.main(['llm-rate', '--requests', '5', '--json', str(tmp_path / 'out.json')]) == 0
    assert json.loads((tmp_path / 'out.json').read_text())['delay_s'] == 0.02
    assert '50 % of the ideal rate, 80 % of the package alone' in capsys.readouterr().out
