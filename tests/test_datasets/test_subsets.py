"""Few-shot, family and percentage subsets of small annotation files with known counts."""

import json
import random
from collections import Counter

import pytest
from mmpose.registry import DATASETS

from clamp_mmpose.cli import ap10k_splits, coco_subset
from clamp_mmpose.datasets.subsets import (
    FAMILIES,
    ZERO_SHOT_PAIRS,
    count,
    counts_table,
    few_shot_subset,
    percent_subset,
    write_ap10k_splits,
    write_coco_subsets,
)

# id: (species, family, instances in train, in val)
SPECIES = {
    1: ('antelope', 'Bovidae', 7, 2),
    2: ('bison', 'Bovidae', 4, 1),
    3: ('dog', 'Canidae', 6, 3),
    4: ('bobcat', 'Felidae', 3, 2),
    5: ('zebra', 'Equidae', 5, 1),
    6: ('hamster', 'Cricetidae', 2, 2),
    7: ('panda', 'Ursidae', 4, 1),
    8: ('king cheetah', 'Felidae', 0, 1),
}


def ap10k(part):
    """One instance of a species on each image; the first antelope and the first dog share the first image."""
    annotations = dict(
        info=dict(description='toy'),
        licenses=[dict(id=1)],
        images=[],
        annotations=[],
        categories=[
            dict(id=i, name=name, supercategory=family, keypoints=['eye'], skeleton=[])
            for i, (name, family, *_) in SPECIES.items()
        ],
    )
    number = 100
    for species, (name, _, *numbers) in SPECIES.items():
        for i in range(numbers[part == 'val']):
            number += 1
            image = 101 if name == 'dog' and i == 0 else number
            if image == number:
                annotations['images'].append(
                    dict(id=image, file_name=f'{part}{image}.jpg', width=64, height=48, background=1)
                )
            annotations['annotations'].append(
                dict(
                    id=1000 + number,
                    image_id=image,
                    category_id=species,
                    bbox=[2, 3, 40, 30],
                    area=1200,
                    iscrowd=0,
                    num_keypoints=17,
                    keypoints=[10, 11, 2] * 17,
                )
            )
    return annotations


@pytest.fixture
def folder(tmp_path):
    for part in ('train', 'val', 'test'):
        (tmp_path / f'ap10k-{part}-split1.json').write_text(json.dumps(ap10k(part)))
    return tmp_path


def read(path):
    return json.loads(path.read_text())


def test_pairs_are_those_of_the_configs():
    assert [f'{train}2{test}'.lower() for train, test in ZERO_SHOT_PAIRS] == [
        'bovidae2canidae',
        'canidae2felidae',
        'bovidae2equidae',
        'bovidae2felidae',
        'canidae2cricetidae',
        'canidae2equidae',
    ]
    assert set(FAMILIES) == {'Bovidae', 'Canidae', 'Felidae', 'Equidae', 'Cricetidae'}


def test_few_shot_counts(folder):
    write_ap10k_splits(folder, shots=4)
    subset = read(folder / 'ap10k-train-split1-4shot.json')
    drawn = Counter(ann['category_id'] for ann in subset['annotations'])
    assert drawn == {1: 4, 2: 4, 3: 4, 4: 3, 5: 4, 6: 2, 7: 4}
    on_images = {ann['image_id'] for ann in subset['annotations']}
    assert on_images == {image['id'] for image in subset['images']} and len(on_images) == len(subset['images'])
    original = read(folder / 'ap10k-train-split1.json')
    assert list(subset) == list(original)
    assert all(subset[key] == original[key] for key in ('info', 'licenses', 'categories'))
    for key in ('images', 'annotations'):
        assert all(entry in original[key] for entry in subset[key])
        assert list(subset[key][0]) == list(original[key][0])


def test_an_instance_not_drawn_leaves_an_image_that_it_shares():
    draws = [few_shot_subset(ap10k('train'), shots=1, seed=seed) for seed in range(60)]
    species = [sorted(ann['category_id'] for ann in draw['annotations'] if ann['image_id'] == 101) for draw in draws]
    assert {(1,), (3,)} <= set(map(tuple, species))
    assert {ann['id'] for draw in draws for ann in draw['annotations'] if ann['category_id'] == 1} == set(
        range(1101, 1108)
    ), 'every antelope is drawn with some seed'


def test_unlabeled_instances_are_not_drawn():
    annotations = ap10k('train')
    for ann in annotations['annotations'][:3]:
        ann.update(num_keypoints=0, keypoints=[0, 0, 0] * 17)
    drawn = {ann['id'] for ann in few_shot_subset(annotations, shots=7, seed=0)['annotations']}
    assert {i for i in drawn if i < 1108} == {1104, 1105, 1106, 1107}


@pytest.mark.parametrize(
    'part, family, images, instances, species',
    [
        ('train', 'bovidae', 11, 11, 2),
        ('val', 'bovidae', 3, 3, 2),
        ('train', 'canidae', 6, 6, 1),
        ('val', 'canidae', 3, 3, 1),
        ('train', 'felidae', 3, 3, 1),
        ('val', 'felidae', 3, 3, 2),
        ('train', 'equidae', 5, 5, 1),
        ('train', 'cricetidae', 2, 2, 1),
        ('val', 'cricetidae', 2, 2, 1),
    ],
)
def test_family_counts(folder, part, family, images, instances, species):
    counts = {row.path.name: row for row in write_ap10k_splits(folder)}
    path = folder / f'ap10k-{part}-split1-{family}.json'
    assert counts[path.name] == (path, images, instances, species, 1, {})
    assert count(path, read(path)) == counts[path.name]
    assert all(SPECIES[ann['category_id']][1].lower() == family for ann in read(path)['annotations'])


def test_shared_image_is_kept_with_the_instances_of_the_family_alone(folder):
    write_ap10k_splits(folder)
    for family, species in (('bovidae', 1), ('canidae', 3)):
        subset = read(folder / f'ap10k-train-split1-{family}.json')
        assert [ann['category_id'] for ann in subset['annotations'] if ann['image_id'] == 101] == [species]
        assert [image['file_name'] for image in subset['images'] if image['id'] == 101] == ['train101.jpg']


def test_same_seed_same_bytes_and_official_files_untouched(folder):
    official = {path: path.read_bytes() for path in folder.iterdir()}
    write_ap10k_splits(folder, folder / 'first', shots=3)
    write_ap10k_splits(folder, folder / 'again', shots=3)
    write_ap10k_splits(folder, folder / 'other', shots=3, seed=1)
    names = sorted(path.name for path in (folder / 'first').iterdir())
    assert len(names) == 11
    assert names == sorted(path.name for path in (folder / 'again').iterdir())
    assert all((folder / 'first' / name).read_bytes() == (folder / 'again' / name).read_bytes() for name in names)
    few_shot = 'ap10k-train-split1-3shot.json'
    assert (folder / 'first' / few_shot).read_bytes() != (folder / 'other' / few_shot).read_bytes()
    assert all(path.read_bytes() == content for path, content in official.items())


def test_the_draw_does_not_depend_on_the_order_of_the_file():
    annotations, shuffled = ap10k('train'), ap10k('train')
    for key in ('images', 'annotations', 'categories'):
        random.Random(1).shuffle(shuffled[key])
    for subset in (lambda a: few_shot_subset(a, 3, 0), lambda a: percent_subset(a, 40, 0)):
        first, second = subset(annotations), subset(shuffled)
        for key in ('images', 'annotations'):
            assert sorted(e['id'] for e in first[key]) == sorted(e['id'] for e in second[key])


def coco(path, labeled=200, unlabeled=50):
    """``labeled`` images with a labeled person and a crowd, then images with an unlabeled person."""
    person = dict(category_id=1, bbox=[2, 3, 20, 30], area=600, iscrowd=0)
    images = range(1, labeled + unlabeled + 1)
    annotations = [
        dict(person, id=i, image_id=i, num_keypoints=17 * (i <= labeled), keypoints=[5, 5, 2 * (i <= labeled)] * 17)
        for i in images
    ]
    annotations += [
        dict(person, id=1000 + i, image_id=i, num_keypoints=0, keypoints=[0] * 51, iscrowd=1) for i in images[:labeled]
    ]
    path.write_text(
        json.dumps(
            dict(
                info=dict(year=2017),
                licenses=[],
                annotations=annotations,
                images=[dict(id=i, file_name=f'{i:012d}.jpg', width=64, height=48) for i in images],
                categories=[dict(id=1, name='person', supercategory='person')],
            )
        )
    )
    return path


def test_percentages_of_the_labeled_images(tmp_path):
    source = coco(tmp_path / 'person_keypoints_train2017.json')
    rows = write_coco_subsets(source, percents=(0.1, 1, 2.5, 10, 100), seeds=(0, 1))
    assert [(row.path.name, row.images, row.instances) for row in rows] == [
        ('person_keypoints_train2017.json', 250, 450)
    ] + [
        (f'person_keypoints_train2017_{percent}percent_seed{seed}.json', images, 2 * images)
        for percent, images in (('0.1', 1), ('1', 2), ('2.5', 5), ('10', 20), ('100', 200))
        for seed in (0, 1)
    ]
    first, second = (read(tmp_path / f'person_keypoints_train2017_10percent_seed{seed}.json') for seed in (0, 1))
    assert list(first) == list(read(source))
    ids = [{image['id'] for image in subset['images']} for subset in (first, second)]
    assert ids[0] != ids[1] and max(ids[0] | ids[1]) <= 200
    before = (tmp_path / 'person_keypoints_train2017_10percent_seed0.json').read_bytes()
    write_coco_subsets(source, percents=[10], seeds=[0])
    assert (tmp_path / 'person_keypoints_train2017_10percent_seed0.json').read_bytes() == before


@pytest.mark.parametrize('percent, images', [(0.2, 1), (4.5, 1), (5.5, 2), (8, 2), (8.5, 3), (100, 30)])
def test_percentages_are_rounded_to_the_nearest_number(tmp_path, percent, images):
    """Of 30 labeled images: 0.06 (at least one), 1.35, 1.65, 2.4, 2.55."""
    annotations = read(coco(tmp_path / 'coco.json', labeled=30, unlabeled=5))
    assert len(percent_subset(annotations, percent, seed=0)['images']) == images


def test_stock_datasets_load_them(folder, tmp_path):
    write_ap10k_splits(folder, shots=4)
    for name, instances in (('train-split1-4shot', 25), ('train-split1-bovidae', 11), ('val-split1-felidae', 3)):
        dataset = DATASETS.build(dict(type='AP10KDataset', ann_file=str(folder / f'ap10k-{name}.json')))
        assert len(dataset) == instances
    source = coco(tmp_path / 'person_keypoints_train2017.json')
    rows = write_coco_subsets(source, percents=[5], seeds=[2])
    assert len(DATASETS.build(dict(type='CocoDataset', ann_file=str(rows[1].path)))) == 10  # crowds are dropped


def test_table_names_species_with_too_few(folder):
    table = counts_table(write_ap10k_splits(folder, shots=5))
    assert [line.split() for line in table.splitlines()[1:4]] == [
        ['ap10k-train-split1.json', '30', '31', '7', '6'],
        ['ap10k-val-split1.json', '12', '13', '8', '6'],
        ['ap10k-train-split1-5shot.json', *table.splitlines()[3].split()[1:2], '28', '7', '6'],
    ]
    assert table.splitlines()[-1].endswith(
        'ap10k-train-split1-5shot.json: bison (4), bobcat (3), hamster (2), panda (4), king cheetah (0)'
    )


@pytest.mark.parametrize(
    'fault, error, message',
    [
        (lambda file: file.unlink(), FileNotFoundError, r'val-split1.json not found \(looked in .*\): download AP-10K'),
        (
            lambda file: file.write_text(file.read_text()[:500]),
            ValueError,
            'ap10k-val-split1.json cannot be read as JSON',
        ),
        (lambda file: file.write_bytes(b'\xff\xfe\x00'), ValueError, 'ap10k-val-split1.json is not text in UTF-8'),
        (lambda file: file.write_text('[1]'), ValueError, 'no list of images, annotations, categories'),
        (
            lambda file: file.write_text(file.read_text().replace('Canidae', 'Dogs')),
            ValueError,
            "unknown family 'Canidae'; the annotations have Bovidae, Cricetidae, Dogs, Equidae, Felidae, Ursidae",
        ),
    ],
)
def test_faulty_input_writes_nothing(folder, fault, error, message):
    fault(folder / 'ap10k-val-split1.json')
    with pytest.raises(error, match=message):
        write_ap10k_splits(folder, folder / 'out')
    assert not (folder / 'out').exists()


def test_numbers_out_of_range(folder, tmp_path):
    with pytest.raises(ValueError, match='shots=0'):
        write_ap10k_splits(folder, shots=0)
    source = coco(tmp_path / 'person_keypoints_train2017.json')
    for percent in (0, -1, 100.5, float('nan')):
        with pytest.raises(ValueError, match='outside'):
            write_coco_subsets(source, percents=[1, percent])
    with pytest.raises(FileNotFoundError, match=r'nowhere\.json not found .*: download http'):
        write_coco_subsets(tmp_path / 'nowhere.json')
    assert not list(tmp_path.glob('*percent*'))


def test_an_interrupted_write_leaves_the_old_file(folder, monkeypatch):
    write_ap10k_splits(folder, shots=4)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr('clamp_mmpose.utils.files.os.replace', lambda *_: (_ for _ in ()).throw(OSError('full')))
    with pytest.raises(OSError, match='full'):
        write_ap10k_splits(folder, shots=4, seed=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_commands(folder, tmp_path, capsys):
    assert ap10k_splits.main([str(folder), '--shots', '4', '--out-dir', str(folder / 'out')]) == 0
    output = capsys.readouterr().out
    assert 'ap10k-train-split1-4shot.json' in output and 'bobcat (3)' in output
    assert len(list((folder / 'out').iterdir())) == 11
    source = coco(tmp_path / 'person_keypoints_train2017.json')
    assert coco_subset.main([str(source), '--percent', '1', '2']) == 0
    assert capsys.readouterr().out.count('percent_seed') == 6
