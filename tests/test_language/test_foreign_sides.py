import pytest

from clamp_mmpose.language.foreign_sides import names_a_foreign_side


@pytest.mark.parametrize(
    'name',
    [
        'linkes Ohr',
        'Auge rechts',
        'oreille droite',
        'ojo izquierdo',
        'orelha direita',
        'левое ухо',
        '左耳',
        '오른쪽 눈',
    ],
)
def test_sides(name):
    assert names_a_foreign_side(name)


@pytest.mark.parametrize(
    'name', ['snout', 'rectum', 'linkage', 'Schwanz', '鼻', 'destruction', 'destroyed wing', 'blinks']
)
def test_others(name):
    assert not names_a_foreign_side(name)
