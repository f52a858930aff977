"""Scenes and captions: the same seed gives the same, and captions state what pictures show."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from pocket.backdrops import BACKGROUNDS
from pocket.captions import ATTRIBUTES, NONE, caption
from pocket.palette import COLORS
from pocket.scenes import HELD_OUT, POSITIONS, SIZE, THINGS, Scene, Thing, render, sample_scene


def scene_of(kind: str = "ball", color: str = "red", background: str = "white", width: float = 66) -> Scene:
    """One thing in the middle."""
    return Scene((Thing(kind, color, "medium", 64, 64, width),), background, None, None, True, 1)


def test_the_same_seed_gives_the_same_pictures_and_captions() -> None:
    def made() -> tuple[list[bytes], list[str]]:
        rng = Random(7)
        scenes = [sample_scene(rng) for _ in range(20)]
        return [render(s)[0].tobytes() for s in scenes], [caption(s, rng)[0] for s in scenes]

    assert made() == made()


def test_another_seed_gives_other_scenes() -> None:
    assert [sample_scene(Random(1)) for _ in range(3)] != [sample_scene(Random(2)) for _ in range(3)]


@pytest.mark.parametrize("kind", THINGS)
def test_every_thing_shows_its_colour_and_stays_inside(kind: str) -> None:
    picture, mask = render(scene_of(kind, "purple"))
    pixels = np.asarray(picture).astype(int)
    near = (np.abs(pixels - COLORS["purple"]).sum(2) < 12).mean()
    assert near > 0.03
    assert mask.any()
    assert not any(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_a_thing_stands_out_from_every_background_even_in_its_own_colour(name: str) -> None:
    for color in ("black", "white", name if name in COLORS else "blue"):
        _, mask = render(scene_of("ball", color, name))
        assert mask.sum() > 100


def test_the_hole_of_a_ring_shows_the_background() -> None:
    picture, mask = render(scene_of("ring", "blue", "yellow"))
    assert picture.getpixel((64, 64)) == COLORS["yellow"]
    assert not mask[64, 64]


def test_held_out_pairs_appear_only_when_asked_for() -> None:
    rng = Random(3)
    seen = {(t.kind, t.color) for _ in range(2000) for t in sample_scene(rng).things}
    assert not seen & HELD_OUT
    assert len(seen) == len(THINGS) * len(COLORS) - len(HELD_OUT)
    assert {(t.kind, t.color) for _ in range(2000) for t in sample_scene(rng, held_out=True).things} == set(
        HELD_OUT
    )


def test_two_things_keep_apart_and_in_the_stated_order() -> None:
    rng = Random(4)
    for _ in range(500):
        scene = sample_scene(rng, pairs=1.0)
        a, b = scene.things
        gap = b.x - a.x if scene.relation == "beside" else b.y - a.y
        assert gap >= (a.width + b.width) / 2 - 8  # two large things may touch
        assert all(0 < t.x < SIZE and 0 < t.y < SIZE for t in (a, b))


def test_captions_state_only_known_values_and_never_deny_the_scene() -> None:
    rng = Random(5)
    for _ in range(3000):
        scene = sample_scene(rng)
        text, stated = caption(scene, rng)
        assert text.strip()
        assert "{" not in text
        assert all(value in ATTRIBUTES[name] for name, value in stated.items())
        assert stated.get("background", NONE) in (NONE, scene.background)
        assert stated.get("kind1", NONE) in (NONE, *(t.kind for t in scene.things))
        assert stated.get("color1", NONE) in (NONE, *(t.color for t in scene.things))


def test_a_stated_position_is_where_the_thing_is() -> None:
    rng = Random(6)
    for scene in (sample_scene(rng, pairs=0.0) for _ in range(500)):
        if scene.position:
            x, y = POSITIONS[scene.position]
            (thing,) = scene.things
            assert max(abs(thing.x / SIZE - x), abs(thing.y / SIZE - y)) < 0.1


def test_a_scene_that_says_nothing_of_its_background_is_worded_without_it() -> None:
    scene = replace(scene_of(background="desert"), says_background=False)
    assert not any("desert" in caption(scene, Random(k), changes=False)[0] for k in range(200))
