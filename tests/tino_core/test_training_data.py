"""What the distillation script reads: order, positions, held-out pictures, scale of latents."""

import io
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from elect_tino.tino_core.training import cache as cache_module
from elect_tino.tino_core.training.cache import Maker, fingerprint, kept_pairs
from elect_tino.tino_core.training.options import Options
from elect_tino.tino_core.training.pairs import training_pairs, validation_items
from elect_tino.tino_core.training.pictures import (
    Position,
    ShardSource,
    Stream,
    held_out,
    open_source,
)
from elect_tino.tino_core.training.reading import read_picture
from elect_tino.tino_core.training.teachers import Teacher

CPU = torch.device("cpu")


def picture(number: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("RGB", size, (number, 2 * number, 255 - number))


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "images" / "deep" / "er").mkdir(parents=True)
    for number in range(20):
        home = "deep/er" if number % 2 else "."
        picture(number).save(tmp_path / "images" / home / f"{number:02d}.png")
    (tmp_path / "images" / "notes.txt").write_text("not a picture")
    return tmp_path / "images"


@pytest.fixture
def shards(tmp_path) -> str:
    """Four shards of five pictures, with captions between them."""
    for shard in range(4):
        with tarfile.open(tmp_path / f"s-{shard}.tar", "w") as archive:
            for number in range(5 * shard, 5 * shard + 5):
                data = io.BytesIO()
                picture(number).save(data, "png")
                for name, value in (("png", data.getvalue()), ("txt", b"words")):
                    info = tarfile.TarInfo(f"{number:02d}.{name}")
                    info.size = len(value)
                    archive.addfile(info, io.BytesIO(value))
    return str(tmp_path / "s-{0..3}.tar")


def everything(name: str) -> bool:
    return True


def options(images: Path | str, **changes) -> Options:
    given: dict[str, Any] = {
        "student": "clip",
        "teacher": "t",
        "vae": "v",
        "latent_space": "SD15",
        "images": str(images),
        "output": Path("o.safetensors"),
        "run": Path("r"),
        "resolution": 8,
        "batch": 4,
        "workers": 1,
    }
    return Options(**{**given, **changes})


def mean_maker() -> Maker:
    """The latent is the picture, the feature its mean colour."""
    teacher = Teacher(lambda p: p.mean((2, 3)), 8, (0.0,) * 3, (1.0,) * 3, {}, {})
    return Maker(lambda pictures, seed: pictures, teacher, CPU)


@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_an_epoch_gives_every_picture_once_and_the_next_in_another_order(kind, request):
    images = str(request.getfixturevalue(kind))
    stream = Stream(open_source(images, "--images"), everything, seed=0)
    first, second = ([Path(item.name).name for item, _ in stream.take(20)] for _ in range(2))
    assert sorted(first) == sorted(second) == [f"{n:02d}.png" for n in range(20)]
    assert first != second
    assert first != sorted(first)


@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_a_stream_taken_up_anywhere_goes_on_alike(kind, request):
    source = open_source(str(request.getfixturevalue(kind)), "--images")
    whole = Stream(source, everything, seed=3)
    names = [[(i.name, seed) for i, seed in whole.take(7)] for _ in range(6)]
    again = Stream(source, everything, seed=3)
    for _ in range(2):
        again.take(7)
    later = Stream(source, everything, seed=3, position=Position(**vars(again.position)))
    assert [[(i.name, seed) for i, seed in later.take(7)] for _ in range(4)] == names[2:]


@pytest.mark.parametrize("kind", ["folder", "shards"])
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_an_epoch_without_overlap(kind, processes, request):
    source = open_source(str(request.getfixturevalue(kind)), "--images")
    seen: Counter[str] = Counter()
    for process in range(processes):
        stream = Stream(source, everything, 0, process, processes)
        while stream.position.epoch == 0:
            seen.update(item.name for item, _ in stream.take(1))
    assert set(seen.values()) == {1}
    assert len(seen) == 20


@pytest.mark.parametrize("kind", ["folder", "shards"])
@pytest.mark.parametrize("augment", [False, True])
def test_pairs_belong_to_each_other(kind, augment, request):
    images = str(request.getfixturevalue(kind))
    made = training_pairs(options(images, augment=augment), mean_maker(), 0, 1, Position())
    for step in range(3):
        latents, features = made.next(step)
        assert latents.shape == (4, 3, 8, 8)
        assert_close(features, latents.mean((2, 3)))


def test_held_out_pictures_are_never_trained_on(folder):
    made = options(folder, validation_share=0.3)
    held = {read_picture(i, 8).sum().item() for i in validation_items(made)}
    training = training_pairs(made, mean_maker(), 0, 1, Position())
    seen = {latent.sum().item() for step in range(30) for latent in training.next(step)[0]}
    assert held
    assert not held & seen
    assert len(held | seen) == 20


def test_the_held_out_share_is_about_what_was_asked():
    assert 150 < sum(held_out(f"{n}.png", 0.2) for n in range(1000)) < 250
    assert not any(held_out(f"{n}.png", 0.0) for n in range(100))


def test_pictures_of_their_own_to_validate_on(folder, shards):
    items = validation_items(options(folder, validation_images=shards, validation_count=7))
    assert [item.name for item in items] == [f"{n:02d}.png" for n in range(7)]
    assert all(isinstance(item.data, bytes) for item in items)


def test_cached_pairs_are_those_made_on_the_way_and_made_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "CHUNK", 6)
    items = open_source(str(folder), "--images").items(0)
    made = options(folder, cache=tmp_path / "cache")
    latents, features = kept_pairs(items, mean_maker(), made, "train")
    assert_close(latents, torch.stack([read_picture(item, 8) for item in items]))
    assert_close(features, latents.mean((2, 3)))

    def never(*arguments):
        raise AssertionError("made again")

    idle = Maker(never, Teacher(never, 8, (0.0,), (1.0,), {}, {}), CPU)
    again = kept_pairs(items, idle, made, "train")
    assert_close(again[0], latents)
    other = options(folder, cache=tmp_path / "cache", resolution=4)
    with pytest.raises(AssertionError, match="made again"):
        kept_pairs(items, idle, other, "train")


def test_a_changed_model_file_is_another_model(tmp_path):
    (tmp_path / "m").write_text("a")
    before = fingerprint(str(tmp_path))
    (tmp_path / "m").write_text("ab")
    assert fingerprint(str(tmp_path)) != before


def test_shards_without_pictures_are_an_error_not_an_endless_search(tmp_path):
    with tarfile.open(tmp_path / "empty.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
    stream = Stream(ShardSource([str(tmp_path / "empty.tar")]), everything, 0)
    with pytest.raises(ValueError, match="--images: no picture is left"):
        stream.take(1)


def test_cache_with_shards_is_refused(shards):
    made = options(shards, cache=Path("c"))
    with pytest.raises(ValueError, match="--cache: --images must be a folder"):
        training_pairs(made, mean_maker(), 0, 1, Position())
