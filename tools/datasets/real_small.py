from clamp_mmpose.cli.real_small import main

if __name__ == '__main__':
    raise SystemExit(main())
