# Instruction data about the drawn people of "make demo-texts".
root = 'work_dirs/demo_texts'
base = f'{root}/base'  # the model that is tuned, with its processor

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='InstructionDataset',
        data_root=root,
        ann_files=[
            'texts/keypoints/conversation.jsonl',
            'texts/keypoints/detail.jsonl',
            'texts/keypoints/reasoning.jsonl',
        ],
        data_prefix=dict(img='data/images/'),
        weights=[1, 1, 0.25],  # reasoning is long, and says little that is new
        pipeline=[dict(type='TokenizeConversation', processor=base)],
    ),
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
