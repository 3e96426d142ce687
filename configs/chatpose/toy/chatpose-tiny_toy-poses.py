# A tiny ChatPose on the drawn people of "make demo-chatpose", in minutes on two CPU cores. The demo writes the model:
# the language model and the projector are random; the image tower was pretrained to find joints, and is not tuned.
_base_ = ['mmpose::_base_/default_runtime.py', '../../_base_/data/toy_poses.py']
custom_imports = dict(imports=['clamp_mmpose', 'demos.texts.tower'], allow_failed_imports=False)

randomness = dict(seed=0)
custom_hooks = [dict(type='EpochSeedHook'), dict(type='InstructionCheckHook'), dict(type='TrainedPartsHook')]
model = dict(
    type='ChatPose',
    model=_base_.base,
    tune='full',
    pose_head=dict(type='PoseTokenHead', hidden_channels=768),
    pose_loss=dict(type='PoseRotationLoss', kind='geodesic', weight=5.0),
    text_loss='sample',
    init_cfg=dict(type='Pretrained', checkpoint=_base_.base),
    test_cfg=dict(max_new_tokens=24),
)

train_cfg = dict(by_epoch=True, max_epochs=4)
val_cfg = None
test_cfg = None
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.95), weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=40, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=4, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=1, save_best=None), logger=dict(interval=20))
