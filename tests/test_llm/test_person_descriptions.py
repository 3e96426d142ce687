"""Descriptions of single people: what is drawn and sent, what is read, two steps in one run, and the file."""

import base64
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from body_poses import HAILING, SITTING, axis_angles
from mmpose.registry import DATASETS
from replay_server import Answer, completion, replay
from stick_people import COCO, stick_facts, stick_person

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.cli.make_texts import main
from clamp_mmpose.llm.tasks.person_descriptions import PersonDescriptions, parse_aspects, parse_summary
from clamp_mmpose.llm.tasks.person_leaks import person_leaks
from clamp_mmpose.llm.tasks.person_poses import PersonPoses
from clamp_mmpose.llm.tasks.task import LeakError, Made
from clamp_mmpose.llm.template_writer import TemplateWriter
from clamp_mmpose.visualization.left_right import draw_left_right

ASPECTS = dict(
    behavior='She is waiting for a bus.',
    shape='She is tall.',
    outfits='A red coat with green lines. Red knee pads.',
    pose='The left arm is raised. The right one hangs down.',
)
SUMMARY = 'The tall woman in a red coat seems to be waiting for something to arrive.'
SIZE = (640, 480)
FIRST, SECOND = stick_person(left_arm=(150, 150), at=(150, 250)), stick_person(at=(450, 250), right_arm=(90, 90))


def person_json(**changes):
    return json.dumps({**ASPECTS, **changes})


PEOPLE = [person_json(shape=f'{shape}.') for shape in ('Tall', 'Slim', 'Strong', 'Small')]


@pytest.mark.parametrize('text', [person_json(), f'```json\n{person_json()}\n```', f'Here:\n```\n{person_json()}\n```'])
def test_aspects(text):
    assert parse_aspects(text) == ASPECTS


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('She stands.', "expected a JSON object, got 'She stands.'"),
        (f'[{person_json()}]', 'expected a JSON object'),
        (person_json(mood='glad'), 'expected the keys behavior, shape, outfits, pose, got behavior, .*, mood'),
        (json.dumps({'behavior': 'x'}), 'expected the keys behavior, shape, outfits, pose, got behavior$'),
        ('{}', 'got none'),
        (person_json(shape=''), "shape must be a text, got ''"),
        (person_json(shape=['tall']), r"shape must be a text, got \['tall'\]"),
        (person_json(pose='word ' * 121), 'pose has 121 words, expected one or two sentences'),
        ('{"behavior": "a", "behavior": "b"}', "the key 'behavior' occurs twice"),
        (person_json()[:-1], 'delimiter'),
    ],
)
def test_aspects_that_cannot_be_used(text, message):
    with pytest.raises(ValueError, match=message):
        parse_aspects(text)


def test_summary():
    assert parse_summary(f'"{SUMMARY}"\n') == SUMMARY
    assert parse_summary('word ' * 29).count('word') == 29
    for text, message in (
        ('word ' * 30, 'has 30 words, expected fewer than 30'),
        ('', 'empty'),
        ('{"summary": "x"}', 'expected one description'),
        ("I'm sorry, I cannot describe people.", 'a refusal'),
    ):
        with pytest.raises(ValueError, match=message):
            parse_summary(text)


@pytest.mark.parametrize(
    ('aspect', 'text', 'leak'),
    [
        ('pose', 'The green arm is raised.', True),
        ('pose', 'A green hand.', True),
        ('behavior', 'The person with red joints runs.', True),
        ('behavior', 'The limbs are marked in green and red.', True),
        ('behavior', 'He stands with the green left arm up.', False),  # only next to the noun; the pose is stricter
        ('outfits', 'The joints are drawn in green.', True),
        ('outfits', 'Green and red lines on the shirt, red dots, red knee pads.', False),
        ('outfits', 'A green shirt and red shorts.', False),
        ('shape', 'Slim, with red and green marks on the body.', True),
        ('summary', 'The person whose keypoints are spread.', True),
        ('summary', 'The man in green beside the red car with a red shoulder bag.', False),
        ('summary', 'The one highlighted with lines.', True),
    ],
)
def test_marks_that_were_drawn_are_leaks(aspect, text, leak):
    assert bool(person_leaks({aspect: text})) == leak


def test_left_is_green_and_right_is_red():
    image = np.full((100, 100, 3), 200, np.uint8)
    keypoints = np.array([[20, 20], [20, 60], [80, 20], [80, 60], [50, 10], [50, 90]])
    sides = ['left', 'left', 'right', 'right', None, 'right']
    shown = np.array([1, 1, 1, 1, 1, 0], bool)
    drawn = draw_left_right(image, keypoints, shown, sides, [(0, 1), (2, 3), (0, 2), (4, 0), (3, 5)])
    assert drawn[20, 20].tolist() == drawn[40, 20].tolist() == [0, 255, 0]
    assert drawn[60, 80].tolist() == drawn[40, 80].tolist() == [0, 0, 255]
    for y, x in ((20, 50), (10, 50), (90, 50), (75, 65)):  # between the sides, on none, not shown
        assert drawn[y, x].tolist() == [200, 200, 200]
    assert image.min() == 200


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Two images of two people as COCO has them, one of one person, and 3D poses of two of the four."""
    folder = tmp_path_factory.mktemp('people')
    annotations, poses = [], []
    cv2.imwrite(str(folder / 'people.jpg'), np.full((SIZE[1], SIZE[0], 3), 200, np.uint8))
    for image in (1, 2, 3):
        cv2.imwrite(str(folder / f'{image}.jpg'), np.full((SIZE[1], SIZE[0], 3), 100 + 30 * image, np.uint8))
        for place, one in enumerate([FIRST, SECOND][: 1 if image == 3 else 2]):
            left, top, right, bottom = one.bbox
            points = np.concatenate([one.keypoints, one.visibility[:, None]], 1)
            annotations.append(
                dict(
                    id=10 * image + place,
                    image_id=image,
                    category_id=1,
                    bbox=[left, top, right - left, bottom - top],
                    area=1,
                    iscrowd=0,
                    keypoints=points.ravel().tolist(),
                    num_keypoints=17,
                )
            )
    for place, (one, turns) in enumerate(((FIRST, HAILING), (SECOND, SITTING))):
        box = [float(value) + 4 for value in one.bbox]
        pose = dict(axis_angle=axis_angles(turns).tolist())
        poses.append(dict(id=str(place), image='1.jpg', box=box, poses=[pose]))
    (folder / 'poses.jsonl').write_text('\n'.join(map(json.dumps, poses)), encoding='utf-8')
    images = [dict(id=i, file_name=f'{i}.jpg', width=SIZE[0], height=SIZE[1]) for i in (1, 2, 3)]
    categories = [dict(id=1, name='person', keypoints=list(COCO), skeleton=[])]
    content = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'people.json').write_text(json.dumps(content), encoding='utf-8')
    return folder


CONFIG = """
facts = dict(dataset=dict(type='CocoDataset', data_root={folder!r}, ann_file='people.json'))
llm = {llm}
tasks = dict(
    person_descriptions=dict(images={folder!r}, poses=dict(type='PoseRecords', ann_files={folder!r} + '/poses.jsonl'))
)
"""


def run(folder, tmp_path, llm, *arguments):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(folder=str(folder), llm=llm), encoding='utf-8')
    return main(['person_descriptions', str(config), '--out', str(tmp_path / 'rpe.json'), *arguments])


def decoded(part):
    kind, _, content = part['image_url']['url'].partition(';base64,')
    assert kind == 'data:image/jpeg'
    return cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)


def test_request_shows_one_person(folder):
    facts = stick_facts(FIRST, SECOND)
    for crop in (True, False):
        task = PersonDescriptions(str(folder), crop=crop)
        first, second = task.requests([facts])
        assert (first.id, first.prompt) == (f'person_descriptions/{facts.image_id}/0', 'person_descriptions/1')
        image, text = first.messages[1]['content']
        assert text['text'] == 'Describe the person with the drawn joints.'
        assert 'left body joints with green color' in first.messages[0]['content']
        image = decoded(image).astype(int)
        green = (image[..., 1] > 200) & (image[..., 0] < 90) & (image[..., 2] < 90)
        red = (image[..., 2] > 200) & (image[..., 0] < 90) & (image[..., 1] < 90)
        assert green.sum() > 200 and red.sum() > 200
        # the person faces the camera: the left side is on the right of the image
        assert np.nonzero(green)[1].mean() > np.nonzero(red)[1].mean()
        if crop:
            left, top, right, bottom = FIRST.bbox
            width, height = right - left, bottom - top
            expected = (min(480, bottom + 0.25 * height) - max(0, top - 0.25 * height), 1.5 * width)
            assert np.abs(np.subtract(image.shape[:2], expected)).max() <= 2
        else:
            assert image.shape[:2] == (480, 640)
            assert np.nonzero(green | red)[1].max() < 300  # the other person has no joints
        assert second.id.endswith('/1')


@pytest.mark.parametrize('name', ['/etc/people.jpg', '../people/people.jpg', r'C:\people.jpg'])
def test_images_elsewhere_are_not_sent(folder, name):
    facts = replace(stick_facts(FIRST, SECOND), image=name)
    with pytest.raises(ValueError, match=r'is not below .*would be sent to a server'):
        PersonDescriptions(str(folder)).requests([facts])


def test_who_is_described(folder):
    task = PersonDescriptions(str(folder))
    alone = stick_facts(FIRST)
    assert task.unusable(alone) == 'images with fewer than 2 people' and task.requests([alone]) == []
    one_side = stick_person(at=(450, 250), missing=[name for name in COCO if name.startswith('right')])
    both = stick_facts(FIRST, one_side)
    assert [request.id[-2:] for request in task.requests([both])] == ['/0']


def test_leaks_are_asked_again(folder):
    with pytest.raises(LeakError, match='color in the pose'):
        PersonDescriptions(str(folder)).parse(None, person_json(pose='The green arm is up.'))
    kept = PersonDescriptions(str(folder), on_leak='keep').parse(None, person_json(pose='The green arm is up.'))
    assert kept['pose'] == 'The green arm is up.'


def test_two_steps_in_one_run(folder, tmp_path, capsys):
    """Bad answers of both steps are asked again; a second run asks nothing and writes the same."""
    bad = [
        person_json(pose='The red arm hangs.'),
        'no JSON',
        *PEOPLE,
        'word ' * 31,
        'The one with red joints.',
        *[SUMMARY] * 4,
    ]
    with replay([Answer(completion(text)) for text in bad]) as server:
        llm = dict(type='openai', model='tiny', base_url=server.url, max_tokens=500, concurrency=1, max_retries=0)
        assert run(folder, tmp_path, llm, '--retries', '3') == 0
        assert len(server.bodies) == 12
        content = (tmp_path / 'rpe.json').read_bytes()
        output = capsys.readouterr().out
        assert run(folder, tmp_path, llm, '--retries', '3') == 0 and len(server.bodies) == 12
        assert server.bodies[-1]['messages'][1]['content'].startswith('behavior: She is waiting for a bus.\nshape: ')
    assert '3 images; left out: 1 images with fewer than 2 people' in output
    assert output.count('answers that cannot be read: 1; that speak of the annotations: 1') == 2
    assert (tmp_path / 'rpe.json').read_bytes() == content
    records = json.loads(content)
    assert [(record['image'], record['person']) for record in records] == [
        ('1.jpg', 0),
        ('1.jpg', 1),
        ('2.jpg', 0),
        ('2.jpg', 1),
    ]
    assert records[0].keys() == {'image', 'box', 'person', 'pose', 'descriptions'}
    assert records[0]['descriptions'] == {**ASPECTS, 'shape': 'Tall.', 'summary': SUMMARY}
    np.testing.assert_allclose(records[1]['box'], SECOND.bbox, atol=0.01)
    # the poses of the first image, by their boxes; the second image has none
    for record, turns in zip(records, (HAILING, SITTING)):
        kept = axis_angle_to_matrix(torch.tensor(record['pose']['axis_angle']))
        np.testing.assert_allclose(kept, axis_angle_to_matrix(axis_angles(turns)), atol=2e-6)
    assert records[2]['pose'] is None
    prefix = dict(img=str(folder))
    samples = DATASETS.build(dict(type='ReasonedPoses', ann_file=str(tmp_path / 'rpe.json'), data_prefix=prefix))
    assert len(samples) == 10 and samples.without_pose == 2  # five aspects of the two people with poses
    assert samples[9]['texts'] == [SUMMARY]
    lines = (tmp_path / 'rpe.json.provenance.jsonl').read_text(encoding='utf-8').splitlines()
    assert [json.loads(line)['prompt'] for line in lines] == ['person_descriptions/1'] * 4 + ['person_summary/1'] * 4


def test_a_person_whose_summary_fails_is_left_out(folder, tmp_path, capsys):
    texts = [*PEOPLE, *[SUMMARY] * 3, 'word ' * 40]
    with replay([Answer(completion(text)) for text in texts]) as server:
        llm = dict(type='openai', model='tiny', base_url=server.url, max_tokens=500, concurrency=1, max_retries=0)
        assert run(folder, tmp_path, llm, '--retries', '1') == 0
    assert len(json.loads((tmp_path / 'rpe.json').read_text(encoding='utf-8'))) == 3
    assert 'the summary has 40 words, expected fewer than 30' in capsys.readouterr().out


def test_rules(folder, tmp_path, capsys):
    assert run(folder, tmp_path, dict(type='template'), '--dry-run') == 0
    assert capsys.readouterr().out.endswith('then one request about each answer\n')
    assert run(folder, tmp_path, dict(type='template')) == 0
    records = json.loads((tmp_path / 'rpe.json').read_text(encoding='utf-8'))
    assert len(records) == 4
    told = records[0]['descriptions']
    assert 'left arm' in told['pose'] and told['outfits'] == 'The outfits of the person cannot be told.'
    assert all(len(record['descriptions']['summary'].split()) < 30 for record in records)


def test_rules_take_what_attributes_say(folder):
    facts = stick_facts(FIRST, SECOND, attributes=('outfits: a blue shirt', 'shape: tall'))
    task, writer = PersonDescriptions(str(folder)), TemplateWriter()
    (first, _) = task.requests([facts])
    value = task.parse(first, writer.write(first))
    assert (value['outfits'], value['shape']) == ('The person wears a blue shirt.', 'The person is tall.')
    (summary,) = task.follow_up.requests([Made(first, value, {})])
    assert task.follow_up.parse(summary, writer.write(summary))['summary'].startswith('The person wears a blue shirt.')


def test_poses_by_the_nearest_center(tmp_path):
    """A tall box fits the square around it; each pose is given once; none across the image or of another folder."""

    def entry(number, image, box):
        pose = dict(axis_angle=np.full((24, 3), number / 10).tolist())
        return json.dumps(dict(id=str(number), image=image, box=box, poses=[pose]))

    lines = [
        entry(1, 'a/1.jpg', [0, 0, 120, 120]),
        entry(2, 'a/1.jpg', [20, 0, 140, 120]),
        entry(3, 'b/1.jpg', [40, 10, 80, 110]),
    ]
    (tmp_path / 'poses.jsonl').write_text('\n'.join(lines), encoding='utf-8')
    poses = PersonPoses(dict(type='PoseRecords', ann_files=str(tmp_path / 'poses.jsonl'), images='data'))
    tall, between, far, large = [40, 10, 80, 110], [48, 10, 88, 110], [400, 0, 440, 100], [-200, -200, 320, 320]
    found = poses.match('a/1.jpg', [between, tall, far, large])
    assert [None if pose is None else pose['axis_angle'][5][1] for pose in found] == [0.2, 0.1, None, None]
    assert poses.match('b/1.jpg', [tall])[0]['axis_angle'][0][0] == pytest.approx(0.3)
    assert poses.match('c/1.jpg', [tall]) == poses.match('2.jpg', [tall]) == [None]
    (tmp_path / 'poses.jsonl').write_text(json.dumps(dict(poses=[dict(axis_angle=[[0, 0, 0]] * 24)])), encoding='utf-8')
    with pytest.raises(ValueError, match='PoseRecords has no pose with an image and a box'):
        PersonPoses(dict(type='PoseRecords', ann_files=str(tmp_path / 'poses.jsonl')))
