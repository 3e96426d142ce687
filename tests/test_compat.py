import getpass
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mmcv
import pytest
import torch
from mmcv.utils import ext_loader

from clamp_mmpose import compat

HAS_COMPILED_OPS = (
    importlib.util.find_spec('mmcv._ext') is not None and importlib.util.find_spec('mmcv._ext').loader is not None
)


def test_nms_against_values_worked_out_by_hand():
    from mmcv.ops import nms

    # areas 100, 100, 100; the second overlaps the first by 5 x 10: IoU 50 / 150 = 1/3; the third overlaps none
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [30.0, 30.0, 40.0, 40.0]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert nms(boxes, scores, iou_threshold=0.4)[1].tolist() == [0, 1, 2]
    assert nms(boxes, scores, iou_threshold=0.3)[1].tolist() == [0, 2]
    # offset 1: widths 11, overlap 6 x 11 = 66 of 2 * 121 - 66 = 176: 0.375
    assert nms(boxes, scores, iou_threshold=0.35, offset=0)[1].tolist() == [0, 1, 2]
    assert nms(boxes, scores, iou_threshold=0.35, offset=1)[1].tolist() == [0, 2]


@pytest.mark.skipif(HAS_COMPILED_OPS, reason='this mmcv has compiled operators')
def test_missing_operator_raises_with_a_remedy():
    module = ext_loader.load_ext('_ext', ['deform_conv_forward'])
    with pytest.raises(NotImplementedError, match=r'"deform_conv_forward" is a compiled operator .*make setup-full'):
        module.deform_conv_forward()
    assert mmcv.__version__ in _message(module.modulated_deform_conv_forward)


def _message(operator):
    with pytest.raises(NotImplementedError) as caught:
        operator()
    return str(caught.value)


@pytest.mark.skipif(HAS_COMPILED_OPS, reason='a compiled mmcv needs no replacement')
def test_replacement_does_not_claim_to_be_compiled():
    spec = importlib.util.find_spec('mmcv._ext')
    assert spec is not None and spec.loader is None
    assert not hasattr(sys.modules['mmcv._ext'], '__path__')


def _run(code):
    return subprocess.run(
        [sys.executable, '-W', 'error::UserWarning:clamp_mmpose', '-c', code], capture_output=True, text=True
    )


@pytest.mark.slow
def test_import_is_silent_and_leaves_no_fake_mmdet():
    done = _run("""
import importlib.util, sys
before = importlib.util.find_spec('mmdet') is not None
import clamp_mmpose
assert (importlib.util.find_spec('mmdet') is not None) == before
assert before or 'mmdet' not in sys.modules
import mmpose.apis
from mmpose.models.heads import RTMOHead
import torch
if not before:
    from mmpose.models.heads.hybrid_heads.rtmo_head import reduce_mean
    assert reduce_mean(torch.tensor(3.)) == 3  # the mean over one process
""")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ''


@pytest.mark.slow
def test_import_needs_no_optional_package():
    done = _run("""
import sys
for name in ('gradio', 'mmdet', 'onnx', 'onnxruntime', 'openai', 'peft', 'playwright', 'transformers'):
    sys.modules[name] = None
import clamp_mmpose
import clamp_mmpose.apis
from mmpose.registry import MODELS
assert {'CLAMPHead', 'TextQueryHead', 'FocusCLIP', 'HFTextEncoder'} <= set(MODELS.module_dict)
""")
    assert done.returncode == 0, done.stderr


def test_import_without_mmpose_says_how_to_install():
    done = _run("""
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == 'mmpose' else find(name, *a)
import clamp_mmpose
""")
    assert 'did not find mmpose' in done.stderr and 'pip install --no-deps mmpose' in done.stderr


def test_a_user_without_a_home_directory(monkeypatch):
    pwd = pytest.importorskip('pwd')

    def fail(uid):
        raise KeyError('getpwuid(): uid not found')

    for name in ('HOME', 'USER', 'LOGNAME', 'LNAME', 'USERNAME'):
        monkeypatch.setenv(name, 'restored afterwards')
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, 'getpwuid', fail)
    with pytest.warns(UserWarning, match='no home directory: caches go to .*; set HOME to keep them'):
        compat._provide_home()
    assert Path('~').expanduser().is_dir() and getpass.getuser() == f'user{os.getuid()}'
    Path('~').expanduser().rmdir()
