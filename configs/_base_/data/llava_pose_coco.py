# Conversations about COCO's training images with people (LLaVA-Pose, section 3): 112,980 rounds of conversation, 45,174
# detailed descriptions and 42,174 questions of reasoning in the paper. tools/make_texts.py writes the three files, see
# configs/texts/coco; an image is named in them from the folder of COCO on, as train2017/000000000009.jpg.
data_files = ['texts/conversation.json', 'texts/detail.json', 'texts/reasoning.json']
processor = 'llava-hf/llava-1.5-7b-hf'  # that of 13B is the same

train_dataloader = dict(
    batch_size=8,  # on each of two GPUs: section 5.1
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='InstructionDataset',
        ann_files=data_files,
        data_root='data/',
        data_prefix=dict(img='coco/'),
        pipeline=[
            dict(
                type='TokenizeConversation',
                processor=processor,
                template='vicuna_v1',
                max_length=2048,  # LLaVA-1.5's model_max_length; LLaVA cuts off what is longer
                too_long='drop_rounds',
            )
        ],
    ),
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
