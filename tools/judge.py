from clamp_mmpose.cli.judge import main

if __name__ == '__main__':
    raise SystemExit(main())
