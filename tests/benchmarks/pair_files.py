"""Data sets of pairs with a few rows each, in the form of `shared/data`."""

CAPTIONS = [
    ("A man sleeps.", "Ein Mann schläft."),
    ("A dog runs on the grass.", "Ein Hund läuft auf dem Gras."),
    ("Two women are reading a book.", "Zwei Frauen lesen ein Buch."),
    ("A boy eats an apple.", "Ein Junge isst einen Apfel."),
    ("The girl sees a red car.", "Das Mädchen sieht ein rotes Auto."),
]
NEWS = [
    ("Oil prices rose on Monday as Zorvax stopped its pumps.", "Oil rises as Zorvax stops pumps"),
    ("The team of Quillby won the cup for the third time.", "Quillby wins cup"),
    ("A new phone of Mirtel was shown in Oslo on Tuesday.", "Mirtel shows phone"),
]


def write_pairs(folder):
    """Writes all data sets of pair_data.py below a folder."""
    sums = [(f"{a}+{b}", str(a + b)) for a in range(30) for b in range(0, 60, 3)]
    dates = [
        (f"{month}/{day}/{year % 100:02}", f"{year}-{month:02}-{day:02}")
        for year in range(1990, 2010)
        for month in (1, 5, 12)
        for day in (2, 17)
    ]
    _write(folder / "addition" / "all.tsv", sums)
    _write(folder / "date" / "all.tsv", dates)
    for part, times in (("train", 40), ("dev", 2), ("test2016", 2)):
        _write(folder / "multi30k" / f"{part}.tsv", CAPTIONS * times)
    for part, times in (("train", 20), ("dev", 3), ("test", 4)):
        _write(folder / "ag_headlines" / f"{part}.tsv", NEWS * times)
    return folder


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
