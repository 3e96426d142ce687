"""Draw toy animals, train CLAMP and its baseline on them and compare the two; minutes on two CPU cores."""
from clamp_mmpose.testing.demo import run_demo
from clamp_mmpose.testing.demo_progress import run_command

if __name__ == '__main__':
    run_command(run_demo, __doc__, 'work_dirs/demo')
