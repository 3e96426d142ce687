# As in the authors' code: a third loss, a learned background, another learning rate, and a trained image tower.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(loss_terms=['image-text', 'roi-text', 'roi-image'], alpha=0.5, learn_alpha=True, freeze_image=False)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
