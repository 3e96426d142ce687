from torch import nn


def xavier_uniform_weights(module: nn.Module) -> None:
    """Initialize all weight matrices of a module with Xavier's uniform distribution, as DETR does."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)
