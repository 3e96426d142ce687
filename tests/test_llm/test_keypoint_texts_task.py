"""Drafts of names and descriptions for a new category's keypoints."""

import json
from dataclasses import replace

import numpy as np
import pytest
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.instructions import read_facts
from clamp_mmpose.language.category_queries import category_queries, find_category
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.keypoint_answer import check_keypoint_texts, parse_keypoint_texts
from clamp_mmpose.llm.tasks.task import Made
from clamp_mmpose.llm.template_writer import TemplateWriter

MOUSE = Instance(
    'lab mouse',
    (0, 0, 60, 80),
    np.array([[30, 0], [10, 20], [50, 20], [30, 80]]),
    np.array([2, 2, 2, 2]),
    category_id=4,
)
NAMES = ['Snout', 'leftear', 'rightear', 'tailbase']
FLIPS = [0, 2, 1, 3]
FACTS = ImageFacts('a.jpg', 1, (100, 100), NAMES, [(0, 1), (0, 2)], FLIPS, [MOUSE])
TEXTS = [
    ('snout', 'The snout is the front end of the mouse.'),
    ('left ear', 'The left ear is on the left side of the head, opposite the right ear.'),
    ('right ear', 'The right ear is on the right side of the head.'),
    ('tail base', 'The tail base is where the tail begins.'),
]
ITEMS = [dict(index=i, name=name, description=text) for i, (name, text) in enumerate(TEXTS)]


def made(task, facts=FACTS, texts=None):
    (request,) = task.requests([facts])
    writer = TemplateWriter()
    text = writer.write(request) if texts is None else json.dumps(texts)
    return Made(request, task.parse(request, text), dict(model='template/1'))


def test_request_tells_the_geometry():
    other = replace(FACTS, instances=[replace(MOUSE, keypoints=MOUSE.keypoints + np.array([0, 8]))])
    (request,) = build_task('keypoint_texts').requests([FACTS, other])
    system, user = (message['content'] for message in request.messages)
    assert request.id == 'keypoint_texts/lab mouse' and 'the 4 keypoints' in system and 'the lab mouse, as' in system
    snout, left_ear, *_ = json.loads(user)
    assert snout == {
        'index': 0,
        'name': 'Snout',
        'position': [0.5, 0.05],
        'spread': [0.0, 0.05],
        'linked': ['leftear', 'rightear'],
        'nearest': ['leftear', 'rightear', 'tailbase'],
    }
    assert left_ear['counterpart'] == 'rightear' and left_ear['position'] == [0.17, 0.3]


@pytest.mark.parametrize(
    'text',
    [
        json.dumps(ITEMS),
        f'Here you are:\n```json\n{json.dumps(dict(keypoints=ITEMS), indent=1)}\n```\nDone.',
        json.dumps(dict(TEXTS)),
        json.dumps([{name: text} for name, text in TEXTS]),
        '\n'.join(f'{name}: {text}' for name, text in TEXTS),
        'These are the keypoints:\n\n'
        + '\n'.join(f'{i}. **{name}**: {text}' for i, (name, text) in enumerate(TEXTS, 1)),
        '\n'.join(f'- {name}: {text}' for name, text in TEXTS),
    ],
)
def test_forms_of_answers(text):
    assert parse_keypoint_texts(text) == TEXTS
    check_keypoint_texts(parse_keypoint_texts(text), NAMES, FLIPS)


def changed(number, **change):
    return json.dumps([dict(item, **change) if i == number else item for i, item in enumerate(ITEMS)])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('I cannot see any keypoints.', 'no names and descriptions: expected a JSON list'),
        ('[{"name": "snout"', 'it starts like JSON, but'),
        (json.dumps(ITEMS[:3]), 'expected texts for 4 keypoints, got 3'),
        (json.dumps([dict(name='snout')]), 'the JSON must hold "name" and "description"'),
        (json.dumps([ITEMS[1], ITEMS[0], *ITEMS[2:]]), r'must be in the given order, got the numbers \[1, 0, 2, 3\]'),
        (changed(3, name='Snout'), "two keypoints are named 'snout'"),
        (changed(3, name='snout', description=''), "keypoint 3 needs a name of at most 60 .* got 'snout' and ''"),
        (changed(3, description='x' * 401), 'a sentence of at most 400'),
        (changed(3, description='The tail\u200b base'), 'a text is not clean'),
        (changed(1, name='ear'), "keypoint 1, 'left ear', must be on the left, got 'ear'"),
        (changed(1, name='right whisker'), "keypoint 1, 'left ear', must be on the left, got 'right whisker'"),
        (
            changed(1, name='left whisker'),
            "the counterpart of 'left whisker' is 'right ear', but the names say otherwise",
        ),
        (
            changed(1, description='It is right of the snout.'),
            "the description of 'left ear' speaks of the right side only",
        ),
        (changed(0, name='tailbase'), "keypoint 0 is called 'tailbase', the given name of keypoint 3"),
    ],
)
def test_what_is_wrong_is_asked_again(text, message):
    task = build_task('keypoint_texts')
    (request,) = task.requests([FACTS])
    with pytest.raises(ValueError, match=message):
        task.parse(request, text)


def test_counterparts_of_names_that_tell_no_side():
    names, flips = ['p1', 'p2', 'p3'], [1, 0, 2]
    for first, second in (('left fin', 'right fin'), ('upper fin', 'lower fin')):
        texts = parse_keypoint_texts(f'{first}: A fin.\n{second}: A fin.\ntail: The tail.')
        check_keypoint_texts(texts, names, flips)
    texts = parse_keypoint_texts('left fin: A fin.\nnose: The nose.\nright fin: A fin.')
    with pytest.raises(ValueError, match="the counterpart of 'left fin' is 'nose'"):
        check_keypoint_texts(texts, names, flips)
    check_keypoint_texts(texts, names, [0, 1, 2])  # the annotations know no counterparts: the names do


def test_files_are_checked_by_the_loader(tmp_path):
    task = build_task('keypoint_texts', supercategory='rodents')
    path = tmp_path / 'own'
    task.check_path(path)
    task.write(path, [made(task, texts=ITEMS)])
    (category,) = load_texts(path).values()
    assert (category.category_id, category.slug, category.name) == (4, 'lab mouse', 'lab mouse')
    assert (category.supercategory, category.skeleton, category.flip_indices) == ('rodents', ((0, 1), (0, 2)), FLIPS)
    assert list(zip(category.names, category.descriptions)) == TEXTS
    assert (
        (path / 'lab_mouse.yml').read_text().startswith('# Draft by template/1, from 1 instances: read and correct it.')
    )
    with pytest.raises(ValueError, match='needs the name of a new folder'):
        task.check_path(path)  # somebody may have corrected the texts
    with pytest.raises(ValueError, match='needs the name of a new folder'):
        task.check_path(tmp_path / 'own.json')


def test_categories_with_the_same_keypoints_share_a_request(tmp_path):
    rat = replace(MOUSE, category='rat', category_id=9)
    fish = Instance('Fish', (0, 0, 5, 5), np.array([[1, 1], [4, 4]]), np.array([2, 2]), category_id=9)
    images = [FACTS, replace(FACTS, instances=[rat, MOUSE]), ImageFacts('b', 2, (9, 9), ['a', 'b'], [], [0, 1], [fish])]
    task = build_task('keypoint_texts')
    requests = task.requests(images)
    assert [(request.id, len(request.facts.instances)) for request in requests] == [
        ('keypoint_texts/object', 3),
        ('keypoint_texts/Fish', 1),
    ]
    writer = TemplateWriter()
    task.write(tmp_path, [Made(one, task.parse(one, writer.write(one)), {}) for one in requests])
    texts = load_texts(tmp_path)
    # an id that is taken is replaced
    assert {number: category.slug for number, category in texts.items()} == {4: 'lab mouse', 9: 'rat', 10: 'fish'}
    assert texts[4].names == texts[9].names and texts[10].names == ('a', 'b')


def test_options_of_the_task():
    with pytest.raises(ValueError, match='no published prompt'):
        build_task('keypoint_texts', published=True)
    (request,) = build_task('keypoint_texts', subject='rodent').requests([FACTS])
    assert request.id == 'keypoint_texts/rodent'


def test_a_draft_for_real_animals_is_used_like_the_texts_of_the_package(shared_data, tmp_path):
    """From annotations to queries and samples, without a language model."""
    source = dict(type='MP100Dataset', data_root=f'{shared_data}/real_small', data_prefix=dict(img='images'))
    task = build_task('keypoint_texts')
    images = [
        facts
        for facts in read_facts(dict(source, ann_file='annotations/train.json')).images
        if facts.instances[0].category in ('fly', 'salmon')
    ]
    writer = TemplateWriter()
    path = tmp_path / 'animals'
    task.write(path, [Made(one, task.parse(one, writer.write(one)), {}) for one in task.requests(images)])
    texts = load_texts(path)
    queries = category_queries(find_category('fly', texts))
    assert len(queries.texts) == 32 and queries.flip_indices[1] == 2
    assert queries.texts[1] == (
        'left eye: The left eye is on the left side of the fly, next to the head and opposite the right eye.'
    )
    mouse = dict(type='MP100Dataset', data_root=f'{shared_data}/openfield_mouse', ann_file='annotations/train.json')
    task = build_task('keypoint_texts', subject='mouse')
    (request,) = task.requests(read_facts(mouse).images)
    task.write(tmp_path / 'mouse', [Made(request, task.parse(request, writer.write(request)), {})])
    dataset = DATASETS.build(dict(mouse, texts=str(tmp_path / 'mouse'), data_prefix=dict(img='images')))
    sample = dataset.get_data_info(0)
    assert sample['keypoint_names'] == ['snout', 'left ear', 'right ear', 'tailbase']
    assert sample['flip_indices'] == [0, 2, 1, 3]
    assert sample['keypoint_descriptions'][1] == (
        'The left ear is on the left side of the mouse, nearest to the snout, farthest from the tailbase and opposite '
        'the right ear.'
    )
