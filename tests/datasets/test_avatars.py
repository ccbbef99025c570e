import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures_faces import Counted, spoil

from vaegan_bench.api import Data, DataError, silent
from vaegan_bench.datasets.avatars import Avatars, parts
from vaegan_bench.datasets.avatars.attributes import ATTRIBUTES
from vaegan_bench.datasets.avatars.dataset import SAMPLE_DIGEST
from vaegan_bench.datasets.avatars.drawing import draw
from vaegan_bench.datasets.avatars.faces import Face, Pose, random_face
from vaegan_bench.datasets.avatars.gallery import draw_gallery
from vaegan_bench.datasets.drawn import Attribute
from vaegan_bench.datasets.preparation.drawing import rasterise

DOCS = Path(__file__).parents[2] / "docs" / "datasets.md"
TINY = Avatars(faces=12)
TOPS = [(style, top) for style, tops in parts.TOPS.items() for top in tops]
PLAIN = Face(
    style="bald",
    top="NONE",
    hair="none",
    skin="light",
    eyes="DEFAULT",
    brows="DEFAULT_NATURAL",
    nose="DEFAULT",
    mouth="SERIOUS",
    facial_hair="NONE",
    glasses="NONE",
    clothes="SHIRT_CREW_NECK",
    hair_color="#7a4a34",
    skin_color="#edb98a",
    hat_color="#65c9ff",
    cloth_color="#65c9ff",
    background="#d0e0d0",
    pose=Pose(rotation=0, right=0, down=0, scale=1),
)
SIGNS = [
    ("glasses", "ROUND"),
    ("glasses", "SUNGLASSES"),
    ("eyes", "CLOSED"),
    ("eyes", "WINK"),
    ("eyes", "SURPRISED"),
    ("eyes", "SQUINT"),
    ("brows", "RAISED_EXCITED_NATURAL"),
    ("brows", "ANGRY_NATURAL"),
    ("brows", "UNIBROW_NATURAL"),
    ("mouth", "TWINKLE"),
    ("mouth", "SAD"),
    ("mouth", "SCREAM_OPEN"),
    ("facial_hair", "BEARD_MEDIUM"),
    ("facial_hair", "MOUSTACHE_MAGNUM"),
]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Avatars(faces=60).load(64, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def faces() -> list[Face]:
    return [random_face(i) for i in range(12_000)]


def change(face: Face, **changed: str) -> int:
    """How many levels two images differ by, over all pixels."""
    return int(np.abs(draw(replace(face, **changed), 64).astype(int) - draw(face, 64)).sum())


def test_images_have_the_promised_shapes_and_types(sample: Data) -> None:
    assert sample.shape == (3, 64, 64)
    assert (len(sample.train), len(sample.test)) == (50, 10)
    assert sample.train.images_NCHW.dtype == torch.uint8
    assert sample.train.attributes_NA.dtype == torch.bool
    assert sample.train.attributes_NA.shape == (50, len(sample.attribute_names))
    assert sample.train.labels_N is not None
    assert sample.train.labels_N.dtype == torch.int64
    assert int(sample.train.labels_N.max()) < len(sample.class_names)


def test_images_use_the_whole_range_and_all_differ(sample: Data) -> None:
    images = sample.train.images_NCHW
    assert int(images.min()) < 40
    assert int(images.max()) > 245
    assert len(torch.unique(images.flatten(1), dim=0)) == len(images)


def test_the_default_is_ten_thousand_for_training_and_two_thousand_for_test() -> None:
    assert (Avatars().faces, Avatars().faces // 6) == (12_000, 2_000)


def test_the_images_are_those_that_results_were_computed_on(sample: Data) -> None:
    assert sample.digest == SAMPLE_DIGEST, "python_avatars, resvg_py or the drawing changed: old results do not compare"


def test_small_images_are_area_averages(sample: Data, tmp_path: Path) -> None:
    large = Avatars(faces=60).load(64, tmp_path)
    small = Avatars(faces=60).load(32, tmp_path)
    mean = torch.nn.functional.avg_pool2d(large.train.images_NCHW.float(), 2)
    assert small.shape == (3, 32, 32)
    assert float((small.train.images_NCHW - mean).abs().max()) <= 0.5
    assert small.digest != large.digest == sample.digest


def test_large_images_are_drawn_sharp(tmp_path: Path) -> None:
    assert TINY.load(128, tmp_path).shape == (3, 128, 128)


def test_the_number_of_processes_changes_nothing() -> None:
    alone, together = (draw_gallery(90, 64, silent, workers) for workers in (1, 2))
    assert np.array_equal(alone, together)


def test_a_face_does_not_depend_on_how_many_there_are(sample: Data, tmp_path: Path) -> None:
    assert torch.equal(TINY.load(64, tmp_path).train.images_NCHW, sample.train.images_NCHW[:10])


def test_drawing_processes_load_no_torch() -> None:
    check = "import sys, vaegan_bench.datasets.avatars.gallery; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_images_are_drawn_once_with_progress(tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    assert TINY.load(64, tmp_path, first).digest == TINY.load(64, tmp_path, second).digest
    TINY.load(32, tmp_path, second)
    assert first.calls == [("drawing avatars", done, 12) for done in (0, 12)]
    assert second.calls == []


@pytest.mark.parametrize("suffix", ["uint8", "json"])
@pytest.mark.parametrize("damage", ["bit", "half", "empty", "gone", "garbage"])
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, suffix: str, damage: str) -> None:
    whole = TINY.load(64, tmp_path).digest
    (path,) = tmp_path.glob(f"avatars/*.{suffix}")
    before = path.read_bytes()
    spoil(path, damage)
    again = Counted()
    assert TINY.load(64, tmp_path, again).digest == whole
    assert again.calls
    assert path.read_bytes() == before


def test_two_may_build_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        digests = set(pool.map(lambda _: TINY.load(64, tmp_path).digest, range(4)))
    assert len(digests) == 1
    assert [path.suffix for path in kept_files(tmp_path)] == [".json", ".uint8"]


def kept_files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(description: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TINY.load(64, tmp_path, interrupt)
    assert kept_files(tmp_path) == []


def test_the_manifest_says_what_was_drawn(tmp_path: Path) -> None:
    TINY.load(64, tmp_path)
    (path,) = tmp_path.glob("avatars/*.json")
    manifest = json.loads(path.read_text())
    assert manifest["shape"] == [12, 3, 64, 64]
    assert {"python_avatars", "resvg_py", "seed", "sha256"} <= set(manifest)
    assert manifest["examples"].keys() == {face.style for face in map(random_face, range(12))}


def test_a_change_of_how_faces_are_drawn_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = TINY.load(64, tmp_path)
    monkeypatch.setattr("vaegan_bench.datasets.avatars.drawing.rasterise", lambda svg, size: 255 - rasterise(svg, size))
    after = TINY.load(64, tmp_path)
    assert torch.equal(after.train.images_NCHW, 255 - before.train.images_NCHW)


def test_impossible_wishes_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="16, 32, 64, 128 pixels, not 48"):
        TINY.load(48, tmp_path)
    with pytest.raises(DataError, match="at least 6 faces"):
        Avatars(faces=5)
    (tmp_path / "occupied").write_text("a file")
    with pytest.raises(DataError, match="Cannot keep avatars in"):
        TINY.load(64, tmp_path / "occupied")


def test_flip_mirrors_about_half_and_only_if_wanted() -> None:
    x = torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)[:1].repeat(400, 1, 1, 1)
    mirrored = Avatars(flip=True).augment(x, torch.Generator().manual_seed(0))
    is_mirrored = (mirrored == x.flip(-1)).flatten(1).all(1)
    assert torch.equal(mirrored[~is_mirrored], x[~is_mirrored])
    assert 150 < int(is_mirrored.sum()) < 250
    assert torch.equal(Avatars().augment(x, torch.Generator()), x)


def test_there_are_many_attributes_and_none_is_rare_or_common(faces: list[Face]) -> None:
    shares = {holds.name: sum(map(holds, faces)) / len(faces) for holds in ATTRIBUTES}
    assert len(shares) >= 20
    assert {name: share for name, share in shares.items() if not 0.05 <= share <= 0.6} == {}


def test_the_docs_list_the_attributes_with_their_parts_and_shares(faces: list[Face]) -> None:
    page = DOCS.read_text(encoding="utf-8").partition("### Attributes\n")[2].partition("### Classes")[0]
    documented = [line for line in page.splitlines() if line.startswith("| `")]
    assert documented == [row(attribute, faces) for attribute in ATTRIBUTES]


def row(attribute: Attribute, faces: list[Face]) -> str:
    name, meaning, part, kinds = attribute
    drawn = f"{part}: {', '.join(sorted(kinds)).lower()}"
    return f"| `{name}` | {meaning} | {drawn} | {100 * sum(map(attribute, faces)) / len(faces):.1f} % |"


def test_every_kind_that_an_attribute_names_can_be_drawn() -> None:
    drawable = {
        "style": set(parts.STYLES),
        "top": {top for _, top in TOPS},
        "hair": set(parts.HAIRS),
        "skin": set(parts.SKINS),
        "eyes": set(parts.EYES),
        "brows": set(parts.BROWS),
        "mouth": set(parts.MOUTHS),
        "facial_hair": set(parts.FACIAL_HAIR),
        "glasses": set(parts.GLASSES),
    }
    for attribute in ATTRIBUTES:
        assert attribute.kinds <= drawable[attribute.part], attribute.name


def test_classes_are_balanced(faces: list[Face]) -> None:
    counts = [sum(face.style == style for face in faces) for style in parts.STYLES]
    assert min(counts) > len(faces) * 0.06
    assert max(counts) < len(faces) * 0.15


def test_nothing_is_claimed_that_something_else_hides(faces: list[Face]) -> None:
    for face in faces:
        assert face.hair == "none" or face.style not in {"bald", "hat", "headscarf"}
        assert face.facial_hair == "NONE" or face.top not in parts.BEARDLESS_TOPS
        assert face.eyes == "DEFAULT" or face.glasses not in parts.DARK_GLASSES
        assert face.brows in parts.PLAIN_BROWS or (face.glasses == "NONE" and face.top not in parts.LOW_TOPS)


@pytest.mark.parametrize(("part", "kind"), SIGNS)
def test_every_top_shows_what_is_claimed(part: str, kind: str) -> None:
    hidden = {"brows": parts.LOW_TOPS, "facial_hair": parts.BEARDLESS_TOPS}.get(part, frozenset())
    clearly = change(PLAIN, **{part: kind})
    for style, top in TOPS:
        if top not in hidden:
            assert change(replace(PLAIN, style=style, top=top), **{part: kind}) > 0.5 * clearly, top


@pytest.mark.parametrize("facial_hair", parts.FACIAL_HAIR)
def test_facial_hair_leaves_the_mouth_visible(facial_hair: str) -> None:
    for mouth in set(parts.MOUTHS) - {PLAIN.mouth}:
        clearly = change(PLAIN, mouth=mouth)
        assert change(replace(PLAIN, facial_hair=facial_hair), mouth=mouth) > 0.5 * clearly, mouth


@pytest.mark.parametrize(("style", "top"), TOPS)
def test_hair_has_its_colour_unless_a_hat_hides_it(style: str, top: str) -> None:
    recoloured = change(replace(PLAIN, style=style, top=top), hair_color="#e0c080")
    assert (recoloured > 20_000) if style not in {"bald", "hat", "headscarf"} else (recoloured == 0)
