# LLaVA-Pose's evaluation (arXiv 2506.21317, section 5.3): 30 images of COCO val2014 with people, three questions each.
#   python tools/judge.py questions configs/texts/coco/judge_gpt-4o.py
#   python tools/judge.py answers configs/texts/coco/judge_gpt-4o.py
#   python tools/judge.py score configs/texts/coco/judge_gpt-4o.py
facts = dict(
    dataset=dict(
        type='CocoDataset',
        data_root='data/coco/',
        ann_file='annotations/person_keypoints_val2014.json',
        data_prefix=dict(img='val2014/'),
    ),
    captions='data/coco/annotations/captions_val2014.json',
    objects='data/coco/annotations/instances_val2014.json',
)
num_images = 30
seed = 0

# writes the questions and their text-only answers
llm = dict(type='openai', model='gpt-4o', temperature=0.7, max_tokens=1024)
tasks = dict(conversation=dict(), detail=dict(), reasoning=dict())

# models that see the image: served with OpenAI's protocol, tuned here, or a file of answers made elsewhere
answers = dict(
    llava=dict(
        type='openai',
        model='llava-hf/llava-1.5-7b-hf',
        base_url='http://127.0.0.1:8000/v1',
        temperature=0.2,
        max_tokens=1024,
    ),
    llava_pose=dict(
        type='chat',
        config='configs/llava_pose/coco/llava-1.5-7b_full_lora.py',
        checkpoint='work_dirs/llava-1.5-7b_full_lora/epoch_1.pth',
    ),
)

judge = dict(type='openai', model='gpt-4o', temperature=0.2, max_tokens=1024)
