import numpy as np
import pytest

from stages.lib.drawing.surface import FAR, MARGIN, far, grid_around, main_plane, reach

P = 40  # weights


def orthonormal(count: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(0).normal(size=(P, count)))[0].T


START = np.random.default_rng(1).normal(size=P)
E = orthonormal(4)


def path(*coordinates: tuple[float, ...]) -> np.ndarray:
    """Points at coordinates along E from START, which is the first; float32, as snapshots are."""
    points = [START, *(START + np.array(point) @ E[: len(point)] for point in coordinates)]
    return np.array(points).astype(np.float32)


def test_points_of_a_known_plane_lie_in_it_and_keep_their_distances() -> None:
    paths = [path((3, 1), (5, 4)), path((-1, 2), (2, -6), (0, 1))]
    plane, share = main_plane(paths)
    assert share == pytest.approx(1)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.directions @ E[:2].T @ E[:2], plane.directions, atol=1e-6)
    for one in paths:
        shadow = plane.shadow(one)
        np.testing.assert_allclose(shadow[0], 0, atol=1e-6)
        np.testing.assert_allclose(plane.points(shadow), one, atol=1e-5)
        assert plane.share(one) == pytest.approx(1)
        for i in range(len(one)):
            distances = np.linalg.norm(one - one[i], axis=1)
            np.testing.assert_allclose(np.linalg.norm(shadow - shadow[i], axis=1), distances, atol=1e-5)


def test_shares_by_hand() -> None:
    """Along one direction 4 and 3 times, along a second 2, along a third 1: of the variance 30, 29 lie in the plane."""
    one = path((4,), (3,), (0, 2), (0, 0, 1))
    plane, share = main_plane([one])
    assert [share, plane.share(one)] == pytest.approx([29 / 30] * 2, rel=1e-5)
    np.testing.assert_allclose(np.abs(plane.shadow(one)), [[0, 0], [4, 0], [3, 0], [0, 2], [0, 0]], atol=1e-5)


def test_each_path_counts_alike() -> None:
    """A path a million times as long holds two directions, but chooses no more than each of the short ones."""
    short, other, long = path((1.0,), (0.9,)), path((0.8,), (0.7,)), path((0, 1e6, 0), (0, 0, 0.9e6))
    plane, _ = main_plane([short, other, long])
    assert plane.share(short) == pytest.approx(1, abs=1e-3)
    assert main_plane([short, long])[1] == pytest.approx((1 + 0.81 + 1) / (1 + 0.81 + 1 + 0.81), rel=1e-3)


def test_sign_does_not_depend_on_the_svd(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [path((3, 1), (5, 4))]
    directions = main_plane(paths)[0].directions
    svd = np.linalg.svd

    def flipped(*arguments: object, **options: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u, s, v = svd(*arguments, **options)  # type: ignore[call-overload]
        return -u, s, -v

    monkeypatch.setattr("numpy.linalg.svd", flipped)
    np.testing.assert_array_equal(main_plane(paths)[0].directions, directions)


@pytest.mark.parametrize("coordinates", [[], [(2.0,)], [(1e12,)]])
def test_fewer_points_than_a_plane_needs(coordinates: list[tuple[float, ...]]) -> None:
    """Every run diverged at once, or after one step."""
    one = path(*coordinates)
    plane, share = main_plane([one, path()])
    assert share == pytest.approx(1)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    assert plane.shadow(one).shape == (len(coordinates) + 1, 2)
    assert plane.share(path()) == 1


def test_far_paths() -> None:
    paths = {"a": path((1,), (2,)), "b": path((3,), (1,)), "c": path((2.9 * FAR,)), "still": path()}
    assert reach(paths["b"]) == pytest.approx(3, rel=1e-5)
    assert far(paths) == set()
    assert far(paths | {"c": path((3.1 * FAR,))}) == {"c"}
    assert far({"c": path((1e9,))}) == far({"still": path(), "as still": path()}) == set()
    assert far({"c": path((1e9,)), "a": path((1,))}) == {"c"}


def test_grid_by_hand() -> None:
    """Around 3 x 1 the width decides, around 1 x 5 the height; one point gets a grid too."""
    for points, width in (([[0, 0], [3, 1]], 3), ([[0, 0], [-1, 5]], 7.5), ([[2, 2]], 2 * (1 - 2 * MARGIN))):
        middle = np.mean([np.min(points, axis=0), np.max(points, axis=0)], axis=0)
        half = width / (1 - 2 * MARGIN) / 2
        grid = grid_around([np.array(points, float)], 7)
        np.testing.assert_allclose(grid[..., 0], [middle[0] + np.linspace(-half, half, 7)] * 5)
        np.testing.assert_allclose(grid[..., 1].T, [middle[1] + np.linspace(-half, half, 5) / 1.5] * 7)
        for x, y in points:
            assert grid[0, 0, 0] < x < grid[0, -1, 0]
            assert grid[0, 0, 1] < y < grid[-1, 0, 1]
