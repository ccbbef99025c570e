"""What distances mean on a ruler, against cases that were worked out by hand."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rulers import PROTOCOL, mark, ruler, scale

from vaegan_bench.results.readings import Readings, is_read, mildest_seen, reading, verdict
from vaegan_bench.results.rulers import RULERS, StoredRulers, write_ruler
from vaegan_bench.results.stored_files import ARCHIVE, write_archive
from vaegan_bench.system.errors import StoreError

BLUR, NOISE, HALVES = ruler().scales


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (1.9, "the floor"),
        (2.0, "the floor"),
        (3.0, "below blur of 1 px, noise of 8"),  # log 3/1.5 is half of log 6/1.5; the mean of log 4 and log 16
        (8.0, "blur of 1 px, noise of 19"),
        (16.0, "blur of 1.4 px, noise of 30"),  # halfway from 8 to 32: √2 pixels
        (18.0, "blur of 1.5 px, noise of 32"),  # halfway from 6 to 54: √4 times 16
        (32.0, "blur of 2 px, noise of 46"),
        (52.0, "beyond blur of 4 px, noise of 62"),
        (54.0, "beyond blur of 4 px, noise of 64"),
        (54.1, "off the scale"),
    ],
)
def test_a_distance_reads_as_the_distortion_that_is_as_far(distance: float, expected: str) -> None:
    assert reading(ruler(), distance) == expected


def test_distances_are_not_read_on_a_distortion_that_is_not_seen_or_out_of_order() -> None:
    blind = replace(NOISE, marks=(mark(4, 2.1), mark(64, 3.9)))
    assert reading(ruler(scales=(BLUR, blind)), 16.0) == "blur of 1.4 px"
    disordered = replace(BLUR, marks=(mark(1, 8.0), mark(2, 32.0), mark(4, 28.0)))
    assert reading(ruler(scales=(disordered, NOISE)), 16.0) == "noise of 30"
    nearly = replace(BLUR, marks=(mark(1, 8.0), mark(2, 32.0), mark(4, 29.0)))
    assert reading(ruler(scales=(nearly,)), 16.0) == "blur of 1.4 px"
    neither = ruler(scales=(disordered, blind))
    assert [reading(neither, distance) for distance in (2.0, 16.0, 33.0)] == [
        "the floor",
        "on the scale",
        "off the scale",
    ]


def test_a_ruler_that_sees_everything_is_usable() -> None:
    assert str(verdict(ruler())) == "usable"
    assert mildest_seen(ruler(), BLUR) == 1
    assert mildest_seen(ruler(), NOISE) == 16
    assert mildest_seen(ruler(), HALVES) == 0.5


def test_a_mark_without_any_distance_is_no_place_to_read_from() -> None:
    scale = replace(ruler().scales[0], marks=(mark(1, 0.0), mark(2, 3.0), mark(4, 9.0)))
    assert reading(ruler(floor=mark(0, 0.0), scales=(scale,)), 1.0) == "below blur of 2 px"


def test_a_distortion_below_twice_the_floor_is_not_seen() -> None:
    blind = replace(HALVES, marks=(mark(0.5, 2.5), mark(1, 3.99)))
    found = ruler(scales=(BLUR, NOISE, blind))
    assert str(verdict(found)) == "usable, but blind to halves (3.99 at 1, floor 2)"
    assert math.isnan(mildest_seen(found, blind))
    assert str(verdict(ruler(scales=(BLUR, NOISE, replace(HALVES, marks=(mark(1, 4.0),)))))) == "usable"


def test_a_stronger_distortion_that_is_nearer_is_named_with_both_distances() -> None:
    found = verdict(ruler(scales=(BLUR, NOISE, replace(HALVES, marks=(mark(0.5, 9.0), mark(1, 8.0))))))
    assert str(found) == "usable, but out of order on halves (9 at 0.5, 8 at 1)"


def test_an_extractor_for_which_slightly_distorted_images_are_none_is_not_usable() -> None:
    lost = replace(NOISE, marks=(mark(4, 1.5, 0.44), *NOISE.marks[1:]))
    expected = "not usable here: after noise of 4 precision is 0.44, not 0.90"
    assert str(verdict(ruler(scales=(BLUR, lost, HALVES)))) == expected
    just = replace(NOISE, marks=(mark(4, 1.5, 0.45), *NOISE.marks[1:]))
    assert str(verdict(ruler(scales=(BLUR, just, HALVES)))) == "usable"
    strong = replace(NOISE, marks=(*NOISE.marks[:2], mark(64, 54.0, 0.0)))  # what everybody sees
    assert str(verdict(ruler(scales=(BLUR, strong, HALVES)))) == "usable"


def test_an_extractor_that_is_blind_to_half_of_the_distortions_is_not_usable() -> None:
    blind = [scale(name, "1", "{}", (1, 2.5)) for name in ("tint", "warp")]
    found = verdict(ruler(scales=(BLUR, NOISE, *blind)))
    assert str(found).startswith("not usable here: it does not see 2 of 4 distortions; blind to tint (2.5 at 1, floor")


ROW = {"family": "sample quality", "dataset": "blobs 8×10", "metric": "frechet[oracle]", "value": 16.0}


def annotated(data: str = "ab" * 32, **changes: object) -> tuple[str, str]:
    row = {**ROW, "protocol": json.dumps({**PROTOCOL, "draws": 3}), **changes}
    lost = replace(NOISE, marks=(mark(4, 1.5, 0.1), *NOISE.marks[1:]))
    found = Readings([ruler(scales=(BLUR, lost, HALVES))]).annotate(row, data)
    return found["reading"], found["instrument"].partition(":")[0]


def test_only_a_number_of_the_same_protocol_is_read_and_every_number_of_the_extractor_is_judged() -> None:
    assert annotated() == ("blur of 1.4 px, noise of 30", "not usable here")
    more = json.dumps({**PROTOCOL, "draws": 3, "n_fake": 80})
    assert annotated(protocol=more) == ("", "not usable here")
    assert annotated(metric="precision[oracle]", value=0.5) == ("", "not usable here")
    for other in ({"weights": "0" * 12}, {"extractor": "efflite0"}):
        assert annotated(protocol=json.dumps({**PROTOCOL, **other})) == ("", "")
    assert annotated(dataset="blobs 9×9") == ("", "")
    assert annotated(family="attributes") == ("", "")
    assert annotated(data="cd" * 32) == ("", "")  # the data set holds other images since


def test_a_number_is_judged_by_the_ruler_of_its_number_of_images_where_there_is_one() -> None:
    lost = replace(NOISE, marks=(mark(4, 1.5, 0.1), *NOISE.marks[1:]))
    many = ruler(scales=(BLUR, lost, HALVES), protocol={**PROTOCOL, "n_fake": 80})
    readings = Readings([many, ruler()])
    row = {**ROW, "metric": "precision[oracle]", "value": 0.5}

    def judged(**counts: int) -> str:
        protocol = json.dumps({**PROTOCOL, "draws": 3, **counts})
        return str(readings.annotate({**row, "protocol": protocol}, "ab" * 32)["instrument"]).partition(":")[0]

    assert judged().startswith("usable")
    assert judged(n_fake=80) == "not usable here"
    assert judged(n_fake=50) == "not usable here"  # of no ruler's number: by all of them


def test_frechet_distances_alone_are_read() -> None:
    read = ["frechet[oracle]", "fid", "frechet[efflite0] (n_fake=20)"]
    assert [
        name for name in [*read, "fid-debiased", "kid[oracle]", "frechet-debiased[oracle]"] if is_read(name)
    ] == read


def test_a_ruler_made_again_hides_the_archived_one(tmp_path: Path) -> None:
    other = ruler(protocol={**PROTOCOL, "n_fake": 20}, floor=mark(0, 1.5))
    for each in (ruler(), other):
        write_ruler(tmp_path, each)
    write_archive(tmp_path / ARCHIVE, list(StoredRulers(tmp_path).contents()))
    shutil.rmtree(tmp_path / RULERS)
    assert sorted(found.floor.frechet for found in StoredRulers(tmp_path).read()) == [1.5, 2.0]
    write_ruler(tmp_path, ruler(floor=mark(0, 2.5)))
    assert sorted(found.floor.frechet for found in StoredRulers(tmp_path).read()) == [1.5, 2.5]
    assert b'"frechet": 2.5' in b"".join(content for _, content in StoredRulers(tmp_path).contents())


def test_rulers_are_kept_in_a_folder_and_a_damaged_one_is_named_and_left_out(tmp_path: Path) -> None:
    assert StoredRulers(tmp_path).read() == []
    path = write_ruler(tmp_path, ruler())
    assert path.parent == tmp_path / RULERS
    other = write_ruler(tmp_path, ruler(protocol={**PROTOCOL, "n_fake": 20}))
    assert other != path
    assert write_ruler(tmp_path, ruler(floor=mark(0, 2.5))) == path  # measured again, it takes the place of the older
    assert sorted(found.floor.frechet for found in StoredRulers(tmp_path).read()) == [2.0, 2.5]
    path.write_text(path.read_text("utf-8").replace("2.5", "2.6"), "utf-8")
    stored = StoredRulers(tmp_path)
    assert [found.floor.frechet for found in stored.read()] == [2.0]
    (reason,) = stored.damaged()
    assert str(path) in reason
    assert "vaegan-bench calibrate" in reason


def test_a_folder_of_rulers_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / RULERS).symlink_to(RULERS)
    stored = StoredRulers(tmp_path)
    (reason,) = stored.damaged()
    assert f"Cannot read {tmp_path / RULERS}: " in reason
    assert stored.read() == [] == list(stored.contents())


def test_a_ruler_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / RULERS).write_text("no folder", "utf-8")
    with pytest.raises(StoreError, match=f"Cannot write .*{RULERS}"):
        write_ruler(tmp_path, ruler())
