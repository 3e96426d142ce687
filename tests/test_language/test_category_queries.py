"""Text queries with the shipped descriptions of a category."""

import pytest

from clamp_mmpose.language import category_queries as module
from clamp_mmpose.language.category_queries import category_queries, find_category
from clamp_mmpose.language.category_texts import load_texts

HORSE = load_texts()[2]
NOSE = "The nose is the front of the animal's face on its midline, below and between the left eye and the right eye."


@pytest.fixture
def logged(monkeypatch):
    messages = []
    monkeypatch.setattr(module, 'print_log', lambda message, **_: messages.append(message))
    return messages


@pytest.mark.parametrize('name', ['horse_body', 'horse body', ' Horse  Body ', 'HORSE-BODY'])
def test_find_by_slug_or_name(name):
    assert find_category(name) is HORSE


def test_every_category_is_found_by_its_slug_and_its_name():
    for category in load_texts().values():
        assert find_category(category.slug) is category
        if category.name != 'face':
            assert find_category(category.name) is category


@pytest.mark.parametrize(
    'name, error',
    [
        ('face', r"2 categories are named 'face': give face_19_points or face_68_points\.$"),
        ('horse', "no category is named 'horse'; similar: horse_body, przewalskihorse_face"),
        ('hrose body', 'similar: .*horse_body'),
        ('zzzz', "no category is named 'zzzz'; give one such as skirt"),
        ('', "no category is named ''; give one such as"),
        (2, 'a category must be a name such as "horse_body", got int'),
    ],
)
def test_unknown_categories_name_similar_ones(name, error):
    with pytest.raises(ValueError, match=error):
        find_category(name)


def test_all_keypoints_of_a_category():
    queries = category_queries('horse_body')
    assert len(queries.keypoint_names) == 17 and queries.keypoint_names[2] == 'nose'
    assert queries.keypoint_descriptions[2] == NOSE
    assert queries.skeleton_links[:2] == [(0, 1), (0, 2)] and len(queries.skeleton_links) == 17
    assert queries.flip_indices == [1, 0, 2, 3, 4, 8, 9, 10, 5, 6, 7, 14, 15, 16, 11, 12, 13]
    assert queries.category == 'horse body'
    assert category_queries(HORSE) == queries


def test_names_alone_get_the_descriptions_of_the_category(logged):
    """A description of one's own stays; names may be written as data sets do; an unknown name keeps none."""
    queries = category_queries('horse_body', ['L_Eye', 'nose', 'right eye: it looks away', 'mane', 'Neck'], '0-1')
    assert queries.keypoint_names == ['L_Eye', 'nose', 'right eye', 'mane', 'Neck']
    assert queries.keypoint_descriptions == [
        HORSE.descriptions[0],
        NOSE,
        'it looks away',
        '',
        HORSE.descriptions[3],
    ]
    assert queries.skeleton_links == [(0, 1)] and queries.flip_indices == [2, 1, 0, 3, 4]
    assert queries.category == 'horse body'
    assert logged == ["the category horse_body has no keypoint 'mane': no description is added."]


def test_no_name_of_the_category(logged):
    queries = category_queries('horse_body', 'mane, left horn')
    assert queries.keypoint_descriptions is None and queries.category == 'horse body'
    assert logged == ["the category horse_body has no keypoint 'mane', 'left horn': no description is added."]
