# Poses of the drawn people of "make demo-chatpose": text to pose, questions about images, image to pose, 1 : 1 : 2.
root = 'work_dirs/demo_chatpose'
base = f'{root}/base'  # the model that is tuned, with its processor

steps = [dict(type='TokenizeConversation', processor=base, pose_token='<POSE>')]
text_to_pose = dict(type='InstructionDataset', data_root=f'{root}/data', ann_files='train/text.jsonl', pipeline=steps)
questions = dict(text_to_pose, ann_files='train/vqa.jsonl', data_prefix=dict(img='images/'))
image_to_pose = dict(questions, ann_files='train/image.jsonl')

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='MixtureSampler', weights=[1, 1, 2], epoch_size=12_000),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(type='mmengine.ConcatDataset', datasets=[text_to_pose, questions, image_to_pose]),
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
