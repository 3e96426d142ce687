# Without the activity label (appendix B.1, Fig. B5c).
_base_ = ['./descriptions_gpt-4.py']
facts = dict(activities=None)
tasks = dict(descriptions=dict(activity=False))
