# Benchmark of reasoning-based pose estimation (ChatPose, supplement 2, Table 5): people of 3DPW's test images, with
# their true poses. The keypoints are those of a model; the authors took ViTPose's. For each sequence:
#   python tools/predict.py CONFIG CHECKPOINT data/3dpw/imageFiles/downtown_car_00
#       --out-dir work_dirs/3dpw/downtown_car_00 --draw nothing
#   python tools/make_texts.py person_descriptions configs/texts/threedpw/person_descriptions_gpt-4o.py
#       --out data/texts/rpe.jsonl
# The authors chose 50 images: keep the predictions of those that you choose.
facts = dict(
    dataset=dict(type='PredictedPeople', ann_file='work_dirs/3dpw', data_prefix=dict(img='data/3dpw/imageFiles')),
)
# the supplement names the model only (GPT-4V, no longer served); temperature and limit are ours
llm = dict(type='openai', model='gpt-4o', temperature=0.7, max_tokens=1024)
tasks = dict(
    person_descriptions=dict(images='data/3dpw/imageFiles', poses=dict(type='ThreeDPW', root='data/3dpw', split='test'))
)
