"""Left and right in other languages than English."""

import re

# German and Dutch, French, Spanish, Portuguese, Italian, Russian; Chinese and Japanese, Korean
WORDS = re.compile(
    r'(?<![^\W\d_])(?:links|linke[rnsm]?|rechts|rechte[rnsm]?|gauche|droite?|izquierd[oa]|derech[oa]|esquerd[oa]|direit[oa]'
    r'|sinistr[oa]|destr[oa])(?![^\W\d_])|(?<![^\W\d_])(?:лев|прав)|[左右]|왼|오른',
    re.IGNORECASE,
)


def names_a_foreign_side(name: str) -> bool:
    """Whether a word of another language says left or right: 'linkes Ohr', 'oreille droite', '左耳'.

    :func:`find_sides` finds pairs in English only; of such a keypoint it is known that mirroring may make it another.
    """
    return WORDS.search(name) is not None
