"""A hash of images and captions, and captions as lists; what is refused is tested with the captioner."""

import hashlib

import numpy as np

from nlpkit.estimators.captioned_images import check_captions, sha256_of

IMAGES = np.arange(2 * 4 * 4 * 3, dtype="uint8").reshape(2, 4, 4, 3)


def test_the_hash_is_that_of_what_was_given(tmp_path):
    assert sha256_of(IMAGES) == hashlib.sha256(IMAGES.tobytes()).hexdigest()
    captions = [["a dog", "ein Köter \udce9"], ["a cat"]]
    expected = hashlib.sha256(IMAGES.tobytes() + b'["a dog", "ein K\\u00f6ter \\udce9"]["a cat"]').hexdigest()
    assert sha256_of(IMAGES, captions) == expected
    turned = IMAGES.swapaxes(1, 2)
    assert sha256_of(turned) == sha256_of(turned.copy()) != sha256_of(IMAGES)
    (tmp_path / "one").write_bytes(b"some")
    (tmp_path / "two").write_bytes(b"thing")
    for paths in ([tmp_path / "one", tmp_path / "two"], [str(tmp_path / "one"), str(tmp_path / "two")]):
        assert sha256_of(paths) == hashlib.sha256(b"something").hexdigest()


def test_captions_of_each_image_are_a_list():
    assert check_captions(["a dog", ["a cat", "a pet"]], IMAGES).tolist() == [["a dog"], ["a cat", "a pet"]]
    # Several of one number are no table.
    assert check_captions([["a", "b"], ["c", "d"]], IMAGES).shape == (2,)
