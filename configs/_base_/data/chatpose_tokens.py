# Conversations with poses as tokens of LLaVA-1.5.
tokenize = dict(
    type='TokenizeConversation',
    processor='llava-hf/llava-1.5-7b-hf',  # that of 13B is the same
    template='vicuna_v1',
    max_length=2048,
    too_long='drop_rounds',
    pose_token='<POSE>',
)
