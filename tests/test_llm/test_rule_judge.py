"""The judge by rules, on a person whose left arm is raised and whose right knee is bent."""

import pytest
from stick_people import stick_facts, stick_person

from clamp_mmpose.llm.judge.rule_judge import RuleJudge

FACTS = stick_facts(stick_person(left_arm=(160, 170), right_leg=(60, -30)))


@pytest.mark.parametrize(
    'question, answer, verdict',
    [
        ("Is the person's left arm raised?", 'Yes, it is.', 'right'),
        ('Is the left arm of the person raised?', 'No, the person stands still.', 'wrong'),
        ('Is the right arm raised?', 'Yes', 'wrong'),
        ('Is the right arm raised?', 'No.', 'right'),
        ('Are both knees bent?', 'Yes', 'wrong'),
        ('Are both knees bent?', 'no', 'right'),
        ('Is the right knee bent?', 'It is hard to say.', 'no answer'),
        ('Is the right knee bent?', 'The right knee is bent.', 'right'),
        ('Is the right knee bent?', 'The right knee is straight.', 'wrong'),
        ('Is the right knee bent?', 'The left knee is straight.', 'no answer'),  # true, but not what was asked
        ('Is the right knee bent?', 'The right knee is bent and the left arm is lowered.', 'right'),
        ('Is the left arm raised?', 'No doubt, it is raised.', 'no answer'),
        ('Is the left arm raised or lowered?', 'Raised.', 'right'),
        ('Is the left arm raised or lowered?', 'It is lowered.', 'wrong'),
        ('Is the left arm raised or lowered?', 'Yes.', 'no answer'),
        ('What is the left arm doing?', 'The left arm is raised above the head.', 'right'),
        ('Is the right leg bent?', 'The right leg is bent at the knee.', 'right'),
        ('Is the right knee bent?', 'The left arm is raised.', 'no answer'),
        ('Are the hands raised?', 'Both hands are raised.', 'wrong'),
        ('Which knee is bent?', 'The right knee.', 'right'),
        ('Which knee is bent?', 'left', 'wrong'),
        ('Which knee is bent?', 'Both.', 'wrong'),
        ('Which knee is bent?', 'Neither knee is bent.', 'wrong'),
        ('Which knee is bent?', 'The left knee is bent.', 'wrong'),
        ('Which knee is bent?', 'A person smiles.', 'no answer'),
        ("Which of the person's arms is raised?", 'The left one', 'right'),
        ('Which elbows are bent?', 'Neither.', 'right'),
        ('Which elbows are bent?', 'None of them.', 'right'),
        ('Is the left arm waving a flag?', 'Yes', 'not known'),
        ('Is the left arm raised?', '', 'no answer'),
    ],
)
def test_verdicts(question, answer, verdict):
    assert RuleJudge(FACTS).verdict(question, answer) == verdict


def test_what_is_not_labeled_is_not_known():
    hidden = stick_facts(stick_person(missing=('left wrist', 'left elbow', 'right knee', 'right ankle')))
    judge = RuleJudge(hidden)
    for question, answer in (
        ('Is the left arm raised?', 'Yes'),
        ('Is the left arm raised?', 'The left arm is raised.'),
        ('Which knee is bent?', 'The left one.'),
        ('Is the right arm lowered and the right knee bent?', 'Yes'),  # the arm is, of the knee nothing is known
    ):
        assert judge.verdict(question, answer) == 'not known', question
