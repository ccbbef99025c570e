"""What is true of a face: named binary attributes, each exactly a set of parts."""

from __future__ import annotations

from typing import NamedTuple

from vaegan_bench.datasets.avatars.faces import Face


class Attribute(NamedTuple):
    """A face has the attribute if `part` is one of `kinds`."""

    name: str
    """As CelebA writes it, where CelebA has it."""
    meaning: str
    part: str
    """A field of `Face`."""
    kinds: frozenset[str]

    def __call__(self, face: Face) -> bool:
        """Whether the face has the attribute."""
        return getattr(face, self.part) in self.kinds


def _attribute(name: str, meaning: str, part: str, kinds: str) -> Attribute:
    return Attribute(name, meaning, part, frozenset(kind.strip() for kind in kinds.split(",")))


ATTRIBUTES = (
    _attribute("Eyeglasses", "wears glasses, clear or dark", "glasses", "ROUND, PRESCRIPTION_2, SUNGLASSES, WAYFARERS"),
    _attribute("Sunglasses", "wears dark glasses, behind which the eyes are plain", "glasses", "SUNGLASSES, WAYFARERS"),
    _attribute("Eyes_Closed", "both eyes are shut", "eyes", "CLOSED, HAPPY"),
    _attribute("Winking", "one eye is shut", "eyes", "WINK"),
    _attribute("Wide_Eyes", "the white shows all around", "eyes", "SURPRISED"),
    _attribute("Narrow_Eyes", "the lids cut off the upper half", "eyes", "SQUINT"),
    _attribute("Raised_Eyebrows", "high arches", "brows", "RAISED_EXCITED, RAISED_EXCITED_NATURAL"),
    _attribute("Angry_Eyebrows", "drawn together and down", "brows", "ANGRY, ANGRY_NATURAL"),
    _attribute("Bushy_Eyebrows", "thick and level", "brows", "FLAT_NATURAL, UNIBROW_NATURAL"),
    _attribute("Smiling", "the corners of the mouth point up", "mouth", "SMILE, BIG_SMILE, DEFAULT, TWINKLE"),
    _attribute("Frowning", "the corners of the mouth point down", "mouth", "SAD, CONCERNED, SCREAM_OPEN"),
    _attribute("Mouth_Slightly_Open", "the lips part", "mouth", "SMILE, BIG_SMILE, DEFAULT, CONCERNED, SCREAM_OPEN"),
    _attribute("Beard", "hair on the chin", "facial_hair", "BEARD_LIGHT, BEARD_MEDIUM, BEARD_MAGESTIC"),
    _attribute(
        "Mustache", "hair on the upper lip and none on the chin", "facial_hair", "MOUSTACHE_FANCY, MOUSTACHE_MAGNUM"
    ),
    _attribute("Bald", "no hair on the head", "style", "bald"),
    _attribute("Wearing_Hat", "a hat or a woollen cap, which hides the hair", "style", "hat"),
    _attribute("Wearing_Headscarf", "a hijab or a turban, which hides the hair", "style", "headscarf"),
    _attribute("Black_Hair", "hair on the head, of that colour", "hair", "black"),
    _attribute("Brown_Hair", "hair on the head, of that colour", "hair", "brown"),
    _attribute("Blond_Hair", "hair on the head, of that colour", "hair", "blond"),
    _attribute("Gray_Hair", "hair on the head, of that colour", "hair", "gray"),
    _attribute("Red_Hair", "hair on the head, of that colour", "hair", "red"),
    _attribute("Long_Hair", "hair down to the shoulders", "style", "long straight, long wavy"),
    _attribute("Straight_Hair", "long or half-long hair that falls straight", "style", "bob, long straight"),
    _attribute("Wavy_Hair", "long hair in waves or locks", "style", "long wavy"),
    _attribute("Curly_Hair", "half-long hair that stands off in curls", "style", "curly"),
    _attribute(
        "Bangs",
        "hair hangs over the forehead",
        "top",
        "PIXIE, MOWGLI, SHAGGY, WILD, BOB, MIA_WALLACE, LONG_NOT_TOO_LONG, "
        "STRAIGHT_STRAND, BIG_HAIR, CURVY, LOOSE_HAIR",
    ),
    _attribute("Pale_Skin", "the lightest of five skin colours", "skin", "pale"),
    _attribute("Dark_Skin", "the darkest two of five skin colours", "skin", "brown, dark"),
)
