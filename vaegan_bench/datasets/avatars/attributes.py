"""The binary attributes of a face, each defined by a set of parts."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute

ATTRIBUTES = (
    attribute("Eyeglasses", "wears glasses, clear or dark", "glasses", "ROUND, PRESCRIPTION_2, SUNGLASSES, WAYFARERS"),
    attribute("Sunglasses", "wears dark glasses, behind which the eyes are plain", "glasses", "SUNGLASSES, WAYFARERS"),
    attribute("Eyes_Closed", "both eyes are shut", "eyes", "CLOSED, HAPPY"),
    attribute("Winking", "one eye is shut", "eyes", "WINK"),
    attribute("Wide_Eyes", "the white shows all around", "eyes", "SURPRISED"),
    attribute("Narrow_Eyes", "the lids cut off the upper half", "eyes", "SQUINT"),
    attribute("Raised_Eyebrows", "high arches", "brows", "RAISED_EXCITED, RAISED_EXCITED_NATURAL"),
    attribute("Angry_Eyebrows", "drawn together and down", "brows", "ANGRY, ANGRY_NATURAL"),
    attribute("Bushy_Eyebrows", "thick and level", "brows", "FLAT_NATURAL, UNIBROW_NATURAL"),
    attribute("Smiling", "the corners of the mouth point up", "mouth", "SMILE, BIG_SMILE, DEFAULT, TWINKLE"),
    attribute("Frowning", "the corners of the mouth point down", "mouth", "SAD, CONCERNED, SCREAM_OPEN"),
    attribute("Mouth_Slightly_Open", "the lips part", "mouth", "SMILE, BIG_SMILE, DEFAULT, CONCERNED, SCREAM_OPEN"),
    attribute("Beard", "hair on the chin", "facial_hair", "BEARD_LIGHT, BEARD_MEDIUM, BEARD_MAGESTIC"),
    attribute(
        "Mustache", "hair on the upper lip and none on the chin", "facial_hair", "MOUSTACHE_FANCY, MOUSTACHE_MAGNUM"
    ),
    attribute("Bald", "no hair on the head", "style", "bald"),
    attribute("Wearing_Hat", "a hat or a woollen cap, which hides the hair", "style", "hat"),
    attribute("Wearing_Headscarf", "a hijab or a turban, which hides the hair", "style", "headscarf"),
    attribute("Black_Hair", "hair on the head, of that colour", "hair", "black"),
    attribute("Brown_Hair", "hair on the head, of that colour", "hair", "brown"),
    attribute("Blond_Hair", "hair on the head, of that colour", "hair", "blond"),
    attribute("Gray_Hair", "hair on the head, of that colour", "hair", "gray"),
    attribute("Red_Hair", "hair on the head, of that colour", "hair", "red"),
    attribute("Long_Hair", "hair down to the shoulders", "style", "long straight, long wavy"),
    attribute("Straight_Hair", "long or half-long hair that falls straight", "style", "bob, long straight"),
    attribute("Wavy_Hair", "long hair in waves or locks", "style", "long wavy"),
    attribute("Curly_Hair", "half-long hair that stands off in curls", "style", "curly"),
    attribute(
        "Bangs",
        "hair hangs over the forehead",
        "top",
        "PIXIE, MOWGLI, SHAGGY, WILD, BOB, MIA_WALLACE, LONG_NOT_TOO_LONG, "
        "STRAIGHT_STRAND, BIG_HAIR, CURVY, LOOSE_HAIR",
    ),
    attribute("Pale_Skin", "the lightest of five skin colours", "skin", "pale"),
    attribute("Dark_Skin", "the darkest two of five skin colours", "skin", "brown, dark"),
)
