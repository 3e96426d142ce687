from typing import Sequence

# FocusCLIP's age groups; LIMITS are the highest ages of all groups but the last
KID_TO_ADULT = ('kid', 'teenager', 'adult')
KID_TO_ADULT_LIMITS = (12, 19)
BABY_TO_ADULT = ('baby', 'child', 'teenager', 'young adult', 'adult')
BABY_TO_ADULT_LIMITS = (2, 9, 19, 29)

AGE_TEMPLATES = ('a photo of a/an {} person',)  # FocusCLIP, appendix C.1
AGE_ENSEMBLE = ('a photo of a/an {}', 'a portrait of a/an {}', 'the person in the photo is a/an {}')


def age_group(age: float, limits: Sequence[float]) -> int:
    """The index of the group that an age in years belongs to."""
    return sum(age > limit for limit in limits)
