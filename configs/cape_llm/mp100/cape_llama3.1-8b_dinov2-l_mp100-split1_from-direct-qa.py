# Table 9: fine-tuning from the projector of cape_llama3.1-8b_dinov2-l_mp100-split1_pretrain-direct-qa.py.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

load_from = 'work_dirs/cape_llama3.1-8b_dinov2-l_mp100-split1_pretrain-direct-qa/epoch_12.pth'
