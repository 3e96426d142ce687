_base_ = ['./cape_rn-tiny_toy-objects.py']

model = dict(head=dict(answer='bins'))
