from clamp_mmpose.cli.zero_shot import main

if __name__ == '__main__':
    raise SystemExit(main())
