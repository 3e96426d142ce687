from clamp_mmpose.cli.fit_body import main

if __name__ == '__main__':
    raise SystemExit(main())
