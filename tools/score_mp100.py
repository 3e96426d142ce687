from clamp_mmpose.cli.score_mp100 import main

if __name__ == '__main__':
    raise SystemExit(main())
