"""ChatPose against the outputs of the published code, for whatever steps, prompts and answers the folder has."""

import json
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from parity_folders import parity_folder

from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.body.rotations import six_to_matrix
from clamp_mmpose.checkpoints.convert_chatpose import POSE_TOKEN
from clamp_mmpose.cli import convert_checkpoint
from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.models.language_models.image_tokens import image_token_id

FOLDER = parity_folder('chatpose_tiny')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the outputs of the published ChatPose (set CLAMP_MMPOSE_PARITY to the folder of chatpose_tiny)',
)
STEPS = sorted(path.stem[len('train_') :] for path in FOLDER.glob('train_*.npz'))
CELLS, PATCH = 576, 14
USER = (  # of the training prompts
    'A chat between a curious user and an artificial intelligence assistant. '
    "The assistant gives helpful, detailed, and polite answers to the user's questions. "
)
close = dict(atol=1e-5, rtol=1e-4)


def file_of(name):
    """Of the first folder that has the file: one with other steps may have no weights of its own."""
    return parity_folder(f'{FOLDER.name}/{name}')


def answers():
    names = np.load(file_of('evaluate.npz')).files if FOLDER.is_dir() else []
    return sorted({name.rpartition('/')[0] for name in names})


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp('chatpose') / 'converted'
    assert convert_checkpoint.main(['chatpose', str(file_of('weights.safetensors').parent), '--out', str(out)]) == 0
    return out


@pytest.fixture(scope='module')
def model(folder):
    model = MODELS.build(read_config(str(folder / 'config.py')).model)
    model.init_weights()
    return model.eval()


@pytest.fixture(scope='module')
def texts():
    return json.loads(file_of('conversations.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def pixels():
    blocks = torch.from_numpy(np.load(file_of('images.npz'))['blocks'])
    return blocks.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)


def expanded(model, ids):
    """-200, an image in the published ids, as the tokens of an image."""
    image = image_token_id(model.vlm.config)
    return [token for one in ids for token in ([image] * CELLS if one == -200 else [one])]


@pytest.fixture(scope='module', params=STEPS)
def step(request, model, pixels):
    """A training step: what was published, our inputs from its ids, our states and logits."""
    values = dict(np.load(FOLDER / f'train_{request.param}.npz'))
    shape = values['expanded_labels'].shape
    ids = torch.zeros(shape, dtype=torch.long)
    for i, (row, kept) in enumerate(zip(values['input_ids'], values['attention_mask'])):
        own = expanded(model, row[kept].tolist())
        ids[i, : len(own)] = torch.tensor(own)
    labels = torch.from_numpy(values['expanded_labels'])
    with_image = [i for i, row in enumerate(values['input_ids']) if -200 in row]
    positions = values['pose_token_positions']
    inputs = dict(
        input_ids=ids,
        labels=labels,
        attention_mask=torch.from_numpy(values['expanded_attention_mask']).long(),
        pixel_values=pixels[with_image],
        poses=torch.from_numpy(values['target_rotmat'])[positions[:, 0]],
    )
    with torch.no_grad():
        hidden = model.hidden_states(inputs)
    return request.param, values, inputs, hidden, with_image


def same(found, expected, **tolerance):
    torch.testing.assert_close(found, torch.from_numpy(np.asarray(expected)), **(tolerance or close))


def test_there_are_training_steps():
    assert STEPS and answers()


def test_image_features(model, pixels, step):
    """Of all images, also the zeros that the program reads for a text alone."""
    with torch.no_grad():
        tower = model.parts.vision_tower(pixels, output_hidden_states=True)
        features = model.parts.projectors[0](tower.hidden_states[-2][:, 1:])
    same(features[:, ::48], step[1]['image_features'])


def test_states(model, step):
    _, values, inputs, hidden, _ = step
    kept = inputs['attention_mask'].bool()
    same(hidden[:, 560:792][kept[:, 560:792]], values['last_hidden'][kept[:, 560:792].numpy()])
    text = next(i for i, row in enumerate(values['input_ids']) if -200 not in row)
    same(hidden[text, : len(values['last_hidden_text'])], values['last_hidden_text'])


def test_poses(model, step):
    _, values, inputs, hidden, _ = step
    states = model.pose_states(hidden, inputs['labels'])
    with torch.no_grad():
        six = model.pose_head(states)
    same(states, values['pose_hidden'])
    same(six, values['pose_6d'])
    same(six_to_matrix(six), values['pose_rotmat'])
    rows, _, places = values['pose_token_positions'].T
    same(hidden[rows, places], values['pose_hidden'])


def test_losses(model, step):
    _, values, inputs, hidden, _ = step
    labels = inputs['labels']
    with torch.no_grad():
        losses = model(inputs, mode='loss')
        each = F.cross_entropy(model.logits(hidden)[:, :-1].transpose(1, 2), labels[:, 1:], reduction='none')
    same(each, values['ce_token'])
    assert ((labels != -100).sum(1).numpy() == values['n_target_tokens']).all()
    assert losses['loss_text'].item() == pytest.approx(float(values['ce_loss']), abs=1e-5)
    assert losses['loss_pose'].item() == pytest.approx(float(values['pose_loss_times_0p1']), abs=1e-6)
    total = losses['loss_text'] + losses['loss_pose']
    assert total.item() == pytest.approx(float(values['loss']), abs=1e-5)
    states = model.pose_states(hidden, labels)
    with torch.no_grad():
        gaps = model.pose_loss.distances(six_to_matrix(model.pose_head(states)), inputs['poses'])
    same(torch.stack([gaps[:, 1:].mean(1), gaps[:, 0]], 1).double(), values['pose_l1_body_global'])


def test_logits(model, step):
    """Those that predict the pose tokens; ours have another one, the image's, which is never written."""
    _, values, _, hidden, _ = step
    rows, _, places = values['pose_token_positions'].T
    with torch.no_grad():
        logits = model.logits(hidden[rows, places])
    number = values['logits_last_rows'].shape[1]
    same(logits[:, :number], values['logits_last_rows'])
    assert (logits[:, number:] == -torch.inf).all() and logits.shape[1] == number + 1


def turns_of(text, system):
    """The turns of a text of the program, without the tokens around images, which our template writes."""
    turns = []
    for part in text[len(system) :].replace('<im_start>', '').replace('<im_end>', '').split('</s>'):
        question, found, answer = part.partition(' ASSISTANT:')
        if found:
            turns.append({'from': 'human', 'value': question[len('USER: ') :]})
            turns += [{'from': 'gpt', 'value': answer[1:]}] if answer else []
    return turns


def test_ids_and_labels_from_the_texts(model, step, texts):
    """The texts of the program give its tokens and labels: LLaVA's form, or ours with tokens around an image."""
    name, values, *_ = step
    plain = name == 'plain'
    chat = ChatTokens(model.processor, 'vicuna_v1', POSE_TOKEN) if plain else model.chat
    written = texts['training_conversations' if plain else f'training_conversations_{name}']
    for text, ids, labels, kept in zip(written, *(values[k] for k in ('input_ids', 'labels', 'attention_mask'))):
        turns = [{'from': 'system', 'value': USER[:-1]}, *turns_of(text, USER)]
        found, learned = chat.encode(turns, [(336, 336)] * text.count('<image>'))
        assert found.tolist() == expanded(model, ids[kept].tolist())
        assert learned[learned != -100].tolist() == labels[labels != -100].tolist()


def test_ids_of_the_prompts(model, texts):
    """Of the template for answers, which the converted folder has, with tokens around an image."""
    for name, text in texts['inference_prompts'].items():
        turns = turns_of(text, USER.replace('user', 'human'))
        found = model.chat.prompt(turns, [(336, 336)] * text.count('<image>'))
        assert found.tolist() == expanded(model, texts['inference_input_ids'][name]), name


@pytest.mark.parametrize('name', answers())
def test_generated_poses(model, pixels, name):
    """Forced answers: all poses from the pass that writes them, that of a first token too, which the program loses."""
    values = {key: value for key, value in np.load(FOLDER / 'evaluate.npz').items() if key.startswith(f'{name}/')}
    values = {key.rpartition('/')[2]: value for key, value in values.items()}
    ids, start = values['output_ids'].tolist(), int(values['prompt_len'])
    forced = ids[start:]
    prompt = torch.tensor([expanded(model, ids[:start])])
    prompts = dict(input_ids=prompt, attention_mask=torch.ones_like(prompt))
    if -200 in ids:
        prompts['pixel_values'] = pixels[:1]
    (answer,) = written(model, prompts, forced)
    same(answer.rotations, six_to_matrix(torch.from_numpy(values['all_pose_6d'])).numpy())
    assert len(answer.rotations) == forced.count(model.pose_id) == answer.text.count(POSE_TOKEN)
    places = [start + i for i, token in enumerate(forced) if token == model.pose_id]
    assert places == values['generated_pose_positions'].tolist()
    if values['returned'] and forced[1:].count(model.pose_id):
        same(answer.rotations[-1], values['returned_rotmat'])


def written(model, prompts, forced):
    """The answer of :class:`ChatPose` where each token has the highest score in turn."""
    layer, start = model.vlm.get_output_embeddings(), []

    def choose(module, inputs, logits):
        token = forced[len(start)] if len(start) < len(forced) else model.stops[0]
        start.append(token)
        logits[:, -1] = -torch.inf
        logits[:, -1, token] = 0
        return logits

    handle = layer.register_forward_hook(choose)
    try:
        return model._answers(prompts, len(forced), 0.0, False)
    finally:
        handle.remove()
