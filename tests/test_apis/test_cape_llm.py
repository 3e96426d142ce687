"""CapeLLMHead in TextPoseInferencer, tools/predict.py and the web page's search."""

import copy
import dataclasses
import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpose.apis import init_model
from tiny import text_query_config
from tiny_tokenizers import byte_level

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.cli.predict import main
from clamp_mmpose.language.category_texts import load_texts

pytest.importorskip('transformers')

HORSE = load_texts()[2]
BOXES = [[[10, 5, 50, 45], [30, 10, 70, 60]]]


@pytest.fixture(scope='module')
def tokenizer(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp('tokenizer') / 'digits', triples=False, start=True)


@pytest.fixture(scope='module', params=['text', 'bins', 'pointer'])
def files(request, tokenizer, tmp_path_factory):
    """(config, checkpoint, image) of a tiny model with one of the answers."""
    folder = tmp_path_factory.mktemp('cape_llm')
    config = copy.deepcopy(text_query_config())
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    config['model']['head'] = dict(
        type='CapeLLMHead',
        in_channels=32,
        language_model=dict(
            type='CausalLanguageModel',
            config=dict(model_type='llama', max_position_embeddings=1024, **sizes),
            tokenizer=tokenizer,
            tune='full',
        ),
        decoder=dict(type='CoordinateAnswer', input_size=(64, 64)),
        answer=request.param,
    )
    config = Config(config)
    config.dump(str(folder / 'config.py'))
    torch.manual_seed(0)
    torch.save(dict(state_dict=init_model(config, device='cpu').state_dict()), folder / 'model.pth')
    image = np.random.default_rng(0).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / 'photo.png'), image)
    return str(folder / 'config.py'), str(folder / 'model.pth'), str(folder / 'photo.png'), request.param


@pytest.fixture(scope='module')
def inferencer(files):
    return TextPoseInferencer(files[0], files[1], device='cpu')


def test_questions_and_answers_of_several_boxes(inferencer, files):
    """The answer is the keypoint as fractions of the crop, which is 1.25 times the longer side of its box."""
    asked = ['nose', 'left ear: the tip of it']
    (result,) = inferencer(files[2], keypoints=asked, category='horse_body', bboxes=BOXES)
    assert len(result['predictions'][0]) == 2
    for instance, (x1, y1, x2, y2) in zip(result['predictions'][0], BOXES[0]):
        assert instance['keypoint_names'] == ['nose', 'left ear']
        first, second = instance['question']
        assert 'Where is the nose' in first and HORSE.descriptions[2] in first
        assert 'Where is the left ear' in second and 'the tip of it' in second
        side = max(x2 - x1, y2 - y1) * 1.25
        start = np.array([x1 + x2, y1 + y2]) / 2 - side / 2
        fractions = np.array([json.loads(answer) for answer in instance['answer']])
        assert fractions.shape == (2, 2) and (fractions >= 0).all() and (fractions <= 0.999).all()
        # written with three digits; .999 for all above
        np.testing.assert_allclose(start + fractions * side, instance['keypoints'], atol=1.1e-3 * side)
        assert all(0 <= score <= 1 for score in instance['keypoint_scores'])


def test_temperature(inferencer, files):
    """It halves the log-odds of the scores and leaves the positions."""
    arguments = dict(keypoints='nose, tail', bboxes=[[BOXES[0][0]]])
    (before,) = next(iter(inferencer(files[2], **arguments)))['predictions'][0]
    inferencer.model.test_cfg['temperature'] = 2.0
    try:
        (after,) = next(iter(inferencer(files[2], **arguments)))['predictions'][0]
    finally:
        inferencer.model.test_cfg['temperature'] = 1.0
    assert after['keypoints'] == before['keypoints']
    odds = [np.array(one['keypoint_scores']) / (1 - np.array(one['keypoint_scores'])) for one in (before, after)]
    np.testing.assert_allclose(odds[1] ** 2, odds[0], rtol=1e-3)


def test_score_maps(inferencer, files):
    """A pointer's heatmaps are drawn; other answers have none, which is said before anything runs."""
    arguments = dict(keypoints='nose, tail', bboxes=BOXES, draw_score_maps=True, return_vis=True)
    assert inferencer.has_score_maps == (files[3] == 'pointer')
    if files[3] != 'pointer':
        with pytest.raises(ValueError, match=r"no score maps to draw; .*CapeLLMHead with answer='pointer'"):
            list(inferencer(files[2], **arguments))
        return
    (result,) = inferencer(files[2], return_datasamples=True, **arguments)
    (sample,) = result['predictions']
    maps = sample.pred_fields.score_maps
    assert maps.shape == (2, 64, 80) and maps.min() >= 0
    assert maps.max() == pytest.approx(1, abs=0.02)  # at the center of the likeliest token
    assert result['visualization'][0].shape == (22 + 192, 2 * 240, 3)  # a title and a copy of the image for each


def test_tool(files, tmp_path, capsys):
    options = ['--out-dir', str(tmp_path), '--device', 'cpu']
    keypoints = ['--keypoints', 'left ear: the tip of the left ear, nose']
    draw = ['--draw', 'score_maps'] if files[3] == 'pointer' else []
    assert main([*files[:3], *keypoints, *options, *draw]) == 0
    (found,) = json.loads((tmp_path / 'predictions/photo.json').read_text())
    assert found['keypoint_names'] == ['left ear', 'nose'] and len(found['answer']) == 2
    assert 'the tip of the left ear' in found['question'][0] and 'Reference' not in found['question'][1]
    assert (tmp_path / 'visualizations/photo.png').is_file()
    assert main([*files[:3], '--category', 'horse_body', *options]) == 0
    (found,) = json.loads((tmp_path / 'predictions/photo.json').read_text())
    assert found['keypoint_names'] == list(HORSE.names) and len(found['answer']) == 17
    assert all(description in text for description, text in zip(HORSE.descriptions, found['question']))


def test_search_of_the_web_page(inferencer, files):
    pytest.importorskip('gradio')
    from clamp_mmpose.apis.web_app.search import find

    image = cv2.imread(files[2])[..., ::-1]
    found, tiles = find(inferencer, image, [], 'nose\ntail', '0-1', HORSE)
    assert HORSE.descriptions[2] in found.instance['question'][0] and len(found.instance['answer']) == 2
    assert len(tiles) == (2 if files[3] == 'pointer' else 0)


def test_descriptions_that_the_model_does_not_read_are_named(inferencer, caplog):
    head, logger = inferencer.model.head, MMLogger.get_current_instance()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, 'handlers', [caplog.handler])
        inferencer.queries(['nose', 'left ear: the tip of it'])
        assert 'not used' not in caplog.text
        patch.setattr(head, 'instruction', dataclasses.replace(head.instruction, description=False))
        inferencer.queries(['nose', 'left ear: the tip of it'])
    assert "descriptions such as 'the tip of it' are not used" in caplog.text
