# Benchmark of speculative pose generation (ChatPose, supplement 2, Table 4): indirect descriptions of PoseScript's test
# poses from four views, which the authors asked of GPT-4V and then checked by hand (780 pairs).
#   python tools/make_texts.py speculative_poses configs/texts/posescript/speculative_poses_gpt-4o.py
#       --out data/texts/spg.jsonl --limit 200
poses = dict(type='PoseScript', root='data/posescript', amass='data/amass', split='test')
# the supplement names the model only (GPT-4V, no longer served); temperature and limit are ours
llm = dict(type='openai', model='gpt-4o', temperature=0.7, max_tokens=1024)
tasks = dict(speculative_poses=dict())
