"""Draw toy people, pretrain FocusCLIP with and without heatmaps, and test both by texts on unseen combinations."""

from demos.common.progress import run_command
from demos.people.demo import run_focus_demo

if __name__ == '__main__':
    run_command(run_focus_demo, __doc__, 'work_dirs/demo_focus')
