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
    assert sections['facts'] or sections['poses']
    kind = sections['facts']['dataset']['type'] if sections['facts'] else None
    if kind not in (None, 'MP100Dataset', 'CUBDataset'):  # whose names are in their files
        assert keypoint_names(kind)


def test_llava_pose():
    """The three types; the published messages by one option."""
    for name in ('coco', 'ap10k'):
        cfg = Config.fromfile(ROOT / f'configs/texts/{name}/llava_pose_gpt-4o.py')
        assert list(cfg.tasks) == ['conversation', 'detail', 'reasoning'] and cfg.llm.model == 'gpt-4o'
        template = Config.fromfile(ROOT / f'configs/texts/{name}/llava_pose_template.py')
        assert template.llm.to_dict() == dict(type='template')
        assert (template.facts, template.tasks) == (cfg.facts, cfg.tasks)
    cfg = Config.fromfile(ROOT / 'configs/texts/coco/llava_pose_gpt-4o.py')
    data = Config.fromfile(ROOT / 'configs/llava_pose/coco/llava-1.5-7b_full_lora.py').train_dataloader.dataset
    images = cfg.facts.dataset.data_root + cfg.facts.dataset.data_prefix.img
    for task in cfg.tasks.values():  # training finds the images that the records name
        assert f'{data.data_root}{data.data_prefix.img}{task.image_folder}/' == images
    cfg.merge_from_dict({'tasks.detail.published': True})
    assert build_task('detail', **cfg.tasks.detail).published


def test_descriptions():
    """The paper's language models and settings (appendix A.1), and one switch for each ablation."""
    configs = {
        path.stem[13:]: read_sections(Config.fromfile(path), str(path))
        for path in CONFIGS
        if path.parent.name == 'mpii'
    }
    models = {name: cfg['llm']['model'] for name, cfg in configs.items() if name != 'template'}
    assert models['gpt-4'] == 'gpt-4-0613' and models['gpt-3.5'] == 'gpt-3.5-turbo-0613'
    assert models['llama-2-70b'] == 'meta-llama/Llama-2-70b-chat-hf'
    assert all(
        (cfg['llm']['temperature'], cfg['llm']['max_tokens']) == (0.5, 512)
        for cfg in configs.values()
        if 'model' in cfg['llm']
    )
    plain = configs['gpt-4']['tasks']['descriptions']
    assert plain == dict(dataset_name='MPII Human Pose dataset')
    for name, switch in (('plain', 'structured'), ('no-persona', 'persona'), ('no-activity', 'activity')):
        assert configs[f'gpt-4_{name}']['tasks']['descriptions'] == {**plain, switch: False}
        assert models[f'gpt-4_{name}'] == models['gpt-4']
