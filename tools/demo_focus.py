"""Draw toy people, pretrain FocusCLIP with and without heatmaps, and test both by texts on unseen combinations."""
from clamp_mmpose.testing.demo_focus import run_focus_demo
from clamp_mmpose.testing.demo_progress import run_command

if __name__ == '__main__':
    run_command(run_focus_demo, __doc__, 'work_dirs/demo_focus')
