"""The options of `nlpkit export` that no other command has."""

from typing import Annotated

import typer

_of_saved_model, _of_tflite = {"rich_help_panel": "SavedModel"}, {"rich_help_panel": "TFLite"}
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        help="saved_model, tflite and onnx: one, or several with commas between them.",
        show_default="saved_model",
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        min=1,
        help="Of a text-to-text model or a captioner: targets that the export carries on side by side.",
        show_default="5",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="gpu: signatures with the kernels of cuDNN beside the others, which run on any device.",
        show_default=False,
        **_of_saved_model,
    ),
]
Jit = Annotated[
    bool,
    typer.Option(
        "--jit",
        help="Of a classifier: signatures that XLA compiles beside the others, where they are faster.",
        **_of_saved_model,
    ),
]
Quantize = Annotated[
    list[str] | None,
    typer.Option(
        "--quantize",
        help="Smaller files beside model.tflite: float16, dynamic (8-bit weights), int8 (8 bits throughout).",
        show_default=False,
        **_of_tflite,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        help="Of a classifier: tokens that the model always reads; shorter texts are padded.",
        show_default="as many as the text has",
        **_of_tflite,
    ),
]
FusedLstm = Annotated[
    bool,
    typer.Option(
        "--fused-lstm",
        help="Of a classifier: one operation for each LSTM, for microcontrollers; its state must be reset.",
        **_of_tflite,
    ),
]
TextOps = Annotated[
    bool,
    typer.Option(
        "--text-ops",
        help="Of a classifier: also a file that reads strings, for runtimes with operations of tensorflow-text.",
        **_of_tflite,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="Texts as of `nlpkit evaluate`, on which the worth of each file is measured.",
        show_default=False,
        **_of_tflite,
    ),
]
MaxLoss = Annotated[
    float | None,
    typer.Option(
        "--max-loss",
        min=0.0,
        help="With --data: what a file may lose of the accuracy, of the chrF (1: all) or of the perplexity (1: twice).",
        show_default="0.005",
        **_of_tflite,
    ),
]
Representative = Annotated[
    list[str] | None,
    typer.Option(
        "--representative",
        help="With int8: texts of the training, which show the range of each number.",
        show_default=False,
        **_of_tflite,
    ),
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Show what the exports hold that lie in the folder; nothing is exported."),
]
