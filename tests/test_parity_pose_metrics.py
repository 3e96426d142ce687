"""Pose metrics against the numbers of SPIN, 4D-Humans and PoseScript, for the rows and keys that the folder holds."""

import os

import numpy as np
import pytest
import torch
from parity_folders import parity_folder

from clamp_mmpose.evaluation.poses import (
    aligned,
    collapsed,
    frechet_distance,
    mpjpe,
    pa_mpjpe,
    r_precision,
    retrieve,
)

FOLDER = parity_folder('pose_metrics')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the published numbers (set CLAMP_MMPOSE_PARITY to the folder of pose_metrics)',
)


@pytest.fixture(scope='module')
def poses():
    content = dict(np.load(parity_folder('pose_metrics/mpjpe.npz')))
    content['flat'] = np.isnan(content['pa_mpjpe_spin_mm_f64']) | (np.ptp(content['pred_m'], 1) == 0).all(-1)
    return content


@pytest.fixture(scope='module')
def embeddings():
    return dict(np.load(parity_folder('pose_metrics/retrieval.npz')))


@pytest.fixture(scope='module')
def fid():
    return dict(np.load(parity_folder('pose_metrics/fid.npz')))


def test_pa_mpjpe_is_that_of_spin(poses):
    kept = ~poses['flat']
    assert kept.any()
    predicted, target = poses['pred_m'][kept], poses['gt_m'][kept]
    np.testing.assert_allclose(pa_mpjpe(predicted, target), poses['pa_mpjpe_spin_mm_f64'][kept], rtol=0, atol=1e-8)
    np.testing.assert_allclose(aligned(predicted, target), poses['aligned_spin_f64'][kept], rtol=0, atol=1e-10)
    # 4D-Humans computes in float32
    np.testing.assert_allclose(pa_mpjpe(predicted, target), poses['pa_mpjpe_hmr2_mm_f32'][kept], rtol=1e-5, atol=5e-3)


def test_poses_without_a_spread_are_those_where_the_published_number_is_nan(poses):
    flat = poses['flat']
    np.testing.assert_array_equal(collapsed(poses['pred_m']), flat)
    for row in np.flatnonzero(flat):
        with pytest.raises(ValueError, match='1 of 1 predictions have all joints in one place'):
            pa_mpjpe(poses['pred_m'][[row]], poses['gt_m'][[row]])


def test_mirrored_poses_stay_wrong(poses):
    errors = dict(
        zip(poses['names'][~poses['flat']], pa_mpjpe(*(poses[k][~poses['flat']] for k in ('pred_m', 'gt_m'))))
    )
    assert errors.get('mirrored_x', 319.08) == pytest.approx(319.08, abs=0.01)
    assert errors.get('planar_mirrored', 0) < 1e-6  # a half turn puts a flat pose onto its mirror image
    assert errors.get('equal', 0) < 1e-6


@pytest.mark.parametrize(
    'root, name, tolerance',
    [
        (None, 'mpjpe_unaligned_mm_f32', 1e-3),
        (0, 'mpjpe_root0_mm_f64', 1e-8),
        ([0], 'mpjpe_root0_mm_f32', 1e-3),
        ((2, 3), 'mpjpe_midhip_mm_f64', 1e-8),
    ],
)
def test_mpjpe_by_root(poses, root, name, tolerance):
    if name not in poses:
        pytest.skip(f'the folder has no {name}')
    errors = mpjpe(torch.from_numpy(poses['pred_m']), torch.from_numpy(poses['gt_m']), root)
    np.testing.assert_allclose(errors, poses[name], rtol=1e-6 if name.endswith('f32') else 1e-12, atol=tolerance)


def test_mpjpe_of_mmpose_is_ours(poses):
    from mmpose.evaluation.functional import keypoint_mpjpe

    kept = ~poses['flat']
    predicted, target = poses['pred_m'][kept], poses['gt_m'][kept]
    mask = np.ones(predicted.shape[:2], bool)
    mask[:, [0, 5]] = False
    theirs = 1000 * keypoint_mpjpe(predicted, target, mask)
    assert mpjpe(predicted, target, mask=mask).mean() == pytest.approx(theirs, abs=1e-8)
    mask[:] = True
    theirs = 1000 * keypoint_mpjpe(predicted, target, mask, 'procrustes')
    assert pa_mpjpe(predicted, target).mean() == pytest.approx(theirs, abs=1e-8)


PUBLISHED = [
    ('pose', 'text', 'p2t'),
    ('text', 'pose', 't2p'),
    ('pose', 'tied_text', 'p2t_tied'),
    ('tied_text', 'pose', 't2p_tied'),
    ('pose', 'duplicated_text', 'p2t_duplicated'),
    ('duplicated_text', 'pose', 't2p_duplicated'),
]


@pytest.mark.parametrize('query, gallery, name', PUBLISHED)
def test_recall_is_that_of_posescript(embeddings, query, gallery, name):
    if not {query, gallery, name} <= set(embeddings):
        pytest.skip(f'the folder has no {name}')
    found = retrieve(embeddings[query], embeddings[gallery], [int(k) for k in embeddings['ks']])
    assert found.pool == len(embeddings[query])
    np.testing.assert_allclose(list(found.published.values()), embeddings[name], rtol=0, atol=1e-9)
    if not found.tied:
        assert found.recall == pytest.approx(found.published)
    if f'{name}_rank' in embeddings:
        assert not found.tied
        assert found.expected_rank == pytest.approx(embeddings[f'{name}_rank'].mean() + 1)


def test_texts_in_pairs(embeddings):
    # neighbors share a text: in random order each of a pair is found first half of the time
    text = np.repeat(embeddings['text'][::2], 2, axis=0)
    found = retrieve(embeddings['pose'], text, [1, 2, 240])
    assert found.tied == found.pool == 120
    scores = embeddings['pose'].astype(np.float64) @ embeddings['text'][::2].T.astype(np.float64)
    place = (-scores).argsort(1).argsort(1)[np.arange(120), np.arange(120) // 2]
    right = place == 0
    assert found.recall[1] == pytest.approx(50 * right.mean())
    # PoseScript's code sorts these to 11.67 and 36.67 (the README of the fixture has them for its duplicated texts)
    assert found.published[1] == pytest.approx(100 * 14 / 120)
    assert found.recall[2] == found.published[2] == pytest.approx(100 * right.mean())
    assert found.recall[240] == 100
    assert found.expected_rank == pytest.approx((2 * place + 1.5).mean())


def test_duplicated_texts_have_the_expected_value_over_ties(embeddings):
    if 'duplicated_text' not in embeddings:
        pytest.skip('the folder has no duplicated_text')
    found = retrieve(embeddings['pose'], embeddings['duplicated_text'], [1, 5])
    assert found.recall == pytest.approx({1: 10.83, 5: 37.08}, abs=0.01)  # the README of the fixture


def test_r_precision_is_that_of_posescript(embeddings):
    if 'r_precision_seed0' not in embeddings:
        pytest.skip('the folder has no r_precision_seed0')
    expected = np.asarray(embeddings['r_precision_seed0'])
    # PoseScript's queries are texts; the folder does not say which ones it had
    found = [
        list(r_precision(embeddings[query], embeddings[gallery], published=True).values())
        for query, gallery in (('text', 'pose'), ('pose', 'text'))
    ]
    assert any(values == pytest.approx(expected[:3].tolist(), abs=1e-6) for values in found)
    if len(expected) > 3:
        assert (embeddings['text'] * embeddings['pose']).sum(1).mean() == pytest.approx(expected[3], abs=1e-5)


def test_frechet_distances_are_the_published_ones(fid):
    found = frechet_distance(fid['a'], fid['b'])
    assert found.value == pytest.approx(float(fid['fid_ab']), abs=1e-9)
    assert (found.samples, found.dimensions) == ((len(fid['a']), len(fid['b'])), fid['a'].shape[1])
    same = frechet_distance(torch.from_numpy(fid['a']), torch.from_numpy(fid['a'])).value
    assert 0 <= same < 1e-10
    if {'c', 'fid_ca'} <= set(fid):
        assert frechet_distance(fid['c'], fid['a']).value == pytest.approx(float(fid['fid_ca']), abs=1e-4)


def test_frechet_distance_of_independent_coordinates(fid):
    # two samples a side of each mean have their standard deviation; other coordinates stay at the mean
    sets = []
    for side in '12':
        mean, deviation = fid[f'diag_mu{side}'], np.sqrt(fid[f'diag_var{side}'])
        number = 2 * len(mean)
        steps = np.diag(deviation) * np.sqrt((number - 1) / 2)
        sets.append(mean + np.concatenate([steps, -steps]))
    closed = sum(
        np.square(fid['diag_mu1'] - fid['diag_mu2']) + np.square(np.sqrt(fid['diag_var1']) - np.sqrt(fid['diag_var2']))
    )
    assert frechet_distance(*sets).value == pytest.approx(closed, abs=1e-9)
    if 'fid_diag_closed' in fid:
        assert closed == pytest.approx(float(fid['fid_diag_closed']), abs=1e-9)
