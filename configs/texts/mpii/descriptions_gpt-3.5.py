# The same by GPT-3.5, the second of three language models (appendix A.1); the authors' file is gpt-3.5-turbo-0613.
_base_ = ['./descriptions_gpt-4.py']
llm = dict(model='gpt-3.5-turbo-0613')
