# The same form of texts by rules, from the posed skeleton: no language model and no cost, and no benchmark.
_base_ = ['./speculative_poses_gpt-4o.py']
llm = dict(_delete_=True, type='template')
