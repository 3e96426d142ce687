import json
import re

import numpy as np
import pytest
from PIL import Image

from clamp_mmpose.datasets.descriptions.entries import read_entries
from clamp_mmpose.datasets.instructions import read_facts
from clamp_mmpose.language.attribute_sentence import attribute_sentence
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.task import LeakError, Made

FILES = {
    'classes.txt': '1 001.Black_footed_Albatross\n2 002.Least_Auklet\n',
    'images.txt': '1 001.A/a_1.jpg\n2 001.A/a_2.jpg\n3 002.B/b_1.jpg\n',
    'image_class_labels.txt': '1 1\n2 1\n3 2\n',
    'bounding_boxes.txt': '1 60.0 10.0 50.0 20.0\n2 1 1 5 5\n3 1.0 1.0 5.0 5.0\n',
    'parts/parts.txt': '1 back\n2 left eye\n3 right eye\n',
    'parts/part_locs.txt': '1 1 70.0 20.0 1\n1 2 0.0 0.0 0\n1 3 62.5 12.0 1\n2 1 0.0 0.0 0\n3 3 2.0 3.0 1\n',
    # the fourth line has the extra column of some published lines
    'attributes/image_attribute_labels.txt': (
        '1 1 1 4 2.5\n1 2 0 4 2.5\n1 3 1 3 2.5\n1 4 1 3 7 2.5\n1 2 1 2 2.5\n3 2 1 4 1.0\n3 4 1 1 1.0\n'
    ),
    '../attributes.txt': (
        '1 has_bill_shape::hooked_seabird\n2 has_wing_color::brown\n3 has_wing_color::grey\n'
        '4 has_size::small_(5_-_9_in)\n'
    ),
}


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / 'cub'
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ('001.A/a_1.jpg', '001.A/a_2.jpg', '002.B/b_1.jpg'):
        (folder / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('L', (100, 50)).save(folder / 'images' / name)
    return dict(type='CUBDataset', classes='all', data_root=str(folder))


def test_birds_have_parts_and_attributes(config):
    read = read_facts(config)
    assert read.dropped == {'instances without keypoints': 1, 'images without instances': 1}
    first, third = read.images
    assert (first.image, first.image_id, first.size) == ('001.A/a_1.jpg', 1, (100, 50))
    assert (first.keypoint_names, first.flip_indices) == (['back', 'left eye', 'right eye'], [0, 2, 1])
    (bird,) = first.instances
    assert (bird.category, bird.bbox) == ('Black footed Albatross', (60, 10, 100, 30))  # clipped
    assert bird.visibility.tolist() == [2, 0, 2] and np.array_equal(bird.keypoints[2], [62.5, 12])
    # guesses and what is not visible are left out
    assert first.attributes == ('bill shape: hooked seabird', 'wing color: grey', 'size: small (5 - 9 in)')
    assert third.attributes == ('wing color: brown',)


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        (
            'attributes/image_attribute_labels.txt',
            '1 9 1 4 2.5',
            'line 1: expected image, attribute, 0 or 1, certainty',
        ),
        ('parts/parts.txt', 'back', "line 1: expected a number and a name, got 'back'"),
        ('parts/part_locs.txt', '1 4 0.0 0.0 0', 'line 1: expected a part from 1 to 3, got 4'),
        ('bounding_boxes.txt', '1 a 0.0 0.0 0', 'line 1: expected numbers'),
    ],
)
def test_malformed_files_of_cub(config, tmp_path, name, text, message):
    (tmp_path / 'cub' / name).write_text(text)
    with pytest.raises(ValueError, match=f'{re.escape(name)}, {message}'):
        read_facts(config)


def test_the_prompt_of_the_paper_in_two_messages(config):
    facts = read_facts(config).images[0]
    request = build_task('attributes').request(facts)
    system, user = (message['content'] for message in request.messages)
    assert system.startswith(
        'You are an experienced ornithologist, a branch of zoology that concerns the study of birds,'
    )
    assert 'necessary for bird classification. Your response' in system and '{' not in system
    assert json.loads(user) == {
        'attributes': {'bill shape': ['hooked seabird'], 'wing color': ['grey'], 'size': ['small (5 - 9 in)']},
        'box': [0.6, 0.2, 1.0, 0.6],
        'parts': {'back': [0.7, 0.4], 'right eye': [0.625, 0.24]},
    }
    assert request.id == 'attributes/1' and request.prompt == 'attributes/1'
    shown = json.loads(build_task('attributes', species=True).request(facts).messages[1]['content'])
    assert shown['species'] == 'Black footed Albatross'
    (message,) = build_task('attributes', published=True).request(facts).messages
    assert f'bird classification: "{user}" Your response should be a natural' in message['content']


def test_answers_start_as_the_paper_asks(config):
    task = build_task('attributes')
    request = task.request(read_facts(config).images[0])
    assert task.parse(request, '"A photo of a small\nbird."\n') == 'A photo of a small bird.'
    with pytest.raises(ValueError, match="must start with 'a photo of', got 'This bird"):
        task.parse(request, 'This bird is small.')
    with pytest.raises(LeakError, match='bounding box'):
        task.parse(request, 'a photo of a bird in a bounding box')


def test_images_without_attributes_are_left_out(config, tmp_path):
    (tmp_path / 'cub/attributes/image_attribute_labels.txt').write_text('3 2 1 4 1.0')
    task, images = build_task('attributes'), read_facts(config).images
    assert [request.id for request in task.requests(images)] == ['attributes/3']
    assert task.unusable(images[0]) == 'images without attributes'


def test_entries_have_the_number_by_which_heatmaps_are_found(config, tmp_path):
    task = build_task('attributes')
    request = task.request(read_facts(config).images[1])
    task.write(tmp_path / 'train.json', [Made(request, 'a photo of a bird', {})])
    (entry,) = read_entries(tmp_path / 'train.json')
    assert (entry['image'], entry['id'], entry['descriptions']) == ('002.B/b_1.jpg', 3, ['a photo of a bird'])


@pytest.mark.parametrize(
    ('attributes', 'sentence'),
    [
        ([], 'a photo of a bird.'),
        (
            [
                'bill shape: hooked seabird',
                'wing color: brown',
                'wing color: grey',
                'breast pattern: striped',
                'bill length: shorter than head',
                'size: small (5 - 9 in)',
                'shape: owl-like',
                'primary color: olive',
            ],
            'a photo of a small olive bird of owl-like shape with a hooked seabird bill, brown and grey wings, a '
            'striped pattern on the breast, and a bill shorter than its head.',
        ),
        (['primary color: orange', 'tail shape: notched tail'], 'a photo of an orange bird with a notched tail.'),
        (
            ['bill length: about the same as head', 'wing shape: rounded-wings'],
            'a photo of a bird with a bill about as long as its head and rounded wings.',
        ),
    ],
)
def test_attributes_as_a_sentence(attributes, sentence):
    assert attribute_sentence(attributes) == sentence
