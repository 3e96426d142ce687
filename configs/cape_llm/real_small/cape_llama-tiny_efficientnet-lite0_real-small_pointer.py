# CapeLLM with a pointer, one model for all seven categories: a small LLaMA from random weights, since pretrained ones
# take hours on two CPU cores. Its tokens are those of MiniLM's tokenizer.
_base_ = [
    '../../_base_/models/efficientnet_lite0.py',
    '../../_base_/schedules/photos_280i.py',
    '../../_base_/data/real_small.py',
]

codec = dict(type='CoordinateAnswer', input_size=_base_.input_size)
model = dict(
    head=dict(
        type='CapeLLMHead',
        in_channels=_base_.image_channels,
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
            tokenizer=_base_.minilm,
            tune='full',
        ),
        answer='pointer',
        description=False,
        decoder=codec,
    ),
    test_cfg=dict(flip_test=True),
)
train_pipeline = [
    *_base_.load,
    *_base_.augment,
    *_base_.crop,
    dict(type='GenerateTarget', encoder=codec),
    *_base_.texts,
]
# 8 keypoints of an image are asked for at a time
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='KeypointRounds',
        rounds=8,
        groups='anew',
        dataset=dict(ann_file='annotations/train.json', **_base_.source, pipeline=train_pipeline),
    )
)
# a model from random weights takes a higher rate: PCK@0.2 .905, and .892 with the 8e-4 of the others (seed 0)
optim_wrapper = dict(optimizer=dict(lr=1.6e-3))
