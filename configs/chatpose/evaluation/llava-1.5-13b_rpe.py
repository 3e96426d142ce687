# Reasoning-based pose estimation: the pose of the person that a text describes, in the whole image of several people.
# The authors' file was not published; tools/make_texts.py person_descriptions makes one of 3DPW's test images.
_base_ = [
    'mmpose::_base_/default_runtime.py',
    '../../_base_/models/chatpose.py',
    '../../_base_/data/chatpose_tokens.py',
]
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

test_dataloader = dict(
    batch_size=16,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='ReasonedPoses',
        ann_file='texts/rpe.jsonl',
        data_root='data/',
        data_prefix=dict(img='3dpw/imageFiles/'),
        pipeline=[_base_.tokenize],
        test_mode=True,
    ),
)
test_evaluator = dict(type='ReasonedPoseError', body='data/smpl/SMPL_NEUTRAL.npz', joints='smpl24')
val_cfg = None
