"""LLaVA-Pose against what its published program sends and saves, for whatever images and runs the folder holds."""

import json
import os
import random

import numpy as np
import pytest
from parity_folders import parity_folder

from clamp_mmpose.datasets.instructions.read_facts import read_facts
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_leaks import find_leaks
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.published import published_messages

FOLDER = parity_folder('llava_pose')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the outputs of the published LLaVA-Pose (set CLAMP_MMPOSE_PARITY to the folder of llava_pose)',
)
CALLS = {'raw_pixels': 'pixels', 'normalised': 'normalized'}  # the end of a run's name, and ours
NAMES = keypoint_names('CocoDataset')


def content(name):
    """A file of the folder; a test without its file is skipped."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f'{path} is absent')
    return json.loads(path.read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def messages():
    return content('messages.json')


def run_of(messages, name):
    if name not in messages['runs']:
        pytest.skip(f'no run {name}')
    return messages['runs'][name]


def image_facts(messages):
    """The images of COCO's annotations, without crowds and people without keypoints."""
    annotations = messages['annotations']
    images = []
    for image in annotations['images']:
        instances = []
        for annotation in annotations['annotations']:
            points = np.array(annotation['keypoints'], dtype=float).reshape(-1, 3)
            if annotation['image_id'] == image['id'] and not annotation['iscrowd'] and points[:, 2].any():
                left, top, width, height = annotation['bbox']
                box = (left, top, left + width, top + height)
                instances.append(Instance('person', box, points[:, :2], points[:, 2].astype(int)))
        images.append(
            ImageFacts(
                image=image['file_name'],
                image_id=image['id'],
                size=(image['width'], image['height']),
                keypoint_names=NAMES,
                skeleton_links=(),
                flip_indices=range(17),
                instances=instances,
                captions=annotations['captions'][str(image['id'])],
            )
        )
    return images


def sent(requests):
    return [[dict(message) for message in request.messages] for request in requests]


def published(run):
    return [request['messages'] for request in run['requests']]


@pytest.mark.parametrize('kind', ['conversation', 'detail', 'reasoning'])
def test_messages_from_annotations(messages, kind):
    """Every run on the images: the same requests in the same order, with the same instructions drawn."""
    found = 0
    for name, run in messages['runs'].items():
        numbers = 'normalized' if name == kind else CALLS.get(name.partition(f'{kind}_')[2])
        if numbers:
            found += 1
            task = build_task(kind, published=True, numbers=numbers)
            assert sent(task.requests(image_facts(messages))) == published(run), name
    if not found:
        pytest.skip(f'no run of {kind}')


def test_messages_from_the_inputs_of_the_program(messages):
    """From what the program itself read, whatever keys an entry has."""
    inputs = {
        'detail_raw_pixels': 'by_image_raw_pixels',
        'detail_normalised': 'by_image_normalised',
        'reasoning_raw_pixels': 'by_image_raw_pixels',
        'reasoning_normalised': 'by_image_normalised',
        'reasoning_full_annotation': 'full_annotation',
    }
    instructions = build_task('detail', published=True).loaded_prompt.instructions
    for name in sorted(set(messages['runs']) & set(inputs)):
        kind = name.partition('_')[0]
        draw = random.Random(0)
        expected = published(messages['runs'][name])
        groups = messages['inputs'][inputs[name]].values()
        assert len(groups) == len(expected)
        for entries, request in zip(groups, expected):
            instruction = draw.choice(instructions).format(subjects='people') if kind == 'detail' else None
            assert published_messages(kind, entries, instruction) == request, name


def test_slip_conversation_reads_no_person_keypoints(messages):
    """The input that the program's comment asks for ends it; ours asks about every image."""
    assert "'caption'" in run_of(messages, 'conversation_on_person_keypoints')['printed']
    with pytest.raises(KeyError, match="'caption'"):
        published_messages('conversation', messages['annotations']['annotations'])


def test_slip_reasoning_reads_no_person_keypoints(messages):
    printed = run_of(messages, 'reasoning_on_person_keypoints')['printed']
    with pytest.raises(AttributeError) as caught:
        published_messages('reasoning', ['info', 'description'])
    assert str(caught.value) in printed


def test_slip_detail_pays_for_requests_about_the_keys_of_the_file(messages):
    """One request for each of 'info', 'licenses', ...: all people of all images in the last, none with a caption."""
    run = run_of(messages, 'detail_on_person_keypoints')
    keys = [saved['image_id'] for saved in run['saved']['generated_data_detailed.json']]
    assert keys == ['info', 'licenses', 'categories', 'images', 'annotations'] and len(run['requests']) == len(keys)
    file = dict(
        info=dict(description='', year=2017),
        licenses=[dict(id=1, name='')],
        categories=[dict(id=1, name='person', keypoints=[name.replace(' ', '_') for name in NAMES], skeleton=[])],
        images=messages['annotations']['images'],
    )
    instructions = build_task('detail', published=True).loaded_prompt.instructions
    draw = random.Random(0)
    for key, request in zip(keys, published(run)):
        instruction = draw.choice(instructions).format(subjects='people')
        if key in file:
            assert published_messages('detail', list(file[key]), instruction) == request, key
        else:
            assert request[-1]['content'] == instruction
            assert all(message['content'].startswith('person: ') for message in request[1:-1])


def test_person_keypoints_are_read(messages, tmp_path):
    """Ours takes COCO's file itself and asks one question about each image that has a person with keypoints."""
    annotations = messages['annotations']
    names = [name.replace(' ', '_') for name in NAMES]
    (tmp_path / 'person_keypoints.json').write_text(
        json.dumps(
            dict(
                images=annotations['images'],
                annotations=annotations['annotations'],
                categories=[dict(id=1, name='person', keypoints=names, skeleton=[])],
            )
        )
    )
    captions = [
        dict(image_id=int(image), id=i, caption=caption)
        for image, texts in annotations['captions'].items()
        for i, caption in enumerate(texts)
    ]
    (tmp_path / 'captions.json').write_text(json.dumps(dict(images=annotations['images'], annotations=captions)))
    dataset = dict(type='CocoDataset', data_root=str(tmp_path), ann_file='person_keypoints.json')
    read = read_facts(dataset, captions=str(tmp_path / 'captions.json'))
    people = [a for a in annotations['annotations'] if any(a['keypoints'][2::3]) and not a['iscrowd']]
    assert [facts.image_id for facts in read.images] == [
        image['id'] for image in annotations['images'] if any(person['image_id'] == image['id'] for person in people)
    ]
    assert sum(len(facts.instances) for facts in read.images) == len(people)
    expected = [facts for facts in image_facts(messages) if facts.instances]
    for kind in ('conversation', 'detail', 'reasoning'):
        for options in ({}, dict(published=True), dict(published=True, numbers='pixels')):
            task = build_task(kind, **options)
            assert sent(task.requests(read.images)) == sent(task.requests(expected)), (kind, options)


def test_saved_answers_are_parsed(messages):
    """What the program saved as text becomes a question and an answer."""
    checked = 0
    for run in messages['runs'].values():
        for saved in run['saved'].values():
            for entry in saved:
                text = entry.get('conversation', entry.get('completion'))
                rounds = build_task('conversation').parse(None, text)
                question, _, answer = text.partition('\nAnswer: ')
                assert rounds == [(question[len('Question: ') :], answer)]
                checked += 1
    assert checked


def test_released_records():
    """Ours have the same form, and the filter finds the leaks of the released ones."""
    task = build_task('conversation', published=True)
    for sample in content('released_records.json').values():
        for record, leak in zip(sample['records'], sample['leak']):
            kinds = {found.kind for turn in record['conversations'] for found in find_leaks(turn['value'])}
            assert bool(kinds & {'keypoint', 'coordinate', 'bounding box', 'caption'}) == leak
            assert sorted(record) == sample['keys'] and len(record['conversations']) in sample['turns']
            question, answer = (turn['value'] for turn in record['conversations'])
            assert question.startswith('<image>\n')
            rounds = [(question[len('<image>\n') :], answer)]
            assert bool(task.leaks(rounds)) >= leak
