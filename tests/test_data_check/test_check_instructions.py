"""tools/check_dataset.py on instruction data."""

import json
from collections import Counter

import pytest
from mmengine.config import Config
from PIL import Image
from tiny_llava import IMAGE_TOKENS, tiny_llava_config, tiny_llava_processor

from clamp_mmpose.cli.check_dataset import main
from clamp_mmpose.codecs import ChatTokens
from clamp_mmpose.data_check.check import check_dataset

QUESTION, ANSWER = {'from': 'human', 'value': '<image>\nWho?'}, {'from': 'gpt', 'value': 'A man.'}
FAULTY = dict(  # records by the code of their fault
    CV001=dict(image='a.png'),
    CV002=dict(image='a.png', conversations=[dict(QUESTION, **{'from': 'user'}), ANSWER]),
    CV003=dict(image='a.png', conversations=[QUESTION, QUESTION, ANSWER]),
    CV004=dict(image='a.png', conversations=[QUESTION, dict(ANSWER, value=' ')]),
    CV005=dict(image=['a.png', 'a.png'], conversations=[QUESTION, ANSWER]),
    CV006=dict(image='a.png', conversations=[dict(QUESTION, value='Who?'), ANSWER]),
    CV007=dict(image='a.png', conversations=[ANSWER, QUESTION, ANSWER]),
    CV008=dict(image='a.png', conversations=[QUESTION, dict(ANSWER, value='A </s> man.')]),
    CV009=dict(image='a.png', conversations=[QUESTION, dict(ANSWER, value='A man. ' * 40)]),
    IM004=dict(image='no.png', conversations=[QUESTION, ANSWER]),
    IM005=dict(image='bad.png', conversations=[QUESTION, ANSWER]),
)


@pytest.fixture(scope='module')
def processor(tmp_path_factory):
    folder = tmp_path_factory.mktemp('llava') / 'processor'
    config = tiny_llava_config(tiny_llava_processor(folder), max_position_embeddings=100)
    (folder / 'config.json').write_text(json.dumps(config))
    return str(folder)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'images').mkdir()
    Image.new('RGB', (60, 40), 'red').save(tmp_path / 'images/a.png')
    (tmp_path / 'images/bad.png').write_bytes((tmp_path / 'images/a.png').read_bytes()[:60])
    good = [dict(id='g', image='a.png', conversations=[QUESTION, ANSWER])]
    good.append(dict(id='text', conversations=[dict(QUESTION, value='Who?'), ANSWER]))
    faulty = [dict(id=code, **record) for code, record in FAULTY.items()]
    (tmp_path / 'good.json').write_text(json.dumps(good))
    (tmp_path / 'faulty.jsonl').write_text('\n'.join(map(json.dumps, faulty)))
    return tmp_path


def config(folder, processor, *files, **step):
    pipeline = [dict(dict(type='TokenizeConversation', processor=processor), **step)]
    own = dict(ann_files=list(files), data_root=str(folder), data_prefix=dict(img='images'), pipeline=pipeline)
    return dict(type='InstructionDataset', **own)


def test_each_fault_has_its_rule(folder, processor):
    found = check_dataset(config(folder, processor, 'good.json', 'faulty.jsonl'))
    named = {(finding.code, finding.item.split("'")[1]) for finding in found if finding.item.startswith('record')}
    assert named == {(code, code) for code in FAULTY if code.startswith('CV') and code != 'CV001'}
    assert [finding.item for finding in found if finding.code == 'CV001'] == ['faulty.jsonl, line 1']
    images = {finding.item.rsplit('/', 1)[-1]: finding.code for finding in found if finding.code[:2] == 'IM'}
    assert images == {'no.png': 'IM004', 'bad.png': 'IM005'}
    (uncounted,) = (finding for finding in found if finding.code == 'TX006')
    assert uncounted.detail == 'images of 1 of 8 records cannot be read here'
    assert Counter(finding.level for finding in found) == dict(error=9, warning=2, info=1)
    by_code = {finding.code: finding.detail for finding in found}
    assert by_code['CV001'] == 'conversations must be a list of turns, got None'
    assert by_code['CV005'] == '2 images for 1 <image> tag'
    assert "record 'CV008': a turn from assistant has the special token '</s>'" in by_code['CV008']


def test_length(folder, processor):
    """A record's tokens against max_length, or the context of the model in the processor's folder (100)."""
    from clamp_mmpose.checkpoints.hub import load_processor

    record = FAULTY['CV009']
    length = len(ChatTokens(load_processor(processor)).encode(record['conversations'], [(60, 40)])[0])
    assert length > 100 + IMAGE_TOKENS

    def found(**step):
        dataset = config(folder, processor, 'long.json', **step)
        return [(finding.code, finding.item, finding.detail) for finding in check_dataset(dataset)]

    (folder / 'long.json').write_text(
        json.dumps([dict(id='long', **record), dict(id='g', conversations=[dict(QUESTION, value='Who?'), ANSWER])])
    )
    assert found() == [('CV009', "record 'long'", f'{length} tokens, limit 100')]
    assert found(max_length=80, too_long='drop_rounds') == [('CV010', "record 'long'", f'{length} tokens, limit 80')]
    assert [row[0] for row in found(max_length=120, too_long='skip')] == ['CV009'], 'the context is shorter'
    assert [row[0] for row in found(type='TokenizeConversation', template='none')] == ['TX006']


def test_images_that_are_left_out(folder, processor):
    dataset = dict(config(folder, processor, 'some.json'), missing_images='skip')
    records = [dict(id=i, image=f'{name}.png', conversations=[QUESTION, ANSWER]) for i, name in enumerate(('a', 'no'))]
    (folder / 'some.json').write_text(json.dumps(records))
    found = [(finding.code, finding.detail) for finding in check_dataset(dataset)]
    assert found == [
        ('CV011', 'images that do not exist: 1'),
        ('TX006', 'images of 1 of 2 records cannot be read here'),
    ]


def test_files_that_cannot_be_read(folder, processor):
    (folder / 'cut.json').write_text('[{"id"')
    found = check_dataset(config(folder, processor, 'cut.json', 'none.json'))
    assert [finding.code for finding in found] == ['AF002', 'AF001']
    assert [finding.code for finding in check_dataset(dict(config(folder, processor, 'good.json'), weights=[0]))] == [
        'CF004'
    ]


def test_the_command(folder, processor, capsys):
    """A sound file goes through the pipeline, too."""
    loader = dict(batch_size=1, dataset=config(folder, processor, 'good.json'))
    Config(dict(train_dataloader=loader)).dump(folder / 'config.py')
    assert main([str(folder / 'config.py')]) == 0
    assert '0 errors, 0 warnings in 1 data set (1 image, 2 instances)' in capsys.readouterr().out
    loader['dataset']['ann_files'] = ['faulty.jsonl']
    Config(dict(train_dataloader=loader)).dump(folder / 'config.py')
    assert main([str(folder / 'config.py'), '--no-images']) == 1
    assert 'CV005 image tags are not as many as images' in capsys.readouterr().out


def test_poses(folder, processor):
    turns = [dict(QUESTION, value='Pose?'), dict(ANSWER, value='It is <POSE>.')]
    pose = dict(axis_angle=[[0, 0, 0]] * 24)
    records = dict(
        good=dict(poses=[pose]),
        none={},
        two=dict(poses=[pose, pose]),
        short=dict(poses=[dict(axis_angle=[[0, 0, 0]] * 23)]),
        thumb=dict(poses=[dict(pose, joints=['left thumb'])]),
        degrees=dict(poses=[dict(axis_angle=[[0, 0, 180]] * 24)]),
    )
    path = folder / 'poses.jsonl'
    path.write_text('\n'.join(json.dumps(dict(one, id=name, conversations=turns)) for name, one in records.items()))
    found = check_dataset(config(folder, processor, 'poses.jsonl', pose_token='<POSE>'))
    assert [(finding.code, finding.item.split("'")[1]) for finding in found] == [
        ('CV012', 'none'),
        ('CV012', 'two'),
        ('CV013', 'short'),
        ('CV013', 'thumb'),
        ('CV014', 'degrees'),
    ]
    assert found[1].detail == '2 poses for 1 <POSE>' and found[4].detail == 'pose 0: 180.0 radians'


def test_pose_dataset(folder):
    """A PoseDataset is read, and its images are checked."""
    pose = dict(axis_angle=[[0, 0, 0]] * 24)
    records = [dict(id=name, image=f'{name}.png', texts=['Sits.'], poses=[pose]) for name in ('a', 'bad', 'no')]
    (folder / 'poses.json').write_text(json.dumps(records))
    reader = dict(type='PoseRecords', ann_files=str(folder / 'poses.json'), images=str(folder / 'images'))
    found = check_dataset(dict(type='PoseDataset', reader=reader, task='image'))
    assert sorted(finding.code for finding in found) == ['IM004', 'IM005']
    assert not check_dataset(dict(type='PoseDataset', reader=reader, task='text'))
    (folder / 'poses.json').write_text('[{}]')
    assert [finding.code for finding in check_dataset(dict(type='PoseDataset', reader=reader, task='text'))] == [
        'CF004'
    ]
