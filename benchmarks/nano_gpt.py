"""The peer of tiny_shakespeare.py: a GPT in PyTorch, of the size and settings of nanoGPT's run on a CPU.

As github.com/karpathy/nanoGPT has it: layers that normalise first, GELU, no biases, learned positions, the output tied
to the embedding, AdamW with warm-up and a cosine, batches of random windows.
"""

import math
import time

import torch
from torch import nn
from torch.nn import functional

EVALUATION_ROWS = 64


class Block(nn.Module):
    """Attention to the characters before, then two dense layers, each added to its input."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width, bias=False) for _ in range(2))
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.merge = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        rows, steps, width = x.shape
        parts = self.attend(self.norms[0](x)).view(rows, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.merge(seen.transpose(1, 2).reshape(rows, steps, width))
        return x + self.narrow(functional.gelu(self.widen(self.norms[1](x))))


class GPT(nn.Module):
    """Ids to the logits of the next one."""

    def __init__(self, vocabulary_size, layers, heads, width, context):
        super().__init__()
        self.table = nn.Embedding(vocabulary_size, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        for block in self.blocks:
            for last in (block.merge, block.narrow):
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * layers))

    def forward(self, ids):
        x = self.table(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.table.weight)

    def losses(self, ids, targets):
        """Mean negative log-probability."""
        return functional.cross_entropy(self(ids).flatten(0, 1), targets.flatten())


def learning_rate(step, steps, highest=1e-3, lowest=1e-4, warm_up=100):
    """Rises over the first steps, then a cosine to a tenth."""
    if step < warm_up:
        return highest * (step + 1) / (warm_up + 1)
    part = (step - warm_up) / max(steps - warm_up, 1)
    return lowest + 0.5 * (1 + math.cos(math.pi * part)) * (highest - lowest)


def train(ids, vocabulary_size, *, layers, heads, width, context, rows, steps):
    """Trains on random windows.

    Returns:
        The model, and the seconds from before it is made to the last step.
    """
    import torch._dynamo  # noqa: F401  what the first optimizer would import is not part of the time

    torch.manual_seed(1337)
    start = time.perf_counter()
    ids = torch.tensor(ids, dtype=torch.long)
    model = GPT(vocabulary_size, layers, heads, width, context)
    decayed = [weight for weight in model.parameters() if weight.dim() > 1]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        places = torch.randint(len(ids) - context, (rows, 1)) + torch.arange(context)
        optimizer.zero_grad(set_to_none=True)
        model.losses(ids[places], ids[places + 1]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model, time.perf_counter() - start


@torch.inference_mode()
def mean_loss(model, inputs, targets):
    """Mean negative log-probability of the rows of `inputs`, each read by itself."""
    total = 0.0
    for first in range(0, len(inputs), EVALUATION_ROWS):
        part = slice(first, first + EVALUATION_ROWS)
        given = (torch.tensor(array[part], dtype=torch.long) for array in (inputs, targets))
        total += model.losses(*given).item() * len(inputs[part])
    return total / len(inputs)
