# LLaVA-Pose's instruction data (arXiv 2409.09306, section 3): COCO's training images with people, GPT-4o.
#   python tools/make_texts.py conversation configs/texts/coco/llava_pose_gpt-4o.py --out data/texts/conversation.json
# and likewise detail and reasoning. The paper made 112,980, 45,174 and 42,174 samples (rounds of a conversation apart).
# The requests of its program, with COCO's pixels: --cfg-options tasks.TASK.published=True tasks.TASK.numbers=pixels
#   llm.temperature=None llm.max_tokens=None llm.seed=None
facts = dict(
    dataset=dict(
        type='CocoDataset',
        data_root='data/coco/',
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
    ),
    captions='data/coco/annotations/captions_train2017.json',
    objects='data/coco/annotations/instances_train2017.json',  # Table 1 gives other objects; the program does not
)
# the program names the model only, so that OpenAI's temperature of 1 applies; the limit is ours and bounds the cost
llm = dict(type='openai', model='gpt-4o', temperature=1.0, max_tokens=1024)
folder = 'train2017'  # of the images in the records; configs/_base_/data/llava_pose_coco.py looks for it in data/coco
tasks = dict(
    conversation=dict(image_folder=folder),  # context='captions' gives what the program gave
    detail=dict(image_folder=folder),
    reasoning=dict(image_folder=folder),
)
