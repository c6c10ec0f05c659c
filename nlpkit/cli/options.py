"""Options that several commands share, so that they read alike everywhere."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

DATA_HELP = "A .csv, .tsv, .jsonl, .parquet or .txt file, or a quoted glob; may be given several times."

_data = partial(typer.Option, rich_help_panel="Data")
_flag = partial(typer.Option, rich_help_panel="Output")

ModelFolder = Annotated[Path, typer.Argument(help="Folder of a saved model.", show_default=False)]
Data = Annotated[list[str], _data("--data", help=f"{DATA_HELP} '-' is standard input.", show_default=False)]
Columns = Annotated[
    str | None,
    _data("--columns", help="Columns of a file without a header, such as label,text.", show_default=False),
]
Text = Annotated[str | None, _data("--text", help="The text column.", show_default="text")]
Label = Annotated[str | None, _data("--label", help="The label column.", show_default="label")]
Quoting = Annotated[
    Literal["minimal", "none"] | None,
    _data("--quoting", help="Whether fields may be quoted.", show_default="minimal for CSV, none for TSV"),
]
LabelSeparator = Annotated[
    str | None,
    _data("--label-separator", help="What parts the labels of one text, such as ';'.", show_default=False),
]
OnBadRow = Annotated[
    Literal["error", "skip"],
    _data("--on-bad-row", help="Stop at a row that cannot be used, or leave it out."),
]
FileFormat = Annotated[
    Literal["csv", "tsv", "jsonl", "parquet", "txt"] | None,
    _data("--format", metavar="FORMAT", help="csv, tsv, jsonl, parquet or txt.", show_default="by the name"),
]
WHOLE_FILES = "Each file is one text with its line breaks, such as a book."
WholeFiles = Annotated[bool, _data("--whole-files", help=WHOLE_FILES)]
WholeFilesAsTrained = Annotated[
    bool | None,
    _data("--whole-files/--no-whole-files", help=WHOLE_FILES, show_default="as in training, of .txt files"),
]
AsJson = Annotated[bool, _flag("--json", help="Write the result as one JSON object and nothing else.")]
Quiet = Annotated[bool, _flag("--quiet", "-q", help="Show no progress and no hints.")]
Overwrite = Annotated[bool, _flag("--overwrite", help="Replace the model that is there.")]
