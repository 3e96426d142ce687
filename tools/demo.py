"""Draw toy animals, train CLAMP and its baseline on them and compare the two; minutes on two CPU cores."""

from demos.animals.demo import run_demo
from demos.common.progress import run_command

if __name__ == '__main__':
    run_command(run_demo, __doc__, 'work_dirs/demo')
