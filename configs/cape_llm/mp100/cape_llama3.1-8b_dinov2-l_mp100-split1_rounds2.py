# 2 rounds of question and answer in a conversation instead of 4: Table 4.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

train_dataloader = dict(dataset=dict(rounds=2))
