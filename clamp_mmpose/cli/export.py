"""Export a trained model: 'CONFIG CHECKPOINT --out DIR'.

A CLAMP becomes a checkpoint without text encoder, and ONNX; a TextQueryHead becomes ONNX; a CapeLLM, a vision-language
model or a ChatPose is merged with its LoRA into a folder whose language model, or the whole, transformers reads.
"""

import argparse
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'export')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', required=True, metavar='DIR', help='output folder')
    parser.add_argument(
        '--keypoints',
        metavar='NAMES',
        help='of a TextQueryHead: names to find, comma-separated; default: those of its data, if there is one list',
    )
    parser.add_argument('--skeleton', default='', help='pairs of these keypoints to connect, counted from 0: "0-2,1-2"')
    parser.add_argument('--category', help='of a TextQueryHead: category of MP-100, such as horse_body, to find')
    parser.add_argument(
        '--embeddings-input',
        action='store_true',
        help='of a TextQueryHead: the ONNX model takes embeddings of texts, any number of them, as an input',
    )
    add_cfg_options(parser, 'model.head.language_model.init_cfg.checkpoint=FOLDER')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.export import export_clamp
    from clamp_mmpose.apis.export_cape_llm import export_cape_llm
    from clamp_mmpose.apis.export_text_query import export_text_query
    from clamp_mmpose.apis.export_vision_language import export_vision_language
    from clamp_mmpose.apis.trained_model import has_head, is_vision_language_model
    from clamp_mmpose.models.heads import CapeLLMHead, TextQueryHead

    texts = dict(keypoints=args.keypoints, skeleton=args.skeleton, category=args.category)
    if has_head(args.config, TextQueryHead):
        found = export_text_query(
            args.config,
            args.checkpoint,
            args.out,
            embeddings_input=args.embeddings_input,
            options=args.cfg_options,
            **texts,
        )
        for (batch_size, number), difference in found.differences.items():
            print(f'batch {batch_size}, {number} keypoints: ONNX differs from PyTorch by {difference:.1e}.')
        print(f'Wrote {" and ".join(str(path) for path in found.files)}.')
        return
    if args.embeddings_input or any(texts.values()):
        raise ValueError(
            '--keypoints, --skeleton, --category and --embeddings-input are for a TextQueryHead: leave them out.'
        )
    if is_vision_language_model(args.config):
        written = export_vision_language(args.config, args.checkpoint, args.out, args.cfg_options)
        print(f'Wrote {written.folder} for transformers, with {written.config}.')
        return
    if has_head(args.config, CapeLLMHead):
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
