"""Flip pairs that disagree with the names, and names that are not words."""

import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS

from clamp_mmpose.data_check.check import check_config
from clamp_mmpose.data_check.metainfo import Head, metainfo_findings, read_head, read_metainfo
from clamp_mmpose.data_check.names import flip_findings, not_words, word_findings
from clamp_mmpose.language.category_texts import load_texts


def flips(names, swap):
    return [(finding.code, finding.item) for finding in flip_findings(names, swap, 'toy')]


@pytest.mark.parametrize(
    'names, swap, found',
    [
        ('left_eye,right_eye,nose', (1, 0, 2), []),
        ('Lear,Rear,rump', (1, 0, 2), []),
        ('Lear,Rear,rump', (0, 1, 2), [('MI004', 'Lear'), ('MI004', 'Rear')]),  # a pair that is missed
        ('leftPaw,rightPaw,nose', (0, 2, 1), [('MI004', 'leftPaw'), ('MI004', 'rightPaw')]),
        ('left eye,nose,tail', (0, 1, 2), [('MI006', 'left eye')]),
        ('leftpaw,nose,tail', (0, 1, 2), [('MI006', 'leftpaw')]),
        ('left eye,left_eye,right eye', (2, 1, 0), [('MI004', 'left_eye')]),
        ('left eye,nose,tail', (1, 0, 2), [('MI004', 'left eye')]),
        ('left corner of the mouth,right mouth corner,nose', (1, 0, 2), []),
        ('left eye,nose,tail', (1, 2, 0), [('MI003', 'left eye'), ('MI003', 'nose'), ('MI003', 'tail')]),
        ('kpt-0,kpt-1,kpt-2', (2, 1, 0), []),  # the names say nothing
        ('between left and right hip,nose,rear', (0, 1, 2), []),
        ('lump,rump,nose', (0, 1, 2), [('MI006', 'lump'), ('MI006', 'rump')]),
        ('lump,rump,nose', (1, 0, 2), [('MI004', 'lump'), ('MI004', 'rump')]),
    ],
)
def test_flip_pairs(names, swap, found):
    assert flips(names.split(','), swap) == found


def test_details():
    first, _, third = flip_findings(['Lear', 'Rear', 'left horn'], (0, 1, 2), 'toy')
    assert first.detail == "it swaps with nothing, by its name with 'Rear' (toy)"
    assert third.detail == 'it swaps with nothing (toy)' and third.level == 'warning'


@pytest.mark.parametrize(
    'name',
    ['kpt 0', 'sss kpt1', 'foreleg l1', 'point 3', '12', 'kp_a', 'L', 'left', 'p7', 'Landmark_12', 'R1', '#', 'x'],
)
def test_codes_are_not_words(name):
    assert not_words([name, 'nose']) == [name]


@pytest.mark.parametrize(
    'name', ['left eye', 'tip of the nose', 'left_thumb4', 'Nase', 'μύτη', '鼻子', 'eye', 'L_F_Paw', 'rear', 'thigh']
)
def test_words(name):
    assert not_words([name]) == []


def test_names_that_differ_in_their_number_alone():
    faces = [f'face-{i}' for i in range(68)]
    assert not_words(['nose', *faces]) == faces
    assert not_words([f'thumb{i}' for i in range(1, 5)]) == []
    (finding,) = word_findings(['nose', *faces], 'toy')
    assert (finding.code, finding.level, finding.item) == ('MI007', 'warning', 'toy')
    assert finding.detail == "68 of 69: 'face-0', 'face-1', 'face-2', ..."


def found_in(metainfo, pipeline=(), head=None):
    dataset = dict(pipeline=list(pipeline))
    return [(f.code, f.detail) for f in metainfo_findings(metainfo, dataset, head or Head())]


def test_names_of_the_metainfo_the_pipeline_and_the_head():
    metainfo, _ = read_metainfo({}, DATASETS.get('ZebraDataset'))
    code = ('MI007', "4 of 9: 'forelegL1', 'forelegR1', 'hindlegL1', ...")
    assert found_in(metainfo) == [code]
    assert found_in(metainfo, head=Head(9, own_names=True)) == []
    words = ['snout', 'head', 'neck', 'left fore foot', 'right fore foot', 'left hind foot', 'right hind foot']
    words += ['tail base', 'tail end']
    assert found_in(metainfo, [dict(type='GetTextQueries', names=words)]) == []
    words[0] = 'kpt 0'
    assert found_in(metainfo, [dict(type='GetTextQueries', names=words)]) == [('MI007', "1 of 9: 'kpt 0'")]
    head, (finding,) = read_head(Config(dict(model=dict(head=dict(names=words)))))
    assert head == Head(9, True) and (finding.code, finding.item) == ('MI007', 'names')
    words[0] = 'snout\ud800'
    _, (finding,) = read_head(Config(dict(model=dict(head=dict(names=words)))))
    assert finding.code == 'MI005' and 'UTF-8' in finding.detail
    assert [code for code, _ in found_in(metainfo, [dict(type='GetTextQueries', names=words)])] == ['MI005']


def test_unclean_names_in_a_metainfo():
    info = {
        i: dict(name=name, id=i, color=[0, 0, 0], type='', swap='') for i, name in enumerate(['a\ud800', 'left eye'])
    }
    raw = dict(dataset_name='toy', paper_info={}, keypoint_info=info, skeleton_info={}, joint_weights=[1, 1], sigmas=[])
    metainfo, faults = read_metainfo(dict(metainfo=raw), DATASETS.get('CocoDataset'))
    assert not faults
    assert [code for code, _ in found_in(metainfo)] == ['MI005']


def test_texts_of_mp100_have_words_and_true_pairs():
    for texts in load_texts().values():
        assert [*flip_findings(texts.names, texts.flip_indices, ''), *word_findings(texts.names, texts.slug)] == []


def test_no_config_warning_for_ap10k_names():
    report = check_config(Config(dict(model=dict(head=dict(names='AP10KDataset')))), images=False)
    assert [finding.code for finding in report.findings] == ['CF001']
