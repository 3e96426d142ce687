"""Keypoints of a category, and the questions and answers of a head that has them."""

import json

import cv2
import numpy as np
import pytest
import torch
from answering_head import answering_config
from mmengine.config import Config
from mmpose.apis import init_model
from mmpose.registry import MODELS
from tiny import write_config, write_dots

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.cli.predict import main
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries

HORSE = load_texts()[2]
BOXES = [[[10, 5, 50, 45], [30, 10, 70, 60], [0, 0, 80, 64]]]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """(config, checkpoint, image)"""
    folder = tmp_path_factory.mktemp('answers')
    config = Config(answering_config())
    config.dump(str(folder / 'config.py'))
    torch.manual_seed(0)
    model = init_model(config, device='cpu')
    for step in model.head.graph_decoder.steps:
        torch.nn.init.normal_(step[-1].weight, std=0.3)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    image = np.random.default_rng(0).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / 'photo.png'), image)
    return str(folder / 'config.py'), str(folder / 'model.pth'), str(folder / 'photo.png')


@pytest.fixture(scope='module')
def inferencer(files):
    return TextPoseInferencer(files[0], files[1], device='cpu')


def predictions(results):
    (result,) = results
    return result['predictions'][0]


def test_names_get_the_descriptions_of_the_category(inferencer, files):
    (found,) = predictions(inferencer(files[2], keypoints=['nose', 'mane', 'neck: thick'], category='Horse Body'))
    assert found['keypoint_names'] == ['nose', 'mane', 'neck']
    assert found['question'] == [
        f'Where is nose: {HORSE.descriptions[2]} of horse body?',
        'Where is mane of horse body?',
        'Where is neck: thick of horse body?',
    ]
    (same,) = predictions(inferencer(files[2], keypoints=['nose', 'mane', 'neck: thick'], category=HORSE))
    assert same == found
    queries = TextQueries.create(['nose', 'mane', 'neck'], [HORSE.descriptions[2], '', 'thick'], category='horse body')
    assert predictions(inferencer(files[2], keypoints=queries)) == [found]
    (plain,) = predictions(inferencer(files[2], keypoints=['nose', 'mane', 'neck: thick']))
    assert plain['question'][0] == 'Where is nose of None?'
    assert not np.allclose(plain['keypoints'], found['keypoints'], atol=1e-3)


def test_all_keypoints_of_a_category(inferencer, files):
    (sample,) = predictions_of_samples(inferencer(files[2], category='horse_body', return_datasamples=True))
    assert sample.keypoint_names == list(HORSE.names) and sample.pred_instances.keypoints.shape == (1, 17, 2)
    assert sample.skeleton_links == list(HORSE.skeleton) and sample.flip_indices == HORSE.flip_indices
    assert sample.keypoint_descriptions == list(HORSE.descriptions) and sample.category == 'horse body'


def predictions_of_samples(results):
    (result,) = results
    return result['predictions']


def test_category_at_the_start(files):
    inferencer = TextPoseInferencer(files[0], files[1], device='cpu', category='fly')
    (fly,) = (texts for texts in load_texts().values() if texts.slug == 'fly')
    assert inferencer.keypoint_names == list(fly.names)
    assert predictions(inferencer(files[2]))[0]['keypoint_names'] == list(fly.names)
    assert predictions(inferencer(files[2], keypoints='nose'))[0]['question'] == ['Where is nose of None?']


def test_unusable_categories(inferencer, files):
    with pytest.raises(ValueError, match='similar: horse_body'):
        list(inferencer(files[2], category='horse'))
    with pytest.raises(ValueError, match='give keypoints= too, as names'):
        list(inferencer(files[2], category='horse_body', skeleton='0-1'))
    with pytest.raises(ValueError, match='TextQueries have a category of their own'):
        list(inferencer(files[2], category='horse_body', keypoints=TextQueries.parse('nose')))


def test_an_unknown_category_is_named_before_the_model_is_read(files, tmp_path):
    (tmp_path / 'model.pth').write_text('not read')
    with pytest.raises(ValueError, match=r"no category is named 'horse'"):
        TextPoseInferencer(files[0], str(tmp_path / 'model.pth'), device='cpu', category='horse')


def test_a_head_with_fixed_keypoints_takes_no_category(tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', 1))
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), tmp_path / 'model.pth')
    with pytest.raises(ValueError, match=r'CLAMPHead finds 5 fixed keypoints .* head reads text'):
        TextPoseInferencer(str(config), str(tmp_path / 'model.pth'), device='cpu', category='horse_body')


@pytest.mark.parametrize('merged', [True, False])
def test_answers_of_several_boxes(inferencer, files, merged):
    """Each instance has the answers of its own crop: the keypoints in pixels of the 64 x 64 input."""
    results = list(inferencer(files[2], keypoints='nose, tail', bboxes=BOXES, merge_results=merged))
    found = results[0]['predictions'][0] if merged else [one for (one,) in results[0]['predictions']]
    assert len(found) == 3
    for instance, (x1, y1, x2, y2) in zip(found, BOXES[0]):
        assert instance['question'] == ['Where is nose of None?', 'Where is tail of None?']
        side = max(x2 - x1, y2 - y1) * 1.25
        start = np.array([x1 + x2, y1 + y2]) / 2 - side / 2
        crop = (np.array(instance['keypoints']) - start) / side * 64
        answers = [json.loads(answer) for answer in instance['answer']]
        assert np.abs(crop - 0.5 - np.array(answers)).max() < 0.502
    assert found[0]['answer'] != found[1]['answer']


def test_answers_follow_the_instances_that_are_kept(inferencer, files):
    boxes = [[BOXES[0][0], BOXES[0][1], BOXES[0][0]]]
    arguments = dict(keypoints='nose, tail, left ear', bboxes=boxes)
    every = predictions(inferencer(files[2], **arguments))
    kept = predictions(inferencer(files[2], pose_based_nms=True, **arguments))
    assert len(kept) == 2
    for instance in kept:
        (same,) = [one for one in every[:2] if one['keypoints'] == instance['keypoints']]
        assert instance['answer'] == same['answer']
    assert predictions(inferencer(files[2], bboxes=[[]], keypoints='nose')) == []


def test_tool(files, tmp_path, capsys):
    """Questions and answers are in the JSON file; a description follows the colon."""
    options = ['--bbox', '10,5,40,40', '--out-dir', str(tmp_path), '--device', 'cpu']
    names = 'nose: its tip, left eye'
    assert main([*files, '--keypoints', names, '--category', 'horse_body', *options]) == 0
    (found,) = json.loads((tmp_path / 'predictions/photo.json').read_text())
    assert found['question'] == [
        'Where is nose: its tip of horse body?',
        f'Where is left eye: {HORSE.descriptions[0]} of horse body?',
    ]
    assert len(found['answer']) == 2 and json.loads(found['answer'][0])
    assert main([*files, '--category', 'horse_body', *options]) == 0
    (found,) = json.loads((tmp_path / 'predictions/photo.json').read_text())
    assert found['keypoint_names'] == list(HORSE.names) and len(found['answer']) == 17
    assert main([*files, '--category', 'hrose_body', *options]) == 1
    assert "error: no category is named 'hrose_body'; similar: horse_body" in capsys.readouterr().err


def test_a_text_query_head_has_no_answers(tmp_path, files):
    config = Config.fromfile(files[0])
    config.model.head.type = 'TextQueryHead'
    config.dump(str(tmp_path / 'config.py'))
    inferencer = TextPoseInferencer(str(tmp_path / 'config.py'), files[1], device='cpu', category='horse_body')
    (found,) = predictions(inferencer(files[2]))
    assert found['keypoint_names'] == list(HORSE.names) and 'answer' not in found and 'question' not in found
