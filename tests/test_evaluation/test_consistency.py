from dataclasses import replace

import pytest
from stick_people import stick_facts, stick_person

from clamp_mmpose.evaluation.text_quality.consistency import KeypointConsistency
from clamp_mmpose.evaluation.text_quality.scores import sum_by_image, summarize
from clamp_mmpose.evaluation.text_quality.texts import Text

# the left arm is up, the right one hangs
ONE = replace(stick_facts(stick_person(left_arm=(150, 150))), image='a/1.jpg')
RAISED, WRONG = 'Their left arm is raised. Their right arm hangs down.', 'Their right arm is raised. A dog barks.'


def test_statements_are_pooled_over_the_texts_of_known_images():
    consistency = KeypointConsistency([ONE, replace(ONE, image='a/2.jpg')])
    texts = [
        Text(RAISED, 'a/1.jpg'),
        Text(WRONG, '2.jpg'),
        Text('A dog.', '/data/1.jpg'),
        Text(WRONG, 'x.jpg'),
        Text(WRONG),
    ]
    found = {name: sum_by_image(scores, texts) for name, scores in consistency(texts).items()}
    assert found['consistency'].texts == 2 and found['statements'].texts == 3
    assert summarize(found['consistency']).value == pytest.approx(100 * 2 / 3)
    assert summarize(found['statements']).value == pytest.approx((2 + 1 + 0) / 3)


def test_names_that_do_not_tell_images_apart():
    twins = KeypointConsistency([ONE, replace(ONE, image='b/1.jpg')])
    assert twins([Text(RAISED, 'b/1.jpg'), Text(RAISED, '1.jpg')])['statements'].parts.tolist() == [2, 0]
    # two entries of one image, of categories with other keypoints
    with pytest.raises(
        ValueError, match=r'no text is about an image of the facts: .* such as a/1.jpg, .* such as 1.jpg'
    ):
        KeypointConsistency([ONE, ONE])([Text(RAISED, '1.jpg')])
