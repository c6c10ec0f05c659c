"""Images and their captions: what is checked before anything is computed, and what tells them from others."""

import hashlib
import json
from pathlib import Path

import numpy as np

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts


def check_images(images):
    """Returns images after checking that there are any; what kind they are of is for their reader to say."""
    listed = isinstance(images, list | tuple) or getattr(images, "ndim", 0) > 0
    if not listed or len(images) == 0:
        raise InputError(
            "`X` must hold at least one image: a uint8 array of shape (n, height, width, 3), a list of paths of "
            "picture files, or a float array of shape (n, regions, features). Received: "
            f"{'0 images' if listed else type(images).__name__}"
        )
    return images


def check_captions(captions, images):
    """Object array with a list of captions for each image."""
    count = len(check_images(images))
    if isinstance(captions, str) or not hasattr(captions, "__len__") or len(captions) != count:
        received = f"{len(captions)} captions" if hasattr(captions, "__len__") else type(captions).__name__
        raise InputError(
            "There must be one caption, or a list of captions, for each image. Received: "
            f"{count} images and {received}"
        )
    several = np.empty(count, object)
    for number, own in enumerate(captions):
        several[number] = check_texts([own] if isinstance(own, str) else own, f"captions of image {number}")
    return several


def check_alike(shape, trained):
    """Raises unless images have the shape of those in training; an open axis takes any size."""
    alike = len(shape) == len(trained)
    # The number of regions is free, the size of pictures is not.
    axes = range(1, 4) if len(trained) == 4 else (2,)
    if not alike or any(trained[axis] not in (None, shape[axis]) for axis in axes):
        kind = "(n, height, width, 3)" if len(trained) == 4 else "(n, regions, features)"
        raise InputError(
            f"Images must be like those of the training, {kind} with {tuple(trained[1:])}. Received: {tuple(shape)}. "
            "Bring them to that size, or give files, which are."
        )


def sha256_of(images, captions=()):
    """Of arrays, or of files as they are, and of captions; what a network makes of them may vary in its last digits."""
    digest = hashlib.sha256()
    for one in images:
        digest.update(Path(one).read_bytes() if isinstance(one, str | Path) else np.ascontiguousarray(one))
    for own in captions:
        digest.update(json.dumps(own).encode())
    return digest.hexdigest()
