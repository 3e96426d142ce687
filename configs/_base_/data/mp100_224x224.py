# MP-100 for CapeLLM (Kim et al. 2025): crops of the box, without padding, at 224 x 224 pixels; 4 keypoints a sample.
_base_ = ['./mp100.py']
input_size = (224, 224)
codec = dict(type='CoordinateAnswer', input_size=input_size)

load = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale', padding=1.0)]
# as published: scale 0.7 to 1.3, rotation +-40 degrees, no flips
augment = [dict(type='CapeBBoxTransform')]
# not published; for a config that adds it after load: left and right are exchanged in the texts
flip = [dict(type='RandomFlip', direction='horizontal')]
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]
texts = [dict(type='GetTextQueries', text='descriptions'), dict(type='PackTextQueries')]

train_dataloader = dict(
    batch_size=4,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='KeypointRounds',
        rounds=4,
        groups='published',
        dataset=dict(**_base_.source, pipeline=[*load, *augment, *crop, *target, *texts]),
    ),
)
val_dataloader = dict(dataset=dict(pipeline=[*load, *crop, *texts]))
test_dataloader = val_dataloader
val_evaluator = [_base_.val_evaluator, dict(type='ConfidenceAUROC')]
test_evaluator = [_base_.test_evaluator, dict(type='ConfidenceAUROC')]
