import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from clamp_mmpose.apis.lazy_detector import LazyDetectorInferencer, _dataset_family


def test_threads_share_one_detector():
    inferencer, built = LazyDetectorInferencer.__new__(LazyDetectorInferencer), []
    inferencer._detector_lock = Lock()
    inferencer._build_detector = lambda: (time.sleep(0.05), built.append(1))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: inferencer._ensure_detector(), range(2)))
    assert built == [1]


def test_a_detector_needs_mmdet(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    inferencer = LazyDetectorInferencer.__new__(LazyDetectorInferencer)
    with pytest.raises(ImportError, match=r"detector 'rtmdet' needs mmdet, which is not installed"):
        inferencer._init_detector('rtmdet')


def test_the_family_of_a_data_set():
    assert _dataset_family('AP10KDataset') == 'animal'
    assert _dataset_family('BaseCocoStyleDataset') != 'animal'
    assert _dataset_family('') == ''  # a config without dataset_type
