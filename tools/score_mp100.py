import sys

from clamp_mmpose_command import main

if __name__ == '__main__':
    raise SystemExit(main(['score-mp100', *sys.argv[1:]]))
