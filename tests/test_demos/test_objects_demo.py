"""The demo of the text-query head and CapeLLM, with a few images."""

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from transformers import AutoTokenizer

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.language_models.text_tokens import AnswerTokens, TextTokens
from demos.objects.demo import CONFIGS, TEST, run_cape_demo
from demos.objects.trials import AskingTime, box_centers

pytestmark = pytest.mark.slow
# the other two differ in their answers alone
SOME = {name: config for name, config in CONFIGS.items() if not name.endswith(('token', 'bins'))}


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    said = []
    folder = tmp_path_factory.mktemp('demo_cape')
    return run_cape_demo(folder, said.append, images=(4, 2, 3), epochs=1, configs=SOME).parent, said


def test_report_shows_what_was_measured(demo):
    folder, said = demo
    report = (folder / 'report.md').read_text()
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert list(metrics) == [*SOME, 'center of the box']
    unseen = list(metrics['center of the box']['named']['categories'])
    assert unseen == ['table', 'bird', 'shirt']
    center = metrics['center of the box']['named']['scores']['PCK@0.2']
    for name, model in metrics.items():
        for way in ('named', 'shuffled', 'seen'):
            trial = model[way]
            cells = [f'{trial["scores"][score]:.3f}' for score in ('PCK@0.05', 'PCK@0.1', 'PCK@0.2', 'mPCK')]
            if way == 'named':
                cells += [f'{trial["scores"]["PCK@0.2"] / center:.2f}']
                cells += [f'{trial["categories"][one]:.3f}' for one in unseen]
            cells += ['' if trial['auroc'] is None else f'{trial["auroc"]:.3f}']
            assert f'| {name} | ' + ' | '.join(cells) + ' |' in report
        if name in SOME:
            # 9 categories of 4 images, twice for CapeLLM (8 keypoints at a time), in steps of 16
            assert model['steps'] == (3 if name == 'text-query head' else 5)
            assert f'| {name} | {model["steps"]} | {model["seconds"]:.0f} s | ' in report
            assert f'{1000 * model["seen"]["seconds_per_keypoint"]:.2f} ms' in report
    for image in ('unseen.jpg', 'answers.jpg', 'score_maps.jpg'):
        assert f'images/{image}' in report and cv2.imread(str(folder / 'images' / image)).std() > 5
    assert sum('epoch 1/1' in line for line in said) == 3
    assert sum('named' in line for line in said) == 3


def test_time_per_keypoint():
    """Two batches of 3 + 1 and 2 keypoints that take 0.3 and 0.1 seconds: 0.4 / 6."""
    asking = AskingTime()
    for keypoints, seconds in (((3, 1), 0.3), ((2,), 0.1)):
        outputs = [SimpleNamespace(keypoint_names=['name'] * number) for number in keypoints]
        asking.before_test_iter(None, 0)
        asking.start -= seconds
        asking.after_test_iter(None, 0, outputs=outputs)
    assert asking.keypoints == 6
    assert asking.seconds == pytest.approx(0.4, abs=0.02)


def test_tokens_of_a_question(demo):
    """A question is two tokens and one for each word of the name; digits are single, and the end is known."""
    tokens = TextTokens(AutoTokenizer.from_pretrained(demo[0] / 'data/tokenizer'))
    queries = load_texts(demo[0] / 'data/texts')
    for own in queries.values():
        names = TextQueries.create(own.names)
        for k, name in enumerate(own.names):
            question = '\n' + CapeInstruction(description=False).turns(names, k)[0].prompt
            assert len(tokens.encode(question)) == 2 + len(name.split())
    assert AnswerTokens(tokens).steps == 3
    assert tokens.start == [] and tokens.tokenizer.decode([tokens.end]) == '</s>'


def test_no_keypoint_keeps_its_name(demo):
    named, shuffled = (load_texts(demo[0] / folder) for folder in ('data/texts', 'shuffled_texts'))
    assert named.keys() == shuffled.keys() and len(named) == 14
    for category_id, own in named.items():
        other = shuffled[category_id]
        assert sorted(own.names) == sorted(other.names)
        assert not any(a == b for a, b in zip(own.names, other.names))
        assert dict(zip(own.names, own.descriptions)) == dict(zip(other.names, other.descriptions))


def test_box_centers_by_plain_loops(demo):
    annotations = read_instances(demo[0] / 'data' / TEST)
    shares = []
    for instance in annotations.instances:
        x, y, w, h = instance.bbox
        distances = [
            np.hypot(px - (x + w / 2), py - (y + h / 2))
            for (px, py), visible in zip(instance.keypoints, instance.visible)
            if visible
        ]
        shares.append(np.mean([distance / max(w, h) < 0.2 for distance in distances]))
    assert box_centers(demo[0] / 'data' / TEST).scores['PCK@0.2'] == pytest.approx(np.mean(shares))


def test_unseen_categories_are_not_in_training(demo):
    seen, unseen = (
        set(read_instances(demo[0] / 'data' / 'annotations' / f'mp100_split1_{part}.json').categories)
        for part in ('train', 'test')
    )
    assert len(seen) == 9 and len(unseen) == 3 and not seen & unseen
    assert Path(TEST).name == 'mp100_split1_test.json'
