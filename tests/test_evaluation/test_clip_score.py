import json
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from clamp_mmpose.cli.text_quality import main
from clamp_mmpose.evaluation.text_quality.clip_score import CLIPScore
from clamp_mmpose.evaluation.text_quality.texts import Text

pytest.importorskip('punkt', reason='needs the extra "texts"')
ARCH = 'tiny-clip-score'
CONFIG = dict(
    embed_dim=16,
    vision_cfg=dict(image_size=32, layers=1, width=64, patch_size=16),
    text_cfg=dict(context_length=8, vocab_size=49408, width=64, heads=1, layers=1),  # six words
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Three images, and the weights of a tiny model, which is registered in open_clip."""
    from open_clip import factory

    folder = tmp_path_factory.mktemp('clip_score')
    (folder / 'archs').mkdir()
    (folder / 'archs' / f'{ARCH}.json').write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / 'archs')
    torch.manual_seed(0)
    torch.save(open_clip.create_model(ARCH).state_dict(), folder / 'weights.pt')
    for name in 'abc':
        pixels = np.random.default_rng(ord(name)).integers(0, 255, (40, 50, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f'{name}.png')
    yield folder
    factory._MODEL_CONFIGS.pop(ARCH)
    factory._MODEL_CONFIG_PATHS[:] = [path for path in factory._MODEL_CONFIG_PATHS if path != folder / 'archs']


@pytest.fixture(scope='module')
def cosine(folder):
    """The cosine of an image and a text, by open_clip alone."""
    model = open_clip.create_model(ARCH).eval()
    model.load_state_dict(torch.load(folder / 'weights.pt', weights_only=True))
    preprocess = open_clip.image_transform(32, is_train=False, mean=None, std=None)

    @torch.no_grad()
    def compute(image, text):
        pixels = preprocess(Image.open(folder / image))[None]
        tokens = open_clip.get_tokenizer(ARCH)([text])
        return F.cosine_similarity(model.encode_image(pixels), model.encode_text(tokens)).item()

    return compute


def test_parts_are_sentences_that_fit(folder):
    scorer = CLIPScore(ARCH, str(folder / 'weights.pt'), folder)
    long = 'The left arm is up and the right arm is down now.'  # 12 words and a period: 13 tokens, six fit
    assert scorer.chunks(f'One two! {long}\n\nA man') == [
        'One two!',
        'The left arm is up and',
        'the right arm',
        'is down now.',
        'A man',
    ]
    assert scorer.fits('one two three four five six') and not scorer.fits('one two three four five six!')
    assert scorer.chunks('x' * 100) == ['x' * 100]  # one word, which the model cuts


@pytest.mark.parametrize('published', [False, True])
def test_score_is_the_mean_of_the_parts(folder, cosine, published):
    scorer = CLIPScore(ARCH, str(folder / 'weights.pt'), folder, published)
    long = 'One two three four five six seven.'
    texts = [Text('A man. He sits.', 'a.png'), Text('No image.'), Text(f'A dog. {long}', 'b.png'), Text(long, 'a.png')]
    found = scorer(texts)
    expected = [100 * np.mean([max(0, cosine('a.png', part)) for part in ('A man.', 'He sits.')]), None]
    if published:  # the long sentence is not cut after 55 words and does not fit: it counts 0
        expected += [100 * max(0, cosine('b.png', 'A dog.')) / 2, None]
    else:
        halves = ['One two three', 'four five six seven.']
        parts = [max(0, cosine('b.png', part)) for part in ['A dog.', *halves]]
        expected += [100 * np.mean(parts), 100 * np.mean([max(0, cosine('a.png', part)) for part in halves])]
    assert found == pytest.approx(expected, abs=1e-3)
    assert max(found[0], found[2]) > 0


def test_missing_images_are_counted(folder):
    scorer = CLIPScore(ARCH, str(folder / 'weights.pt'), folder)
    with pytest.raises(
        FileNotFoundError, match=r'1 of 2 images of the texts are not in .*, such as no.png: .*--images'
    ):
        scorer([Text('A.', 'a.png'), Text('B.', 'no.png'), Text('C.', 'no.png')])


class WordTokenizer:
    """A token for each word, padded as some tokenizers of open_clip do."""

    context_length = 8

    def __init__(self, start, end, padding, last=()):
        self.start, self.end, self.padding, self.last = start, end, padding, last

    def __call__(self, texts, context_length):
        rows = [[*self.start, *range(10, 10 + len(text.split())), *self.end] for text in texts]
        rows = [row[: context_length - len(self.last)] for row in rows]
        padded = [row + [self.padding] * (context_length - len(self.last) - len(row)) + [*self.last] for row in rows]
        return torch.tensor(padded)


@pytest.mark.parametrize(
    ('tokenizer', 'words'),
    [
        (open_clip.get_tokenizer('ViT-B-32'), 75),
        (WordTokenizer([101], [102], 0), 6),  # BERT's
        (WordTokenizer([], [1], 1), 5),  # SigLIP's: the end looks like padding, so three tokens are kept free
        (WordTokenizer([], [], 0, [7]), 5),  # CLIPS's: a class token in the last place
    ],
)
def test_length_by_tokenizers_of_several_kinds(tokenizer, words):
    scorer = CLIPScore.__new__(CLIPScore)
    scorer.model = SimpleNamespace(tokenizer=tokenizer)
    assert scorer.fits('arm ' * words) and not scorer.fits('arm ' * (words + 1))
    assert not scorer.fits('arm ' * 1000)
    assert scorer.fits('')


def test_command_scores_files(folder, cosine, tmp_path, monkeypatch):
    monkeypatch.setenv('LTP_PATH', str(tmp_path / 'no_language_tool'))
    (tmp_path / 'texts.json').write_text(json.dumps([dict(image='a.png', description='A man. He sits.'), 'None.']))
    options = ['--clip', ARCH, '--clip-weights', str(folder / 'weights.pt'), '--images', str(folder), '--device', 'cpu']
    assert main([str(tmp_path / 'texts.json'), '--out', str(tmp_path), *options]) == 0
    found = json.loads((tmp_path / 'text_quality.json').read_text())['files']['texts']['measures']['clip_score']
    expected = 100 * np.mean([max(0, cosine('a.png', part)) for part in ('A man.', 'He sits.')])
    assert found['value'] == pytest.approx(expected, abs=1e-3) and found['texts'] == 1
