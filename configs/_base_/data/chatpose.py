# ChatPose's training data (Feng et al., CVPR 2024, supplement 1 and Tables 1 to 3): descriptions of poses,
# conversations about images, and images of people, mixed at random as 1 : 1 : 2. docs/chatpose.md says where they are
# from.
_base_ = ['./chatpose_tokens.py']

text_to_pose = dict(
    type='PoseDataset',
    task='text',
    reader=dict(type='PoseScript', root='data/posescript', amass='data/amass', split='train'),
    pipeline=[_base_.tokenize],
)
vqa = dict(
    type='InstructionDataset',
    ann_files=['llava/llava_instruct_150k.json'],
    data_root='data/',
    data_prefix=dict(img='coco/train2017/'),
    pipeline=[_base_.tokenize],
)
image_to_pose = dict(
    type='PoseDataset',
    task='image',
    reader=dict(type='Humans4D', tars='data/hmr2_training_data/**/*.tar'),
    pipeline=[dict(type='CropPerson', size=256), _base_.tokenize],  # the crops that HMR2.0 has
)

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MixtureSampler', weights=[1, 1, 2], epoch_size=80_000),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(type='ConcatDataset', datasets=[text_to_pose, vqa, image_to_pose], ignore_keys='dataset_name'),
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
