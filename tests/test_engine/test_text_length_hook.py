import logging
from types import SimpleNamespace

import pytest

from clamp_mmpose.datasets.transforms import SampleDescription
from clamp_mmpose.engine.hooks import text_length_hook


class Images:
    """A data set of texts: two are longer than 4 characters, one has exactly 4."""

    texts = ('abc', 'abcd', 'abcde', 'a', 'abcdef', 'b', 'c')
    pipeline = SimpleNamespace(transforms=[SampleDescription()])

    def __len__(self):
        return len(self.texts)

    def get_data_info(self, index):
        return dict(descriptions=[self.texts[index]])


@pytest.mark.parametrize(
    'dataset, counts', [(Images(), '2 of 7'), (SimpleNamespace(datasets=[Images(), Images()]), '4 of 14')]
)
def test_counts_over_several_chunks(monkeypatch, dataset, counts):
    monkeypatch.setattr(text_length_hook, 'CHUNK_SIZE', 3)
    encoder = SimpleNamespace(max_length=4, truncate=True, count_tokens=lambda texts: [len(text) for text in texts])
    logged = []
    runner = SimpleNamespace(
        model=SimpleNamespace(text_encoder=encoder),
        train_dataloader=SimpleNamespace(dataset=dataset),
        logger=SimpleNamespace(log=lambda level, text: logged.append((level, text))),
    )
    text_length_hook.TextLengthHook().before_train(runner)
    assert logged == [(logging.WARNING, f'{counts} texts are longer than the limit of 4 tokens; they are truncated.')]
