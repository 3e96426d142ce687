"""What the converter of ChatPose reads, and what it refuses; tests/test_parity_chatpose.py holds the result."""

import json
import shutil

import pytest
import torch
from parity_folders import parity_folder
from safetensors.torch import load_file

from clamp_mmpose.checkpoints.convert_chatpose import convert_chatpose, read_shards

FOLDER = parity_folder('chatpose_tiny')


@pytest.fixture(scope='module')
def weights():
    return load_file(FOLDER / 'weights.safetensors')


@pytest.fixture
def source(weights, tmp_path):
    """The release as two shards of pickles, in half precision."""
    folder = tmp_path / 'release'
    folder.mkdir()
    names = sorted(weights)
    for i, part in enumerate((names[::2], names[1::2])):
        shard = {name: weights[name].half() for name in part}
        torch.save(shard, folder / f'pytorch_model-0000{i + 1}-of-00002.bin')
    for name in ('config.json', 'tokenizer.model'):
        shutil.copy(FOLDER / name, folder / name)
    return folder


def test_shards(source, weights, tmp_path):
    found = read_shards(source)
    assert found.keys() == weights.keys()
    assert all(torch.equal(value, weights[name].half()) for name, value in found.items())
    settings = json.loads((source / 'config.json').read_text())
    # as LLaVA's code writes it, without the sizes of CLIP; heads of 64 channels would be less than one here
    flat = dict(settings['llama'], mm_use_im_start_end=False, model_type='llava')
    (source / 'config.json').write_text(json.dumps(flat))
    report = convert_chatpose(str(source), str(tmp_path / 'out'))
    own = load_file(tmp_path / 'out' / 'chat_pose.safetensors')
    assert torch.equal(own['pose_head.layers.2.weight'], weights['model.text_hidden_fcs.0.2.weight'].half())
    assert "dtype='float16'" in report.config.read_text() and report.unused == []
    vision = json.loads((tmp_path / 'out' / 'config.json').read_text())['vision_config']
    sizes = ('hidden_size', 'intermediate_size', 'num_hidden_layers', 'image_size', 'patch_size')
    assert [vision[name] for name in sizes] == [16, 32, 3, 336, 14]


def test_refused(source, weights, tmp_path):
    file = tmp_path / 'file' / 'model.pth'
    file.parent.mkdir()

    def convert(changed):
        torch.save(changed, file)
        convert_chatpose(str(file), str(tmp_path / 'out'), str(source / 'config.json'), str(source))

    without = {name: value for name, value in weights.items() if 'text_hidden_fcs' not in name}
    with pytest.raises(ValueError, match=r'no checkpoint of ChatPose: model.text_hidden_fcs is missing'):
        convert(without)
    with pytest.raises(ValueError, match='has LoRA beside its weights: merge it'):
        convert(dict(weights, **{'model.layers.0.self_attn.q_proj.lora_A.weight': torch.zeros(2, 32)}))
    with pytest.raises(ValueError, match=r'does not fit .*config\.json: missing or of another shape'):
        convert({name: value for name, value in weights.items() if name != 'model.norm.weight'})
    assert not (tmp_path / 'out' / 'model.safetensors').exists()
    longer = torch.cat([weights['model.embed_tokens.weight'], torch.zeros(2, 32)])
    with pytest.raises(ValueError, match=r'the embeddings have 365 rows, and tokenizer.model with \[SEG\]'):
        convert(dict(weights, **{'model.embed_tokens.weight': longer}))
    with pytest.raises(FileNotFoundError, match='has no weights'):
        convert_chatpose(str(tmp_path), str(tmp_path / 'new'), str(source / 'config.json'))
