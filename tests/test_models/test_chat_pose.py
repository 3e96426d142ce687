"""ChatPose: poses from the states that predict pose tokens, held against transformers' LLaVA and against peft."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_llava import tiny_llava_folder
from transformers import LlavaForConditionalGeneration

from clamp_mmpose.body.rotations import axis_angle_to_matrix, six_to_matrix
from clamp_mmpose.datasets.instructions import collate_conversations
from clamp_mmpose.models.pose_estimators import ChatPose

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
    """Conversations with as many poses as pose tokens; of the first pose, only the head is labeled."""
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
    for own, asked, answer in zip(IMAGES, conversations, answers):
        (alone,) = loud.generate_poses([own], [asked], 12, force_pose=True)
        assert alone.text == answer.text and (alone.rotations - answer.rotations).abs().max() < 1e-4
