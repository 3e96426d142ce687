"""A retrieval model of poses and texts: its parts, its training, and the scores of answers by it."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpose.registry import METRICS, MODELS, TRANSFORMS

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.evaluation.poses import frechet_distance, r_precision, retrieve
from clamp_mmpose.language.words import read_vocabulary, split_words, write_vocabulary
from clamp_mmpose.models.layers import PromptLearner

TEXTS = [f'This person is doing thing {i}.' for i in range(8)]


@pytest.fixture(scope='module')
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp('words') / 'words.json'
    write_vocabulary(path, TEXTS)
    return str(path)


@pytest.fixture(scope='module')
def trained(vocabulary, tmp_path_factory):
    """A small model with its config and checkpoint."""
    folder = tmp_path_factory.mktemp('retrieval')
    torch.manual_seed(0)
    config = Config(
        dict(
            model=dict(
                type='PoseTextRetrieval',
                text_encoder=dict(type='WordTextEncoder', vocabulary=vocabulary, embed_dims=8),
                pose_encoder=dict(hidden=16, num_layers=1),
                embed_dims=4,
            )
        )
    )
    config.dump(str(folder / 'config.py'))
    model = MODELS.build(config.model).eval()
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return model, dict(config=str(folder / 'config.py'), checkpoint=str(folder / 'model.pth'))


def poses(number, seed=0):
    return axis_angle_to_matrix(torch.randn(number, 24, 3, generator=torch.Generator().manual_seed(seed)))


def test_words():
    assert split_words("A man's 12 ARMS, it’s über_x.") == [
        *("a", "man's", '1', '2', 'arms', ',', 'it', '’', 's', 'über', '_', 'x', '.')
    ]  # fmt: skip


def test_vocabulary(tmp_path):
    path = tmp_path / 'words.json'
    assert write_vocabulary(path, ['b a a', 'b a c']) == read_vocabulary(path) == ['a', 'b', 'c']
    assert write_vocabulary(path, ['b a a', 'b a c'], min_count=2) == ['a', 'b']
    with pytest.raises(ValueError, match='no word that occurs 4 times'):
        write_vocabulary(path, ['a a a'], 4)
    for wrong in ([], ['a', 'a'], [1]):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match='must be a list of different words'):
            read_vocabulary(path)


def test_word_encoder_reads_the_order_and_no_padding(vocabulary):
    torch.manual_seed(0)
    encoder = MODELS.build(dict(type='WordTextEncoder', vocabulary=vocabulary, embed_dims=12, max_length=30)).eval()
    first, second = 'this person is', 'is person this'
    alone, other = encoder([first]), encoder([second])
    assert alone.shape == (1, encoder.embed_dims) == (1, 12)
    assert (alone - other).abs().max() > 1e-3
    torch.testing.assert_close(encoder([first, TEXTS[0] * 3])[:1], alone)
    with pytest.raises(ValueError, match='text of 31 words; max_length is 30'):
        encoder(['this ' * 31])
    assert encoder.tokenize(['Zebra person', '']) == [[0, encoder.numbers['person']], [0]]


def test_word_encoder_takes_learned_contexts(vocabulary):
    encoder = MODELS.build(dict(type='WordTextEncoder', vocabulary=vocabulary, embed_dims=12)).eval()
    learner = PromptLearner(['person', 'person is is'], encoder, num_contexts=1)
    with torch.no_grad():
        learner.contexts.copy_(encoder.embed_tokens(torch.tensor(encoder.tokenize(['this'])[0])))
    torch.testing.assert_close(encoder.encode(*learner(encoder)), encoder(['this person', 'this person is is']))


def test_pose_encoder_takes_unlabeled_joints_as_unturned():
    torch.manual_seed(0)
    encoder = MODELS.build(dict(type='PoseMLPEncoder', embed_dims=5, hidden=7, num_layers=2)).eval()
    rotations, mask = poses(3), torch.ones(3, 24, dtype=torch.bool)
    mask[1, 22:] = False
    changed = rotations.clone()
    changed[1, 22:] = torch.eye(3)
    found = encoder(rotations, mask)
    assert found.shape == (3, 5)
    torch.testing.assert_close(found, encoder(changed))
    assert (found[1] - encoder(rotations)[1]).abs().max() > 1e-4


def test_loss_is_the_symmetric_cross_entropy(trained):
    model, _ = trained
    rotations = poses(4)
    inputs = dict(poses=rotations, pose_masks=torch.ones(4, 24, dtype=torch.bool))
    losses = model(inputs, dict(text=TEXTS[:4], record_id=list('abcd')), mode='loss')
    first, second = model(inputs, mode='tensor'), model.embed_texts(TEXTS[:4])
    torch.testing.assert_close(first.norm(dim=1), torch.ones(4))
    logits = first @ second.t() / 0.07
    own = torch.arange(4)
    expected = (torch.nn.functional.cross_entropy(logits, own) + torch.nn.functional.cross_entropy(logits.t(), own)) / 2
    torch.testing.assert_close(losses['loss_contrastive'], expected, atol=1e-5, rtol=1e-5)
    assert losses['acc_text'] == (logits.argmax(1) == own).float().mean()
    (sample, *_) = model(inputs, dict(text=TEXTS[:4], record_id=list('abcd')), mode='predict')
    assert sample['record_id'] == 'a'
    torch.testing.assert_close(sample['text_embedding'], second[0])


def test_pack():
    results = dict(record_id='a', poses=poses(1).numpy(), pose_masks=np.ones((1, 24), bool), texts=['x', 'y', 'z'])
    first = TRANSFORMS.build(dict(type='PackPoseText', text='first'))(dict(results))
    assert first['data_samples'] == dict(record_id='a', text='x')
    assert first['inputs']['poses'].shape == (24, 3, 3) and first['inputs']['pose_masks'].shape == (24,)
    pack = TRANSFORMS.build(dict(type='PackPoseText'))
    np.random.seed(0)
    assert {pack(dict(results))['data_samples']['text'] for _ in range(30)} == {'x', 'y', 'z'}
    batch = default_collate([first, first])
    assert batch['inputs']['poses'].shape == (2, 24, 3, 3) and batch['data_samples']['text'] == ['x', 'x']


def samples(predicted, labels=None, texts=TEXTS):
    found = []
    for i, text in enumerate(texts):
        own = dict(record_id=str(i), texts=[text], pred_poses=predicted[i : i + 1])
        if labels is not None:
            own.update(poses=labels[i : i + 1].numpy(), pose_masks=np.ones((1, 24), bool))
        found.append(own)
    return found


def evaluate(rows, **arguments):
    metric = METRICS.build(dict(type='PoseRetrieval', ks=(1, 3), **arguments))
    metric.process(None, rows)
    return metric.evaluate(len(rows))


def test_scores_of_answers(trained):
    model, files = trained
    predicted, labels = poses(8, 1), poses(8, 2)
    found = evaluate(samples(predicted, labels), pool=4, **files)
    with torch.no_grad():
        first, true, text = model.embed_poses(predicted), model.embed_poses(labels), model.embed_texts(TEXTS)
    both = dict(pose_to_text=(first, text), text_to_pose=(text, first))
    for name, pair in both.items():
        expected = retrieve(*pair, (1, 3))
        assert [found[f'retrieval/{name}/R@{k}'] for k in (1, 3)] == pytest.approx(list(expected.recall.values()))
        assert found[f'retrieval/{name}/rank'] == pytest.approx(expected.expected_rank)
        assert found[f'retrieval/{name}/pool'] == 8 and found[f'retrieval/{name}/tied'] == 0
        assert found[f'retrieval/{name}/R-precision@2'] == pytest.approx(r_precision(*pair, pool=4)[2])
    assert found['retrieval/labels/text_to_pose/R@3'] == pytest.approx(retrieve(text, true, (3,)).recall[3])
    assert found['retrieval/FID'] == pytest.approx(frechet_distance(first, true).value, rel=1e-5)
    assert (found['retrieval/FID_samples'], found['retrieval/FID_dimensions']) == (8, 4)
    assert found['retrieval/missing'] == 0


def test_answers_without_a_pose_are_not_found(trained):
    model, files = trained
    predicted = poses(8, 1)
    rows = samples(predicted)
    for i in (2, 5):
        rows[i]['pred_poses'] = torch.zeros(0, 24, 3, 3)
    found = evaluate(rows, **files)
    kept = [0, 1, 3, 4, 6, 7]
    with torch.no_grad():
        first, text = model.embed_poses(predicted[kept]), model.embed_texts(TEXTS)
    to_text, to_pose = retrieve(first, text, (3,), kept), retrieve(text[kept], first, (3,))
    assert found['retrieval/pose_to_text/R@3'] == pytest.approx(0.75 * to_text.recall[3])
    assert found['retrieval/text_to_pose/R@3'] == pytest.approx(0.75 * to_pose.recall[3])
    assert [found[f'retrieval/{name}/pool'] for name in ('pose_to_text', 'text_to_pose')] == [8, 6]
    assert found['retrieval/missing'] == 2 and 'retrieval/FID' not in found
    none = evaluate([dict(row, pred_poses=torch.zeros(0, 24, 3, 3)) for row in rows], **files)
    assert none['retrieval/pose_to_text/R@3'] == none['retrieval/text_to_pose/R@1_published'] == 0


def test_joints_without_labels_are_left_out_of_answers_too(trained):
    _, files = trained
    labels = poses(8, 2)
    predicted, rows = labels.clone(), []
    predicted[:, 22:] = poses(8, 3)[:, 22:]
    for row in samples(predicted, labels):
        row['pose_masks'][:, 22:] = False
        rows.append(row)
    found = evaluate(rows, **files)
    assert found['retrieval/FID'] == pytest.approx(0, abs=1e-9)
    for name in ('pose_to_text/R@1', 'pose_to_text/R@3', 'text_to_pose/R@1', 'text_to_pose/R@3'):
        assert found[f'retrieval/{name}'] == found[f'retrieval/labels/{name}']


def test_equal_texts_are_tied(trained):
    _, files = trained
    found = evaluate(samples(poses(8, 1), texts=['same text'] * 8), prefix='spg', **files)
    assert found['spg/pose_to_text/R@1'] == 12.5 and found['spg/pose_to_text/tied'] == 8
    assert found['spg/pose_to_text/rank'] == 4.5 and found['spg/text_to_pose/tied'] == 0


def test_the_model_is_tested_by_its_own_embeddings():
    rows = [dict(record_id=str(i), pose_embedding=e, text_embedding=e) for i, e in enumerate(torch.eye(4))]
    rows[0]['text_embedding'] = torch.tensor([0, 1.0, 0, 0])  # text 0 is that of pose 1
    found = evaluate(rows)
    # pose 0 ties with nothing: its own text has 0, as two others; pose 1 ties with text 0
    assert found['retrieval/pose_to_text/R@1'] == pytest.approx(100 * (1 / 4 + 1 / 2 + 2) / 4)
    assert found['retrieval/text_to_pose/R@1'] == pytest.approx(100 * 3 / 4)


def test_wrong_use(trained):
    with pytest.raises(ValueError, match='needs both config and checkpoint'):
        evaluate([], config='a.py')
    with pytest.raises(ValueError, match='has no embeddings: give PoseRetrieval config'):
        evaluate(samples(poses(8)))
    with pytest.raises(ValueError, match="record '0' lacks pred_poses or texts"):
        evaluate([dict(record_id='0', pred_poses=poses(1))], **trained[1])
