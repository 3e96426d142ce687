# FocusCLIP's pose descriptions by GPT-4 (section 3.4, appendices A and B): temperature 0.5, at most 512 tokens.
#   python tools/make_texts.py descriptions configs/texts/mpii/descriptions_gpt-4.py
#       --out data/mpii/captions/gpt-4-0613/train.json
# configs/_base_/data/mpii_descriptions.py reads this file. The messages of the published program, which has a frequency
# penalty of 1, too: --cfg-options tasks.descriptions.published=True
# MMPose's MPII files have no activities: they come from MPII's own file, or from JSON {image: text}.
facts = dict(
    dataset=dict(
        type='MpiiDataset',
        data_root='data/mpii/',
        ann_file='annotations/mpii_train.json',  # 14,644 images were described, and 2,723 of mpii_val.json
        data_prefix=dict(img='images/'),
    ),
    activities='data/mpii/annotations/mpii_human_pose_v1_u12_1.mat',
)
llm = dict(type='openai', model='gpt-4-0613', temperature=0.5, max_tokens=512)  # appendix A.1; settings: the program
tasks = dict(descriptions=dict(dataset_name='MPII Human Pose dataset'))
