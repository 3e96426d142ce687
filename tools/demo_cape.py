"""Draw toy objects, train the text-query head on nine categories and ask it for three that it never saw."""

from demos.common.progress import run_command
from demos.objects.demo import run_cape_demo

if __name__ == '__main__':
    run_command(run_cape_demo, __doc__, 'work_dirs/demo_cape')
