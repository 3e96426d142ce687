"""Every rule of the data check; ``tools/check_dataset.py --rules`` prints them as ``docs/data_check.md`` has them.

A code never changes its meaning: a new rule gets the next free number of its group.
"""

from .conversation_rules import CONVERSATION_RULES
from .evaluation_rules import EVALUATION_RULES
from .rule import LEVELS, Rule

GROUPS = dict(
    CF='Config',
    AF='Annotation files',
    ID='Ids',
    BX='Boxes and areas',
    KP='Keypoints',
    MI='Metainfo and names',
    TX='Category texts',
    CV='Conversations of instruction data',
    IM='Image files',
    RE='Relations between images, instances and data sets',
    PL='Pipelines',
    DT='Detected boxes',
    EV='Evaluation',
)
_RULES = (
    Rule(
        'CF001',
        'error',
        'config has no data set',
        'set the dataset of train_dataloader, val_dataloader or test_dataloader',
    ),
    Rule(
        'CF002',
        'error',
        'data set type is unknown',
        'correct the type, or import the module that registers it (custom_imports)',
    ),
    Rule(
        'CF003',
        'error',
        'paths cannot be joined',
        'data_root and ann_file are strings, data_prefix is dict(img=...)',
    ),
    Rule('CF004', 'error', 'data set cannot be read', 'correct what the message names'),
    Rule('CF005', 'warning', 'zero-shot data set is absent', 'download it, or leave it out: tests list it as absent'),
    Rule('AF001', 'error', 'annotation file does not exist', 'download or write it, or correct data_root and ann_file'),
    Rule('AF002', 'error', 'annotation file cannot be read', 'restore it: it is truncated, damaged or not JSON'),
    Rule(
        'AF003', 'error', 'annotation file is not COCO-style', 'it needs the lists images, annotations and categories'
    ),
    Rule('AF004', 'error', 'entry is not an object', 'make it a JSON object, or remove it'),
    Rule('AF005', 'error', 'detection file cannot be read', 'restore it, correct bbox_file, or remove bbox_file'),
    Rule(
        'AF006',
        'info',
        'format is not checked',
        'nothing: this data set reads annotations in its own way, so only its metainfo is checked',
    ),
    Rule(
        'AF007',
        'error',
        'no labeled instance',
        'label keypoints: MMPose leaves out crowds and instances without labeled keypoints',
    ),
    Rule('AF008', 'info', 'images without annotations', 'nothing is learned from them: annotate or remove them'),
    Rule('AF009', 'info', 'instances without labeled keypoints', 'MMPose leaves them out: label or remove them'),
    Rule(
        'AF010',
        'error',
        'annotations are not complete',
        'correct what the message names: MP100Dataset cannot load the file',
    ),
    Rule('AF011', 'info', 'groups of keypoints without a label', 'nothing: KeypointRounds draws other samples instead'),
    Rule('ID001', 'error', 'id is not an integer', 'give images, annotations and categories integer ids'),
    Rule(
        'ID002',
        'error',
        'id occurs more than once',
        'give each image, each annotation and each category its own id',
    ),
    Rule('ID003', 'error', 'image_id does not exist', 'add the image, or remove the annotation'),
    Rule('ID004', 'error', 'category_id does not exist', 'add the category, or correct the annotation'),
    Rule('BX001', 'warning', 'annotation without box or keypoints', 'complete it: MMPose leaves it out'),
    Rule('BX002', 'error', 'box is not four finite numbers', 'bbox is [x, y, width, height] in pixels'),
    Rule(
        'BX003', 'error', 'box is empty', 'bbox is [x, y, width, height], not two corners; both sizes must be positive'
    ),
    Rule('BX004', 'error', 'box lies outside the image', 'correct the box, or remove the annotation'),
    Rule(
        'BX005',
        'warning',
        'box of an unused instance is faulty',
        'correct or remove it: a crowd, or without labeled keypoints, so MMPose leaves it out',
    ),
    Rule(
        'BX006',
        'warning',
        'box reaches beyond the image',
        'make sure that it is [x, y, width, height]: MMPose clips it',
    ),
    Rule(
        'BX007',
        'info',
        'box is dropped by the benchmark',
        'nothing: MP-100 does not use boxes without an area',
    ),
    Rule(
        'BX008',
        'warning',
        'area is missing',
        'add it, such as width x height of the box; CocoMetric needs it, CocoOrPCK does not',
    ),
    Rule('BX009', 'error', 'area is not positive', "give the instance's area in square pixels: OKS divides by it"),
    Rule(
        'BX010',
        'warning',
        'area is larger than the box',
        'give it in square pixels: OKS tolerates larger errors for larger areas',
    ),
    Rule('BX011', 'warning', 'area is far smaller than the box', 'give it in square pixels, as the box is in pixels'),
    Rule(
        'BX012',
        'error',
        'boxes are not [x, y, width, height] in pixels',
        'convert them: bbox is the left upper corner, width and height in pixels of the image',
    ),
    Rule('KP001', 'error', 'keypoints are not triplets', 'keypoints is one flat list: x, y, v of each keypoint'),
    Rule(
        'KP002',
        'error',
        'number of keypoints differs from the metainfo',
        'use the data set type or metainfo of these annotations',
    ),
    Rule(
        'KP003',
        'warning',
        'keypoint lies far outside the image',
        'correct it, or mark it as not labeled (0, 0, 0)',
    ),
    Rule('KP004', 'error', 'keypoint is not a finite number', 'correct it; an unlabeled keypoint is 0, 0, 0'),
    Rule('KP005', 'error', 'visibility is not 0, 1 or 2', '0: not labeled, 1: labeled but hidden, 2: visible'),
    Rule(
        'KP006',
        'warning',
        'num_keypoints is not the number of labeled keypoints',
        'correct it: MMPose leaves an instance out if it is 0',
    ),
    Rule(
        'KP007',
        'warning',
        'keypoints are in another order than in the metainfo',
        'use the order of the annotations in the metainfo',
    ),
    Rule('KP008', 'error', 'number of keypoints differs from the category', 'give as many as the category lists'),
    Rule(
        'KP009',
        'error',
        'number of keypoints differs from the head',
        'give the head the names or out_channels of this data set',
    ),
    Rule('KP010', 'info', 'keypoints are not counted', 'nothing: this data set builds its keypoints in its own way'),
    Rule('KP011', 'warning', 'keypoints lie outside their own box', 'correct the box or the keypoints'),
    Rule(
        'KP012',
        'error',
        'keypoints are not (x, y) in pixels of the image',
        'convert them: the origin is the left upper corner of the image, x is to the right',
    ),
    Rule(
        'MI001',
        'error',
        'metainfo cannot be used',
        'it needs dataset_name, keypoint_info, skeleton_info, joint_weights and sigmas',
    ),
    Rule('MI002', 'error', 'metainfo has another number of joint_weights or sigmas', 'give one for each keypoint'),
    Rule('MI003', 'error', 'flip pair is not symmetric', 'each of the two must name the other as its swap'),
    Rule(
        'MI004',
        'warning',
        'flip pair does not swap left and right',
        'set its swap to the same part of the other side',
    ),
    Rule(
        'MI005',
        'error',
        'keypoint names cannot be prompts',
        'rename them in the metainfo, or give the head names=[...]',
    ),
    Rule(
        'MI006',
        'warning',
        'left or right keypoint has no partner',
        'name the two sides alike, such as "left ear" and "right ear"; nothing if there is only one',
    ),
    Rule(
        'MI007',
        'warning',
        'keypoint names are not words',
        'say what each point is, such as "tip of the left ear" (names=[...] of the head): the heads read words',
    ),
    Rule('TX001', 'error', 'texts cannot be read', 'correct the folder given as texts, or the file'),
    Rule(
        'TX002',
        'error',
        'category has no texts',
        'write them, or set texts to the folder written for these annotations',
    ),
    Rule(
        'TX003',
        'error',
        'number of keypoints differs from the texts',
        'correct the texts, or set texts to another folder',
    ),
    Rule(
        'TX004',
        'error',
        'conversation is longer than the context of the language model',
        "shorten the texts, train fewer rounds or rounds_mask='isolated', or take another language model",
    ),
    Rule(
        'TX005',
        'warning',
        'keypoints have no description',
        "write them, give GetTextQueries text='descriptions', or set description=False of the head",
    ),
    Rule(
        'TX006',
        'info',
        'tokens of the conversations are not counted',
        'give the language model files that can be read here; training counts them',
    ),
    Rule('IM001', 'error', 'image has no file name', 'give its file_name'),
    Rule('IM002', 'error', 'image has no width and height', "give the image's width and height in pixels"),
    Rule(
        'IM003',
        'error',
        'image folder does not exist',
        "download the images, or correct data_root and data_prefix['img']",
    ),
    Rule(
        'IM004',
        'error',
        'image does not exist',
        "restore the file, correct data_prefix['img'] or its file_name, or remove the image and its annotations",
    ),
    Rule(
        'IM005', 'error', 'image is truncated or damaged', 'restore the file, or remove the image and its annotations'
    ),
    Rule(
        'IM006',
        'error',
        'image has another size than its annotations',
        'label this file, or restore the one that was labeled',
    ),
    Rule(
        'IM007',
        'warning',
        'image is rotated by its EXIF tag',
        'make sure that the labels are for the rotated image: MMPose rotates it',
    ),
    Rule(
        'IM008',
        'info',
        'image is rotated by its EXIF tag, as in its annotations',
        'nothing: MMPose rotates it as well',
    ),
    Rule(
        'RE001',
        'warning',
        'image is used for training and for evaluation',
        'remove it from one of them',
    ),
    Rule('RE002', 'warning', 'image is listed under several ids', 'list it once, with all of its annotations'),
    Rule('RE003', 'warning', 'instance is annotated twice', 'remove one of them: evaluation counts it as missed'),
    Rule(
        'RE004',
        'warning',
        'image for evaluation is a copy of one for training',
        'remove it from one of them: the two files have the same bytes',
    ),
    Rule('RE005', 'warning', 'image is a copy of another one', 'list it once: the two files have the same bytes'),
    *CONVERSATION_RULES,
    *EVALUATION_RULES,
)
__all__ = ['GROUPS', 'LEVELS', 'RULES', 'Rule', 'rules_as_markdown']
RULES = {rule.code: rule for rule in _RULES}


def rules_as_markdown() -> str:
    """All rules, a table for each group."""
    lines = []
    for prefix, title in GROUPS.items():
        lines += ['', f'## {title}', '', '| Code | Level | Fault | What to do |', '| --- | --- | --- | --- |']
        lines += [
            f'| {rule.code} | {rule.level} | {rule.text} | {rule.remedy} |'
            for rule in RULES.values()
            if rule.code.startswith(prefix)
        ]
    return '\n'.join(lines[1:])
