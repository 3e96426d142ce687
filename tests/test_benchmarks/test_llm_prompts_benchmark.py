import json

import pytest

from benchmarks import run
from benchmarks.llm_prompts import llm_prompts, write_annotations
from clamp_mmpose.datasets.instructions.read_facts import read_facts
from clamp_mmpose.llm.tasks.build import build_task


def test_annotations_are_as_dense_as_coco(tmp_path):
    write_annotations(tmp_path, 400)
    read = read_facts(
        dict(type='CocoDataset', data_root=str(tmp_path), ann_file='people.json'),
        captions=str(tmp_path / 'captions.json'),
        objects=str(tmp_path / 'objects.json'),
    )
    assert len(read.images) == 400 and not read.dropped
    assert sum(len(facts.instances) for facts in read.images) / 400 == pytest.approx(2.34, abs=0.2)
    assert {(len(facts.captions), len(facts.objects)) for facts in read.images} == {(5, 4)}
    (request,) = build_task('detail').requests(read.images[:1])
    text = request.messages[-1]['content']
    assert text.count('Caption ') == 5 and text.count('thing ') == 4 and text.count('keypoints: ') >= 1


def test_command(tmp_path, capsys):
    assert run.main(['llm-prompts', '--images', '20', '--json', str(tmp_path / 'a.json')]) == 0
    assert '20 images' in capsys.readouterr().out
    result = json.loads((tmp_path / 'a.json').read_text())
    assert result['images'] == 20
    assert all(0 < result[f'{name}_s'] < 5 for name in ('reading', 'conversation', 'detail', 'reasoning'))


def test_missing_requests_are_noticed(monkeypatch):
    monkeypatch.setattr(
        'benchmarks.llm_prompts.build_task',
        lambda name: type('Task', (), dict(requests=lambda _, images: images[1:]))(),
    )
    with pytest.raises(RuntimeError, match='conversation made 2 requests about 3 images'):
        llm_prompts(3)
