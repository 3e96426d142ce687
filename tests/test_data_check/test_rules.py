"""Codes are unique, and every rule is in the documentation and used by a check."""

import re
from pathlib import Path

import pytest

from clamp_mmpose.cli.check_dataset import main
from clamp_mmpose.data_check import rules
from clamp_mmpose.data_check.findings import Finding

ROOT = Path(__file__).parents[2]


def test_codes():
    assert len(rules.RULES) == len(rules._RULES), 'a code occurs twice'
    for code, rule in rules.RULES.items():
        assert re.fullmatch(r'[A-Z]{2}\d{3}', code) and code[:2] in rules.GROUPS
        assert rule.level in rules.LEVELS and rule.text and rule.remedy and '|' not in rule.text + rule.remedy
    texts = [rule.text for rule in rules.RULES.values()]
    assert len(set(texts)) == len(texts)


def test_every_rule_is_used_and_every_code_that_is_used_is_a_rule():
    used = set()
    for path in (ROOT / 'clamp_mmpose/data_check').glob('*.py'):
        if not path.name.endswith('rules.py'):
            used.update(re.findall(r"'([A-Z]{2}\d{3})'", path.read_text()))
    assert used == set(rules.RULES)


def test_documentation_lists_every_rule(capsys):
    with pytest.raises(SystemExit) as end:
        main(['--rules'])
    assert not end.value.code
    printed = capsys.readouterr().out.strip()
    assert '| KP003 | warning | keypoint lies far outside the image | ' in printed
    assert (ROOT / 'docs/data_check.md').read_text().rstrip().endswith(printed)


def test_a_finding_has_the_text_of_its_rule():
    finding = Finding('KP003', '7.jpg', 'annotation 3: keypoint 1 is at (1000, 2) in 64x48')
    assert (finding.level, finding.text) == ('warning', 'keypoint lies far outside the image')
