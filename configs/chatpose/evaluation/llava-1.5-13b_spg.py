# Speculative pose generation: poses from indirect descriptions, found by a retrieval model that is trained by
# configs/chatpose/retrieval. The authors' file was not published; tools/make_texts.py speculative_poses makes one.
_base_ = [
    'mmpose::_base_/default_runtime.py',
    '../../_base_/models/chatpose.py',
    '../../_base_/data/chatpose_tokens.py',
]
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

retrieval = 'retrieval_distilbert_posescript'
test_dataloader = dict(
    batch_size=16,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='SpeculativePoses',
        ann_file='texts/spg.jsonl',
        data_root='data/',
        pipeline=[_base_.tokenize],
        test_mode=True,
    ),
)
test_evaluator = dict(
    type='PoseRetrieval',
    config=f'configs/chatpose/retrieval/{retrieval}.py',
    checkpoint=f'work_dirs/{retrieval}/epoch_40.pth',
    ks=(5, 10, 20),
)
val_cfg = None
