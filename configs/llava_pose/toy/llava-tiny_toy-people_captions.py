# The same on texts that are written without keypoints.
_base_ = ['./llava-tiny_toy-people.py']

train_dataloader = dict(
    dataset=dict(
        ann_files=['texts/captions/conversation.jsonl', 'texts/captions/detail.jsonl', 'texts/captions/reasoning.jsonl']
    )
)
