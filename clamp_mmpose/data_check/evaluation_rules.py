"""Rules on what the config does with its data sets; :mod:`.rules` has the others."""

from .rule import Rule

EVALUATION_RULES = (
    Rule('PL001', 'error', 'pipeline fails on a sample', 'correct the step, or what it reads'),
    Rule(
        'PL002',
        'error',
        'flip test lacks the flip pairs',
        'give the metainfo swaps and pack flip_indices, or set flip_test=False',
    ),
    Rule(
        'PL003', 'error', 'sizes of crop, targets and decoder differ', 'use one codec and its input_size in all of them'
    ),
    Rule(
        'DT001',
        'error',
        'detections are used outside a top-down test',
        "set test_mode=True and data_mode='topdown', or remove bbox_file",
    ),
    Rule(
        'DT002',
        'error',
        'detection file is not a list of boxes',
        'write a list of objects with image_id, category_id, bbox and score',
    ),
    Rule(
        'DT003',
        'error',
        'no detection of category 1',
        'give the detections category_id=1: MMPose leaves out all others',
    ),
    Rule('DT004', 'info', 'detections of other categories', 'MMPose leaves them out'),
    Rule('DT005', 'error', 'detection lacks a field', 'give its image_id, category_id, bbox and score'),
    Rule(
        'DT006',
        'error',
        'detection is of an image that is not annotated',
        'use the detections of these images, with the ids of the annotations',
    ),
    Rule(
        'DT007',
        'error',
        'detected box is faulty',
        'bbox is [x, y, width, height] in pixels; both sizes must be positive',
    ),
    Rule('DT008', 'warning', 'images without a detection', 'detect on all images: their instances count as missed'),
    Rule('DT009', 'error', 'score of a detection is not a finite number', 'give a number: AP sorts by it'),
    Rule('EV001', 'error', 'data loader has no evaluator', 'set the evaluator, or remove the data loader'),
    Rule('EV002', 'error', 'evaluator has no data set', 'set the data loader, or remove the evaluator'),
    Rule(
        'EV003',
        'error',
        'metric is not registered',
        'correct its type, or import the module that registers it (custom_imports)',
    ),
    Rule(
        'EV004',
        'error',
        'metric needs sigmas that the metainfo does not have',
        'give one sigma for each keypoint, or use CocoOrPCK or PCKAccuracy',
    ),
    Rule(
        'EV005', 'error', 'annotation lacks a field that the metric reads', 'complete the annotations, or use CocoOrPCK'
    ),
    Rule(
        'EV006',
        'warning',
        'metric reads another annotation file than the data set',
        'remove ann_file of the metric, or make sure that both have the same images',
    ),
    Rule(
        'EV007',
        'error',
        'metric reads labels of a data set that has only detected boxes',
        'remove bbox_file, or use CocoMetric: the labels of detected boxes are zeros',
    ),
    Rule(
        'EV008',
        'error',
        'evaluation fails',
        'correct what the message names: the first validation would end with this error',
    ),
    Rule(
        'EV009',
        'error',
        'monitored value is not among those of the evaluation',
        'set save_best or monitor to one of them',
    ),
    Rule('EV010', 'info', 'scored by PCK, as the metainfo has no sigmas', 'give one sigma for each keypoint to get AP'),
    Rule(
        'EV011',
        'info',
        'field is missing, and the metric completes it',
        'nothing, or complete the annotations: OKS uses 0.53 x the box as area',
    ),
    Rule('EV012', 'warning', 'metric is not finite for perfect predictions', 'use a metric that fits these labels'),
    Rule(
        'EV013',
        'warning',
        'perfect predictions do not get the best value',
        'find out what the metric compares: labels, boxes, categories or converters do not fit',
    ),
    Rule('EV014', 'info', 'evaluation was not tried', 'correct the errors, or let the check read the images'),
    Rule(
        'EV015',
        'error',
        'monitored value has the wrong rule',
        "set rule='greater', or rule='less' for errors such as EPE and NME: the worst checkpoint would be the best one",
    ),
)
