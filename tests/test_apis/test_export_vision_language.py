"""A tuned vision-language model as a folder of transformers."""

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tiny_llava import LORA_CONFIG

from clamp_mmpose.apis.trained_model import is_vision_language_model, load_vision_language_model
from clamp_mmpose.cli import export

IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8))
TURNS = [{'from': 'human', 'value': '<image>\nWhere is the left eye of this object?'}]


def logits(model, processor):
    text = processor.apply_chat_template(
        [dict(role='user', content=[dict(type='image'), dict(type='text', text=TURNS[0]['value'][8:])])],
        add_generation_prompt=True,
    )
    inputs = processor(images=[IMAGE], text=[text], return_tensors='pt')
    with torch.no_grad():
        return model(**inputs).logits


def test_transformers_reads_the_same_model(tuned, tmp_path, capsys):
    config, checkpoint, model = tuned
    assert is_vision_language_model(str(config))
    out = tmp_path / 'out'
    assert export.main([str(config), str(checkpoint), '--out', str(out)]) == 0
    assert f'Wrote {out} for transformers' in capsys.readouterr().out
    kind = getattr(transformers, 'AutoModelForImageTextToText', transformers.LlavaForConditionalGeneration)
    exported = kind.from_pretrained(out).eval()
    assert not any('lora' in name or 'base_layer' in name for name in exported.state_dict())
    expected = logits(model.vlm, model.processor)
    difference = (logits(exported, transformers.AutoProcessor.from_pretrained(out)) - expected).abs().max()
    base = transformers.LlavaForConditionalGeneration.from_pretrained(config.parent / 'model').eval()
    assert difference < 1e-4 < 0.1 < (logits(base, model.processor) - expected).abs().max()
    assert exported.generation_config.eos_token_id in (model.stops, model.stops[0])
    # the commands read it too, and at another place
    moved = shutil.move(out, tmp_path / 'moved')
    cfg, own = load_vision_language_model(f'{moved}/config.py')
    assert cfg.model.init_cfg.checkpoint == str(moved) and own.test_cfg['max_new_tokens'] == 8
    assert own.generate([[IMAGE]], [TURNS], 8) == model.generate([[IMAGE]], [TURNS], 8)
    assert not any(parameter.requires_grad for parameter in own.parameters())


def test_bfloat16_and_ends_of_answers(tuned, tmp_path):
    """All weights have the precision of the model, also those that were trained in float32; the folder says where an
    answer ends, whatever the base model's said."""
    config, checkpoint, model = tuned
    base = shutil.copytree(config.parent / 'model', tmp_path / 'base')
    (base / 'generation_config.json').write_text('{"eos_token_id": 5}')
    options = ['--cfg-options', 'model.dtype=bfloat16', f'model.model={base}']
    assert export.main([str(config), str(checkpoint), '--out', str(tmp_path / 'out'), *options]) == 0
    from safetensors.torch import load_file

    weights = load_file(tmp_path / 'out' / 'model.safetensors')
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}
    ends = json.loads((tmp_path / 'out' / 'generation_config.json').read_text())
    assert set(np.ravel(ends['eos_token_id'])) >= set(np.ravel(model.stops)) and ends['pad_token_id'] == model.pad


def test_errors(tuned, tmp_path, capsys):
    config, checkpoint, _ = tuned
    other = tmp_path / 'other.py'
    other.write_text("model = dict(type='TopdownPoseEstimator')")
    assert not is_vision_language_model(str(other))
    with pytest.raises(ValueError, match='has a TopdownPoseEstimator, expected a VisionLanguageModel'):
        load_vision_language_model(str(other))
    # another base model than that of the training
    base = shutil.copytree(config.parent / 'model', tmp_path / 'model')
    weights = transformers.LlavaForConditionalGeneration.from_pretrained(base)
    for parameter in weights.parameters():
        parameter.data.mul_(2)
    weights.save_pretrained(base)
    changed = tmp_path / 'changed.py'
    changed.write_text(LORA_CONFIG.format(model=str(base)))
    assert export.main([str(changed), str(checkpoint), '--out', str(tmp_path / 'out')]) == 1
    assert 'the whole model of this config comes from' in capsys.readouterr().err


def test_chat_pose(chat_pose, tmp_path):
    """The folder gives the same texts and poses, without peft and its base; transformers reads its language model."""
    config, checkpoint, model = chat_pose
    out = tmp_path / 'out'
    assert export.main([str(config), str(checkpoint), '--out', str(out)]) == 0
    expected = logits(model.vlm, model.processor)
    exported = transformers.LlavaForConditionalGeneration.from_pretrained(out).eval()
    difference = (logits(exported, transformers.AutoProcessor.from_pretrained(out)) - expected).abs()
    assert difference[expected.isfinite()].max() < 1e-4  # of the image's token, which is never written here
    moved = shutil.move(out, tmp_path / 'moved')
    cfg, own = load_vision_language_model(f'{moved}/config.py')
    assert cfg.model.type == 'ChatPose' and not any('lora' in name or 'token_rows' in name for name in own.state_dict())
    (found,), (wanted,) = (chat.generate_poses([[IMAGE]], [TURNS], 8, force_pose=True) for chat in (own, model))
    assert found.text == wanted.text and '<POSE>' in found.text
    assert (found.rotations - wanted.rotations).abs().max() < 1e-4 < (wanted.rotations - torch.eye(3)).abs().max()
    rows = own.vlm.get_input_embeddings().weight[own.pose_id], model.token_rows.input[0]
    assert (rows[0] - rows[1]).abs().max() < 1e-6 < (rows[1] - rows[1].mean()).abs().max()
