"""Installs nlpkit and its command; settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
SUMMARY = "From a file of texts to a deployed model: Keras and TensorFlow, with scikit-learn's conventions."

# What `import nlpkit`, training, saving, exporting and the command line need.
CORE = [
    "tensorflow>=2.21,<2.22",
    "tensorflow-text>=2.21,<2.22",
    "keras>=3.12,<4",
    "numpy>=2",
    "scipy>=1.13",
    "scikit-learn>=1.6",
    "pydantic>=2.7",
    "typer>=0.19",
    "rich>=13.7",
    "matplotlib>=3.8",
    "jinja2>=3.1",
]
EXTRAS = {
    "parquet": ["pyarrow>=17"],
    "subword": ["sentencepiece>=0.2.1", "tokenizers>=0.20"],
    "text-to-text": ["sacrebleu>=2.4"],
    "tflite": ["ai-edge-litert>=2.1"],
    "onnx": ["tf2onnx>=1.17", "onnx>=1.19", "onnxruntime>=1.23"],
    "tensorboard": ["tensorboard>=2.20"],
    "notebooks": ["nbclient>=0.10", "nbformat>=5.10", "ipykernel>=6.29"],
}
EXTRAS["all"] = sorted({requirement for group in EXTRAS.values() for requirement in group})
TOOLS = [
    "pytest>=8",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "ruff>=0.14",
    "gensim>=4.4",
    "pandas>=2.2",
    "psutil>=6",
    "keras-hub>=0.25",
    "nltk>=3.9",
]
EXTRAS["dev"] = [*EXTRAS["all"], *TOOLS]


def version():
    """Reads the version without importing the package, whose dependencies may not be installed yet."""
    text = (HERE / "nlpkit" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE).group(1)


def long_description():
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.exists() else SUMMARY


setup(
    name="nlpkit",
    version=version(),
    description=SUMMARY,
    long_description=long_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["nlpkit", "nlpkit.*"]),
    package_data={
        "nlpkit.data": ["sample_reviews/*.tsv"],
        "nlpkit.estimators": ["*.jinja"],
        "nlpkit.lite.text": ["*.json.gz"],
    },
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["nlpkit = nlpkit.cli.app:main"]},
    classifiers=[
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Text Processing :: Linguistic",
    ],
)
