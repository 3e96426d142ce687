from clamp_mmpose.cli.ap10k_splits import main

if __name__ == '__main__':
    raise SystemExit(main())
