# Names and descriptions for the keypoints of one's own animal, from its annotations, here the open-field mouse.
#   python tools/make_texts.py keypoint_texts configs/texts/own/keypoint_texts.py --out data/openfield_mouse/texts
# Read and correct the draft; then give the folder as texts= of MP100Dataset, or as --texts of tools/app.py.
facts = dict(
    # MP100Dataset takes names and skeleton from the annotations' categories, other types from their metainfo
    dataset=dict(
        type='MP100Dataset',
        data_root='data/openfield_mouse/',
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
    ),
)
llm = dict(type='openai', model='gpt-4o', temperature=0.2, max_tokens=4096)  # ours; some 40 tokens for each keypoint
tasks = dict(keypoint_texts=dict(subject='mouse'))
