from typing import Sequence

from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class ToyVisionConfig(PretrainedConfig):
    """Settings of :class:`ToyVisionModel`."""

    model_type = 'toy_vision'

    def __init__(
        self,
        image_size: int = 64,
        channels: Sequence[int] = (24, 48, 96, 96),
        num_points: int = 16,
        num_tokens: int = 4,
        hidden_size: int = 128,
        **kwargs,
    ):
        self.image_size, self.channels, self.num_points = image_size, channels, num_points
        self.num_tokens, self.hidden_size = num_tokens, hidden_size
        super().__init__(**kwargs)


class ToyVisionModel(PreTrainedModel):
    """A convolutional image tower that ends in a few points, which its tokens spread over ``hidden_size`` numbers.

    It is pretrained within a minute to find joints; its tokens then say where they are.
    """

    config_class = ToyVisionConfig
    main_input_name = 'pixel_values'

    def __init__(self, config: ToyVisionConfig):
        super().__init__(config)
        layers, width, side = [], 3, config.image_size
        for channels in config.channels:
            layers += [_convolution(width, channels, 2), _convolution(channels, channels, 1)]
            width, side = channels, side // 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * side * side, 2 * config.num_points))
        self.tokens = nn.Linear(2 * config.num_points, config.num_tokens * config.hidden_size, bias=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """PyTorch's own initialization stays."""

    def points(self, pixel_values: Tensor) -> Tensor:
        """Images ``[B, 3, S, S]``, from -1 to 1 -> points ``[B, num_points, 2]``."""
        return self.layers(pixel_values).unflatten(1, (-1, 2))

    def forward(self, pixel_values: Tensor, **kwargs) -> BaseModelOutput:
        """Images -> hidden states ``[B, num_tokens, hidden_size]``."""
        tokens = self.tokens(self.points(pixel_values).flatten(1))
        tokens = tokens.unflatten(1, (self.config.num_tokens, -1))
        return BaseModelOutput(last_hidden_state=tokens, hidden_states=(tokens,))


def _convolution(width: int, channels: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(width, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


AutoConfig.register(ToyVisionConfig.model_type, ToyVisionConfig)
AutoModel.register(ToyVisionConfig, ToyVisionModel)
