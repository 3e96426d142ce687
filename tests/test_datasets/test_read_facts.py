import json

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import DATASETS
from PIL import Image
from scipy.io import savemat

from clamp_mmpose.datasets.instructions import read_facts

INFO = dict(
    dataset_name='two',
    keypoint_info={
        0: dict(name='left_Eye', id=0, color=[0, 0, 0], type='', swap='R_Eye'),
        1: dict(name='R_Eye', id=1, color=[0, 0, 0], type='', swap='left_Eye'),
    },
    skeleton_info={0: dict(link=('left_Eye', 'R_Eye'), id=0, color=[0, 0, 0])},
    joint_weights=[1.0, 1.0],
    sigmas=[0.05, 0.05],
)
CATEGORIES = [dict(id=1, name='red fox'), dict(id=2, name='owl')]


@DATASETS.register_module()
class CornersOfFoxes(BaseCocoStyleDataset):
    """Reads entries in its own way: two corners of the box."""

    METAINFO = INFO

    def parse_data_info(self, raw_data_info):
        x, y, w, h = raw_data_info['raw_ann_info']['bbox']
        keypoints = np.array([[[x, y], [x + w, y + h]]], np.float32)
        return dict(keypoints=keypoints, keypoints_visible=np.array([[1, 0]]), bbox=np.array([[x, y, x + w, y + h]]))


@DATASETS.register_module()
class FoxesOfTheirOwn(BaseDataset):
    """Has no annotation file at all."""

    METAINFO = dict(BaseCocoStyleDataset._load_metainfo(INFO), CLASSES=[dict(id=7, name='wolf')])

    def load_data_list(self):
        path = f'{self.data_prefix["img"]}/day/1.png'
        shared = dict(img_path=path, keypoints=np.array([[[1, 2], [3, 4]]]), category_id=7)
        return [
            dict(shared, id=3, keypoints_visible=np.array([[1, 0]]), bbox=np.array([[0, 1, 5, 6]])),
            dict(shared, id=4, keypoints_visible=np.array([[0, 0]])),
        ]


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def ann(number, image, keypoints, **more):
    return dict(dict(id=number, image_id=image, category_id=1, keypoints=keypoints, bbox=[10, 5, 20, 10]), **more)


def coco(path, annotations, images=None, categories=CATEGORIES, **config):
    images = images or [dict(id=i, file_name=f'day/{i}.png', width=40, height=30) for i in (1, 2, 3)]
    ann_file = write(path / 'foxes.json', dict(images=images, annotations=annotations, categories=categories))
    return dict(dict(type='BaseCocoStyleDataset', metainfo=INFO, ann_file=ann_file), **config)


def test_instances_of_cocos_format(tmp_path):
    annotations = [
        ann(11, 2, [12, 7, 2, 20.5, 8, 1], category_id=2, bbox=[-5, 20, 10, 20]),
        ann(12, 2, [50, 50, 0, 4, 2, 2.0], bbox=[1, 1, 0, 3]),
        ann(13, 2, [0] * 6),
        ann(14, 1, [1, 1, 2, 2, 2, 2], iscrowd=1),
        dict(id=15, image_id=3, category_id=1, bbox=[1, 1, 1, 1]),
    ]
    read = read_facts(coco(tmp_path, annotations))
    assert read.dropped == {'crowds': 1, 'instances without keypoints': 2, 'images without instances': 2}
    (facts,) = read.images
    assert (facts.image, facts.image_id, facts.size) == ('day/2.png', 2, (40, 30))
    assert (facts.keypoint_names, facts.skeleton_links, facts.flip_indices) == (
        ['left eye', 'right eye'],
        [(0, 1)],
        [1, 0],
    )
    owl, fox = facts.instances
    assert (owl.category, owl.id, owl.bbox) == ('owl', 11, (0, 20, 5, 30))  # clipped to the image
    assert owl.keypoints.tolist() == [[12, 7], [20.5, 8]] and owl.visibility.tolist() == [2, 1]
    # a box without an area is replaced by the extent of the labeled keypoints, one pixel here
    assert (fox.category, fox.bbox, fox.visibility.tolist()) == ('red fox', (4, 2, 5, 3), [0, 2])


def test_limit_keeps_the_order_of_the_file(tmp_path):
    config = coco(tmp_path, [ann(1, 3, [1, 1, 2, 2, 2, 2]), ann(2, 1, [1, 1, 2, 2, 2, 2])])
    assert [facts.image_id for facts in read_facts(config).images] == [1, 3]
    assert [facts.image_id for facts in read_facts(config, limit=1).images] == [1]


def test_sizes_come_from_the_header_where_the_file_has_none(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new('L', (40, 30)).save(tmp_path / 'a.jpg', exif=turned)
    Image.new('L', (40, 30)).save(tmp_path / 'b.png')
    images = [dict(id=1, file_name='a.jpg'), dict(id=2, file_name='b.png')]
    annotations = [ann(1, 1, [1, 1, 2, 2, 2, 2]), ann(2, 2, [1, 1, 2, 2, 2, 2])]
    config = coco(tmp_path, annotations, images, data_prefix=dict(img=str(tmp_path)))
    assert [facts.size for facts in read_facts(config).images] == [(30, 40), (40, 30)]


def test_data_sets_that_read_entries_in_their_own_way(tmp_path):
    (facts,) = read_facts(coco(tmp_path, [ann(1, 1, None)], type='CornersOfFoxes', metainfo=None)).images
    (fox,) = facts.instances
    assert fox.keypoints.tolist() == [[10, 5], [30, 15]] and fox.visibility.tolist() == [2, 0]
    (tmp_path / 'day').mkdir()
    Image.new('L', (8, 6)).save(tmp_path / 'day' / '1.png')
    read = read_facts(dict(type='FoxesOfTheirOwn', data_prefix=dict(img=str(tmp_path))))
    assert read.dropped == {'instances without keypoints': 1}
    (facts,) = read.images
    (wolf,) = facts.instances
    assert (facts.image, facts.size, wolf.category, wolf.id, wolf.bbox) == (
        'day/1.png',
        (8, 6),
        'wolf',
        3,
        (0, 1, 5, 6),
    )


def test_whole_body_keypoints_are_joined_in_order(tmp_path):
    parts = dict(keypoints=17, foot_kpts=6, face_kpts=68, lefthand_kpts=21, righthand_kpts=21)
    values = {part: [place, 1, 2] * count for place, (part, count) in enumerate(parts.items())}
    config = coco(tmp_path, [ann(1, 1, **values)], type='CocoWholeBodyDataset', metainfo=None)
    (facts,) = read_facts(config).images
    assert facts.instances[0].keypoints[:, 0].tolist() == [0] * 17 + [1] * 6 + [2] * 68 + [3] * 21 + [4] * 21
    assert facts.keypoint_names[17] == 'left big toe' and len(facts.keypoint_names) == 133


def test_categories_with_their_own_keypoints_are_entries_of_their_own(tmp_path):
    categories = [
        dict(id=1, name='mouse', keypoints=['Nose', 'tail_base'], skeleton=[[0, 1]]),  # MP-100 counts from 0
        dict(id=2, name='beetle', keypoints=['L_wing', 'R_wing', 'head'], skeleton=[[1, 3], [2, 3]]),  # COCO from 1
    ]
    annotations = [
        ann(1, 1, [1, 2, 2, 3, 4, 2]),
        ann(2, 1, [1, 2, 2, 3, 4, 2, 5, 6, 2], category_id=2),
        ann(3, 1, [7, 8, 2, 9, 9, 2]),
    ]
    config = coco(tmp_path, annotations, categories=categories, type='MP100Dataset', metainfo=None)
    mouse, beetle = read_facts(config).images
    assert (mouse.image_id, mouse.keypoint_names, mouse.skeleton_links) == (1, ['nose', 'tail base'], [(0, 1)])
    assert [one.id for one in mouse.instances] == [1, 3]
    assert (beetle.image_id, beetle.image) == ('1-2', 'day/1.png')
    assert beetle.keypoint_names == ['left wing', 'right wing', 'head']
    assert (beetle.skeleton_links, beetle.flip_indices) == ([(0, 2), (1, 2)], [1, 0, 2])


def mpii_row(image, center, visible=16, **more):
    joints = [[10.7 + i, 20] for i in range(16)]
    return dict(
        dict(image=image, center=center, scale=0.5, joints=joints, joints_vis=[1] * visible + [0] * (16 - visible)),
        **more,
    )


def mpii(path, rows):
    for image in ('b.png', 'a.png', 'c.png'):
        Image.new('L', (200, 100)).save(path / image)
    return dict(type='MpiiDataset', ann_file=write(path / 'mpii.json', rows), data_prefix=dict(img=str(path)))


def test_rows_of_mpii_become_one_entry_for_each_image(tmp_path):
    rows = [
        mpii_row('b.png', [100.0, 50.0], act_name='yoga, power', cat_name='conditioning exercise', istrain=False),
        mpii_row('a.png', [100.0, 50.0], visible=0),
        mpii_row('c.png', [-1.0, -1.0], visible=3, act_name='rowing'),
        mpii_row('b.png', [150.0, 50.0], visible=15),
        mpii_row('b.png', [150.0, 50.0], visible=0),
    ]
    read = read_facts(mpii(tmp_path, rows))
    assert read.dropped == {'instances without keypoints': 2, 'images without instances': 1}
    facts, other = read.images
    assert (facts.image, facts.image_id, facts.size, len(facts.instances)) == ('b.png', 'b', (200, 100), 2)
    assert (facts.activity, facts.training) == ('conditioning exercise, yoga, power', False)
    assert (other.activity, other.training) == ('rowing', None)
    first, second = facts.instances
    # 0.5 x 200 pixels around (99, 50 + 7.5 - 1); the image ends at 100
    assert first.bbox == (49, 6.5, 149, 100) and second.bbox == (99, 6.5, 199, 100)
    assert (first.center, first.scale, first.id, second.id) == ((100, 50), 0.5, 0, 3)
    assert first.visibility.tolist() == [2] * 16 and second.visibility.tolist() == [2] * 15 + [0]
    assert first.keypoints[:2].tolist() == [[10.7, 20], [11.7, 20]]
    assert facts.keypoint_names[:2] == ['right ankle', 'right knee'] and facts.keypoint_names[9] == 'head top'


def test_captions_objects_and_activities(tmp_path):
    config = coco(tmp_path, [ann(1, 1, [1, 1, 2, 2, 2, 2]), ann(2, 3, [1, 1, 2, 2, 2, 2])])
    images = [dict(id=7, file_name='day/1.png'), dict(id=8, file_name='day/9.png')]  # of other ids
    captions = [dict(id=1, image_id=7, caption=' A fox\n sits. '), dict(id=2, image_id=7, caption=' ')]
    kinds = [dict(id=4, name='red fox'), dict(id=5, name='hat')]
    objects = [
        dict(id=1, image_id=7, category_id=4, bbox=[0, 0, 5, 5]),
        dict(id=2, image_id=7, category_id=5, bbox=[30, 20, 20, 5]),
        dict(id=3, image_id=7, category_id=5, bbox=[0, 0, 40, 30], iscrowd=1),
    ]
    files = dict(
        captions=write(tmp_path / 'c.json', dict(images=images, annotations=captions)),
        objects=write(tmp_path / 'o.json', dict(images=images, annotations=objects, categories=kinds)),
        activities=write(tmp_path / 'a.json', {'3.png': 'hunting', '5.png': 'asleep'}),
    )
    read = read_facts(config, **files)
    first, second = read.images
    assert (first.captions, second.captions) == (('A fox sits.',), ())
    assert [(one.category, one.bbox) for one in first.objects] == [('hat', (30, 20, 40, 25))]
    assert (second.objects, first.activity, second.activity) == ((), None, 'hunting')
    assert read.dropped == {'images without instances': 1, 'crowds of objects': 1}
    plain = write(tmp_path / 'p.json', {'day/3.png': ['One.', 'Two.'], 'day/1.png': 'Three.'})
    assert [facts.captions for facts in read_facts(config, plain).images] == [('Three.',), ('One.', 'Two.')]


def test_activities_of_mpiis_own_file(tmp_path):
    """The archive's structure: an entry of annolist and of act for each image, empty for those without annotations."""
    images = ('b.png', 'c.png', 'a.png')
    acts = (('sports', 'basketball'), ([], []), ('walking', []))
    annolist, act = np.zeros((1, 3), dtype=[('image', 'O')]), np.zeros((3, 1), [('cat_name', 'O'), ('act_name', 'O')])
    for i in range(3):
        annolist[0, i]['image'] = dict(name=images[i])
        act[i, 0]['cat_name'], act[i, 0]['act_name'] = acts[i]
    savemat(tmp_path / 'mpii.mat', dict(RELEASE=dict(annolist=annolist, act=act)))
    config = mpii(tmp_path, [mpii_row(image, [1.0, 1.0]) for image in ('a.png', 'b.png', 'c.png')])
    read = read_facts(config, activities=str(tmp_path / 'mpii.mat'))
    assert [facts.activity for facts in read.images] == ['walking', 'sports, basketball', None]
    (tmp_path / 'bad.mat').write_text('x')
    with pytest.raises(ValueError, match=r"bad\.mat is not MPII's annotation file"):
        read_facts(config, activities=str(tmp_path / 'bad.mat'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda path: coco(path, [ann(1, 9, [1, 1, 2] * 2)]), 'foxes.json: annotation 1 is of image 9 and category 1'),
        (lambda path: coco(path, [ann(1, 1, [1, 1, 2])]), 'annotation 1 has 1 keypoints, but 2 are named'),
        (lambda path: coco(path, [ann(1, 1, [1, 1])]), 'annotation 1 has 2 numbers as keypoints'),
        (lambda path: coco(path, [ann(1, 1, ['a'] * 6)]), "foxes.json: could not convert string to float: 'a'"),
        (lambda path: coco(path, [dict(id=1, category_id=1)]), "an entry has no 'image_id'"),
        (lambda path: coco(path, [3]), 'foxes.json is not a COCO-style annotation file: '),
        (
            lambda path: coco(path, [ann(1, 1, [0] * 6)]),
            'foxes.json has no image with labeled keypoints, only 1 instances without keypoints, 3 images without',
        ),
        (
            lambda path: coco(path, [ann(1, 1, [1, 1, 2] * 2)], type='MP100Dataset', metainfo=None),
            "category 'red fox': its keypoints or skeleton are malformed: keypoint names must not be empty",
        ),
        (lambda path: dict(type='RepeatDataset', dataset=coco(path, []), times=2), 'one data set at a time'),
        (lambda path: dict(ann_file='a.json'), 'got type=None: give the config of one registered data set'),
        (lambda path: mpii(path, [dict(image='b.png')]), 'mpii.json, row 0: expected image, center, scale, joints'),
        (
            lambda path: mpii(path, [mpii_row('b.png', [1, 1], joints=[[1, 2]])]),
            r'row 0: expected 16 joints of 2 numbers and as many joints_vis, got \[1, 2\] and \[16\]',
        ),
        (lambda path: mpii(path, [mpii_row('b.png', 5)]), 'mpii.json, row 0: '),
        (lambda path: mpii(path, {}), r'must be a JSON array \[...\]'),
    ],
)
def test_malformed_annotations_are_named_in_one_line(tmp_path, change, message):
    with pytest.raises(ValueError, match=message) as error:
        read_facts(change(tmp_path))
    assert '\n' not in str(error.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'd\.png does not exist, and its size is needed'):
        read_facts(mpii(tmp_path, [mpii_row('d.png', [1, 1])]))
    with pytest.raises(FileNotFoundError, match=r'none\.json not found'):
        read_facts(dict(type='CocoDataset', ann_file='none.json'))


@pytest.mark.parametrize(
    ('argument', 'content', 'message'),
    [
        (
            'captions',
            {'day/7.png': 'A fox.'},
            'says nothing about the 1 images of .*such as day/1.png; it has 1 others',
        ),
        ('captions', {'day/1.png': 3}, 'day/1.png must have a text or a list of texts, got 3'),
        ('captions', dict(images=[dict(id=1)], annotations=[]), "not a COCO file of captions: KeyError 'file_name'"),
        ('objects', dict(images=[], annotations=[], categories=3), 'has no list of categories'),
        (
            'objects',
            dict(images=[dict(id=1, file_name='day/1.png')], annotations=[dict(id=5, image_id=1)], categories=[]),
            'annotation 5 needs a category of the file and a box of 4 numbers',
        ),
        *(
            (
                'objects',
                dict(
                    images=[dict(id=1, file_name='day/1.png')],
                    annotations=[dict(id=5, image_id=1, category_id=number, bbox=box)],
                    categories=[dict(id=1, name='hat')],
                ),
                'annotation 5 needs a category of the file and a box of 4 numbers',
            )
            for number, box in [(1, 5), (1, 'abcd'), (1, [1, 2, 3, None]), (1, [[1]] * 4), ([1], [1, 2, 3, 4])]
        ),
        ('activities', {'day/1.png': ''}, "day/1.png must have a text, got ''"),
    ],
)
def test_malformed_scenes_are_named_in_one_line(tmp_path, argument, content, message):
    config = coco(tmp_path, [ann(1, 1, [1, 1, 2, 2, 2, 2])])
    with pytest.raises(ValueError, match=message) as error:
        read_facts(config, **{argument: write(tmp_path / 'other.json', content)})
    assert '\n' not in str(error.value)


def test_real_data_sets(shared_data):
    people = read_facts(dict(type='CocoDataset', data_root=f'{shared_data}/mmpose_coco', ann_file='test_coco.json'))
    assert people.dropped == {'instances without keypoints': 2}
    assert [len(facts.instances) for facts in people.images] == [1, 2, 4, 5]
    assert people.images[0].instances[0].bbox == pytest.approx((280.79, 44.73, 499.49, 391.41))
    animals = read_facts(dict(type='AP10KDataset', data_root=f'{shared_data}/mmpose_ap10k', ann_file='test_ap10k.json'))
    assert [facts.instances[0].category for facts in animals.images] == ['jaguar', 'antelope']
    mpii = read_facts(dict(type='MpiiDataset', data_root=f'{shared_data}/mmpose_mpii', ann_file='test_mpii.json'))
    assert mpii.images[0].size == (1280, 720) and [len(facts.instances) for facts in mpii.images] == [1] * 5
    real = dict(type='MP100Dataset', data_root=f'{shared_data}/real_small', data_prefix=dict(img='images'))
    flies = [
        facts
        for facts in read_facts(dict(real, ann_file='annotations/val.json')).images
        if facts.instances[0].category == 'fly'
    ]
    assert len(flies) == 20 and len(flies[0].keypoint_names) == 32 and flies[0].keypoint_names[0] == 'head'
