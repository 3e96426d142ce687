# Texts about the drawn people of "make demo-texts", written by rules: no language model.
root = 'work_dirs/demo_texts/data/'
facts = dict(
    dataset=dict(
        type='MpiiDataset', data_root=root, ann_file='annotations/train.json', data_prefix=dict(img='images/')
    ),
    captions=f'{root}annotations/captions.json',
)
llm = dict(type='template')
tasks = dict(conversation=dict(), detail=dict(), reasoning=dict(), descriptions=dict())
