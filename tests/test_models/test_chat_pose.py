"""ChatPose: poses from the states that predict pose tokens, held against transformers' LLaVA."""

import copy
import re

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from PIL import Image
from tiny_llava import tiny_llava_folder
from transformers import LlavaForConditionalGeneration

from clamp_mmpose.body.rotations import axis_angle_to_matrix, six_to_matrix
from clamp_mmpose.codecs.pose_images import PoseImages
from clamp_mmpose.datasets.instructions import collate_conversations
from clamp_mmpose.models.pose_estimators import ChatPose
from clamp_mmpose.models.pose_estimators.pose_generation import StatesRead

QUESTIONS = (
    'Is the left leg in front?',
    'Is it a chair?',
    'Which side of the image shows the right leg of the seat?',
)
ANSWERS = ('It is <POSE>.', 'Yes.', '<POSE> and then <POSE> at the end.')


def image(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 30, 3), np.uint8))


# two images, none, one
IMAGES = ((image(0), image(1)), (), (image(2),))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tiny_llava_folder(tmp_path_factory.mktemp('llava') / 'model')


def build(folder, **kwargs):
    torch.manual_seed(0)
    init_cfg = dict(type='Pretrained', checkpoint=folder)
    model = ChatPose(**{**dict(model=folder, lora=dict(rank=2, dropout=0.0), init_cfg=init_cfg), **kwargs})
    model.init_weights()
    for layer in (model.pose_head.layers[2],):
        torch.nn.init.normal_(layer.weight, std=0.5)  # poses depend on the state
    return model.eval()


@pytest.fixture(scope='module')
def model(folder):
    return build(folder)


def turns(number, answer=None):
    tags = '<image>\n' * len(IMAGES[number])
    asked = [{'from': 'human', 'value': tags + QUESTIONS[number]}]
    return asked + ([{'from': 'gpt', 'value': answer}] if answer else [])


def poses(number, seed=0):
    vectors = torch.randn(number, 24, 3, generator=torch.Generator().manual_seed(seed))
    return axis_angle_to_matrix(vectors)


def batch(model, answers=ANSWERS, chosen=(0, 1, 2)):
    """Conversations with as many poses as pose tokens."""
    samples = []
    for i in chosen:
        inputs = model.chat.inputs(turns(i, answers[i]), IMAGES[i])
        number = answers[i].count('<POSE>')
        if number:
            inputs.update(poses=poses(number, i), pose_masks=torch.ones(number, 24, dtype=torch.bool))
        samples.append(dict(inputs=inputs))
    return collate_conversations(samples)['inputs']


def test_states_that_predict_the_tokens(folder, model):
    """Of transformers' own model, one conversation at a time; the place is found in the ids by hand."""
    inputs = batch(model)
    hidden = model.hidden_states(inputs)
    found = model.pose_states(hidden, inputs['labels'])
    reference = LlavaForConditionalGeneration.from_pretrained(folder).eval()
    reference.resize_token_embeddings(model.pose_id + 1)
    base = model.vlm.get_input_embeddings().weight
    reference.get_input_embeddings().weight.data[-1] = base[:-1].mean(0)
    expected = []
    for i, answer in enumerate(ANSWERS):
        own = model.chat.inputs(turns(i, answer), IMAGES[i])
        ids = own['input_ids'].tolist()
        pixels = {key: own[key] for key in ('pixel_values',) if key in own}
        output = reference(own['input_ids'][None], output_hidden_states=True, **pixels)
        expected += [output.hidden_states[-1][0, place - 1] for place, token in enumerate(ids) if token == 391]
    assert len(expected) == 3 and model.pose_id == 391
    assert (found - torch.stack(expected)).abs().max() < 1e-5
    losses = model(inputs, mode='loss')
    matrices = six_to_matrix(model.pose_head(torch.stack(expected)))
    gaps = (matrices - inputs['poses']).abs()
    assert losses['loss_pose'].item() == pytest.approx(0.1 * (gaps[:, 0].mean() + gaps[:, 1:].mean()).item(), rel=1e-4)


def test_generated_poses_are_those_of_the_whole_text(model):
    """Read again without a cache; of one to three poses in each answer, in a batch and alone."""
    conversations = [turns(i) for i in range(3)]
    loud = copy.deepcopy(model)
    with torch.no_grad():
        loud.token_rows.output *= 0
        loud.token_rows.output += 0.4 * torch.randn(32, generator=torch.Generator().manual_seed(3))
    answers = loud.generate_poses(IMAGES, conversations, 12, force_pose=True)
    inputs = batch(model)
    changed = (loud(inputs, mode='tensor') != model(inputs, mode='tensor')).flatten(0, 1).any(dim=0).nonzero().tolist()
    assert changed == [[model.pose_id]]  # a copy, as of EMA, has its own rows
    for own, asked, answer in zip(IMAGES, conversations, answers):
        (alone,) = loud.generate_poses([own], [asked], 12, force_pose=True)
        assert alone.text == answer.text and (alone.rotations - answer.rotations).abs().max() < 1e-4


def heads_of(model, asked, own, answer):
    """Rotations from the states of the whole text, read at once without a cache."""
    prompt = model.chat.prompt_inputs(asked, own)
    ids = model.processor.tokenizer(answer, add_special_tokens=False)['input_ids']
    inputs = dict(prompt, input_ids=torch.cat([prompt['input_ids'], torch.tensor(ids)])[None])
    with torch.no_grad():
        hidden = model.hidden_states(inputs)[0]
    places = [i for i, token in enumerate(inputs['input_ids'][0].tolist()) if token == model.pose_id]
    return six_to_matrix(model.pose_head(hidden[[place - 1 for place in places]]).detach())


def saying(model, tokens):
    """The model, which writes these tokens whatever it reads, and then what it likes."""
    layer, steps = model.vlm.get_output_embeddings(), []

    def choose(module, inputs, logits):
        if len(steps) < len(tokens):
            logits[:, -1, tokens[len(steps)]] = 1e4
        steps.append(1)

    return layer.register_forward_hook(choose)


@pytest.mark.parametrize('answer', ['<POSE>', 'left <POSE> eye<POSE>', ' '.join(['<POSE>'] * 10), 'left eye'])
def test_poses_of_a_given_answer(model, answer):
    """The first token, several, ten, none; in a batch of three of different lengths, by one pass with the cache."""
    tokens = model.processor.tokenizer(answer, add_special_tokens=False)['input_ids']
    handle = saying(model, [*tokens, model.stops[0]])
    passes = []
    counted = model.vlm.get_output_embeddings().register_forward_hook(lambda *_: passes.append(1))
    answers = model.generate_poses(IMAGES, [turns(i) for i in range(3)], 40)
    handle.remove()
    counted.remove()
    assert len(passes) == len(tokens) + 1
    for i, found in enumerate(answers):
        assert found.text.replace(' ', '') == answer.replace(' ', '') and found.degenerate == ()
        assert len(found.rotations) == answer.count('<POSE>')
        if len(found.rotations):
            expected = heads_of(model, turns(i), IMAGES[i], answer)
            assert (found.rotations - expected).abs().max() < 1e-4
    many = torch.cat([found.rotations for found in answers])
    assert len(many) < 2 or (many[0] - many[-1]).abs().max() > 1e-3


def test_forced_poses(model):
    """An answer that would end without a pose, and one that would go on too long; else nothing is changed."""
    conversations = [turns(i) for i in range(3)]
    words = model.processor.tokenizer('left eye', add_special_tokens=False)['input_ids']
    handle = saying(model, [*words, model.stops[0], model.stops[0]])
    ended = model.generate_poses(IMAGES, conversations, 40, force_pose=True)
    handle.remove()
    assert [one.text for one in ended] == ['left eye<POSE>'] * 3 and {len(one.rotations) for one in ended} == {1}
    for temperature in (0.0, 1.0):
        short = model.generate_poses(IMAGES, conversations, 3, temperature, force_pose=True)
        assert all('<POSE>' in one.text and len(one.rotations) >= 1 for one in short)
    free = model.generate_poses(IMAGES, conversations, 3)
    assert [one.text for one in free] == model.generate(IMAGES, conversations, 3)
    assert all(one.rotations.shape == (0, 24, 3, 3) for one in free)
    handle = saying(model, [model.pose_id, *words, model.stops[0]])
    had = model.generate_poses(IMAGES, conversations, 40, force_pose=True)
    handle.remove()
    assert [one.text for one in had] == ['<POSE>left eye'] * 3


def test_predictions(model):
    records = [dict(record_id=str(i)) for i in range(3)]
    handle = saying(model, [model.pose_id, model.stops[0]])
    model.test_cfg['max_new_tokens'] = 4
    predicted = model(batch(model), records, 'predict')
    handle.remove()
    assert [one['record_id'] for one in predicted] == ['0', '1', '2']
    assert all(one['pred_text'] == '<POSE>' for one in predicted)
    for i, one in enumerate(predicted):
        assert (one['pred_poses'] - heads_of(model, turns(i), IMAGES[i], '<POSE>')).abs().max() < 1e-4


def test_zeros_are_no_rotation(folder):
    """The answer says which joint has none; the others are kept. The loss has a finite gradient."""
    broken = build(folder)
    last = broken.pose_head.layers[2]
    with torch.no_grad():
        last.weight[6 * 7 : 6 * 8] = 0
        last.bias[6 * 7 : 6 * 8] = 0
    handle = saying(broken, [broken.pose_id, broken.stops[0]])
    answers = broken.generate_poses(IMAGES, [turns(i) for i in range(3)], 4)
    handle.remove()
    for answer in answers:
        assert answer.degenerate == ((0, 7),) and torch.equal(answer.rotations[0, 7], torch.eye(3))
        assert (answer.rotations.det() - 1).abs().max() < 1e-4 and len(answer.rotations) == 1
    losses = broken(batch(broken), mode='loss')
    losses['loss_pose'].backward()
    assert losses['loss_pose'].isfinite() and last.weight.grad.isfinite().all()


def test_half_precision(folder):
    """What is trained is float32, as are poses, whatever the precision of the language model."""
    model = build(folder, dtype='bfloat16')
    losses = model(batch(model), mode='loss')
    (losses['loss_text'] + losses['loss_pose']).backward()
    rows = model.token_rows
    assert rows.input.dtype == rows.output.dtype == torch.float32 and rows.input.grad.any() and rows.output.grad.any()
    (answer,) = model.generate_poses(IMAGES[2:], [turns(2)], 4, force_pose=True)
    assert answer.rotations.dtype == torch.float32 and (answer.rotations.det() - 1).abs().max() < 1e-5


def test_text_loss_by_conversations(folder, model):
    """The mean over conversations of each one's mean over its tokens."""
    alone = [model(batch(model, chosen=[i]), mode='loss')['loss_text'].item() for i in range(3)]
    counts = [int((batch(model, chosen=[i])['labels'] != -100).sum()) for i in range(3)]
    by_sample = build(folder, text_loss='sample')
    found = by_sample(batch(model), mode='loss')['loss_text'].item()
    assert found == pytest.approx(sum(alone) / 3, rel=1e-5)
    by_token = model(batch(model), mode='loss')['loss_text'].item()
    expected = sum(loss * count for loss, count in zip(alone, counts)) / sum(counts)
    assert by_token == pytest.approx(expected, rel=1e-5) and abs(found - by_token) > 0.01


def test_a_batch_without_poses(folder):
    """The head takes part with gradients of zero: other processes wait for them."""
    model = build(folder)
    losses = model(batch(model, answers=('Yes.',) * 3), mode='loss')
    assert losses['loss_pose'].item() == 0 and 'pose_degrees' not in losses
    sum(losses[key] for key in ('loss_text', 'loss_pose')).backward()
    assert all(p.grad is not None and not p.grad.any() for p in model.pose_head.parameters())
    assert model.token_rows.input.grad is not None and model.token_rows.output.grad.any()


def test_masks_and_counts_of_poses(model):
    inputs = batch(model)
    before = model(inputs, mode='loss')
    angles = before['pose_degrees'].item()
    inputs['pose_masks'][0] = False
    inputs['pose_masks'][:, 22:] = False
    masked = model(inputs, mode='loss')
    hidden = model.hidden_states(inputs)
    matrices = six_to_matrix(model.pose_head(model.pose_states(hidden, inputs['labels'])))[1:, :22]
    gaps = (matrices - inputs['poses'][1:, :22]).abs()
    assert masked['loss_pose'].item() == pytest.approx(0.1 * (gaps[:, 0].mean() + gaps[:, 1:].mean()).item(), rel=1e-4)
    assert 30 < angles < 180 and masked['pose_degrees'].item() != angles
    with pytest.raises(ValueError, match="3 labeled pose tokens '<POSE>' and 2 poses"):
        model(dict(inputs, poses=inputs['poses'][:2]), mode='loss')
    with pytest.raises(ValueError, match=r'must be matrices \[3, 24, 3, 3\], got \[3, 22, 3, 3\]'):
        model(dict(inputs, poses=inputs['poses'][:, :22]), mode='loss')


def test_pose_tokens_in_questions(model):
    asked = [{'from': 'human', 'value': 'Is <POSE> right?'}]
    with pytest.raises(ValueError, match="a turn from user has the pose token '<POSE>'"):
        model.generate_poses([()], [asked], 4)
    history = [*turns(1, 'It is <POSE>.'), {'from': 'human', 'value': 'Again.'}]
    assert len(model.generate_poses([()], [history], 2)[0].rotations) == 0  # that of the history is not written again
    with pytest.raises(ValueError, match="'</s>' is a special token"):
        ChatPose(model=model.init_cfg['checkpoint'], pose_token='</s>')


def test_what_is_trained(folder):
    """LoRA of query and value, the projector, the token's rows and the head."""
    model = build(folder, lora=None).train()
    names = {name for name, value in model.named_parameters() if value.requires_grad}
    lora = {name for name in names if '.lora_' in name}
    assert {name.split('.lora_')[0].rsplit('.', 1)[-1] for name in lora} == {'q_proj', 'v_proj'}
    layer = next(
        part for name, part in model.named_modules() if 'language' in name and name.endswith('1.self_attn.q_proj')
    )
    assert layer.lora_A['default'].weight.shape == (128, 32) and layer.scaling['default'] == 2
    assert layer.lora_dropout['default'].p == 0.05
    others = {name for name in names - lora if 'projector' not in name}
    assert others == {
        'token_rows.input',
        'token_rows.output',
        *(f'pose_head.layers.{i}.{kind}' for i in (0, 2) for kind in ('weight', 'bias')),
    }
    first = ChatPose(model=folder)
    six = first.pose_head(torch.randn(5, 32))
    # the rest pose, upright in the camera's frame: half a turn about x
    rest = torch.eye(3).repeat(24, 1, 1)
    rest[0] = torch.diag(torch.tensor([1.0, -1, -1]))
    assert (six_to_matrix(six) - rest).abs().max() < 0.05


@pytest.mark.parametrize('tied', [False, True])
def test_the_rows_of_the_token(tmp_path, tied):
    """Their gradients are those of these rows in whole matrices that are trained; only they change."""
    folder = tiny_llava_folder(tmp_path / 'model', tie_word_embeddings=tied)
    model = build(folder)
    inputs = batch(model)
    losses = model(inputs, mode='loss')
    losses['loss_text'].backward()
    assert (model.token_rows.output is None) == tied
    other = build(folder, tune='full', lora=None)
    embedding, head = other.token_layers
    index = torch.tensor([other.pose_id])
    full = other(inputs, mode='loss')
    full['loss_text'].backward()
    assert losses['loss_text'].item() == pytest.approx(full['loss_text'].item(), rel=1e-6)
    torch.testing.assert_close(model.token_rows.input.grad, embedding.weight.grad[index], atol=1e-6, rtol=1e-4)
    if not tied:
        torch.testing.assert_close(model.token_rows.output.grad, head.weight.grad[index], atol=1e-6, rtol=1e-4)
    rows = {name: value for name, value in model.named_parameters() if name.startswith('token_rows')}
    optimizer = torch.optim.SGD(rows.values(), lr=0.02)
    before = {name: value.detach().clone() for name, value in model.vlm.state_dict().items()}
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in model.vlm.state_dict().items())
    assert not torch.equal(model.token_rows.input[0], model.vlm.get_input_embeddings().weight[model.pose_id])
    changed = model(inputs, mode='loss')['loss_text'].item()
    model.token_rows.write(*model.token_layers)
    plain = copy.deepcopy(model.vlm)
    for layer in (plain.get_input_embeddings(), plain.get_output_embeddings()):
        layer._forward_hooks.clear()
    logits = plain(**{key: inputs[key] for key in ('input_ids', 'attention_mask', 'pixel_values')}).logits
    logits[..., model.never_written[0]] = -torch.inf
    learned = inputs['labels'][:, 1:]
    expected = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), learned.flatten())
    assert changed == pytest.approx(expected.item(), rel=1e-5) and changed < losses['loss_text'].item()


TOWER = dict(
    backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(3,)),
    in_channels=64,
    images=dict(size=(48, 64), grid=(2, 3)),
)


@pytest.fixture(scope='module')
def seeing(folder, tmp_path_factory):
    """A model with a second tower, whose weights are in a file."""
    torch.manual_seed(5)
    file = tmp_path_factory.mktemp('tower') / 'resnet.pth'
    backbone = MODELS.build(TOWER['backbone'])
    backbone.init_weights()
    torch.save(backbone.state_dict(), file)
    tower = copy.deepcopy(TOWER)
    tower['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint=str(file))
    return build(folder, pose_tower=tower)


def test_second_tower(folder, seeing):
    """Its tokens stand behind those of each image, in training and in generation; only its projector is trained."""
    sample = seeing.chat.inputs(turns(0, ANSWERS[0]), IMAGES[0])
    marks = ''.join({389: 'i', seeing.chat.pose_image_id: 'p'}.get(one, '.') for one in sample['input_ids'].tolist())
    assert re.findall('i+p+', marks) == ['iiii' + 'p' * 6] * 2 and sample['pose_pixels'].shape == (2, 3, 64, 48)
    inputs = batch(seeing)
    places = inputs['input_ids'] == seeing.chat.pose_image_id
    read = []
    handle = seeing.parts.decoder.register_forward_pre_hook(
        lambda module, args, kwargs: read.append(kwargs['inputs_embeds']), with_kwargs=True
    )
    losses = seeing(inputs, mode='loss')
    handle.remove()
    maps = seeing.pose_tower.backbone(inputs['pose_pixels'])[-1]
    expected = seeing.pose_tower.projector.layers(
        torch.nn.functional.adaptive_avg_pool2d(maps, (2, 3)).flatten(2).transpose(1, 2)
    )
    assert (read[0][places].unflatten(0, (3, 6)) - expected).abs().max() < 1e-5
    losses['loss_pose'].backward()
    trained = {
        name for name, value in seeing.named_parameters() if name.startswith('pose_tower') and value.grad is not None
    }
    assert trained == {f'pose_tower.projector.layers.{i}.{kind}' for i in (0, 2) for kind in ('weight', 'bias')}
    assert all(dict(seeing.named_parameters())[name].grad.any() for name in trained)
    handle = saying(seeing, [4, seeing.pose_id, seeing.stops[0]])
    answers = seeing.generate_poses(IMAGES, [turns(i) for i in range(3)], 8)
    handle.remove()
    poses = heads_of(seeing, turns(0), IMAGES[0], answers[0].text)
    assert (answers[0].rotations - poses).abs().max() < 1e-4


def test_pose_images():
    """The whole image, in the middle of the size that the tower reads."""
    white = Image.new('RGB', (40, 10), (255, 255, 255))
    (values,) = PoseImages(size=(8, 8), mean=(100, 0, 0), std=(1, 1, 5))([white])
    assert values.shape == (3, 8, 8) and values.dtype == torch.float32
    assert (values[0, 3:5] == 155).all() and (values[0, [0, 1, 2, 5, 6, 7]] == 0).all()
    assert (values[2, 3:5] == 51).all()
    with pytest.raises(ValueError, match='at least 1'):
        PoseImages(grid=(0, 3))


def test_second_tower_errors(folder, seeing, model):
    inputs = batch(seeing)
    with pytest.raises(ValueError, match='18 tokens of the second tower, and its images have 12 features'):
        seeing(dict(inputs, pose_pixels=inputs['pose_pixels'][:2]), mode='loss')
    with pytest.raises(ValueError, match="has the token '<pose_image>'"):
        seeing.chat.inputs([{'from': 'human', 'value': 'A <pose_image>?'}, {'from': 'gpt', 'value': 'Yes.'}])
    with pytest.raises(ValueError, match="pose_tower's backbone is frozen and has no weights"):
        build(folder, pose_tower=copy.deepcopy(TOWER))


def test_states_of_the_last_place():
    """Of each row and step, where a version of transformers gives the output layer all places of the prompt."""
    layer = torch.nn.Linear(4, 5)
    with StatesRead(layer) as states:
        layer(torch.arange(24.0).reshape(2, 3, 4))
        layer(torch.ones(2, 1, 4))
    layer(torch.zeros(2, 1, 4))
    assert states.at(1, [0, 1]).tolist() == [[20, 21, 22, 23], [1, 1, 1, 1]]
    assert len(states.steps) == 2 and states.at(0, []).shape == (0, 4)
