# LLaVA-Pose's three types of text about animals (ours; the paper has people only): AP-10K, split 1. It has no captions.
_base_ = ['../coco/llava_pose_gpt-4o.py']
facts = dict(
    _delete_=True,
    dataset=dict(
        type='AP10KDataset',
        data_root='data/ap10k/',
        ann_file='annotations/ap10k-train-split1.json',
        data_prefix=dict(img='data/'),
    ),
)
# keypoints are all there is to write from: sentences that follow from them help
animals = dict(subjects='animals', pose_facts=True, image_folder='data')
tasks = dict(conversation=animals, detail=animals, reasoning=animals)
