# The baseline of "make demo": the tower of clamp/toy/clamp_rn-tiny_toy-animals.py with MMPose's head.
_base_ = [
    '../../_base_/models/topdown.py',
    '../../_base_/models/toy_arch.py',
    '../../_base_/models/heatmap_head.py',
    '../../_base_/schedules/toy_8e.py',
    '../../_base_/data/toy_animals.py',
]

model = dict(
    backbone=dict(type='CLIPResNet', arch=_base_.tiny_arch),
    head=dict(
        in_channels=_base_.tiny_channels,
        out_channels=17,
        deconv_out_channels=(64, 64, 64),
        decoder=_base_.codec,
        **_base_.heatmap_head,
    ),
    test_cfg=_base_.flip_test,
)
