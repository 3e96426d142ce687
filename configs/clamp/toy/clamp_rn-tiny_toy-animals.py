# CLAMP of "make demo"; its baseline is simple_baseline/toy/sb_rn-tiny_toy-animals.py.
_base_ = [
    '../../_base_/models/clamp_rn-tiny.py',
    '../../_base_/models/toy_arch.py',
    '../../_base_/schedules/toy_8e.py',
    '../../_base_/data/toy_animals.py',
]

model = dict(
    backbone=dict(arch=_base_.tiny_arch),
    head=dict(
        in_channels=_base_.tiny_channels,
        names=_base_.dataset_type,
        text_encoder=dict(arch=_base_.tiny_arch),
        decoder=_base_.codec,
    ),
)
