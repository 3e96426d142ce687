# Descriptions of people as in the benchmark of reasoning-based pose estimation (ChatPose, supplement 2, Table 5). The
# 3D poses of COCO's people are not known: no errors can be measured, see ../threedpw.
#   python tools/make_texts.py person_descriptions configs/texts/coco/person_descriptions_gpt-4o.py
#       --out data/texts/rpe_coco.jsonl --limit 50
facts = dict(
    dataset=dict(
        type='CocoDataset',
        data_root='data/coco/',
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
    ),
)
llm = dict(type='openai', model='gpt-4o', temperature=0.7, max_tokens=1024)
tasks = dict(person_descriptions=dict(images='data/coco/val2017'))
