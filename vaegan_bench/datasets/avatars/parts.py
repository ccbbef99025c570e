"""The parts of the artwork that faces are made of, with their frequencies."""

from __future__ import annotations

from collections.abc import Mapping

Weights = Mapping[str, float]
"""Choices with their relative frequencies."""

STYLES: Weights = {
    "bald": 9,
    "short": 13,
    "upswept": 11,
    "tousled": 11,
    "curly": 11,
    "bob": 10,
    "long straight": 10,
    "long wavy": 10,
    "hat": 10,
    "headscarf": 8,
}
"""The class of a face: what is on its head."""

TOPS: Mapping[str, Weights] = {
    "bald": {"NONE": 1},
    "short": {
        "SHORT_FLAT": 2,
        "SHORT_ROUND": 2,
        "CAESAR": 1,
        "CAESAR_SIDE_PART": 1,
        "SHORT_DREADS_1": 1,
        "BUZZCUT": 1,
    },
    "upswept": {"POMPADOUR": 1, "QUIFF": 1, "ELVIS": 1, "EVIL_SPIKE": 1, "SHORT_WAVED": 1},
    "tousled": {"PIXIE": 1, "MOWGLI": 1, "SHAGGY": 1, "WILD": 1},
    "curly": {"FRO": 1, "CURLY": 1, "FRO_BAND": 1, "SHORT_DREADS_2": 1, "EINSTEIN_HAIR": 1},
    "bob": {"BOB": 1, "MIA_WALLACE": 1, "LONG_NOT_TOO_LONG": 1},
    "long straight": {"STRAIGHT_1": 2, "STRAIGHT_STRAND": 2, "TWIST_LONG_HAIR": 1},
    "long wavy": {"BIG_HAIR": 1, "CURVY": 1, "DREADS": 1, "LOOSE_HAIR": 1},
    "hat": {"HAT": 3, "WINTER_HAT_1": 2, "WINTER_HAT_2": 2, "WINTER_HAT_3": 2, "WINTER_HAT_4": 1},
    "headscarf": {"HIJAB": 1, "TURBAN": 1},
}
"""Left out: costumes, and hair that hides half of the face or keeps a colour of its own."""

HEADWEAR = frozenset({"hat", "headscarf"})
"""Styles that hide all hair."""

LOW_TOPS = frozenset({"SHAGGY", "STRAIGHT_STRAND", "MIA_WALLACE", "BOB", "LOOSE_HAIR", "WINTER_HAT_3", "WINTER_HAT_4"})
"""Tops whose fringes or brims cover the eyebrows; faces with them have plain eyebrows."""

BEARDLESS_TOPS = frozenset({"HIJAB", "LOOSE_HAIR"})
"""Tops whose artwork has no place for facial hair."""

BEARDED: Weights = {
    "bald": 0.5,
    "short": 0.5,
    "upswept": 0.45,
    "tousled": 0.35,
    "curly": 0.35,
    "bob": 0.06,
    "long straight": 0.15,
    "long wavy": 0.15,
    "hat": 0.45,
    "headscarf": 0.7,
}
"""The probability of facial hair by style."""

FACIAL_HAIR: Weights = {
    "BEARD_LIGHT": 2,
    "BEARD_MEDIUM": 3,
    "BEARD_MAGESTIC": 2,
    "MOUSTACHE_FANCY": 2,
    "MOUSTACHE_MAGNUM": 2,
}

MOUTHS: Weights = {
    "SMILE": 19,
    "BIG_SMILE": 9,
    "DEFAULT": 9,
    "TWINKLE": 13,
    "SERIOUS": 22,
    "SAD": 10,
    "CONCERNED": 9,
    "SCREAM_OPEN": 9,
}

EYES: Weights = {"DEFAULT": 46, "SQUINT": 11, "SURPRISED": 14, "CLOSED": 8, "HAPPY": 11, "WINK": 10}

PLAIN_BROWS: Weights = {"DEFAULT": 1, "DEFAULT_NATURAL": 2}

BROWS: Weights = {
    "DEFAULT": 12,
    "DEFAULT_NATURAL": 22,
    "RAISED_EXCITED": 8,
    "RAISED_EXCITED_NATURAL": 14,
    "ANGRY": 6,
    "ANGRY_NATURAL": 12,
    "FLAT_NATURAL": 8,
    "UNIBROW_NATURAL": 8,
}

GLASSES: Weights = {"NONE": 70, "ROUND": 9, "PRESCRIPTION_2": 9, "SUNGLASSES": 6, "WAYFARERS": 6}

DARK_GLASSES = frozenset({"SUNGLASSES", "WAYFARERS"})
"""Glasses that hide the eyes; faces with them have plain eyes."""

NOSES: Weights = {"DEFAULT": 3, "SMALL": 1, "WIDE": 1}

CLOTHES: Weights = {
    "SHIRT_CREW_NECK": 3,
    "SHIRT_SCOOP_NECK": 2,
    "SHIRT_V_NECK": 2,
    "COLLAR_SWEATER": 2,
    "HOODIE": 3,
    "BLAZER_SHIRT": 1,
    "BOND_SUIT": 1,
    "SHIRT_WICK": 1,
}

SKINS: Weights = {"pale": 22, "light": 24, "tan": 20, "brown": 18, "dark": 16}

HAIRS: Weights = {"black": 27, "brown": 25, "blond": 21, "gray": 13, "red": 14}

SKIN_COLORS: Mapping[str, str] = {
    "pale": "#FFDBB4",
    "light": "#EDB98A",
    "tan": "#CC8E60",
    "brown": "#9F5F36",
    "dark": "#5F4233",
}

HAIR_COLORS: Mapping[str, str] = {
    "black": "#261C1C",
    "brown": "#7A4A34",
    "blond": "#DDBB74",
    "gray": "#ABA8A6",
    "red": "#C2400F",
}

CLOTH_COLORS = (
    "#262E33",
    "#65C9FF",
    "#5199E4",
    "#25557C",
    "#E6E6E6",
    "#929598",
    "#3C4F5C",
    "#A7DFB4",
    "#F2C48D",
    "#F2E394",
    "#E85A92",
    "#E2574C",
)
