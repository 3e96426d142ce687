# Poses of Human3.6M, protocol 2 (subjects 9 and 11, frontal camera). Its SMPL fits are not public: the labels are 14
# of the 44 joints in HMR2.0's h36m_val_p2.npz, from the pelvis.
_base_ = [
    'mmpose::_base_/default_runtime.py',
    '../../_base_/models/chatpose.py',
    '../../_base_/data/chatpose_tokens.py',
]
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

smpl = 'data/smpl/'
test_dataloader = dict(
    batch_size=16,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='PoseDataset',
        task='image',
        reader=dict(
            type='SPIN', ann_files='hmr2_evaluation_data/h36m_val_p2.npz', data_root='data/', images='data/h36m/images'
        ),
        pipeline=[dict(type='CropPerson', size=256), _base_.tokenize],
        test_mode=True,
    ),
)
test_evaluator = dict(
    type='BodyPoseError',
    body=f'{smpl}SMPL_NEUTRAL.npz',
    joints='lsp14',
    regressor=f'{smpl}J_regressor_h36m.npy',
    label_rows=[*range(25, 38), 43],
    label_root=[39],
)
val_cfg = None
