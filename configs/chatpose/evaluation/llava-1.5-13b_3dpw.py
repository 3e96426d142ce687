# Poses of 3DPW's test set, in two protocols whose numbers must not be compared: SMPL's 24 joints with the mean shape,
# which ChatPose's table is near, and that of SPIN and HMR2.0, 14 joints of the surfaces of the labeled bodies. SMPL's
# files are licensed: https://smpl.is.tue.mpg.de
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
        reader=dict(type='ThreeDPW', root='data/3dpw', split='test'),
        pipeline=[dict(type='CropPerson', size=256), _base_.tokenize],
        test_mode=True,
    ),
)
test_evaluator = [
    dict(type='BodyPoseError', body=f'{smpl}SMPL_NEUTRAL.npz', joints='smpl24'),
    dict(
        type='BodyPoseError',
        body=f'{smpl}SMPL_NEUTRAL.npz',
        joints='lsp14',
        regressor=f'{smpl}J_regressor_h36m.npy',
        shape='zero_vs_label',
        label_bodies=dict(male=f'{smpl}SMPL_MALE.npz', female=f'{smpl}SMPL_FEMALE.npz'),
    ),
]
val_cfg = None
