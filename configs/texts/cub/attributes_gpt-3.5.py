# Descriptions of birds by GPT-3.5 from CUB's attributes and parts (FocusCLIP, appendix D), for Fig. 5b.
#   python tools/make_texts.py attributes configs/texts/cub/attributes_gpt-3.5.py --out data/cub/descriptions/train.json
# configs/_base_/data/cub_descriptions.py reads this file. The paper's words alone: tasks.attributes.published=True
# data/cub is the archive's CUB_200_2011 with testclasses.txt; attributes.txt is beside it or in attributes/.
facts = dict(dataset=dict(type='CUBDataset', classes='seen', data_root='data/cub'))  # 150 species for training
# appendix D names the model only: its release and the settings are those of the pose descriptions (appendix A.1)
llm = dict(type='openai', model='gpt-3.5-turbo-0613', temperature=0.5, max_tokens=512)
tasks = dict(attributes=dict())
