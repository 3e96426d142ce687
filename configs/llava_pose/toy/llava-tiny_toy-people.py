# A tiny LLaVA on the texts of "make demo-texts", in minutes on two CPU cores. The demo writes the model: the language
# model and the projector are random; the image tower was pretrained to find joints, and is not tuned, as LLaVA's CLIP.
_base_ = ['mmpose::_base_/default_runtime.py', '../../_base_/data/toy_instructions.py']
custom_imports = dict(imports=['clamp_mmpose', 'demos.texts.tower'], allow_failed_imports=False)

randomness = dict(seed=0)
custom_hooks = [dict(type='EpochSeedHook'), dict(type='InstructionCheckHook'), dict(type='TrainedPartsHook')]
model = dict(
    type='VisionLanguageModel',
    model=_base_.base,
    tune='full',
    init_cfg=dict(type='Pretrained', checkpoint=_base_.base),
    test_cfg=dict(max_new_tokens=64),
)

train_cfg = dict(by_epoch=True, max_epochs=2)
val_cfg = None
test_cfg = None
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=40, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=2, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=1, save_best=None), logger=dict(interval=20))
