import json
from xml.etree import ElementTree

import pytest

from clamp_mmpose.evaluation.bootstrap import Interval
from clamp_mmpose.evaluation.text_quality.human_ratings import LABELING_CONFIG, LEVELS, rating_tasks, read_ratings
from clamp_mmpose.evaluation.text_quality.scores import summarize
from clamp_mmpose.evaluation.text_quality.tables import published_rows
from clamp_mmpose.evaluation.text_quality.texts import Text

pytest.importorskip('punkt', reason='needs the extra "texts"')


def texts_of(*images):
    return [Text(f'{image} stands. {image} sits.', f'{image}.jpg') for image in images]


def task(model, image, *levels, **kwargs):
    """A task as Label Studio exports it; a level is a number of stars, the name of a choice, or None."""
    annotations = [
        dict(completed_by=rater, was_cancelled=False, result=[] if level is None else [result(level)])
        for rater, level in enumerate(levels)
    ]
    return dict(dict(id=7, annotations=annotations, data=dict(model=model, image_name=image, sentence='It.')), **kwargs)


def result(level):
    value = dict(rating=level) if isinstance(level, int) else dict(choices=[level])
    return dict(from_name='correctness', to_name='image', type='choices', value=value)


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_tasks_are_sentences_of_images_that_all_models_describe():
    files = dict(
        one=texts_of('a', 'b', 'c', 'd'), two=[*texts_of('b', 'c', 'd', 'e'), Text('None.'), Text('!', 'a.jpg')]
    )
    tasks = [task['data'] for task in rating_tasks(files, 2, seed=0, prefix='/data/')]
    images = {task['image_name'] for task in tasks}
    assert len(images) == 2 and images < {'b.jpg', 'c.jpg', 'd.jpg'}
    expected = {
        (model, image, f'{image[0]} {verb}.') for model in files for image in images for verb in ('stands', 'sits')
    }
    assert {(task['model'], task['image_name'], task['sentence']) for task in tasks} == expected and len(tasks) == 8
    assert {task['image'] for task in tasks} == {f'/data/{image}' for image in images}
    assert [task['model'] for task in tasks] != sorted(task['model'] for task in tasks)  # raters see them mixed
    everything = rating_tasks(files, 100, seed=0, prefix='')
    assert len(everything) == 12 and rating_tasks(files, 100, seed=0, prefix='') == everything
    assert rating_tasks(files, 100, seed=1, prefix='') != everything


def test_no_common_image():
    with pytest.raises(ValueError, match='no image has texts in all of one, two'):
        rating_tasks(dict(one=texts_of('a'), two=texts_of('b')), 2, 0, '')


def test_labeling_interface_does_not_show_the_model():
    view = ElementTree.fromstring(LABELING_CONFIG)
    assert [node.get('value') for node in view if node.get('value', '').startswith('$')] == ['$image', '$sentence']
    assert tuple(choice.get('value') for choice in view.iter('Choice')) == LEVELS


def test_ratings(tmp_path):
    file = write(
        tmp_path / 'export.json',
        [
            task('gpt', 'a', 4, 'Correct'),  # 4.5
            task('gpt', 'a', 'Neutral', None),  # 3
            task('gpt', 'b', 'Wrong'),  # 1
            task('gpt', 'b', None),
            task('gpt', 'c'),
            task('llama', 'a', 5),
            task('gpt', 'd', annotations=[dict(completed_by=dict(id=1), was_cancelled=True, result=[result(5)])]),
        ],
    )
    rated = read_ratings(file)
    assert list(rated) == ['gpt', 'llama']
    assert len(rated['gpt'].rows) == 3 and rated['gpt'].unrated == 3 and rated['llama'].unrated == 0
    # mean level 8.5 / 3; image a has 3.75, image b has 1
    assert summarize(rated['gpt'].correctness()) == pytest.approx(Interval(20 * 8.5 / 3, 20, 75))
    assert rated['gpt'].level_shares() == dict(zip(LEVELS, [25, 0, 25, 25, 25]))  # of the four ratings


def test_printed_correctness_is_twenty_times_a_mean_of_two_decimals():
    printed = [row['correctness'] for row in published_rows().values() if 'correctness' in row]
    assert printed == [74.8, 72.0, 77.6, 82.6]
    assert [value / 20 for value in printed] == pytest.approx([3.74, 3.6, 3.88, 4.13])


DATA = dict(model='m', image_name='a', sentence='It.')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'must be a JSON array'),
        ([], 'no sentence is rated.'),
        ([task('m', 'a'), task('n', 'a', 3)], 'no sentence is rated of m.'),
        ([dict(DATA, id=3, correctness=4)], 'task 3: expected {"data", "annotations"}.*not JSON-MIN or CSV'),
        ([3], 'task 0: expected'),
        ([dict(data=dict(image='x'), annotations=[])], 'task 0: its data has no image_name, sentence, model'),
        ([task('m', 'a', 6)], r"task 7: expected one result named 'correctness' that is 1 to 5 or one of Wrong"),
        ([task('m', 'a', 0)], 'task 7: expected one result'),
        ([task('m', 'a', True)], 'task 7: expected one result'),
        ([task('m', 'a', 'Good')], 'task 7: expected one result'),
        ([dict(data=DATA, annotations=[dict(result=[dict(from_name='other', value=dict(rating=3))])])], 'expected one'),
        ([dict(data=DATA, annotations=[dict(result=[result(3), result(4)])])], 'expected one result'),
        ([dict(data=DATA, annotations=[dict(result=['x'])])], 'expected one result'),
        ([dict(data=DATA, annotations=['x'])], 'an annotation must be'),
        ([dict(data=DATA, annotations=[dict(result='x')])], 'an annotation must be'),
    ],
)
def test_wrong_ratings(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_ratings(write(tmp_path / 'export.json', content))
