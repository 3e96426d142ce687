# Not in the paper: 8 rounds that see the image and themselves only, as in tests.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(rounds_mask='isolated'))
train_dataloader = dict(dataset=dict(rounds=8))
