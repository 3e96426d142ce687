"""TextPoseInferencer and tools/predict.py with keypoints named by the user."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from tiny import NAMES, text_query_config, write_config, write_dots

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.boxes import parse_box
from clamp_mmpose.cli.predict import main
from clamp_mmpose.language.text_queries import TextQueries

ROOT = Path(__file__).parents[2]
BOX = [[[10, 5, 50, 45]]]


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """(config, checkpoint, image): a model whose keypoints depend on image and text."""
    folder = tmp_path_factory.mktemp('text')
    config = Config(text_query_config())
    config.dump(folder / 'text.py')
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    for step in model.head.graph_decoder.steps:
        torch.nn.init.normal_(step[-1].weight, std=0.3)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    image = np.random.default_rng(0).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / 'photo.png'), image)
    return str(folder / 'text.py'), str(folder / 'model.pth'), str(folder / 'photo.png')


@pytest.fixture()
def inferencer(trained):
    return TextPoseInferencer(trained[0], trained[1], device='cpu')


def only(results):
    (result,) = results
    return result['predictions'][0]


def test_parse_box():
    assert parse_box('1,2,30,40.5') == [1, 2, 31, 42.5]


@pytest.mark.parametrize(
    'keypoints, skeleton, error',
    [
        ('', '', 'not be empty'),
        ('nose,', '', 'not be empty'),
        ('nose,Nose', '', 'must differ'),
        ([], '', 'not be empty'),
        ('nose,tail', '0-2', '0 to 1'),
        ('nose,tail', '0:1', 'such as "0-2,1-2"'),
        ('nose,tail', '-1-0', 'pairs of'),
        ('nose,tail', '1-1', 'different keypoints'),
        ('nose,tail', [[0]], 'pairs of'),
        ('nose,tail', None, 'list of pairs'),
        ('nose,tail', [(0, 1), None], 'pairs of'),
        ('nose,tail', [(True, False)], 'pairs of'),
        ('nose,tail', [(0, 1.0)], 'pairs of'),
    ],
)
def test_unusable_queries(inferencer, trained, keypoints, skeleton, error):
    with pytest.raises(ValueError, match=error):
        list(inferencer(trained[2], keypoints=keypoints, skeleton=skeleton))


@pytest.mark.parametrize('box', ['1,2,3', '1,2,3,x', '1,2,0,4', '1,2,4,-1', '1,2,nan,4'])
def test_unusable_boxes(box):
    with pytest.raises(ValueError, match='a box'):
        parse_box(box)


def test_names_of_a_call(inferencer, trained):
    """The order of the names does not matter, the skeleton does; texts are encoded once."""
    encoded = []
    inferencer.model.head.text_encoder.encoder.register_forward_pre_hook(lambda _, args: encoded.extend(args[0]))
    first = only(inferencer(trained[2], keypoints=['left ear', 'nose', 'tail'], skeleton=[(0, 1)], bboxes=BOX))[0]
    assert encoded == ['left ear', 'nose', 'tail']
    assert first['keypoint_names'] == ['left ear', 'nose', 'tail'] and len(first['keypoints']) == 3
    again = only(inferencer(trained[2], keypoints=['left ear', 'nose', 'tail'], skeleton=[(0, 1)], bboxes=BOX))[0]
    assert again['keypoints'] == first['keypoints'] and encoded == ['left ear', 'nose', 'tail']
    swapped = only(inferencer(trained[2], keypoints='tail, nose, left ear', skeleton='1-2', bboxes=BOX))[0]
    assert np.allclose(swapped['keypoints'], first['keypoints'][::-1], atol=1e-3) and len(encoded) == 3
    assert np.allclose(swapped['keypoint_scores'], first['keypoint_scores'][::-1], atol=1e-5)
    assert np.ptp(np.array(first['keypoints']), axis=0).max() > 1  # three different positions
    unlinked = only(inferencer(trained[2], keypoints='tail, nose, left ear', bboxes=BOX))[0]
    assert not np.allclose(unlinked['keypoints'], swapped['keypoints'], atol=1e-3)


def test_calls_are_independent(inferencer, trained):
    """Names, skeleton and score maps are those of the call, not of the previous one."""
    before = only(inferencer(trained[2], bboxes=BOX))
    list(inferencer(trained[2], keypoints='nose, tail', skeleton='0-1', draw_score_maps=True, return_vis=True))
    assert only(inferencer(trained[2], bboxes=BOX)) == before and before[0]['keypoint_names'] == NAMES
    sample = only(inferencer(trained[2], bboxes=BOX, return_datasamples=True))
    assert 'score_maps' not in sample.get('pred_fields', {}) and inferencer.keypoint_names == NAMES
    sample = next(iter(inferencer(trained[2], bboxes=BOX, merge_results=False, return_datasamples=True)))[
        'predictions'
    ][0]
    assert 'score_maps' not in sample.pred_fields and list(sample.keypoint_names) == NAMES


def test_descriptions_are_encoded_and_names_are_returned(inferencer, trained):
    """'name: description' as one text, as TextQueries, or as comma-separated names."""
    encoded = []
    inferencer.model.head.text_encoder.encoder.register_forward_pre_hook(lambda _, args: encoded.extend(args[0]))
    found = only(inferencer(trained[2], keypoints=['tail: thin, behind', 'nose'], bboxes=BOX))[0]
    assert encoded == ['tail: thin, behind', 'nose'] and found['keypoint_names'] == ['tail', 'nose']
    queries = TextQueries.create(['tail', 'nose'], ['thin, behind', ''])
    assert only(inferencer(trained[2], keypoints=queries, bboxes=BOX))[0] == found
    plain = only(inferencer(trained[2], keypoints=['tail', 'nose'], bboxes=BOX))[0]
    assert not np.allclose(plain['keypoints'], found['keypoints'], atol=1e-3)
    with pytest.raises(ValueError, match='give keypoints= too, as names'):
        list(inferencer(trained[2], keypoints=queries, skeleton='0-1'))


def test_four_threads_with_different_names(inferencer, trained):
    """Each thread gets the same predictions as a single thread."""
    calls = [
        dict(keypoints='left ear, nose', skeleton='0-1'),
        dict(keypoints=['tail', 'nose', 'mane: on the neck'], draw_score_maps=True),
        dict(keypoints='mouth', return_vis=True),
        dict(),
    ]
    alone = TextPoseInferencer(trained[0], trained[1], device='cpu')
    expected = [only(alone(trained[2], bboxes=BOX, **one)) for one in calls]
    start = threading.Barrier(len(calls))

    def run(one):
        start.wait()
        return [only(inferencer(trained[2], bboxes=BOX, **one)) for _ in range(10)]

    with ThreadPoolExecutor(len(calls)) as pool:
        predictions = list(pool.map(run, calls))
    for own, once in zip(predictions, expected):
        for (instance,) in own:
            assert instance['keypoint_names'] == once[0]['keypoint_names']
            assert np.allclose(instance['keypoints'], once[0]['keypoints'], atol=1e-3)
            assert np.allclose(instance['keypoint_scores'], once[0]['keypoint_scores'], atol=1e-5)


def test_four_threads_of_the_web_page(inferencer, trained):
    """Each user gets the keypoints they asked for, at the places that a single user gets."""
    pytest.importorskip('gradio')
    from clamp_mmpose.apis.web_app.search import find

    image = cv2.imread(trained[2])[..., ::-1]
    asked = ['left ear, nose', 'tail', 'mane\nmouth: below the nose', 'nose, tail, left ear']

    def run_once(names):
        return find(inferencer, image, [(10, 5), (50, 45)], names)[0].instance

    expected = [run_once(names) for names in asked]
    assert [one['keypoint_names'] for one in expected] == [
        ['left ear', 'nose'],
        ['tail'],
        ['mane', 'mouth'],
        ['nose', 'tail', 'left ear'],
    ]
    start = threading.Barrier(len(asked))

    def run_often(names):
        start.wait()
        return [run_once(names) for _ in range(5)]

    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(run_often, asked))
    for own, once in zip(answers, expected):
        for answer in own:
            assert answer['keypoint_names'] == once['keypoint_names']
            assert np.allclose(answer['keypoints'], once['keypoints'], atol=1e-3)


def test_four_threads_of_the_handler_of_the_web_page(inferencer, trained, tmp_path, monkeypatch):
    """As the test before, through the function that the page calls: table, JSON and maps are of one call."""
    pytest.importorskip('gradio')
    from clamp_mmpose.apis.web_app import handlers

    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path))
    path = str(tmp_path / 'photo.png')
    Path(path).write_bytes(Path(trained[2]).read_bytes())
    asked = [
        ('left ear, nose', '0-1'),
        ('tail', ''),
        ('mane\nmouth: below the nose', ''),
        ('nose, tail, left ear', '1-2'),
    ]

    def run_once(names, links):
        error, _, found, _, table, maps, text, answers = handlers.run(
            inferencer, {}, path, [(10, 5), (50, 45)], names, links, 0.3, ('own', ('', ''))
        )
        assert not answers.visible and answers.value['data'] == []
        assert error == '' and len(maps) == len(table)
        assert [row[0] for row in table] == json.loads(text)['keypoint_names'] == found.instance['keypoint_names']
        return np.array([row[1:] for row in table], float), [row[0] for row in table], list(found.links)

    expected = [run_once(*one) for one in asked]
    assert [links for _, _, links in expected] == [[(0, 1)], [], [], [(1, 2)]]
    start = threading.Barrier(len(asked))

    def run_often(one):
        start.wait()
        return [run_once(*one) for _ in range(5)]

    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(run_often, asked))
    for own, (rows, names, links) in zip(answers, expected):
        for answer in own:
            assert answer[1:] == (names, links)
            np.testing.assert_allclose(answer[0], rows, atol=0.11)  # rounded to 0.1 pixels


@pytest.mark.parametrize('name', ['left \ud800 eye', 'a\x00b', '\u202eeye'], ids=ascii)
def test_a_name_that_cannot_be_drawn_is_refused(inferencer, trained, name):
    """OpenCV ends the process at half of a character pair."""
    with pytest.raises(ValueError, match=r'cannot be written as UTF-8|remove it'):
        list(inferencer(trained[2], keypoints=[name], return_vis=True))


@pytest.mark.parametrize('box', [[90, 0, 120, 30], [0, 64, 10, 90], [-20, 0, 0, 10]])
def test_a_box_outside_the_image(inferencer, trained, box):
    with pytest.raises(ValueError, match=r'outside .*80x64 pixels'):
        list(inferencer(trained[2], keypoints='nose', bboxes=[[box]]))


@pytest.mark.parametrize('keypoints', [['nose', 3], [['nose']], {'cat': ['nose']}])
def test_names_are_strings(inferencer, trained, keypoints):
    with pytest.raises(ValueError, match='must be strings'):
        list(inferencer(trained[2], keypoints=keypoints))


def test_tool_reports_an_error_in_one_line(trained, capsys):
    assert main([*trained, '--keypoints', 'nose, nose']) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("error: keypoint names must differ, but 'nose' and 'nose' are")


def test_a_skeleton_needs_its_keypoints(inferencer, trained):
    with pytest.raises(ValueError, match='give keypoints= too'):
        list(inferencer(trained[2], skeleton=[(0, 1)]))


def test_a_skeleton_of_numpy(inferencer, trained):
    expected = only(inferencer(trained[2], keypoints='nose, tail', skeleton='0-1'))
    for skeleton in (np.array([[0, 1]]), [np.array([0, 1])], [(np.int64(0), np.int64(1))]):
        assert only(inferencer(trained[2], keypoints='nose, tail', skeleton=skeleton)) == expected


@pytest.mark.parametrize('keypoints', ['nose', 'nose, tail, left ear'])
def test_duplicates(inferencer, trained, keypoints):
    """A keypoint alone has no extent that says what is near: both instances are kept."""
    boxes = [[[10, 5, 50, 45], [0, 0, 60, 60], [10, 5, 50, 45]]]
    found = only(inferencer(trained[2], keypoints=keypoints, bboxes=boxes, pose_based_nms=True))
    assert len(found) == (3 if keypoints == 'nose' else 2)


def test_keypoints_at_the_start(trained):
    inferencer = TextPoseInferencer(trained[0], trained[1], device='cpu', keypoints='nose, tail')
    assert only(inferencer(trained[2]))[0]['keypoint_names'] == ['nose', 'tail']


def test_names_of_the_data_set_are_the_default(inferencer, trained):
    assert only(inferencer(trained[2]))[0]['keypoint_names'] == NAMES


def test_a_model_of_many_categories_needs_names(trained, tmp_path):
    config = Config(text_query_config())
    config.train_dataloader.dataset = dict(type='MP100Dataset', pipeline=[])
    config.dump(tmp_path / 'many.py')
    state = torch.load(trained[1], weights_only=True)
    torch.save(dict(state, meta=dict(dataset_meta=dict(dataset_name='mp100', ann_file='a.json'))), tmp_path / 'm.pth')
    inferencer = TextPoseInferencer(str(tmp_path / 'many.py'), str(tmp_path / 'm.pth'), device='cpu')
    with pytest.raises(ValueError, match='finds the keypoints you name'):
        list(inferencer(trained[2]))
    assert len(only(inferencer(trained[2], keypoints='nose'))[0]['keypoints']) == 1


@pytest.mark.parametrize('keypoints', [{'cat': ['nose']}, [['nose'], ['tail']], 5, [1], {'nose'}, np.array(['nose'])])
def test_one_list_of_names_for_all_images(inferencer, trained, keypoints):
    with pytest.raises(ValueError, match='keypoint names must be strings, in one list for all images'):
        only(inferencer(trained[2], keypoints=keypoints))


def test_weights_without_names_in_config_and_checkpoint(trained, tmp_path, inferencer):
    """A bare state dict, and a config whose data set has names in its annotations only."""
    config = Config.fromfile(trained[0])
    for loader in ('train_dataloader', 'test_dataloader'):
        del config[loader].dataset['metainfo']
        config[loader].dataset.type = 'MP100Dataset'
    config.dataset_type = 'MP100Dataset'
    config.dump(str(tmp_path / 'config.py'))
    torch.save(torch.load(trained[1])['state_dict'], tmp_path / 'weights.pth')
    bare = TextPoseInferencer(str(tmp_path / 'config.py'), str(tmp_path / 'weights.pth'), device='cpu')
    expected, found = (only(model(trained[2], keypoints='nose, tail')) for model in (inferencer, bare))
    assert found == expected
    with pytest.raises(ValueError, match='finds the keypoints you name'):
        only(bare(trained[2]))


def test_a_head_with_fixed_keypoints(tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', 1))
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), tmp_path / 'model.pth')
    with pytest.raises(ValueError, match='CLAMPHead finds 5 fixed keypoints'):
        TextPoseInferencer(str(config), str(tmp_path / 'model.pth'), device='cpu', keypoints=['nose'])


def test_score_maps_of_one_keypoint(inferencer, trained):
    """The crop is a square of 50 around (30, 25); its 4 x 4 cells are warped to the image."""
    sample = next(
        iter(
            inferencer(
                trained[2], keypoints='nose', bboxes=BOX, draw_score_maps=True, return_vis=True, return_datasamples=True
            )
        )
    )['predictions'][0]
    maps = sample.pred_fields.score_maps
    assert maps.shape == (1, 64, 80)
    assert maps.max() == pytest.approx(float(sample.pred_instances.keypoint_scores.max()), abs=2e-2)


def test_keypoints_below_the_threshold_are_hollow(inferencer, trained):
    """Below the threshold it is a ring, whose middle keeps the image's color."""
    image = np.full((64, 80, 3), 90, np.uint8)
    kwargs = dict(keypoints='nose', bboxes=[[[0, 0, 80, 64]]], return_vis=True)
    for threshold, hollow in ((0.0, False), (1.1, True)):
        result = next(iter(inferencer(image, kpt_thr=threshold, **kwargs)))
        x, y = np.round(result['predictions'][0][0]['keypoints'][0]).astype(int)
        assert 4 < x < 76 and 4 < y < 60
        assert (result['visualization'][0][y, x] == 90).all() == hollow


def test_tool(trained, tmp_path):
    """The command writes what the inferencer gives, for the box given as x,y,w,h."""
    options = ['--skeleton', '0-1', '--bbox', '10,5,40,40', '--out-dir', str(tmp_path), '--device', 'cpu']
    assert main([*trained, '--keypoints', 'left ear, nose', *options]) == 0
    (found,) = json.loads((tmp_path / 'predictions/photo.json').read_text())
    inferencer = TextPoseInferencer(trained[0], trained[1], device='cpu')
    expected = only(inferencer(trained[2], keypoints='left ear, nose', skeleton='0-1', bboxes=BOX))[0]
    assert found['keypoint_names'] == ['left ear', 'nose']
    assert np.allclose(found['keypoints'], expected['keypoints'], atol=1e-3)
    assert np.allclose(found['keypoint_scores'], expected['keypoint_scores'], atol=1e-5)
    assert cv2.imread(str(tmp_path / 'visualizations/photo.png')).shape == (64, 80, 3)


@pytest.mark.parametrize(
    'arguments, error',
    [(['--skeleton', '0-1'], '--keypoints'), (['--bbox', '0,0,2,2', '--bboxes', 'b.json'], 'not both')],
)
def test_tool_with_unusable_arguments(trained, capsys, arguments, error):
    assert main([*trained, *arguments]) == 1
    assert error in capsys.readouterr().err
