"""The published numbers of the box-center predictor, hand-made examples, and a slow implementation with plain loops."""

import hashlib
import json
import math
import random

import numpy as np
import pytest

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.evaluation.mp100.protocols import draw_episodes, pairs, query_only

PAIRS_PCK = [0.011375, 0.039231, 0.085867, 0.158480, 0.268207]
KEYS = ['PCK@0.05', 'PCK@0.1', 'PCK@0.15', 'PCK@0.2', 'PCK@0.25', 'mPCK', 'NME', 'AUC']


def centers(annotations):
    """The center of the cleaned box for every keypoint."""
    return {
        i.id: np.tile([i.bbox[0] + i.bbox[2] / 2, i.bbox[1] + i.bbox[3] / 2], (len(i.visible), 1))
        for i in annotations.instances
    }


@pytest.fixture(scope='module')
def split1(shared_data):
    return read_instances(shared_data / 'mp100/annotations/mp100_split1_test.json')


@pytest.fixture
def write(tmp_path):
    """Annotations of small categories: ``{name: [(points, visible, box), ...]}``, each instance on its own image."""

    def write(categories, supercategories=None):
        content = dict(images=[], annotations=[], categories=[])
        for i, (name, instances) in enumerate(categories.items()):
            content['categories'].append(
                dict(
                    id=i + 1,
                    name=name,
                    supercategory=(supercategories or {}).get(name, 'thing'),
                    keypoints=[str(k) for k in range(len(instances[0][0]))],
                    skeleton=[],
                )
            )
            for points, visible, box in instances:
                number = len(content['images']) + 1
                content['images'].append(dict(id=number, file_name=f'{number}.jpg', width=1000, height=1000))
                values = [value for (x, y), v in zip(points, visible) for value in (x, y, v)]
                content['annotations'].append(
                    dict(
                        id=number, image_id=number, category_id=i + 1, bbox=box, area=box[2] * box[3], keypoints=values
                    )
                )
        (tmp_path / 'ann.json').write_text(json.dumps(content))
        return read_instances(tmp_path / 'ann.json')

    return write


def test_published_episodes(split1):
    episodes = draw_episodes(split1)
    assert hashlib.sha1(episodes.astype('<i4').tobytes()).hexdigest() == '31d1551989eb15ab429bad95e9eb3cabf21fa927'
    assert episodes[:3].tolist() == [[17, 72], [17, 97], [17, 8]]
    assert episodes.shape == (60000, 2) and episodes[-1].tolist() == [1977, 1926]
    np.testing.assert_array_equal(draw_episodes(split1, 3)[:45], episodes[:45])


def test_pairs_of_the_box_center(split1):
    scores = pairs(split1, centers(split1))
    assert list(scores.overall) == [*KEYS, 'pairs'] and scores.overall['pairs'] == 60000
    np.testing.assert_allclose([scores.overall[key] for key in KEYS[:5]], PAIRS_PCK, atol=5e-7)
    assert scores.overall['mPCK'] == pytest.approx(sum(PAIRS_PCK) / 5, abs=1e-6)
    assert (scores.empty, scores.missing, scores.left_out) == (0, {}, 0)
    assert list(scores.categories)[:2] == ['klipspringer_face', 'commonwarthog_face'] and len(scores.categories) == 20
    for key in KEYS:  # the same number of pairs in each category
        assert np.mean([row[key] for row in scores.categories.values()]) == pytest.approx(scores.overall[key])
    faces = [
        scores.categories[f'{name}_face']
        for name in ('klipspringer', 'commonwarthog', 'dassie', 'alpaca', 'bighornsheep')
    ]
    assert scores.supercategories['animal_face']['pairs'] == 15000
    assert scores.supercategories['animal_face']['NME'] == pytest.approx(np.mean([row['NME'] for row in faces]))


def test_query_only_of_the_box_center(split1):
    scores = query_only(split1, centers(split1))
    assert list(scores.overall) == [*KEYS, 'instances'] and scores.overall['instances'] == 2000
    assert scores.overall['PCK@0.2'] == pytest.approx(0.160324, abs=5e-7)


def test_random_state_of_the_caller_does_not_change(split1):
    random.seed(5)
    np.random.seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    draw_episodes(split1, 2)
    assert (random.random(), np.random.rand()) == expected


def slow_pairs(annotations, predictions, num_episodes, category_ids, empty):
    """The same protocol, one point at a time: name -> [PCK at five thresholds, NME, AUC]."""
    rng = random.Random(1)
    scores = {}
    for category_id in annotations.categories:
        members = [i for i in annotations.instances if i.category_id == category_id]
        rows = []
        for _ in range(num_episodes):
            support, *queries = rng.sample(members, 16)
            for query in queries if category_id in category_ids else []:
                errors = [
                    math.dist(p, t) / max(query.bbox[2], query.bbox[3])
                    for p, t, a, b in zip(predictions[query.id], query.keypoints, query.visible, support.visible)
                    if a and b
                ]
                if not errors and empty == 'skip':
                    continue

                def accuracy(threshold, errors=errors):
                    return sum(error < threshold for error in errors) / len(errors) if errors else 0

                rows.append(
                    [
                        *map(accuracy, (0.05, 0.1, 0.15, 0.2, 0.25)),
                        sum(errors) / len(errors) if errors else 0,
                        sum(accuracy(i / 20) for i in range(20)) / 20,
                    ]
                )
        scores[annotations.categories[category_id].slug] = (len(rows), np.mean(rows, axis=0) if rows else None)
    return scores


@pytest.mark.parametrize('empty', ['zero', 'skip'])
def test_pairs_against_plain_loops(split1, empty):
    """Noisy predictions, and half of the points of two categories hidden, so that pairs share few."""
    rng = np.random.RandomState(0)
    instances = [
        i._replace(visible=i.visible & (rng.rand(len(i.visible)) < (0.25 if i.category_id == 10 else 0.9)))
        for i in split1.instances
    ]
    annotations = split1._replace(instances=instances)
    predictions = {i.id: i.keypoints + rng.randn(*i.keypoints.shape) * 0.15 * i.normalizer for i in instances}
    chosen = (10, 68, 60)
    expected = slow_pairs(annotations, predictions, 12, chosen, empty)
    scores = pairs(annotations, predictions, 12, empty)
    assert 10 < scores.empty < 150
    for category_id in chosen:
        slug = annotations.categories[category_id].slug
        row = scores.categories[slug]
        number, means = expected[slug]
        assert row['pairs'] == number and (number < 180) == (empty == 'skip' and category_id == 10)
        np.testing.assert_allclose([*[row[key] for key in KEYS[:5]], row['NME'], row['AUC']], means, rtol=1e-12)


def test_by_hand(write):
    """Predictions at x = 0, 10 and 20 for truth 0, normalizer 100: at .2 the second is a hit, the third is not."""
    truth = [[0, 5]] * 3
    annotations = write(
        {'wide': [(truth, [2, 1, 2.0], [0, 0, 101, 21])], 'small': [(truth, [2] * 3, [0, 0, 11, 51])]},
        dict(wide='a', small='b'),
    )
    predictions = dict.fromkeys((1, 2), np.array([[0, 5], [10, 5], [20, 5.0]]))
    scores = query_only(annotations, predictions)
    wide, small = scores.categories['wide'], scores.categories['small']
    assert wide['PCK@0.2'] == pytest.approx(2 / 3) and small['PCK@0.2'] == pytest.approx(1 / 3)
    assert wide['PCK@0.25'] == 1 and wide['PCK@0.1'] == pytest.approx(1 / 3)
    assert scores.overall['PCK@0.2'] == pytest.approx(1 / 2)
    assert wide['NME'] == pytest.approx(0.1) and small['NME'] == pytest.approx(0.2)
    # the exact point counts from .05 on (19 of 20), the others from .15 (17) and .25 (15), or .25 (15) and .45 (11)
    assert wide['AUC'] == pytest.approx((19 + 17 + 15) / 60) and small['AUC'] == pytest.approx((19 + 15 + 11) / 60)
    assert wide['mPCK'] == pytest.approx((1 + 1 + 2 + 2 + 3) / 15)
    assert scores.supercategories == dict(a=wide, b=small)


def test_supercategory_is_over_its_instances(write):
    exact, off = [[5, 5]], [[50, 5]]
    annotations = write(
        {
            'a': [(exact, [2], [0, 0, 101, 101])] * 3,
            'b': [(off, [2], [0, 0, 101, 101])],
            'c': [(off, [2], [0, 0, 101, 101])],
        },
        dict(a='pets', b='pets', c='cars'),
    )
    scores = query_only(annotations, dict.fromkeys(range(1, 6), np.array([[5.0, 5]])))
    assert scores.supercategories['pets']['PCK@0.2'] == 3 / 4 and scores.supercategories['pets']['instances'] == 4
    assert scores.supercategories['cars']['PCK@0.2'] == 0
    assert scores.overall['PCK@0.2'] == 3 / 5


def halves(number):
    """Instances with the first and the second of their points visible, alternating."""
    return [([[5, 5], [9, 9]], [2 * (i % 2), 2 - 2 * (i % 2)], [0, 0, 101, 101]) for i in range(number)]


@pytest.mark.parametrize('empty', ['zero', 'skip'])
def test_pairs_without_a_common_point(write, empty):
    annotations = write({'half': halves(20)})
    predictions = {i.id: i.keypoints for i in annotations.instances}
    episodes = draw_episodes(annotations, 10)
    common = int((episodes[:, 0] % 2 == episodes[:, 1] % 2).sum())
    scores = pairs(annotations, predictions, 10, empty)
    assert 0 < common < 150 and scores.empty == 150 - common
    assert scores.overall['pairs'] == (150 if empty == 'zero' else common)
    assert scores.overall['PCK@0.05'] == pytest.approx(common / 150 if empty == 'zero' else 1)
    assert scores.overall['NME'] == 0


def test_instance_with_nothing_visible(write):
    seen = ([[5, 5]], [2], [0, 0, 101, 101])
    annotations = write({'a': [seen] * 15 + [([[5, 5]], [0], [0, 0, 101, 101])]})
    predictions = {i.id: i.keypoints for i in annotations.instances}
    scores = query_only(annotations, predictions)
    assert (scores.overall['instances'], scores.empty, scores.overall['PCK@0.05']) == (15, 1, 1)
    scores = pairs(annotations, predictions, 1)  # all 16 are drawn: it is one query, or the support of all
    unseen_support = draw_episodes(annotations, 1)[0, 0] == 15
    assert scores.empty == (15 if unseen_support else 1)
    assert scores.overall['PCK@0.05'] == 1 - scores.empty / 15


def test_missing_predictions(write):
    annotations = write({'half': halves(20), 'gone': halves(16)})
    predictions = {i.id: i.keypoints for i in annotations.instances if i.category_id == 1 and i.index not in (3, 4)}
    episodes = draw_episodes(annotations, 10)[:150]
    kept = ~np.isin(episodes[:, 1], (3, 4))
    scores = pairs(annotations, predictions, 10)
    assert scores.missing == dict(half=2, gone=16) and scores.left_out == (~kept).sum() + 150
    assert scores.overall['pairs'] == kept.sum() and list(scores.categories) == ['half']
    common = episodes[kept, 0] % 2 == episodes[kept, 1] % 2
    assert scores.overall['PCK@0.2'] == pytest.approx(common.mean()), 'a support needs no prediction'
    scores = query_only(annotations, predictions)
    assert (scores.overall['instances'], scores.left_out, scores.missing) == (18, 18, dict(half=2, gone=16))


def test_wrong_inputs(write):
    annotations = write({'few': halves(15)})
    with pytest.raises(ValueError, match="needs 16 instances of a category, 'few' has 15"):
        pairs(annotations, {})
    annotations = write({'half': halves(16)})
    for protocol in (pairs, query_only):
        with pytest.raises(ValueError, match='can be scored'):
            protocol(annotations, {})
    with pytest.raises(ValueError, match='empty'):
        pairs(annotations, {}, empty='maybe')
    with pytest.raises(ValueError, match='num_episodes'):
        pairs(annotations, {}, num_episodes=0)
