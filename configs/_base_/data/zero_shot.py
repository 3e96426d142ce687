# FocusCLIP's zero-shot tests (Table 1): data sets in their original layout, below data/.
zero_shot_tasks = dict(
    stanford40=dict(type='Stanford40Dataset', data_root='data/stanford40'),
    emotic_age=dict(type='EmoticDataset', task='age', data_root='data/emotic'),
    lagenda_body=dict(type='LagendaDataset', crop='body', data_root='data/lagenda'),
    lagenda_face=dict(type='LagendaDataset', crop='face', data_root='data/lagenda'),
    utkface=dict(type='UTKFaceDataset', data_root='data/utkface'),
    emotic_emotion=dict(type='EmoticDataset', task='emotion', data_root='data/emotic'),
    fer_plus=dict(type='FERPlusDataset', data_root='data/ferplus'),
)

test_dataloader = dict(
    batch_size=64,
    num_workers=4,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ZeroShotTasks',
        tasks=zero_shot_tasks,
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='ResizeToInput', input_size=(224, 224), crop_bbox=True),
            dict(type='PackZeroShotInputs'),
        ],
    ),
)
test_evaluator = dict(type='ZeroShotAccuracy')
