"""Images to captions: what is learned, given back from a folder, and refused."""

import pickle

import keras
import numpy as np
import pytest
from estimators.untrained import untrained
from sklearn.base import clone

import nlpkit
from nlpkit import ImageCaptioner
from nlpkit.errors import InputError
from nlpkit.estimators import image_captioner

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
SIZE = 8


def pictures(count=60):
    """Pictures of one colour, a brighter half above or below, and two captions of each."""
    random, images, captions = np.random.default_rng(0), [], []
    for number in range(count):
        name, above = list(COLOURS)[number % 3], number // 3 % 2 == 0
        image = np.full((SIZE, SIZE, 3), 20.0) + random.normal(0, 3, (SIZE, SIZE, 3))
        image[slice(SIZE // 2) if above else slice(SIZE // 2, None)] += COLOURS[name]
        place = "above" if above else "below"
        images.append(image.clip(0, 255))
        captions.append([f"{name} {place}", f"{place} {name}"])
    return np.array(images).astype("uint8"), captions


IMAGES, CAPTIONS = pictures()
NETWORK = {"filters": [8, 8], "positions": "sine", "input_feeding": False}
TRAINING = {"learning_rate": 0.02, "batch_size": 8, "patience": None}


OPTIONS = {"image": {"size": SIZE}, "network": NETWORK, "training": TRAINING}


def captioner(**arguments):
    return ImageCaptioner(**{"units": 16, "epochs": 1, "random_state": 0, "options": OPTIONS, **arguments})


@pytest.fixture(scope="module")
def fitted():
    """Tests must not change it."""
    return captioner(epochs=40).fit(IMAGES, CAPTIONS)


@pytest.fixture(scope="module")
def quick():
    """Not trained, of features; tests must not change it."""
    features = np.random.default_rng(0).normal(size=(60, 4, 5)).astype("float32")
    with untrained():
        return captioner(options={}).fit(features, [own[0] for own in CAPTIONS]), features


def test_it_learns_what_is_to_be_seen(fitted):
    written = fitted.predict(IMAGES[:12])
    assert [text in own for text, own in zip(written, CAPTIONS, strict=False)].count(False) <= 1
    found = fitted.evaluate(IMAGES[:12], CAPTIONS[:12])
    exact = 100 * np.mean([text in own for text, own in zip(written, CAPTIONS, strict=False)])
    assert found["exact_match"] == pytest.approx(exact) and found["texts"] == 12


def test_all_captions_of_an_image_are_trained_on_and_the_image_is_kept_once(fitted):
    data = fitted.report_["data"]
    # A tenth of the images is held out, with all their captions.
    assert data["train"]["rows"] == 60 and data["train"]["captions"] == 108
    assert data["validation"]["rows"] == 6 and data["validation"]["held_out"]
    assert fitted.network_.source_shape == (None, SIZE, SIZE, 3)
    assert fitted.report_["task"] == "captioner" and fitted.report_["examples"]


def test_several_captions_with_their_scores(fitted):
    for own, true in zip(fitted.predict_nbest(IMAGES[:3], n=2, beam_size=4), CAPTIONS, strict=False):
        assert own[0]["score"] >= own[1]["score"] and len({result["text"] for result in own}) == 2
        assert {result["text"] for result in own} & set(true)
    assert fitted.predict(IMAGES[:3], beam_size=4) == [
        own[0]["text"] for own in fitted.predict_nbest(IMAGES[:3], n=1, beam_size=4)
    ]


def test_what_each_word_was_written_from(fitted):
    (result,), *_ = fitted.predict_nbest(IMAGES[:1], n=1, beam_size=1, alignments=True)
    weights = np.array(result["attention"])
    assert result["target_tokens"] == [*result["text"].split(), "</s>"] and weights.shape == (3, 16)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=0.01)


def test_the_score_of_a_true_caption_is_that_of_the_search(fitted):
    scores = fitted.score(IMAGES[:6], [own[0] for own in CAPTIONS[:6]])
    wrong = fitted.score(IMAGES[:6], [own[0] for own in CAPTIONS[1:7]])
    assert scores.shape == (6,) and (scores > wrong).all()
    found = fitted.predict_nbest(IMAGES[:6], n=4, beam_size=4, length_penalty=0.0)
    for score, (text, _), results in zip(scores, CAPTIONS, found, strict=False):
        own = [result["score"] for result in results if result["text"] == text]
        assert own == [] or own[0] == pytest.approx(score, abs=1e-3)
    assert any(
        result["text"] == own[0] for own, results in zip(CAPTIONS, found, strict=False) for result in results
    )


def test_saved_and_pickled(fitted, tmp_path):
    expected = fitted.predict_nbest(IMAGES[:4], n=2)
    fitted.save(tmp_path / "captions")
    loaded = nlpkit.load(tmp_path / "captions")
    for twin in (loaded, pickle.loads(pickle.dumps(fitted))):
        assert isinstance(twin, ImageCaptioner) and twin.get_params() == fitted.get_params()
        for own, other in zip(twin.predict_nbest(IMAGES[:4], n=2), expected, strict=True):
            assert [result["text"] for result in own] == [result["text"] for result in other]
            assert own[0]["score"] == pytest.approx(other[0]["score"], abs=1e-5)
    assert loaded.spec() == fitted.spec()


def test_a_clone_is_not_fitted_and_fits_the_same():
    validation = IMAGES[20:25], CAPTIONS[20:25]
    first = captioner().fit(IMAGES[:20], CAPTIONS[:20], validation_data=validation)
    data = first.report_["data"]
    assert (data["train"]["captions"], data["validation"]["rows"]) == (40, 5)
    twin = clone(first)
    assert not hasattr(twin, "network_") and twin.get_params() == first.get_params()
    twin.fit(IMAGES[:20], CAPTIONS[:20], validation_data=validation)
    for one, other in zip(first.network_.get_weights(), twin.network_.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_features_are_taken_as_they_are(quick):
    model, features = quick
    assert model.network_.source_shape == (None, None, 5) and len(model.predict(features[:2])) == 2
    # Any number of regions.
    assert len(model.predict(features[:2, :3])) == 2


def test_patches_and_files(fitted, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(20)]
    for path, image in zip(paths, IMAGES, strict=False):
        keras.utils.save_img(path, image, scale=False)
    assert fitted.predict(paths[:4]) == fitted.predict(IMAGES[:4])
    model = captioner(image_network="patches", options={"image": {"patch_size": 4, "size": SIZE}})
    with untrained():
        model.fit(paths, [own[0] for own in CAPTIONS[:20]])
    assert model.network_.source_shape == (None, None, 48)
    assert model.predict(paths[:2]) == model.predict(IMAGES[:2])


@pytest.mark.parametrize(
    ("images", "captions", "arguments", "message"),
    [
        (IMAGES, CAPTIONS[:3], {}, "one caption.*for each image. Received: 60 images and 3 captions"),
        (IMAGES[:2], "ab", {}, "for each image. Received: 2 images and 2 captions"),
        (IMAGES[:2], [["a"], []], {}, "captions of image 1 must hold at least one text"),
        (IMAGES[:2], ["a", 3], {}, "captions of image 1 must be a list of texts"),
        (IMAGES.astype("float64"), CAPTIONS, {}, "`images` must be a uint8 array.*array of float64"),
        (IMAGES, CAPTIONS, {"image_network": "small"}, "`network` must be .*Received: network='small'"),
        (IMAGES, CAPTIONS, {"image_weights": "file"}, "convolutions are trained along. Received: .*'file'"),
        (IMAGES, CAPTIONS, {"preset": "captions"}, "^`preset` must be one of .*, captioner, .*Received: 'captions'"),
        (IMAGES, CAPTIONS, {"options": {"image": {"patch_size": 4}}}, "The image settings cannot be used.*patch_size"),
        (IMAGES, CAPTIONS, {"options": {"images": {}}}, "images"),
        (IMAGES[:1], CAPTIONS[:1], {}, "Received: 1 pair"),
        (None, CAPTIONS, {}, "image: a uint8 array.* a list of paths .* a float array.* Received: NoneType"),
        ([], [], {}, "`X` must hold at least one image.* Received: 0 images"),
        ("a.png", ["a"], {}, "`X` must hold at least one image.* Received: str"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted(images, captions, arguments, message):
    with pytest.raises(InputError, match=message):
        captioner(**arguments).fit(images, captions)


def test_images_unlike_those_of_the_training(fitted, quick):
    message = (
        r"like those of the training, \(n, height, width, 3\) with \(8, 8, 3\). Received: \(2, 9, 8, 3\)"
    )
    with pytest.raises(InputError, match=message):
        fitted.predict(np.zeros((2, 9, 8, 3), "uint8"))
    with pytest.raises(InputError, match=r"Received: \(2, 4, 5\). Bring them to that size"):
        fitted.predict(quick[1][:2])
    with pytest.raises(InputError, match=r"\(n, regions, features\) with \(None, 5\). Received: \(2, 4, 6\)"):
        quick[0].predict(np.zeros((2, 4, 6), "float32"))
    with pytest.raises(InputError, match=r"Received: \(20, 9, 8, 3\)"):
        captioner().fit(
            IMAGES[:20], CAPTIONS[:20], validation_data=(np.zeros((20, 9, 8, 3), "uint8"), CAPTIONS[:20])
        )


def test_what_holds_no_images(fitted):
    captions = CAPTIONS[0][:1]
    for use in (
        fitted.predict,
        fitted.predict_nbest,
        lambda X: fitted.evaluate(X, captions),
        lambda X: fitted.score(X, captions),
    ):
        for images, received in (
            (None, "NoneType"),
            ([], "0 images"),
            (IMAGES[:0], "0 images"),
            (np.float32(3), "float32"),
        ):
            with pytest.raises(InputError, match=f"`X` must hold at least one image.* Received: {received}$"):
                use(images)


def test_what_is_wrong_is_told_before_images_are_read(fitted, monkeypatch):
    calls = []

    def read(images, *args, **options):
        calls.append(len(images))
        raise RuntimeError("read")

    for name in ("image_features", "read_images"):
        monkeypatch.setattr(image_captioner, name, read)
    few, validation = CAPTIONS[:3], (IMAGES[:2], CAPTIONS[:3])
    patches = {"image_network": "patches"}
    for arguments, captions, given, message in (
        (patches, few, None, "Received: 60 images and 3 captions"),
        (patches, CAPTIONS, validation, "Received: 2 images and 3 captions"),
        ({**patches, "preset": "best"}, CAPTIONS, None, "`preset` must be one of"),
        ({**patches, "level": "line"}, CAPTIONS, None, "`level` .* must be one of"),
        ({"options": {"training": {"batch_size": 0}}}, CAPTIONS, None, r"options\['training'\]: 1 setting"),
    ):
        with pytest.raises(InputError, match=message):
            captioner(**{"options": {}, **arguments}).fit(IMAGES, captions, validation_data=given)
    for use in (fitted.evaluate, fitted.score):
        with pytest.raises(InputError, match="Received: 60 images and 3 captions"):
            use(IMAGES, [own[0] for own in few])
    assert calls == []
    with pytest.raises(RuntimeError, match="read"):  # the stand-in is what would have been called
        captioner(**patches).fit(IMAGES, CAPTIONS)
    assert calls == [60]


def resumed(folder, images, captions=CAPTIONS[:20], validation=None, **arguments):
    return captioner(**arguments).fit(
        images, captions, validation_data=validation, checkpoint=folder, resume=True
    )


def test_a_run_is_resumed_with_the_same_images_and_captions_alone(tmp_path, quick):
    images, others = quick[1][:20], quick[1][20:40]
    first = captioner(options={}).fit(images, CAPTIONS[:20], checkpoint=tmp_path)
    twin = resumed(tmp_path, images.copy(), options={})
    for one, other in zip(first.network_.get_weights(), twin.network_.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    swapped = [CAPTIONS[1], CAPTIONS[0], *CAPTIONS[2:20]]
    for given, captions, options in (
        (others, CAPTIONS[:20], {}),
        (images, swapped, {}),
        (images, CAPTIONS[:20], {"image": {"size": SIZE}}),
    ):
        with pytest.raises(InputError, match="belongs to a run with other data or settings"):
            resumed(tmp_path, given, captions, options=options)


def test_a_run_on_files_is_resumed_with_the_same_pictures_alone(tmp_path):
    def save(images):
        for path, image in zip(paths, images, strict=True):
            keras.utils.save_img(path, image, scale=False)

    paths, files = [tmp_path / f"{number}.png" for number in range(20)], {"image_network": "patches"}
    validation = IMAGES[:3], CAPTIONS[:3]
    files["options"] = {"image": {"size": np.int64(SIZE)}}  # a number of NumPy is one too
    save(IMAGES[:20])
    first = captioner(**files).fit(
        paths, CAPTIONS[:20], validation_data=validation, checkpoint=tmp_path / "run"
    )
    facts = first.report_["data"]
    assert facts["train"]["images"] == {"network": "patches", "weights": None, "size": SIZE}
    assert len({facts[part]["sha256"] for part in ("train", "validation")}) == 2
    resumed(tmp_path / "run", paths, validation=validation, **files)
    with pytest.raises(InputError, match="other data or settings"):
        resumed(tmp_path / "run", paths, validation=(IMAGES[3:6], CAPTIONS[:3]), **files)
    save(IMAGES[20:40])
    with pytest.raises(InputError, match="other data or settings"):
        resumed(tmp_path / "run", paths, validation=validation, **files)


def test_what_it_writes_from_is_told_as_images():
    for name in ("predict", "predict_nbest"):
        text = getattr(ImageCaptioner, name).__doc__
        assert (
            "X: As of `fit`." in text
            and "source_tokens" not in text
            and "List of str." not in text.split("Returns")[0]
        )
