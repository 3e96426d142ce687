"""Sentences about people in an image, and relations between them."""

import pytest
from real_people import (
    ANTELOPE,
    AP10K,
    BASEMAN,
    BATTER,
    CATCHER,
    COCO,
    CURLER,
    MAN_BEHIND_BOX,
    MAN_ON_CHAIR,
    MPII,
    UMPIRE,
    instance,
)
from stick_people import stick_facts, stick_person

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.pose_facts import Relation, facts_text, image_sentences, relations
from clamp_mmpose.language.pose_facts.counting import counted, names_by_position, plural
from clamp_mmpose.language.pose_facts.sentences import activity_words


def image(names, *instances, **other):
    return ImageFacts('image.jpg', 1, (640, 480), names, (), range(len(names)), instances, **other)


def test_two_men_on_chairs():
    assert facts_text(image(COCO, instance(MAN_BEHIND_BOX), instance(MAN_ON_CHAIR))) == (
        'There are two people in the image.\n'
        'The person on the left is sitting and facing the right of the image. Their upper body is upright. '
        'Both of their legs are bent at the knees.\n'
        'The person on the right is facing the camera. Their upper body is upright. Their left arm is lowered and '
        'straight. Their right arm is lowered and bent at the elbow. Their hands are together.'
    )


def test_a_baseball_game():
    people = [instance(numbers) for numbers in (BATTER, UMPIRE, CATCHER, BASEMAN)]
    facts = image(COCO, *people, activity='playing baseball')
    sentences = image_sentences(facts)
    assert sentences[:3] == [
        'There are four people in the image.',
        'They are playing baseball.',
        'The person on the far left is standing and facing the camera.',
    ]
    assert sentences[-2:] == [
        'The second person from the left appears closer to the camera than the person on the far left.',
        'The second person from the right appears closer to the camera than the person on the far right.',
    ]
    assert 'The second person from the right is squatting and facing away from the camera.' in sentences
    assert relations(facts) == [
        Relation(3, 'left of', 0),
        Relation(0, 'nearer than', 3),
        Relation(0, 'left of', 2),
        Relation(2, 'nearer than', 1),
    ]
    # the largest two only
    assert sum(sentence.startswith('The ') for sentence in image_sentences(facts, most=2)) == 2


def test_one_person_and_an_activity_of_mpii():
    sentences = image_sentences(image(MPII, instance(CURLER), activity='sports, basketball, game (Taylor Code 490)'))
    assert sentences == [
        'There is one person in the image.',
        'The person is engaged in sports, basketball, game.',
        'The person is sitting and facing the camera.',
        'Their upper body is upright.',
        'Their left arm is bent at the elbow.',
        'Their right arm is sharply bent at the elbow.',
        'Their right hand is raised.',
        'Both of their legs are bent at the knees.',
    ]


def test_an_animal():
    assert facts_text(image(AP10K, instance(ANTELOPE, 'antelope'))) == (
        'There is one antelope in the image.\n'
        'The antelope is standing and facing the left of the image. Their head is lowered. '
        'Both of their front legs are straight.'
    )


def test_the_first_sentence_names_the_person():
    sentences = image_sentences(stick_facts(stick_person(left_arm=(40, 160), missing=(*COCO[:5], *COCO[11:]))))
    assert sentences[1:] == [
        'The person has their left arm sharply bent at the elbow.',
        'Their right arm is lowered and straight.',
    ]
    assert image_sentences(stick_facts(stick_person(missing=COCO))) == ['There is one person in the image.']


def test_relations_of_drawn_people():
    face = [stick_person(facing='right', at=(200, 200)), stick_person(facing='left', at=(380, 200))]
    assert relations(stick_facts(*face)) == [Relation(0, 'left of', 1), Relation(0, 'facing', 1)]
    assert relations(stick_facts(*face[::-1])) == [Relation(1, 'left of', 0), Relation(1, 'facing', 0)]
    back_to_back = [stick_person(facing='left', at=(200, 200)), stick_person(facing='right', at=(380, 200))]
    assert relations(stick_facts(*back_to_back)) == [Relation(0, 'left of', 1)]
    near, far = stick_person(at=(200, 200)), stick_person(at=(500, 200), scale=50.0)
    assert relations(stick_facts(far, near)) == [Relation(1, 'left of', 0), Relation(1, 'nearer than', 0)]
    child = stick_person(at=(310, 216 + 166 - 141), scale=85.0)  # feet at the same height
    assert relations(stick_facts(near, child)) == [
        Relation(0, 'left of', 1),
        Relation(0, 'taller than', 1),
        Relation(0, 'close to', 1),
    ]
    assert 'The person on the left is taller than the person on the right.' in image_sentences(stick_facts(near, child))


@pytest.mark.parametrize(
    'count, names',
    [
        (1, ['the person']),
        (2, ['the person on the left', 'the person on the right']),
        (3, ['the person on the left', 'the person in the middle', 'the person on the right']),
        (
            5,
            [
                'the person on the far left',
                'the second person from the left',
                'the third person from the left',
                'the second person from the right',
                'the person on the far right',
            ],
        ),
    ],
)
def test_people_are_named_by_position(count, names):
    people = [stick_person(at=(100.0 * (count - i), 200)) for i in range(count)]  # from right to left
    assert names_by_position(stick_facts(*people)) == dict(zip(reversed(range(count)), names))


def test_words():
    assert [counted(1, 'person'), counted(2, 'fox'), counted(3, 'puppy'), counted(30, 'polar bear')] == [
        'one person',
        'two foxes',
        'three puppies',
        'many polar bears',
    ]
    assert [plural(word) for word in ('sheep', 'monkey', 'wolf')] == ['sheep', 'monkeys', 'wolves']
    assert activity_words('walking, for exercise (Taylor Code 1)') == 'walking, for exercise'
    assert activity_words('Riding a bike.') == 'riding a bike'
    assert activity_words('home repair') == 'engaged in home repair'
    assert activity_words(' (17)') == activity_words(None) == ''
    both = stick_facts(stick_person(at=(100, 200)), instance([0, 0] * 16 + [5, 5], 'dog'), stick_person(at=(400, 200)))
    assert image_sentences(both)[0] == 'There are two people and one dog in the image.'
