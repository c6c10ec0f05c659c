"""Every public layer with each of its options, and how it is called: what the contract of `checks.py` is run over.

`test_layers.py` fails for a layer or a constructor argument without a row.
"""

from contract_attention import ATTENTION, POOLING, TRANSFORMER
from contract_images import IMAGES
from contract_recurrent import CELLS, DECODERS, RECURRENT
from contract_words import TAGGING, WORD_LAYERS

CASES = [*RECURRENT, *POOLING, *ATTENTION, *DECODERS, *TRANSFORMER, *TAGGING, *WORD_LAYERS, *IMAGES, *CELLS]
