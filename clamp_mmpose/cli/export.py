"""Export a trained model: 'CONFIG CHECKPOINT --out DIR'.

A CLAMP becomes a checkpoint without text encoder, and ONNX; a CapeLLM, a vision-language model or a ChatPose is merged
with its LoRA into a folder whose language model, or the whole, transformers reads.
"""

import argparse
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'export')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', required=True, metavar='DIR', help='output folder')
    add_cfg_options(parser, 'model.head.language_model.init_cfg.checkpoint=FOLDER')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.export import export_clamp
    from clamp_mmpose.apis.export_cape_llm import export_cape_llm, is_cape_llm
    from clamp_mmpose.apis.export_vision_language import export_vision_language
    from clamp_mmpose.apis.trained_model import is_vision_language_model

    if is_vision_language_model(args.config):
        written = export_vision_language(args.config, args.checkpoint, args.out, args.cfg_options)
        print(f'Wrote {written.folder} for transformers, with {written.config}.')
        return
    if is_cape_llm(args.config):
        merged = export_cape_llm(args.config, args.checkpoint, args.out, args.cfg_options)
        print(f'Wrote {", ".join(map(str, merged.folders))}, {merged.config} and {merged.checkpoint}.')
        return
    report = export_clamp(args.config, args.checkpoint, args.out, options=args.cfg_options)
    print(f'{report.parameters[0]:,} parameters in the model, {report.parameters[1]:,} after export.')
    for batch_size, difference in report.differences.items():
        print(f'batch {batch_size}: ONNX differs from PyTorch by {difference:.1e} of the largest heatmap value.')
    print(f'Wrote {report.config}, {report.checkpoint} and {report.onnx}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
