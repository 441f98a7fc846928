import pytest

from review.cpu import OTHER, SAME, VENDOR, expected

AMD = "AMD, AVX-512, OpenBLAS SkylakeX"


@pytest.mark.parametrize(
    ("here", "told"),
    [
        (AMD, SAME),
        ("Intel, AVX-512, OpenBLAS SkylakeX", VENDOR),
        ("AMD, AVX2, OpenBLAS Zen", OTHER),
        ("Intel, AVX-512, OpenBLAS Haswell", OTHER),
    ],
)
def test_what_to_expect(here: str, told: str) -> None:
    assert expected(AMD, here) == told
