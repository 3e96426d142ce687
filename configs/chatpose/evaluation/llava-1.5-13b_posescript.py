# Text to pose: poses from the descriptions that people wrote for PoseScript's test split, found by a retrieval model
# that is trained by configs/chatpose/retrieval; the pool is the whole split.
_base_ = ['./llava-1.5-13b_spg.py']

test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseScript', root='data/posescript', amass='data/amass', split='test', texts='human'),
        pipeline=[_base_.tokenize],
        test_mode=True,
    )
)
test_evaluator = dict(ks=(5, 10, 20, 50, 100))
