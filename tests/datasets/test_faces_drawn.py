"""The attributes of drawn faces against the pixels that were drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from test_avatars import PLAIN

from vaegan_bench.api import Data
from vaegan_bench.datasets.avatars import Avatars, parts
from vaegan_bench.datasets.avatars.attributes import ATTRIBUTES
from vaegan_bench.datasets.avatars.drawing import CENTRE, WINDOW, draw
from vaegan_bench.datasets.avatars.faces import Face, Pose, random_face

SIZE = 128
HAIR, RED, GREEN = "#ff0000", (255, 0, 0), (0, 255, 0)
Image = npt.NDArray[np.int64]
HELD = {attribute.name: attribute for attribute in ATTRIBUTES}


def drawn(**changed: object) -> Image:
    """A face that looks straight ahead, (H, W, 3)."""
    return draw(replace(PLAIN, **changed), SIZE).transpose(1, 2, 0).astype(np.int64)  # type: ignore[arg-type]


def where(image: Image, colour: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """Rows and columns of the pixels near a colour, in the artwork's units around the middle of the face."""
    near = np.abs(image - np.array(colour)).sum(2) < 90
    return ((np.argwhere(near) + 0.5) / SIZE - 0.5) * WINDOW  # type: ignore[no-any-return]


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def faces(holds: Callable[[Face], bool], n: int = 25) -> list[Face]:
    found = [face for face in map(random_face, range(3000)) if holds(face)][:n]
    assert len(found) == n
    return found


@pytest.mark.parametrize("facial_hair", parts.FACIAL_HAIR)
def test_a_beard_covers_the_chin_and_a_mustache_does_not(facial_hair: str) -> None:
    face = replace(PLAIN, facial_hair=facial_hair)
    hair = where(drawn(facial_hair=facial_hair, hair_color=HAIR), RED)
    lowest = hair[:, 0].max()
    assert HELD["Beard"](face) == (lowest > 45), lowest
    assert HELD["Mustache"](face) == (lowest <= 45), lowest


TOPS = [(style, top) for style, tops in parts.TOPS.items() for top in tops]


@pytest.mark.parametrize(("style", "top"), TOPS)
def test_hair_is_where_its_attributes_say(style: str, top: str) -> None:
    face = replace(PLAIN, style=style, top=top, hair="none" if style in ("bald", "hat", "headscarf") else "red")
    hair = where(drawn(style=style, top=top, hair_color=HAIR, brows="DEFAULT_NATURAL"), RED)
    above = hair[hair[:, 0] < -30]
    if HELD["Bald"](face) or HELD["Wearing_Hat"](face) or HELD["Wearing_Headscarf"](face):
        assert len(above) == 0
        assert not HELD["Red_Hair"](face)
    else:
        assert len(above) > 50
        assert HELD["Red_Hair"](face)


@pytest.mark.parametrize("top", [top for style, top in TOPS if style in ("hat", "headscarf")])
def test_hats_and_headscarves_are_drawn_in_their_colour_above_the_eyes(top: str) -> None:
    style = "hat" if top in parts.TOPS["hat"] else "headscarf"
    cloth = where(drawn(style=style, top=top, hat_color="#00ff00"), GREEN)
    assert (cloth[:, 0] < -20).sum() > 100


@pytest.mark.parametrize("hair", parts.HAIRS)
def test_hair_of_each_name_is_nearest_to_its_colour(hair: str) -> None:
    for face in faces(lambda face: face.hair == hair):
        colour = np.array(rgb(face.hair_color))
        distances = {name: np.abs(colour - rgb(known)).sum() for name, known in parts.HAIR_COLORS.items()}
        assert min(distances, key=lambda name: distances[name]) == hair
        assert HELD[f"{hair.title()}_Hair"](face)


def test_hair_has_the_colour_that_its_face_is_said_to_have() -> None:
    for face in faces(lambda face: face.style in ("long straight", "curly"), n=10):
        straight = replace(face, pose=PLAIN.pose, glasses="NONE")
        image = draw(straight, SIZE).transpose(1, 2, 0).astype(np.int64)
        exact = (np.abs(image - np.array(rgb(face.hair_color))).max(2) <= 1).sum()
        assert exact > 300


@pytest.mark.parametrize("skin", parts.SKINS)
def test_cheeks_have_the_colour_of_the_skin(skin: str) -> None:
    for face in faces(lambda face: face.skin == skin, n=5):
        straight = replace(face, pose=PLAIN.pose, glasses="NONE", facial_hair="NONE", style="bald", top="NONE")
        cheek = draw(straight, SIZE)[:, SIZE // 2 + 10, SIZE // 2 + 22]
        assert np.abs(cheek.astype(int) - rgb(face.skin_color)).max() <= 2
        distances = {name: np.abs(cheek - np.array(rgb(c))).sum() for name, c in parts.SKIN_COLORS.items()}
        assert min(distances, key=lambda name: distances[name]) == skin
        assert HELD["Pale_Skin"](face) == (skin == "pale")
        assert HELD["Dark_Skin"](face) == (cheek.mean() < 120)


@pytest.mark.parametrize("glasses", parts.GLASSES)
def test_sunglasses_darken_what_the_eyes_do_and_clear_glasses_do_not(glasses: str) -> None:
    face = replace(PLAIN, glasses=glasses)
    seen, plain = (np.abs(drawn(glasses=kind) - drawn(glasses=kind, eyes="CLOSED")).sum() for kind in (glasses, "NONE"))
    assert HELD["Sunglasses"](face) == (seen < 0.6 * plain), seen / plain
    assert HELD["Eyeglasses"](face) == bool((drawn(glasses=glasses) != drawn()).any())


def test_closed_eyes_show_no_more_dark_than_open_ones_and_a_wink_is_lopsided() -> None:
    def dark(eyes: str) -> tuple[int, int]:
        band = drawn(eyes=eyes, brows="DEFAULT_NATURAL")[SIZE // 2 - 14 : SIZE // 2 + 4].sum(2) < 300
        return int(band[:, : SIZE // 2].sum()), int(band[:, SIZE // 2 :].sum())

    for eyes in parts.EYES:
        left, right = dark(eyes)
        lopsided = abs(left - right) > 0.2 * max(left, right)
        assert HELD["Winking"](replace(PLAIN, eyes=eyes)) == lopsided, (eyes, left, right)


def test_a_pose_moves_the_face_right_and_down_and_scales_it() -> None:
    def spot(**pose: float) -> npt.NDArray[np.float64]:
        face = {"rotation": 0.0, "right": 0.0, "down": 0.0, "scale": 1.0} | pose
        return where(drawn(style="hat", top="WINTER_HAT_2", hat_color="#00ff00", pose=Pose(**face)), GREEN)

    plain = spot().mean(0)
    assert spot(right=4.0).mean(0) - plain == pytest.approx([0, 4 * WINDOW / 64], abs=1.5)
    assert spot(down=4.0).mean(0) - plain == pytest.approx([4 * WINDOW / 64, 0], abs=1.5)
    assert np.ptp(spot(scale=1.08)[:, 1]) > np.ptp(spot(scale=0.92)[:, 1]) * 1.1
    assert spot(rotation=8.0).mean(0)[1] > plain[1] + 2  # clockwise: what is above goes right
    assert CENTRE == (132.0, 121.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Avatars(faces=60).load(32, tmp_path_factory.mktemp("avatars"))


def test_rows_of_attributes_and_labels_belong_to_the_faces_of_their_images(data: Data) -> None:
    described = [random_face(i) for i in range(60)]
    for split, part in ((data.train, described[:50]), (data.test, described[50:])):
        assert split.attributes_NA.tolist() == [[holds(face) for holds in ATTRIBUTES] for face in part]
        assert split.labels_N is not None
        assert [data.class_names[label] for label in split.labels_N] == [face.style for face in part]
    large = [draw(face, 64).reshape(3, 32, 2, 32, 2).mean((2, 4)) for face in described[50:]]
    assert np.abs(data.test.images_NCHW.numpy() - np.array(large)).max() <= 0.5


def test_no_image_is_in_both_parts(data: Data) -> None:
    train, test = ({image.numpy().tobytes() for image in part.images_NCHW} for part in (data.train, data.test))
    assert (len(train), len(test)) == (50, 10)
    assert not train & test
