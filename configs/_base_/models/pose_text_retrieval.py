# Poses and texts in one space, CLIP's loss with a learned temperature (the retrieval model of PoseScript in its form)
model = dict(
    type='PoseTextRetrieval',
    pose_encoder=dict(type='PoseMLPEncoder', hidden=512, num_layers=2),
    embed_dims=512,
    loss=dict(type='NTXentLoss', temperature=0.07, learn_temperature=True, same_modality_negatives=False),
)
