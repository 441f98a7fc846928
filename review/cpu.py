"""On which kind of CPU the committed results were made, and what to expect of this one."""

import sys
from pathlib import Path

from stages.lib.training.cpu import cpu_kind

VERDICTS = Path("plots/verdicts.md")
SAME = "expect the same bytes"
VENDOR = "expect the same bytes of SGD, Momentum and Adam; AdaGrad and RMSProp repeat on one vendor's CPUs only"
OTHER = "expect other last digits, which training amplifies; `python -m review HEAD` tells whether they matter"


def expected(made: str, here: str) -> str:
    """What to expect, by two kinds of CPU as `cpu_kind` names them: vendor, vector instructions, matrix kernel."""
    if made == here:
        return SAME
    return VENDOR if made.split(", ")[1:] == here.split(", ")[1:] else OTHER


def main() -> None:
    """Print one line; nothing where no results are there."""
    text = VERDICTS.read_text(encoding="utf-8") if VERDICTS.exists() else ""
    made = text.partition("Trained on: ")[2].strip().removesuffix(".")
    if made:
        print(f"committed results: {made}; here: {cpu_kind()}: {expected(made, cpu_kind())}", file=sys.stderr)


if __name__ == "__main__":
    main()
