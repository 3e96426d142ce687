"""Times heads that read texts: a head alone, and its texts against given embeddings."""

from typing import Dict, List, NamedTuple, Sequence

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Measurement

from clamp_mmpose.apis.model_zoo import read_config

from .models import alternate, build_model, milliseconds, random_batch, train_on


class TextTimings(NamedTuple):
    """The cost of the texts, and the number of texts encoded during the runs.

    ``training``: a step with frozen text, and the same with given embeddings. ``prediction``: images to keypoints in
    the original image, without flip test, and the forward pass of the same model.
    """

    training: List[Measurement]
    prediction: List[Measurement]
    encoded: int


class GivenEmbeddings(nn.Module):
    """Replaces :class:`TextEmbeddings`: the same ``[N, D]`` for every batch."""

    def __init__(self, embeddings: Tensor):
        super().__init__()
        self.embed_dims = embeddings.shape[1]
        self.register_buffer('embeddings', embeddings)

    def forward(self, texts: Sequence[str]) -> Tensor:
        return self.embeddings


def heads(configs: Sequence[str], batch_size: int, device: str, pairs: int) -> List[Measurement]:
    """Time each config's head, from features to outputs, in eval mode."""
    functions = []
    for path in configs:
        cfg = read_config(path)
        model = build_model(cfg, device).eval()
        images, _ = random_batch(model, cfg, batch_size, device)
        with torch.no_grad():
            feats = model.extract_feat(images)

        def run(head: nn.Module = model.head, feats: tuple = feats) -> None:
            with torch.no_grad():
                head(feats)

        functions.append(run)
    return alternate(functions, pairs)


def texts(path: str, batch_size: int, device: str, pairs: int) -> TextTimings:
    """Time training and prediction with and without texts."""
    cfg = read_config(path)
    model, given = build_model(cfg, device), build_model(cfg, device)
    images, samples = random_batch(model, cfg, batch_size, device)
    asked = [query.texts for query in model.head.queries(samples, batch_size)]
    distinct = list(dict.fromkeys(text for line in asked for text in line))
    model.head.text_encoder.remember(distinct)  # as EmbedTextsHook does before training
    given.head.text_encoder = GivenEmbeddings(model.head.text_encoder(distinct).detach().clone())
    encoded: List[str] = []
    model.head.text_encoder.encoder.register_forward_pre_hook(lambda _, args: encoded.extend(args[0]))
    training = alternate([train_on(one.train(), images, samples) for one in (model, given)], pairs)
    model.eval().test_cfg['flip_test'] = False
    prediction = alternate(
        [
            torch.no_grad()(lambda: model.predict(images, samples)),
            torch.no_grad()(lambda: model(images, None, mode='tensor')),
        ],
        pairs,
    )
    return TextTimings(training, prediction, len(encoded))


def text_summary(path: str, batch_size: int, timings: TextTimings) -> Dict[str, object]:
    """The results for the JSON file."""
    result = dict(
        config=path,
        batch_size=batch_size,
        encoded_texts=timings.encoded,
        torch=torch.__version__,
        threads=torch.get_num_threads(),
    )
    for kind in ('training', 'prediction'):
        first, against = map(milliseconds, getattr(timings, kind))
        result[kind] = dict(median_ms=first, against_median_ms=against, ratio=first / against)
    return result
