"""What CapeLLM's head must not break on: labels, precisions, copies, threads, long texts, wrong settings."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from tiny_cape_llm import build, sample
from tiny_tokenizers import byte_level
from two_processes import run_in_two_processes

ANSWERS = ['text', 'token', 'bins', 'pointer']
NAMES, POINTS = ['nose', 'left eye', 'right eye'], [[0.2, 0.3], [0.7, 0.1], [0.5, 0.9]]
LORA = dict(tune='lora', lora=dict(dropout=0.0))


@pytest.fixture(scope='module')
def tokenizer(tmp_path_factory):
    """As SmolLM2: no start, the end is padding too."""
    return byte_level(tmp_path_factory.mktemp('tokenizer') / 'digits', triples=False, start=False)


@pytest.fixture(scope='module')
def heads(tokenizer):
    """One head for each answer, which tests leave as it is."""
    return {answer: build(tokenizer, answer=answer) for answer in ANSWERS}


@pytest.fixture
def feats():
    return (torch.randn(2, 8, 3, 2),)


def batch():
    """Two images with three keypoints and one."""
    return [sample(NAMES, ['The tip.', '', 'It’s right.'], POINTS), sample(['tip of the tail'], None, [[0.0, 1.0]])]


def points(found):
    return np.concatenate([instance.keypoints[0] for instance in found])


def asked(head, feats, samples, **test_cfg):
    with torch.no_grad():
        return head.predict(feats, samples, test_cfg)


def loss_of(head, feats, samples):
    return head.loss(feats, samples)[head.answer.loss_name]


@pytest.mark.parametrize('mask', ['chained', 'isolated'])
@pytest.mark.parametrize('answer', ANSWERS)
def test_a_batch_without_labels(tokenizer, feats, answer, mask):
    """The loss is 0, and every trained weight gets a gradient, of 0, as DDP expects."""
    for language_model in (LORA, dict(tune='full')):
        head, samples = build(tokenizer, language_model, answer=answer, rounds_mask=mask).train(), batch()
        for one in samples:
            one.gt_instance_labels.keypoint_weights.zero_()
        losses = head.loss(feats, samples)
        losses[head.answer.loss_name].backward()
        assert losses[head.answer.loss_name] == losses['acc_pose'] == 0
        trained = {name: value.grad for name, value in head.named_parameters() if value.requires_grad}
        assert [name for name, gradient in trained.items() if gradient is None] == []
        assert all((gradient == 0).all() for gradient in trained.values())
        assert any('lora_A' in name for name in trained) == (language_model is LORA)


@pytest.mark.parametrize('answer', ANSWERS)
def test_an_image_without_labels_beside_another(heads, feats, answer):
    """The loss is that of the other image; hidden keypoints are not asked about."""
    head, samples = heads[answer], batch()
    samples[1].gt_instance_labels.keypoint_weights.zero_()
    samples[0].gt_instance_labels.keypoint_weights[0, 1] = 0
    alone = [sample(samples[0].keypoint_names, samples[0].keypoint_descriptions, POINTS, [0, 2])]
    expected = loss_of(head, (feats[0][:1],), alone).item()
    assert expected > 0 and loss_of(head, feats, samples).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('answer', ANSWERS)
def test_points_on_and_beyond_the_border(heads, feats, answer):
    inside = [sample(NAMES, None, [[0, 1], [1, 0], [0.9996, 0]]), batch()[1]]
    beyond = [sample(NAMES, None, [[-0.0004, 1.0004], [1.0004, 0], [1, -0.0004]]), batch()[1]]
    found = [loss_of(heads[answer], feats, samples).item() for samples in (inside, beyond)]
    assert found[0] == pytest.approx(found[1], abs=0 if answer == 'text' else 0.05) and np.isfinite(found[0])


@pytest.mark.parametrize('answer', ANSWERS)
def test_500_keypoints_in_chunks(heads, answer):
    """The language model reads at most one chunk of questions at once."""
    head, names = copy.deepcopy(heads[answer]), [f'point {i:03d}' for i in range(500)]
    read, head.chunk, embeds = [], 50, head.language_model.llm.model
    embeds.register_forward_pre_hook(
        lambda _, args, kwargs: read.append(kwargs['inputs_embeds'].shape), with_kwargs=True
    )
    (found,) = asked(head, (torch.randn(1, 8, 2, 2),), [sample(names)])
    assert found.keypoints.shape == (1, 500, 2) and np.isfinite(found.keypoints).all()
    _, questions = head.conversations.questions(head.queries([sample(names)], 1)[0], 4)
    assert max(shape[0] * shape[1] for shape in read) == 7 * 8 * len(questions[0])  # 7 rows of up to 8
    steps = 1 + 5 if answer == 'text' else 1
    assert len(read) == 1 + 10 * steps
    (one,) = asked(heads[answer], (torch.zeros(1, 8, 2, 2),), [sample(['point 000'])])
    assert one.keypoints.shape == (1, 1, 2) and one.keypoint_scores.shape == (1, 1)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('answer', ANSWERS)
def test_half_precision(heads, feats, answer, dtype):
    """Of the language model alone, of all weights, and by autocast: near float32."""
    whole, samples = heads[answer], batch()
    expected, where = loss_of(whole, feats, samples).item(), points(asked(whole, feats, samples))
    language_model, everything = copy.deepcopy(whole), copy.deepcopy(whole).to(dtype)
    language_model.language_model.to(dtype)
    for head, own, cast in [
        (language_model, feats, False),
        (everything, (feats[0].to(dtype),), False),
        (copy.deepcopy(whole), feats, True),
    ]:
        with torch.autocast('cpu', dtype, enabled=cast):
            loss, found = loss_of(head, own, samples), points(asked(head, own, samples))
        loss.backward()
        assert loss.item() == pytest.approx(expected, rel=0.02) and loss.dtype == torch.float32
        assert all(value.grad.isfinite().all() for value in head.parameters() if value.grad is not None)
        np.testing.assert_allclose(found, where, atol=0.3)  # pixels


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_precision_of_the_config(tokenizer, dtype):
    head = build(tokenizer, dict(LORA, dtype=dtype), answer='bins')
    types = {name: value.dtype for name, value in head.named_parameters()}
    half = {name for name, value in types.items() if value == getattr(torch, dtype)}
    assert half == {name for name in types if name.startswith('language_model.') and '.lora_' not in name}
    assert all(types[name] == torch.float32 for name in types if name not in half)


@pytest.mark.parametrize('answer', ['text', 'pointer'])
def test_gradient_checkpointing_changes_no_gradient(tokenizer, feats, answer):
    gradients = []
    for checkpointing in (False, True):
        head = build(tokenizer, dict(gradient_checkpointing=checkpointing), answer=answer).train()
        calls = []
        head.language_model.llm.model.layers[0].input_layernorm.register_forward_hook(
            lambda *_, own=calls: own.append(1)
        )
        loss_of(head, feats, batch()).backward()
        assert len(calls) == 1 + checkpointing  # once more in the backward pass
        gradients.append([value.grad for value in head.parameters() if value.grad is not None])
    for plain, again in zip(*gradients):
        torch.testing.assert_close(plain, again)
    assert len(points(asked(head.eval(), feats, batch()))) == 4


@pytest.mark.parametrize('answer', ANSWERS)
def test_copies_and_replicas(heads, feats, answer):
    head, samples = heads[answer], batch()
    expected = points(asked(head, feats, samples))
    replica = replicated(head)
    fresh = copy.deepcopy(head)
    for value in fresh.parameters():
        value.data.zero_()
    assert not np.allclose(points(asked(fresh, feats, samples)), expected)
    np.testing.assert_array_equal(points(asked(head, feats, samples)), expected)  # a copy has its own weights
    fresh.load_state_dict(head.state_dict())
    for other in (fresh, pickle.loads(pickle.dumps(head)), replica):
        np.testing.assert_array_equal(points(asked(other, feats, samples)), expected)
        assert loss_of(other, feats, samples).item() == loss_of(head, feats, samples).item()


def replicated(module):
    """As DataParallel copies a module to a device: the weights are tensors, and no parameters."""
    replica = module._replicate_for_data_parallel()
    for name, value in module._parameters.items():
        if value is None:
            replica._parameters[name] = None
        else:
            setattr(replica, name, value.clone())
    for name, child in module._modules.items():
        setattr(replica, name, replicated(child))
    return replica


@pytest.mark.parametrize('answer', ['text', 'pointer'])
def test_four_threads_ask_one_head(heads, answer):
    head, feats = heads[answer], (torch.randn(1, 8, 2, 3),)
    names = [['nose'], ['left eye', 'back'], ['tip', 'tail', 'top'], ['x' * 40]]
    expected = [points(asked(head, feats, [sample(own)])) for own in names]
    head.tokens.known.clear()
    wrong = []

    def ask(i):
        for _ in range(5):
            if not np.allclose(points(asked(head, feats, [sample(names[i])])), expected[i], atol=1e-4):
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_trained(tokenizer):
    """Frozen parts stay in eval mode; no output layer is trained where no token is predicted."""
    frozen = build(tokenizer, dict(tune='frozen'), answer='bins').train()
    assert not any(module.training for module in frozen.language_model.modules())
    trained = {name.split('.')[0] for name, value in frozen.named_parameters() if value.requires_grad}
    assert trained == {'projector', 'answer', 'answer_embedding'} and frozen.projector.training
    for answer, output in (('text', True), ('token', False)):
        llm = build(tokenizer, answer=answer).language_model.llm
        assert (llm.lm_head.weight.requires_grad, llm.model.embed_tokens.weight.requires_grad) == (output, True)
    small = dict(model_type='llama', hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    tied = build(tokenizer, dict(config=dict(small, tie_word_embeddings=True)), answer='token').language_model.llm
    assert tied.lm_head.weight is tied.model.embed_tokens.weight and tied.lm_head.weight.requires_grad


@pytest.mark.parametrize('answer', ['text', 'pointer'])
def test_flip_test(heads, answer):
    """The mean of the image and its mirror image, in which partners are exchanged; 'left wheel' has none, so that its
    mirror image shows what is no left wheel.
    """
    head, names = heads[answer], ['nose', 'left eye', 'right eye', 'left wheel']
    image, mirror = torch.randn(1, 8, 2, 3), torch.randn(1, 8, 2, 3)
    (own,), (other,) = (asked(head, (view,), [sample(names)]) for view in (image, mirror))
    (found,) = asked(head, [(image,), (mirror,)], [sample(names)], flip_test=True)
    mirrored = np.array([64, 0]) + np.array([-1, 1]) * other.keypoints[0][[0, 2, 1, 3]]
    expected = (own.keypoints[0] + mirrored) / 2
    expected[3] = own.keypoints[0, 3]
    np.testing.assert_allclose(found.keypoints[0], expected, atol=1e-4)
    scores = (own.keypoint_scores[0] + other.keypoint_scores[0][[0, 2, 1, 3]]) / 2
    scores[3] = own.keypoint_scores[0, 3]
    np.testing.assert_allclose(found.keypoint_scores[0], scores, atol=1e-6)
    # of the same view twice: x and 64 - x
    (middle,) = asked(head, [(image,), (image,)], [sample(names)], flip_test=True)
    assert middle.keypoints[0, 0] == pytest.approx([32, own.keypoints[0, 0, 1]], abs=1e-4)
    if answer == 'pointer':
        pair = (
            asked(head, (view,), [sample(names)], output_score_maps=True)[1][0].score_maps for view in (image, mirror)
        )
        fields = asked(head, [(image,), (mirror,)], [sample(names)], flip_test=True, output_score_maps=True)[1]
        maps, (first, second) = fields[0].score_maps, pair
        assert maps.shape == (4, 2, 3) and maps.amax(dim=(1, 2)).tolist() == pytest.approx([1] * 4)
        np.testing.assert_allclose(maps[3], first[3], atol=1e-6)
        raw = [head((view,), head.queries([sample(names)], 1)).heatmaps[0] for view in (image, mirror)]
        mean = (raw[0][1] + raw[1][2].flip(-1)) / 2
        torch.testing.assert_close(maps[1], (mean / mean.max()).detach())
        torch.testing.assert_close(second, raw[1].detach() / raw[1].detach().amax(dim=(1, 2), keepdim=True))


@pytest.mark.parametrize('answer', ANSWERS)
def test_scores(heads, answer):
    """A temperature of 2 takes the square root of the odds; the order of the questions does not matter."""
    head, order, feats = heads[answer], [2, 0, 1], (torch.randn(1, 8, 4, 5),)
    (own,) = asked(head, feats, [sample(NAMES)])
    (cooler,) = asked(head, feats, [sample(NAMES)], temperature=2.0)
    (other,) = asked(head, feats, [sample([NAMES[i] for i in order])])
    scores = own.keypoint_scores.astype(np.float64)
    assert ((scores > 0) & (scores < 1)).all()
    odds = np.sqrt(scores / (1 - scores))
    np.testing.assert_allclose(cooler.keypoint_scores, odds / (1 + odds), rtol=1e-4)
    np.testing.assert_array_equal(cooler.keypoints, own.keypoints)
    np.testing.assert_allclose(other.keypoint_scores[0], own.keypoint_scores[0][order], rtol=1e-4)
    np.testing.assert_allclose(other.keypoints[0], own.keypoints[0][order], atol=1e-3)


@pytest.mark.parametrize('answer', ANSWERS)
def test_scores_are_at_most_one(heads, answer):
    """Rounding must not take a sum of probabilities beyond 1."""
    (found,) = asked(heads[answer], (torch.randn(1, 8, 2, 3),), [sample([f'point {i}' for i in range(40)])])
    assert ((found.keypoint_scores > 0) & (found.keypoint_scores <= 1)).all()


@pytest.mark.parametrize('answer', ['text', 'bins'])
def test_texts_up_to_the_limit_and_one_token_beyond(tokenizer, feats, answer):
    """Training and asking need the same number of tokens. Nothing is cut: the sample and its longest text are named."""
    feats, samples = (feats[0][:1],), [sample(NAMES, ['', 'long ' * 30, ''], POINTS, img_path='horse.jpg')]

    def limited(limit):
        config = dict(model_type='llama', hidden_size=8, intermediate_size=8, num_hidden_layers=1)
        config.update(num_attention_heads=1, max_position_embeddings=limit)
        return build(tokenizer, dict(config=config), answer=answer)

    with pytest.raises(ValueError, match=r'take \d+ tokens') as caught:
        loss_of(limited(10), feats, samples)
    needed = int(str(caught.value).split(' tokens')[0].split()[-1])
    fits, too_small = limited(needed), limited(needed - 1)
    assert loss_of(fits, feats, samples) > 0 and points(asked(fits, feats, samples)).shape == (3, 2)
    error = rf"take {needed} tokens; .* reads up to {needed - 1}: shorten .*begins with 'left eye: long long"
    with pytest.raises(ValueError, match=f'sample 1 of horse.jpg: the image and its texts {error}'):
        loss_of(too_small, feats, samples)
    with pytest.raises(ValueError, match=error):
        asked(too_small, feats, samples)


@pytest.mark.parametrize(
    'arguments, error',
    [
        (dict(answer='words'), "answer='words', expected one of 'text', 'token', 'bins', 'pointer'"),
        (dict(instruction='steps'), "instruction='steps', expected one of"),
        (dict(questions='many'), "questions='many', expected one of"),
        (dict(rounds_mask='none'), "rounds_mask='none', expected one of 'isolated', 'chained'"),
        (dict(decoding='free'), "decoding='free', expected one of"),
        (dict(answer='bins', decoding='published'), "needs answer='text'"),
        (dict(answer='bins', instruction='direct_qa'), "asks for names: it needs answer='text'"),
    ],
)
def test_wrong_settings(tokenizer, arguments, error):
    with pytest.raises(ValueError, match=error):
        build(tokenizer, **arguments)


def test_wrong_inputs(heads, tokenizer, feats):
    with pytest.raises(ValueError, match='has 7 channels, the head in_channels=8: set in_channels'):
        asked(heads['bins'], (feats[0][:, :7],), batch())
    with pytest.raises(ValueError, match='head has no names'):
        heads['bins'](feats)
    with pytest.raises(ValueError, match='3 keypoints and 2 names'):
        wrong = sample(NAMES, None, POINTS)
        wrong.set_metainfo(dict(keypoint_names=NAMES[:2]))
        loss_of(heads['bins'], (feats[0][:1],), [wrong])
    with pytest.raises(ValueError, match='TextAnswer has no score maps'):
        heads['text'].score_map(feats, heads['text'].queries(batch(), 2))
    with pytest.raises(ValueError, match="finds no keypoints: load its checkpoint into a head with instruction='base'"):
        asked(build(tokenizer, instruction='direct_qa'), feats, batch())
    named = build(tokenizer, names=NAMES)
    assert named(feats).points.shape == (2, 3, 2)  # the names of the head


def test_two_processes_average_over_all_answers(tokenizer, feats, tmp_path):
    """Two images with three keypoints and one, on two processes: the mean of their losses is that of one process."""
    run_in_two_processes(_losses, tmp_path, tokenizer, feats[0])
    for answer in ('text', 'pointer'):
        expected = loss_of(build(tokenizer, answer=answer), feats, batch()).item()
        found = [float((tmp_path / f'{answer}{rank}').read_text()) for rank in range(2)]
        assert sum(found) / 2 == pytest.approx(expected, rel=1e-5)
        assert found[0] != pytest.approx(found[1], rel=0.1)


def _losses(rank, folder, tokenizer, images):
    for answer in ('text', 'pointer'):
        loss = loss_of(build(tokenizer, answer=answer), (images[rank : rank + 1],), batch()[rank : rank + 1])
        (folder / f'{answer}{rank}').write_text(str(loss.item()))
