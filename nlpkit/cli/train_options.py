"""Options of the `nlpkit train` commands alone."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

_data = partial(typer.Option, rich_help_panel="Data")
_model = partial(typer.Option, rich_help_panel="Model", show_default="by the data")
_training = partial(typer.Option, rich_help_panel="Training")
_flag = partial(typer.Option, rich_help_panel="Output")

Validation = Annotated[
    list[str] | None,
    _data("--validation-data", help="Data that chooses the best epoch.", show_default="a part of --data"),
]
Test = Annotated[
    list[str] | None, _data("--test-data", help="Data for the final result.", show_default=False)
]
MultiLabel = Annotated[
    bool, _data("--multi-label", help="A text may have any number of labels; --label-separator means it.")
]
Encoder = Annotated[
    str, _model("--encoder", help="auto, bag, lstm, gru, rnn, cnn or transformer.", show_default=True)
]
Bidirectional = Annotated[
    bool | None, _model("--bidirectional/--no-bidirectional", help="Read in both directions.")
]
Units = Annotated[int | None, _model("--units", min=1, help="Size of the encoder.")]
Layers = Annotated[int | None, _model("--num-layers", min=1, help="Encoder layers on top of each other.")]
Vectors = Annotated[
    str | None,
    _model(
        "--vectors",
        metavar="FILE",
        help="GloVe, word2vec or fastText vectors to start from.",
        show_default=False,
    ),
]
EncoderFrom = Annotated[
    str | None,
    _model(
        "--encoder-from",
        metavar="FOLDER",
        help="A saved text generator: its text layer, embedding and layers are the encoder.",
        show_default=False,
    ),
]
Tokenizer = Annotated[
    str, _model("--tokenizer", help="word, space, char, byte, wordpiece or sentencepiece.", show_default=True)
]
MaxLength = Annotated[int | None, _model("--max-length", min=1, help="Tokens of a text that are read.")]
Level = Annotated[
    Literal["word", "char", "byte", "subword"],
    _model(
        "--level", metavar="LEVEL", help="What a token is: word, char, byte or subword.", show_default=True
    ),
]
Normalize = Annotated[
    bool,
    _model(
        "--normalize/--no-normalize",
        help="Split off punctuation; without, words are what stands between spaces.",
        show_default=True,
    ),
]
NormalizeTexts = Annotated[
    bool,
    _model(
        "--normalize/--no-normalize",
        help="Lower case, without tags, entities and runs of white space; without, texts as they are.",
        show_default=True,
    ),
]
VocabularySize = Annotated[
    int | None,
    _model("--vocabulary-size", min=5, help="Tokens that are told apart, at most."),
]
Cell = Annotated[
    Literal["lstm", "gru", "rnn", "transformer", "nplm"],
    _model("--cell", metavar="CELL", help="lstm, gru, rnn, transformer or nplm.", show_default=True),
]
GeneratorUnits = Annotated[
    int | None, _model("--units", min=1, help="Size of each layer.", show_default="200")
]
GeneratorLayers = Annotated[
    int | None,
    _model("--num-layers", min=1, help="Layers on top of each other; nplm has one.", show_default="2"),
]
Dropout = Annotated[
    float | None, _model("--dropout", min=0.0, max=0.99, help="Part of the values left out in training.")
]
BatchSize = Annotated[
    int | None,
    _training(
        "--batch-size",
        min=1,
        help="Places of the text that are read side by side.",
        show_default="by the data",
    ),
]
SequenceLength = Annotated[
    int | None,
    _training(
        "--sequence-length",
        min=1,
        help="Tokens through which gradients flow; a Transformer sees so many.",
        show_default="by the level",
    ),
]
Documents = Annotated[
    bool,
    _training("--documents", help="Read each text by itself; else the next one goes on where it ends."),
]
Epochs = Annotated[
    int | None,
    _training("--epochs", min=1, help="Passes over the data, at most.", show_default="by the data"),
]
Minutes = Annotated[
    float | None, _training("--minutes", min=0.01, help="Time for training, at most.", show_default=False)
]
Seed = Annotated[int, _training("--seed", min=0, help="The same seed, data and machine give the same model.")]
Mixed = Annotated[bool, _training("--mixed-precision", help="Calculate in 16 bits; faster on a recent GPU.")]
TensorBoard = Annotated[
    str | None,
    _training("--tensorboard", metavar="DIR", help="Write TensorBoard logs there.", show_default=False),
]
Resume = Annotated[bool, _training("--resume", help="Go on with an interrupted run of the same command.")]
Out = Annotated[Path, _flag("--out", help="Folder for the model.", show_default=False)]
