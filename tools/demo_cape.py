"""Draw toy objects, train the text-query head on nine categories and ask it for three that it never saw."""
from clamp_mmpose.testing.demo_cape import run_cape_demo
from clamp_mmpose.testing.demo_progress import run_command

if __name__ == '__main__':
    run_command(run_cape_demo, __doc__, 'work_dirs/demo_cape')
