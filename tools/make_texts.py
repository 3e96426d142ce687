from clamp_mmpose.cli.make_texts import main

if __name__ == '__main__':
    raise SystemExit(main())
