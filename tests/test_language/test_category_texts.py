import json
import re
from copy import deepcopy

import pytest
import yaml
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.mp100.annotations import category_slug
from clamp_mmpose.language.category_texts import FOLDER, load_texts

TEXTS = load_texts()
INDEX = [
    dict(id=3, slug='fish', name='fish', supercategory='toy', num_keypoints=4, split=1, layout='fish'),
    dict(id=8, slug='eel', name='eel', supercategory='toy', num_keypoints=4, split=2, layout='fish'),
]
LAYOUT = dict(
    skeleton=[[0, 3], [1, 2]],
    swap=[[1, 2]],
    keypoints=[
        {'mouth': 'The mouth is in front.'},
        {'left fin': 'The left fin is left.'},
        {'right fin': 'The right fin is right.'},
        {'tail': 'The tail is behind.'},
    ],
)


def mirrored(name):
    return re.sub(r'\b(left|right)\b', lambda side: dict(left='right', right='left')[side[0]], name)


@pytest.fixture
def toy(tmp_path):
    """Write the texts above to a folder, after ``change(index, layout)`` changed them."""

    def write(change=lambda index, layout: None):
        index, layout = deepcopy(INDEX), deepcopy(LAYOUT)
        change(index, layout)
        (tmp_path / 'mp100.yml').write_text(yaml.safe_dump(index))
        (tmp_path / 'fish.yml').write_text(yaml.safe_dump(layout))
        return tmp_path

    return write


@pytest.fixture(scope='module')
def categories(shared_data):
    return json.loads((shared_data / 'mp100' / 'categories.json').read_text())


def test_another_folder(toy):
    texts = load_texts(toy())
    assert list(texts) == [3, 8]
    fish, eel = texts.values()
    assert (fish.slug, fish.category_id, fish.name, fish.supercategory, fish.split) == ('fish', 3, 'fish', 'toy', 1)
    assert fish.names == eel.names == ('mouth', 'left fin', 'right fin', 'tail')
    assert fish.descriptions[1] == 'The left fin is left.'
    assert fish.skeleton == ((0, 3), (1, 2))
    assert fish.flip_indices == [0, 2, 1, 3]
    assert eel.split == 2


def test_a_layout_without_skeleton_and_swap(toy):
    def bare(index, layout):
        for key in ('skeleton', 'swap'):
            del layout[key]

    fish = load_texts(toy(bare))[3]
    assert (fish.skeleton, fish.flip_indices) == ((), [0, 1, 2, 3])


def test_callers_do_not_share_the_dict():
    load_texts().clear()
    assert len(load_texts()) == 100


ERRORS = {
    'fewer keypoints than the index says': (
        lambda index, layout: index[1].update(num_keypoints=5),
        r"fish\.yml: expected 5 keypoints.* 'eel', got 4",
    ),
    'empty name': (
        lambda index, layout: layout['keypoints'].append({'': 'Nothing.'}),
        r'fish\.yml: keypoint 4 .* empty',
    ),
    'empty description': (lambda index, layout: layout['keypoints'].append({'eye': ' '}), r'keypoint 4 .* empty'),
    'a word that YAML reads as a truth value': (
        lambda index, layout: layout['keypoints'].append({True: 'Yes.'}),
        r'keypoint 4 .* quote',
    ),
    'two keypoints in one entry': (
        lambda index, layout: layout['keypoints'][0].update(eye='The eye.'),
        r'keypoint 0 must be one "name: desc',
    ),
    'repeated name': (
        lambda index, layout: layout['keypoints'].append({'Left Fin': 'A fin.'}),
        r"fish\.yml: .*'left fin' and 'Left Fin' are the same",
    ),
    'control character': (
        lambda index, layout: layout['keypoints'].append({'eye': 'The\x07 eye.'}),
        r'fish\.yml: keypoint 4: .* control character, U\+0007',
    ),
    'the same name with an accent composed': (
        lambda index, layout: layout['keypoints'].extend([{'\u00e9ye': 'One.'}, {'e\u0301ye': 'Two.'}]),
        r'fish\.yml: keypoint names must differ',
    ),
    'skeleton out of range': (
        lambda index, layout: layout['skeleton'].append([0, 4]),
        r'fish\.yml: skeleton .* 0 to 3, got \[0, 4\]',
    ),
    'skeleton below range': (lambda index, layout: layout['skeleton'].append([-1, 2]), r'skeleton .* got \[-1, 2\]'),
    'no pair': (lambda index, layout: layout['skeleton'].append([0, 1, 2]), r'skeleton .* got \[0, 1, 2\]'),
    'swap out of range': (
        lambda index, layout: layout['swap'].append([0, 4]),
        r'fish\.yml: swap .* 0 to 3, got \[0, 4\]',
    ),
    'swapped twice': (
        lambda index, layout: layout['swap'].append([3, 2]),
        r'fish\.yml: .* one swap pair only, but 2 is in two',
    ),
    'its own partner': (
        lambda index, layout: layout['swap'].append([3, 3]),
        r'swap takes pairs of different .* got \[3, 3\]',
    ),
    'unknown key of a layout': (
        lambda index, layout: layout.update(links=[]),
        r"fish\.yml: unknown keys \['links'\]; .*swap",
    ),
    'unknown key of a category': (
        lambda index, layout: index[1].update(kind='eel'),
        r"mp100\.yml, category number 1: unknown keys \['kind'\]",
    ),
    'missing key': (
        lambda index, layout: index[0].pop('split'),
        r"mp100\.yml, category number 0: .*\['split'\] are missing",
    ),
    'no keypoints': (lambda index, layout: layout.pop('keypoints'), r"fish\.yml: .*\['keypoints'\] are missing"),
    'wrong type': (lambda index, layout: index[0].update(id='3'), r"id must be of type int, got '3'"),
    'empty value': (lambda index, layout: layout.update(swap=None), r'fish\.yml: swap must be of type list, got None'),
    'repeated id': (lambda index, layout: index[1].update(id=3), r'mp100\.yml: ids must differ, but 3 '),
    'repeated slug': (
        lambda index, layout: index[1].update(slug='fish'),
        r"mp100\.yml: slugs must differ, but 'fish' ",
    ),
    'empty index': (lambda index, layout: index.clear(), r'mp100\.yml: expected a list of categories, got \[\]'),
}


@pytest.mark.parametrize('case', ERRORS)
def test_errors(toy, case):
    change, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        load_texts(toy(change))


def test_missing_files(toy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'mp100\.yml not found .*one file for each layout'):
        load_texts(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"squid\.yml does not exist, but .*uses the layout 'squid' for 'eel'"):
        load_texts(toy(lambda index, layout: index[1].update(layout='squid')))


def test_broken_yaml(toy):
    folder = toy()
    (folder / 'fish.yml').write_text('keypoints:\n- mouth: The mouth: in front.\n')
    with pytest.raises(ValueError, match=r'fish\.yml cannot be read as YAML: mapping values are not allowed'):
        load_texts(folder)


def test_agree_with_the_annotations(categories):
    assert [category['id'] for category in categories] == list(TEXTS) == list(range(1, 101))
    for category, texts in zip(categories, TEXTS.values()):
        assert texts.slug == category_slug(category['name'], category['num_keypoints'])
        assert (texts.supercategory, texts.split) == (category['supercategory'], category['test_split'])
        assert len(texts.names) == len(texts.descriptions) == category['num_keypoints'], texts.slug
        # MP-100 lists one edge of the chair and one of the swivel chair twice
        given = {frozenset(link) for link in category['skeleton']}
        assert len(texts.skeleton) == len(given) and {frozenset(link) for link in texts.skeleton} == given, texts.slug
    assert sum(len(texts.names) for texts in TEXTS.values()) == 1565


def test_given_names_are_kept(categories):
    kept = {
        'left_front_paw': 'left front paw',
        'midlegR4': 'right midleg tip',
        'anttipL': 'left antenna tip',
        'forefinger4': 'forefinger tip',
        'right_ankle': 'right ankle',
        'nape': 'nape',
        'wingL': 'left wing tip',
    }
    found = set()
    for category in categories:
        for given, name in zip(category['keypoints'], TEXTS[category['id']].names):
            sides = [side for letter, side in (('L', 'left'), ('R', 'right')) if re.search(rf'{letter}\d?$', given)]
            sides += [side for side in ('left', 'right') if re.search(rf'\b{side}[_ ]', given)]
            assert sides == [side for side in ('left', 'right') if side in name.split()] or given.isdigit(), given
            if given in kept:
                assert name == kept[given]
                found.add(given)
    assert found == set(kept)


@pytest.mark.parametrize('texts', TEXTS.values(), ids=lambda texts: texts.slug)
def test_wording(texts):
    for name, description in zip(texts.names, texts.descriptions):
        assert re.fullmatch(r'[a-z]+( [a-z]+)*', name)
        assert re.fullmatch(r'[A-Z][^.!?:;]*\.', description), description
        assert 12 <= len(description.split()) <= 35, description
        assert description.lower().startswith(f'the {name} '), description
    assert len(set(texts.descriptions)) == len(texts.names)


@pytest.mark.parametrize('texts', TEXTS.values(), ids=lambda texts: texts.slug)
def test_left_and_right_are_partners(texts):
    assert [texts.flip_indices[i] for i in texts.flip_indices] == list(range(len(texts.names)))
    for name, partner in zip(texts.names, texts.flip_indices):
        assert texts.names[partner] == mirrored(name)
    links = {frozenset(link) for link in texts.skeleton}
    # MP-100's skeleton of this one mixes up the corner of the neckline (1) and the top of the opening (3) on the right
    if texts.slug != 'short_sleeved_outwear':
        assert {frozenset(texts.flip_indices[i] for i in link) for link in links} == links


@pytest.mark.parametrize(
    'slug, dataset',
    [
        ('horse_body', 'AP10KDataset'),
        ('person', 'CocoDataset'),
        ('macaque', 'MacaqueDataset'),
        ('hand', 'OneHand10KDataset'),
        ('fly', 'FlyDataset'),
        ('locust', 'LocustDataset'),
        ('face_19_points', 'AFLWDataset'),
        ('face_68_points', 'Face300WDataset'),
    ],
)
def test_partners_are_those_of_mmpose(slug, dataset):
    metainfo = parse_pose_metainfo(dict(DATASETS.get(dataset).METAINFO))
    (texts,) = (texts for texts in TEXTS.values() if texts.slug == slug)
    assert texts.flip_indices == list(metainfo['flip_indices'])


def test_left_is_at_the_right_of_an_image_from_the_front(categories):
    """Anatomical left: it is at the image's right if the subject mostly faces the viewer."""
    for category in categories:
        texts = TEXTS[category['id']]
        if texts.supercategory in ('animal_face', 'clothes', 'furniture', 'person') or texts.slug == 'macaque':
            x = [point[0] for point in category['mean_xy']]
            for i, name in enumerate(texts.names):
                if 'left' in name.split():
                    assert x[i] > x[texts.flip_indices[i]], (texts.slug, name)


def test_left_of_insects_that_face_the_right_is_up(categories):
    for category in categories:
        texts = TEXTS[category['id']]
        if texts.slug in ('fly', 'locust'):
            x, y = zip(*category['mean_xy'])
            assert x[texts.names.index('head')] > x[texts.names.index('thorax')] + 0.2
            assert all(y[i] < y[texts.flip_indices[i]] for i, name in enumerate(texts.names) if 'left' in name.split())


def test_words_of_place_on_faces(categories):
    """Upper is above lower, and outer is farther from the nose than inner."""
    checked = {}
    for category in categories:
        texts = TEXTS[category['id']]
        if texts.slug.startswith('face_') or texts.supercategory == 'animal_face':
            at = dict(zip(texts.names, category['mean_xy']))
            middle = at['nose tip'][0]
            checked[texts.slug] = 0
            for name, (x, y) in at.items():
                lower = name.replace('upper', 'lower')
                if lower != name and lower in at:
                    assert y < at[lower][1], (texts.slug, name)
                    checked[texts.slug] += 1
                inner = name.replace('outer', 'inner')
                if inner != name and inner in at and 'lip' not in name:
                    assert abs(x - middle) > abs(at[inner][0] - middle), (texts.slug, name)
                    checked[texts.slug] += 1
    # upper: 4 on eyelids, 6 on lips, 1 on the nose; outer: 2 each for jaw, eyebrow end and part, eye, eyelids, mouth
    assert checked.pop('face_68_points') == 11 + 14
    assert checked.pop('face_19_points') == 4
    assert len(checked) == 30 and set(checked.values()) == {3}


def test_the_folder_holds_nothing_else():
    layouts = {entry['layout'] for entry in yaml.safe_load((FOLDER / 'mp100.yml').read_text())}
    assert {path.name for path in FOLDER.iterdir()} == {f'{layout}.yml' for layout in layouts} | {'mp100.yml'}
