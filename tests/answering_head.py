"""A head with questions and answers, for tests of what shows them."""

import copy

import numpy as np
from mmpose.registry import MODELS
from tiny import text_query_config

from clamp_mmpose.models.heads import TextQueryHead


@MODELS.register_module(force=True)
class AnsweringHead(TextQueryHead):
    """A text-query head that gives questions and answers, as one with a language model does."""

    def predict(self, feats, batch_data_samples, test_cfg=None):
        instances, fields = super().predict(feats, batch_data_samples, test_cfg)
        for instance, query in zip(instances, self.queries(batch_data_samples, len(batch_data_samples))):
            if test_cfg.get('output_texts'):
                points = instance.keypoints[0].astype(int)
                questions = [f'Where is {text} of {query.category}?' for text in query.texts]
                instance.keypoint_questions = np.array([questions], object)
                instance.keypoint_answers = np.array([[f'[{x},{y}]' for x, y in points]], object)
        return instances, fields


def answering_config():
    """The whole config of a model with this head, whose text encoder reads descriptions."""
    config = copy.deepcopy(text_query_config())
    config['model']['head']['type'] = 'AnsweringHead'
    config['model']['head']['text_encoder']['arch']['text_cfg']['context_length'] = 77
    return config
