# Texts about the poses of "make demo-chatpose", written by rules: no language model.
#   python tools/make_texts.py speculative_poses configs/texts/toy/poses_template.py
#       --out work_dirs/demo_chatpose/spg.json
poses = dict(type='PoseRecords', ann_files='work_dirs/demo_chatpose/data/val/text.jsonl')
llm = dict(type='template')
tasks = dict(speculative_poses=dict())
