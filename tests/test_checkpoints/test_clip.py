"""Tiny CLIP models, saved in the formats of OpenAI, open_clip and Hugging Face, and loaded."""

import json

import open_clip
import pytest
import torch
from mmengine.logging import MMLogger
from mmpose.registry import MODELS
from open_clip.model import CLIP

from clamp_mmpose.checkpoints.clip import load_from_clip
from clamp_mmpose.models.utils import open_clip_towers
from clamp_mmpose.models.utils.open_clip_towers import clip_architecture

VIT = dict(
    embed_dim=16,
    quick_gelu=True,
    vision_cfg=dict(image_size=32, layers=2, width=32, head_width=16, patch_size=8),
    text_cfg=dict(context_length=16, vocab_size=49408, width=24, heads=2, layers=2),
)
RESNET = dict(VIT, vision_cfg=dict(image_size=64, layers=[1, 1, 1, 1], width=8, head_width=16))


def tiny_clip(arch):
    torch.manual_seed(1)
    model = CLIP(**arch).eval()
    for name, parameter in model.named_parameters():
        if name.endswith('bias'):  # zeros would hide mistakes
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def save_torchscript(model, folder):
    class Archive(torch.nn.Module):
        """OpenAI's archives use the same weight names, in half precision."""

        def __init__(self, clip):
            super().__init__()
            self.visual, self.transformer, self.token_embedding = clip.visual, clip.transformer, clip.token_embedding
            self.ln_final = clip.ln_final
            self.positional_embedding, self.text_projection = clip.positional_embedding, clip.text_projection
            self.logit_scale = clip.logit_scale

        def forward(self, image):
            return self.visual(image)

    size = model.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    torch.jit.trace(Archive(model), torch.rand(1, 3, height, width), check_trace=False).save(str(folder / 'openai.pt'))
    return folder / 'openai.pt'


def save_pickle(model, folder):
    torch.save(model.state_dict(), folder / 'open_clip_pytorch_model.bin')
    return folder / 'open_clip_pytorch_model.bin'


def save_training_state(model, folder):
    weights = {f'module.{name}': value for name, value in model.state_dict().items()}
    torch.save(dict(epoch=3, name='run', state_dict=weights, optimizer={}), folder / 'epoch_3.pt')
    return folder / 'epoch_3.pt'


def save_safetensors(model, folder):
    from safetensors.torch import save_file

    save_file(model.state_dict(), str(folder / 'open_clip_model.safetensors'))
    return folder / 'open_clip_model.safetensors'


FORMATS = [save_torchscript, save_pickle, save_training_state, save_safetensors]


@pytest.mark.parametrize('save', FORMATS)
@pytest.mark.parametrize('arch', [VIT, RESNET], ids=['vit', 'resnet'])
@torch.no_grad()
def test_towers_equal_open_clip(arch, save, tmp_path):
    clip = tiny_clip(arch)
    init_cfg = dict(type='Pretrained', checkpoint=f'clip://{save(clip, tmp_path)}')
    kind = 'CLIPVisionTransformer' if arch is VIT else 'CLIPResNet'
    tower = MODELS.build(dict(type=kind, arch=arch, out='embeddings', init_cfg=init_cfg))
    text = MODELS.build(dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg))
    tower.init_weights()
    text.init_weights()
    side = arch['vision_cfg']['image_size']
    image = torch.rand(2, 3, side, side)
    assert (tower.eval()(image)[2] - clip.encode_image(image)).abs().max() < 1e-5

    texts = ['left eye', 'a photo of the root of the tail']
    tokens = open_clip.tokenize(texts, context_length=16)
    assert (text(texts) - clip.encode_text(tokens)).abs().max() < 1e-5


def hugging_face_clip():
    transformers = pytest.importorskip('transformers')
    torch.manual_seed(1)
    config = transformers.CLIPConfig(
        projection_dim=16,
        vision_config=dict(
            hidden_size=32,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
            projection_dim=16,
            hidden_act='quick_gelu',
        ),
        text_config=dict(
            hidden_size=24,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            vocab_size=49408,
            projection_dim=16,
            hidden_act='quick_gelu',
            bos_token_id=49406,
            eos_token_id=49407,
        ),
    )
    return transformers.CLIPModel(config).eval()


@pytest.mark.parametrize('kind', ['folder', 'safetensors', 'bin'])
@torch.no_grad()
def test_hugging_face_files(kind, tmp_path):
    clip = hugging_face_clip()
    clip.save_pretrained(tmp_path)
    path = tmp_path / {'folder': '', 'safetensors': 'model.safetensors', 'bin': 'pytorch_model.bin'}[kind]
    if kind == 'bin':
        torch.save(clip.state_dict(), path)
    init_cfg = dict(type='Pretrained', checkpoint=f'clip://{path}')
    tower = MODELS.build(dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings', init_cfg=init_cfg))
    text = MODELS.build(dict(type='CLIPTextEncoder', arch=VIT, init_cfg=init_cfg))
    tower.init_weights()
    text.init_weights()
    image = torch.rand(2, 3, 32, 32)
    expected = clip.visual_projection(clip.vision_model(pixel_values=image).pooler_output)
    assert (tower.eval()(image)[2] - expected).abs().max() < 1e-5
    tokens = open_clip.tokenize(['left eye', 'nose'], context_length=16)
    ends = tokens.argmax(dim=-1)
    hidden = clip.text_model(input_ids=tokens).last_hidden_state
    expected = clip.text_projection(hidden[torch.arange(2), ends])
    assert (text(['left eye', 'nose']) - expected).abs().max() < 1e-5
    assert load_from_clip(f'clip://{path}')['quick_gelu'] is (True if kind == 'folder' else None)


def test_reports_and_resizes(tmp_path, caplog):
    clip = tiny_clip(VIT)
    path = save_pickle(clip, tmp_path)
    tower = MODELS.build(
        dict(
            type='CLIPVisionTransformer',
            arch=VIT,
            image_size=48,
            init_cfg=dict(type='Pretrained', checkpoint=f'clip://{path}'),
        )
    )
    messages = []
    logger = MMLogger.get_current_instance()
    logger.info, original = messages.append, logger.info
    try:
        tower.init_weights()
    finally:
        logger.info = original
    assert any(
        'visual.positional_embedding resized to (37, 32)' in message
        and 'not used: visual.ln_post.bias, visual.ln_post.weight, visual.proj' in message
        for message in messages
    )
    # 4 x 4 -> 6 x 6; the class token and the corner cells are unchanged
    grid = tower.visual.positional_embedding
    assert torch.equal(grid[0], clip.visual.positional_embedding[0])
    assert torch.allclose(grid[1], clip.visual.positional_embedding[1], atol=1e-6)
    assert torch.allclose(grid[-1], clip.visual.positional_embedding[-1], atol=1e-6)


def test_wrong_checkpoints_raise(tmp_path):
    path = save_pickle(tiny_clip(RESNET), tmp_path)

    def init(checkpoint, arch=VIT, kind='CLIPVisionTransformer'):
        MODELS.build(dict(type=kind, arch=arch, init_cfg=dict(type='Pretrained', checkpoint=checkpoint))).init_weights()

    with pytest.raises(ValueError, match=r'does not fit this CLIPVisionTransformer: \d+ of \d+ weights are missing'):
        init(f'clip://{path}')
    wide = dict(VIT, text_cfg=dict(VIT['text_cfg'], width=48))
    with pytest.raises(ValueError, match=r'\d+ of \d+ weights have another shape .* instead of'):
        init(f'clip://{path}', wide, 'CLIPTextEncoder')
    torch.save({'encoder.weight': torch.zeros(1)}, tmp_path / 'foreign.pt')
    with pytest.raises(ValueError, match=r"foreign\.pt holds no CLIP weights: .* found \['encoder\.weight'\]"):
        init(f'clip://{tmp_path / "foreign.pt"}')
    with pytest.raises(FileNotFoundError, match='no such file, and no MODEL/TAG that open_clip knows; tags of'):
        init('clip://ViT-B-16/nonsense')
    openai = save_torchscript(tiny_clip(VIT), tmp_path)
    with pytest.raises(ValueError, match='was trained with QuickGELU, this CLIPVisionTransformer has the other'):
        init(f'clip://{openai}', dict(VIT, quick_gelu=False))


def test_towers_of_a_trained_model(tmp_path):
    """The backbone of a training checkpoint, which has a prefix."""
    tower = MODELS.build(dict(type='CLIPVisionTransformer', arch=VIT))
    torch.save(
        dict(state_dict={f'backbone.{name}': value for name, value in tower.state_dict().items()}),
        tmp_path / 'epoch_1.pth',
    )
    torch.manual_seed(5)
    other = MODELS.build(
        dict(
            type='CLIPVisionTransformer',
            arch=VIT,
            init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'epoch_1.pth'), prefix='backbone.'),
        )
    )
    assert not torch.equal(other.visual.conv1.weight, tower.visual.conv1.weight)
    other.init_weights()
    assert all(torch.equal(value, tower.state_dict()[name]) for name, value in other.state_dict().items())


def test_architectures():
    assert clip_architecture('ViT-B-16-quickgelu')['vision_cfg']['patch_size'] == 16
    assert clip_architecture('RN50-quickgelu')['embed_dim'] == 1024
    with pytest.raises(ValueError, match=r"no architecture 'ViT-B-15'; similar: .*ViT-B-16"):
        clip_architecture('ViT-B-15')
    with pytest.raises(ValueError, match='arch needs "embed_dim"'):
        clip_architecture(json.loads('{"vision_cfg": {}}'))


def test_open_clip_without_the_private_functions(monkeypatch):
    """Any release may remove them: the error names the versions that have them."""
    monkeypatch.delattr('open_clip.model._build_text_tower')
    with pytest.raises(ImportError, match=r'which version \d\S* lacks: pip install "open_clip_torch>=2\.30,<4"'):
        open_clip_towers.build_text_tower(dict(embed_dim=8, text_cfg={}))


def test_failed_download_says_how_to_load_a_file(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr('open_clip.pretrained.download_pretrained', fail)
    with pytest.raises(ConnectionError, match=r'clip://ViT-B-16-quickgelu/openai could not .*no route.*=clip://FILE'):
        load_from_clip('clip://ViT-B-16-quickgelu/openai')
