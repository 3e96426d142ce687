# With an augmentation that suppresses the background: half of the crops are darkened outside the subject's body parts.
_base_ = ['./clamp_vit-b_ap10k.py']

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            *_base_.augment,
            *_base_.crop,
            dict(type='GenerateFocusHeatmap'),
            dict(type='FocusMask', prob=0.5, alpha=0.25),
            dict(type='GenerateTarget', encoder=_base_.codec),
            *_base_.pack,
        ]
    )
)
