"""tools/make_texts.py for descriptions and keypoint texts, by rules, up to the data sets that read the files."""

import json

import pytest
from mmpose.registry import DATASETS
from PIL import Image

from clamp_mmpose.cli.make_texts import main
from clamp_mmpose.language.category_texts import load_texts

JOINTS = [
    [40, 95], [40, 75], [42, 55], [54, 55], [56, 75], [56, 95], [48, 55], [48, 25],
    [48, 22], [48, 8], [30, 52], [32, 40], [38, 28], [58, 28], [70, 15], [72, 2],
]  # fmt: skip


def write_config(path, dataset):
    (path / 'config.py').write_text(f"facts = dict(dataset={dataset!r})\nllm = dict(type='template')\n")
    return str(path / 'config.py')


@pytest.mark.parametrize('suffix', ['json', 'jsonl'])
def test_descriptions_are_read_by_the_data_set(tmp_path, suffix, capsys):
    rows = [dict(image='001.png', joints=JOINTS, joints_vis=[1] * 16, center=[48, 50], scale=0.5)] * 2
    (tmp_path / 'mpii.json').write_text(json.dumps(rows))
    Image.new('L', (100, 100)).save(tmp_path / '001.png')
    dataset = dict(ann_file=str(tmp_path / 'mpii.json'), data_prefix=dict(img=str(tmp_path)))
    out = tmp_path / f'template.{suffix}'
    config = write_config(tmp_path, dict(dataset, type='MpiiDataset'))
    assert main(['descriptions', config, '--out', str(out)]) == 0
    assert 'wrote 1 texts' in capsys.readouterr().out
    read = DATASETS.build(dict(dataset, type='MPIIDescriptionsDataset', description_files=[str(out)]))
    (description,) = read.get_data_info(0)['descriptions']
    assert 'two people' in description.lower() and 'left arm' in description


def test_keypoint_texts_become_a_folder(tmp_path, capsys):
    category = dict(id=7, name='crab', keypoints=['left_claw', 'right_claw', 'shell'], skeleton=[[1, 3], [2, 3]])
    ann = dict(id=1, image_id=1, category_id=7, bbox=[0, 0, 40, 20], keypoints=[0, 0, 2, 40, 0, 2, 20, 20, 2])
    content = dict(
        images=[dict(id=1, file_name='a.png', width=50, height=50)], annotations=[ann], categories=[category]
    )
    (tmp_path / 'crabs.json').write_text(json.dumps(content))
    config = write_config(tmp_path, dict(type='MP100Dataset', ann_file=str(tmp_path / 'crabs.json')))
    command = ['keypoint_texts', config, '--out', str(tmp_path / 'texts')]
    assert main(command) == 0
    (crab,) = load_texts(tmp_path / 'texts').values()
    assert (crab.slug, crab.names, crab.flip_indices) == ('crab', ('left claw', 'right claw', 'shell'), [1, 0, 2])
    assert crab.descriptions[2] == (
        'The shell is on the midline of the crab, next to the left claw and the right claw and near the bottom.'
    )
    assert (tmp_path / 'texts.provenance.jsonl').is_file()
    assert main(command) != 0  # it would overwrite corrections
    assert 'needs the name of a new folder' in capsys.readouterr().err
