# CapeLLM on the objects of "make demo-cape": a small LLaMA from random weights, in minutes on two CPU cores.
_base_ = [
    '../../_base_/models/topdown.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/toy_objects.py',
]

codec = dict(type='CoordinateAnswer', input_size=_base_.input_size)
model = dict(
    backbone=dict(
        type='TIMMBackbone', model_name='resnet10t', out_indices=(3,), channels=(32, 64, 128, 256), stem_width=16
    ),
    head=dict(
        type='CapeLLMHead',
        in_channels=128,
        language_model=dict(
            type='CausalLanguageModel',
            config=dict(
                model_type='llama',
                hidden_size=128,
                intermediate_size=256,
                num_hidden_layers=3,
                num_attention_heads=4,
                max_position_embeddings=512,
            ),
            # written by the demo: a question is two tokens and the words of the name
            tokenizer='work_dirs/demo_cape/data/tokenizer',
            tune='full',
        ),
        description=False,
        rounds_mask='isolated',
        decoder=codec,
    ),
    test_cfg=dict(flip_test=False),
)
train_pipeline = [
    *_base_.load,
    *_base_.augment,
    *_base_.crop,
    dict(type='GenerateTarget', encoder=codec),
    *_base_.texts,
]
# an image of 9 to 16 keypoints occurs twice in an epoch
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='KeypointRounds',
        rounds=8,
        groups='anew',
        dataset=dict(ann_file='annotations/mp100_split1_train.json', **_base_.source, pipeline=train_pipeline),
    )
)

train_cfg = dict(max_epochs=2)
optim_wrapper = dict(
    _delete_=True,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=2, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(save_best=None))
