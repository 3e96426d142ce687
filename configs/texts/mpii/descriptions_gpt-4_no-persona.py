# Without a role for the language model (appendix B.1, Fig. B6).
_base_ = ['./descriptions_gpt-4.py']
tasks = dict(descriptions=dict(persona=False))
