"""Every config of texts has what make_texts or judge reads, by names that exist."""

from pathlib import Path

import pytest
from mmengine.config import Config

from clamp_mmpose.cli.make_texts import read_sections
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.llm.build import TYPES, build_language_model
from clamp_mmpose.llm.tasks.build import build_task

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / 'configs' / 'texts').rglob('*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_configs(path):
    sections = read_sections(Config.fromfile(path), str(path))
    assert sections['tasks']
    for name, options in sections['tasks'].items():
        build_task(name, **options)
    assert sections['llm']['type'] in TYPES
    if sections['llm']['type'] == 'openai':
        assert build_language_model(sections['llm']).settings['max_tokens']  # a budget needs it
    assert keypoint_names(sections['facts']['dataset']['type'])


def test_llava_pose():
    """The three types; the published messages by one option."""
    for name in ('coco', 'ap10k'):
        cfg = Config.fromfile(ROOT / f'configs/texts/{name}/llava_pose_gpt-4o.py')
        assert list(cfg.tasks) == ['conversation', 'detail', 'reasoning'] and cfg.llm.model == 'gpt-4o'
        template = Config.fromfile(ROOT / f'configs/texts/{name}/llava_pose_template.py')
        assert template.llm.to_dict() == dict(type='template')
        assert (template.facts, template.tasks) == (cfg.facts, cfg.tasks)
    cfg = Config.fromfile(ROOT / 'configs/texts/coco/llava_pose_gpt-4o.py')
    cfg.merge_from_dict({'tasks.detail.published': True})
    assert build_task('detail', **cfg.tasks.detail).published
