"""The model in the text of a config: EfficientNet-lite0 up to stride 16, and the head of a method."""

from typing import NamedTuple

TEXT_TOWER = "dict(type='HFTextEncoder', model=minilm, init_cfg=dict(type='Pretrained', checkpoint=minilm))"


class Model(NamedTuple):
    """How a method is written.

    Args:
        comment: what it is.
        codec: the type of its codec.
        texts: whether the samples bring the names.
        flip_test: further settings of a test with mirrored images.
        head: of the model.
    """

    comment: str
    codec: str
    texts: bool
    flip_test: str
    head: str


MODELS = {
    'clamp': Model(
        'CLAMP (Zhang et al. 2023) without CLIP: a tower from ImageNet, and a sentence encoder for the names',
        'KeypointHeatmap',
        False,
        ", flip_mode='heatmap', shift_heatmap=True",
        f"""dict(
        type='CLAMPHead',
        in_channels=112,
        names=names,
        text_encoder={TEXT_TOWER},
        project=True,
        cross_attention=dict(width=128, num_heads=4, num_layers=1),
        deconv_out_channels=(128, 128),
        deconv_kernel_sizes=(4, 4),
        spatial_loss=dict(upsample='bilinear', loss_weight=0.4),
        feature_loss=dict(sampling='bilinear', average='labeled', loss_weight=5e-4),
        decoder=codec,
    )""",
    ),
    'text-query': Model(
        'one query for each name, after CapeX (Rusanovsky et al. 2024); it may be asked for other names too',
        'RegressionLabel',
        True,
        '',
        f"""dict(
        type='TextQueryHead',
        in_channels=112,
        text_encoder={TEXT_TOWER},
        width=128,
        num_heads=4,
        feedforward=256,
        encoder_layers=2,
        decoder_layers=2,
        decoder=codec,
    )""",
    ),
    'cape-llm': Model(
        'CapeLLM (Kim et al. 2024) that points at the image, with a small language model from random weights',
        'CoordinateAnswer',
        True,
        '',
        """dict(
        type='CapeLLMHead',
        in_channels=112,
        language_model=dict(
            type='CausalLanguageModel',
            config=dict(
                model_type='llama',
                hidden_size=128,
                intermediate_size=256,
                num_hidden_layers=3,
                num_attention_heads=4,
                max_position_embeddings=1024,
            ),
            tokenizer=minilm,
            tune='full',
        ),
        answer='pointer',
        description=False,
        decoder=codec,
    )""",
    ),
}


def model_text(method: str, flip: bool) -> str:
    """``minilm = ...`` and ``model = ...``."""
    model = MODELS[method]
    return f"""\
# {model.comment}
minilm = 'package://all-minilm-l6-v2'
model = dict(
    type='TopdownPoseEstimator',
    # these weights were trained on values from -1 to 1
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        out_indices=(3,),
        init_cfg=dict(type='Pretrained', checkpoint='package://efficientnet-lite0'),
    ),
    head={model.head},
    test_cfg=dict(flip_test={flip}{model.flip_test if flip else ''}),
)
"""
