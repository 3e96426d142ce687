"""Text queries of an instance, packed, alone and in MMPose's CombinedDataset."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmpose.datasets.transforms import RandomFlip
from mmpose.registry import DATASETS, MODELS, TRANSFORMS
from mp100_files import DOTS, write_mp100
from tiny import METAINFO, NAMES, text_query_config, write_dots

from clamp_mmpose.datasets.dataset_queries import dataset_queries
from clamp_mmpose.datasets.transforms import GetTextQueries
from clamp_mmpose.language.keypoint_names import skeleton_links
from clamp_mmpose.language.sides import mirrored_indices
from clamp_mmpose.language.text_queries import TextQueries

CROP = [
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='TopdownAffine', input_size=(64, 64)),
    dict(type='GenerateTarget', encoder=dict(type='RegressionLabel', input_size=(64, 64))),
]


def queries(results, **kwargs):
    return TRANSFORMS.build(dict(type='GetTextQueries', **kwargs))(results)


def texts_of(dataset):
    return {text for queries in dataset_queries(dataset) for text in queries.texts}


def test_mirrored_names():
    assert mirrored_indices(['Left ear', 'nose', 'right ear', 'left-most leg', 'upright bar']) == [2, 1, 0, 3, 4]
    assert mirrored_indices(['left ear: the one above the left eye', 'right ear: the smaller one']) == [1, 0]
    assert mirrored_indices(['left front paw', 'right back paw', 'right front paw']) == [2, 1, 0]


def test_names_of_the_instance_come_first():
    results = queries(
        dict(
            keypoint_names=['left rim', 'right rim', 'bottom'], skeleton_links=[(0, 2)], keypoints=np.zeros((1, 3, 2))
        ),
        names=['a', 'b', 'c'],
    )
    assert results['text_queries'] == TextQueries(['left rim', 'right rim', 'bottom'], None, [(0, 2)], [1, 0, 2])
    assert queries({}, names='AP10KDataset')['text_queries'].keypoint_names[4] == 'root of tail'


def test_descriptions():
    results = dict(keypoint_names=['tip', 'cap'], keypoint_descriptions=['The end that writes.', 'The other end.'])
    described = GetTextQueries('descriptions').queries(results)
    assert described.texts == ['tip: The end that writes.', 'cap: The other end.']
    assert GetTextQueries().queries(results).texts == ['tip', 'cap']
    assert queries(dict(results))['text_queries'].keypoint_descriptions is None
    given = TextQueries.create(['a', 'b'])  # from an inferencer, preferred to the data set's
    assert queries(dict(results, text_queries=given))['text_queries'] is given
    assert GetTextQueries('descriptions').queries(dict(keypoint_names=['tip'])).texts == ['tip']


@pytest.mark.parametrize(
    'results, error',
    [
        ({}, 'has no keypoint_names'),
        (dict(keypoint_names=['tip', '']), 'not be empty'),
        (dict(keypoint_names=['tip', 'Tip']), 'must differ'),
        (dict(keypoint_names=[]), 'not be empty'),
        (dict(keypoint_names=['tip', 'cap'], skeleton_links=[(0, 2)]), '0 to 1'),
        (dict(keypoint_names=['tip', 'cap'], skeleton_links=[(1, 1)]), 'different keypoints'),
        (dict(keypoint_names=['tip'], keypoints=np.zeros((1, 2, 2))), '2 keypoints and 1 names'),
    ],
)
def test_unusable(results, error):
    with pytest.raises(ValueError, match=error):
        queries(results)


def test_skeletons_are_pairs_of_indices():
    assert skeleton_links([[0, 1], (2, 0)], 3) == [(0, 1), (2, 0)]
    for wrong in ([[0, 1, 2]], [['0', '1']], [[-1, 0]], [[0, 3]]):
        with pytest.raises(ValueError, match='0 to 2'):
            skeleton_links(wrong, 3)


@pytest.fixture()
def mp100(tmp_path):
    write_mp100(tmp_path)
    return dict(
        type='MP100Dataset',
        ann_file=str(tmp_path / 'ann.json'),
        texts=str(tmp_path / 'texts'),
        data_prefix=dict(img=str(tmp_path / 'images')),
    )


def test_flip_swaps_the_keypoints_not_the_names(mp100):
    """The mug's left rim is drawn at x=30 of 160: after the flip the right rim is at 129."""
    dataset = DATASETS.build(dict(mp100, pipeline=[]))
    sample = dict(dataset[0], img=np.zeros((100, 160, 3), np.uint8), img_shape=(100, 160))
    flipped = queries(RandomFlip(prob=1.0)(sample))
    assert flipped['keypoints'][0, :2].tolist() == [[159 - DOTS[1][0], DOTS[1][1]], [159 - DOTS[0][0], DOTS[0][1]]]
    assert flipped['text_queries'].keypoint_names == ['left rim', 'right rim', 'bottom']


WHEELS = dict(
    keypoint_names=['left wheel', 'left lamp', 'right lamp', 'handle', 'seat'],
    keypoint_descriptions=[
        'The left wheel is on the left; Left of it there is nothing upright.',
        'The lamp on the left side.',
        'The lamp on the right side.',
        'The handle points to the right.',
        'The seat is between the left and right lamp.',
    ],
    flip_indices=[0, 2, 1, 3, 4],
)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal', None])
def test_flip_exchanges_the_side_of_a_keypoint_without_a_counterpart(direction):
    flip = dict(flip=direction is not None, flip_direction=direction)
    found = queries(dict(WHEELS, **flip), text='descriptions')['text_queries']
    if direction == 'horizontal':
        assert found.keypoint_names == ['right wheel', 'left lamp', 'right lamp', 'handle', 'seat']
        assert found.keypoint_descriptions == [
            'The right wheel is on the right; Right of it there is nothing upright.',
            'The lamp on the left side.',
            'The lamp on the right side.',
            'The handle points to the left.',
            'The seat is between the left and right lamp.',
        ]
    else:
        assert found == queries(dict(WHEELS), text='descriptions')['text_queries']
    names = queries(dict(WHEELS, **flip))['text_queries']
    assert names.keypoint_names == found.keypoint_names and names.keypoint_descriptions is None
    assert found.flip_indices == names.flip_indices == [0, 2, 1, 3, 4]
    assert WHEELS['keypoint_names'][0] == 'left wheel'


def test_texts_of_flipped_images_are_embedded_before_training():
    flips = SimpleNamespace(transforms=[RandomFlip(), GetTextQueries(names=['left wheel', 'seat'])])
    plain = SimpleNamespace(transforms=flips.transforms[1:])
    assert texts_of(SimpleNamespace(pipeline=flips)) == {'left wheel', 'right wheel', 'seat'}
    assert texts_of(SimpleNamespace(pipeline=plain)) == {'left wheel', 'seat'}


def test_batch_of_mixed_categories_and_data_sets(mp100, tmp_path):
    """MP-100 and a COCO-style data set in one batch: each sample keeps its own K, texts, links and partners."""
    dots = dict(
        type='BaseCocoStyleDataset',
        metainfo=METAINFO,
        data_root=str(write_dots(tmp_path / 'dots', 2)),
        data_prefix=dict(img='images/'),
        ann_file='dots.json',
    )
    combined = DATASETS.build(
        dict(
            type='CombinedDataset',
            metainfo=METAINFO,
            datasets=[
                dict(mp100, pipeline=[*CROP, dict(type='GetTextQueries')], hidden='absent'),
                dict(dots, pipeline=[*CROP, dict(type='GetTextQueries', names=METAINFO)]),
            ],
            pipeline=[dict(type='PackTextQueries')],
        )
    )
    assert texts_of(combined) == {'left rim', 'right rim', 'bottom', 'tip', 'cap', *NAMES}
    labels = [combined[i]['data_samples'] for i in range(len(combined))]
    pen = next(i for i, sample in enumerate(labels) if sample.keypoint_names == ['tip', 'cap'])
    batch = [combined[0], combined[pen], combined[len(combined) - 1]]
    samples = [entry['data_samples'] for entry in batch]
    assert [sample.keypoint_names for sample in samples] == [['left rim', 'right rim', 'bottom'], ['tip', 'cap'], NAMES]
    assert [sample.skeleton_links for sample in samples] == [[(0, 2), (1, 2)], [(0, 1)], []]
    assert [sample.flip_indices for sample in samples] == [[1, 0, 2], [0, 1], [0, 2, 1, 3, 4]]
    assert [sample.get('hidden_is_absent') for sample in samples] == [True, True, None]
    # the box of 100 x 50 at (20, 25) is cropped as a square of 125 around (70, 50)
    expected = [[(x - 70) / 125 + 0.5, (y - 50) / 125 + 0.5] for x, y in DOTS]
    assert np.allclose(samples[0].gt_instance_labels.keypoint_labels[0], expected, atol=1e-4)
    assert samples[0].gt_instance_labels.keypoint_weights.tolist() == [[1.0, 1.0, 0.0]]

    torch.manual_seed(0)
    model = MODELS.build(text_query_config()['model']).train()
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    losses = model.loss(data['inputs'], data['data_samples'])
    assert all(torch.isfinite(value) for value in losses.values()) and losses['loss_proposal'] > 0


def test_rounds_that_a_step_has_chosen_are_packed():
    given = dict(img=np.zeros((8, 8, 3), np.uint8), rounds=[2, 0], redraws=1)
    sample = TRANSFORMS.build(dict(type='PackTextQueries'))(given)['data_samples']
    assert (sample.rounds, sample.redraws) == ([2, 0], 1)
