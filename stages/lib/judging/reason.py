"""A verdict's reason in one sentence, in English and in Chinese: a language is a dict with the same keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.lib.judging.verdict import CONFIDENCE, Ratio, Verdict
from stages.lib.searching.lr_result import TOLERANCE, LrResult
from stages.lib.searching.status import CHANCE

RATIO = "after {steps} steps its validation loss is {value} times that of the best rate tried, {best}"
INTERVAL = RATIO + " ({confidence} interval {low} to {high})"
STUCK = "after {steps} steps a validation loss is {loss}, no better than guessing ({chance}), and does not fall"
ENGLISH = {
    "reasonable": "{optimizer} at {lr} is reasonable: " + INTERVAL + ", within the tolerance of {tolerance}.",
    "best": "{optimizer} at {lr} is reasonable: it is the best rate tried.",
    "borderline": "{optimizer} at {lr} is borderline: " + INTERVAL + ", at the tolerance of {tolerance}; a {side} rate "
    "would likely do better.",
    "too_small learning": "{optimizer} at {lr} is too small: " + INTERVAL + ", beyond the tolerance of {tolerance}.",
    "too_large learning": "{optimizer} at {lr} is too large: " + INTERVAL + ", beyond the tolerance of {tolerance}.",
    "too_small stuck": "{optimizer} at {lr} is too small: " + STUCK + ", while the larger {best} learns.",
    "too_large stuck": "{optimizer} at {lr} is too large: " + STUCK + ", while the smaller {best} learns.",
    "too_large diverged": "{optimizer} at {lr} is too large: the loss diverged, while the smaller {best} learns.",
    "no best": "{optimizer} at {lr} cannot be judged: nothing learns at any rate of the sweep; widen the grid "
    "(sweep.lrs).",
    "contradiction": "{optimizer} at {lr} cannot be judged: it did badly, but the best rate tried, {best}, is {side}; "
    "the seeds contradict each other, and more of them are needed.",
    "best fails": "{optimizer} at {lr} cannot be judged: at the best rate tried, {best}, not every run with these "
    "seeds learned, so there is nothing to compare with; more seeds are needed.",
    "no spread": "{optimizer} at {lr} cannot be judged: " + RATIO + ", but no rate that learned well has two runs, "
    "which would show what chance alone does.",
    "between": "{optimizer} at {lr} cannot be judged yet: " + INTERVAL + ", from good to bad across the tolerance of "
    "{tolerance}; more seeds would narrow it.",
    "constant": "lr {lr}",
    "peak": "peak lr {lr} ({schedule})",
    "larger": "larger",
    "smaller": "smaller",
    "equal": "the same",
    "edge": " The best rate is the last of the sweep's grid, so a better one may lie beyond it.",
}


RATIO_ZH = "训练 {steps} 步后，验证集损失是用试过的最佳学习率 {best} 时的 {value} 倍"
INTERVAL_ZH = RATIO_ZH + "（{confidence} 区间 {low} 到 {high}）"
STUCK_ZH = "训练 {steps} 步后，有一次训练的验证集损失为 {loss}，不比随机猜测（{chance}）好，也不再下降"
CHINESE = {
    "reasonable": "{optimizer} 用 {lr} 合理：" + INTERVAL_ZH + "，在容差 {tolerance} 以内。",
    "best": "{optimizer} 用 {lr} 合理：它就是试过的最佳学习率。",
    "borderline": "{optimizer} 用 {lr} 处于临界：" + INTERVAL_ZH + "，在容差 {tolerance} 附近；"
    "{side}的学习率可能更好。",
    "too_small learning": "{optimizer} 用 {lr} 过小：" + INTERVAL_ZH + "，超出容差 {tolerance}。",
    "too_large learning": "{optimizer} 用 {lr} 过大：" + INTERVAL_ZH + "，超出容差 {tolerance}。",
    "too_small stuck": "{optimizer} 用 {lr} 过小：" + STUCK_ZH + "，而更大的 {best} 能学会。",
    "too_large stuck": "{optimizer} 用 {lr} 过大：" + STUCK_ZH + "，而更小的 {best} 能学会。",
    "too_large diverged": "{optimizer} 用 {lr} 过大：损失发散，而更小的 {best} 能学会。",
    "no best": "{optimizer} 用 {lr} 无法判断：扫描的所有学习率都学不会；请放宽网格（sweep.lrs）。",
    "contradiction": "{optimizer} 用 {lr} 无法判断：它的结果很差，但试过的最佳学习率 {best} {side}；"
    "各个种子互相矛盾，需要更多种子。",
    "best fails": "{optimizer} 用 {lr} 无法判断：用试过的最佳学习率 {best}，这些种子没有全部学会，无从比较；"
    "需要更多种子。",
    "no spread": "{optimizer} 用 {lr} 无法判断：" + RATIO_ZH + "，但学得好的学习率都只训练了一次，看不出偶然的影响。",
    "between": "{optimizer} 用 {lr} 暂时无法判断：" + INTERVAL_ZH + "，从好到坏跨过容差 {tolerance}；需要更多种子。",
    "constant": "lr {lr}",
    "peak": "峰值 lr {lr} ({schedule})",
    "larger": "更大",
    "smaller": "更小",
    "equal": "相同",
    "edge": "最佳学习率位于扫描网格的边缘，更好的可能在网格之外。",
}


@dataclass(frozen=True)
class Grounds:
    """What is to be explained: the runs at `lr`, its ratio and verdict, and what they were compared with."""

    optimizer: str
    lr: float
    steps: int
    result: LrResult
    ratio: Ratio | None
    verdict: Verdict
    best_lr: float | None
    at_edge: bool  # the best rate is the smallest or the largest of the grid
    schedule: str = ""  # its class; none: lrs are constant, not peaks


def reason(grounds: Grounds, words: Mapping[str, str]) -> str:
    """One sentence with its numbers, and a second one if the grid was too narrow."""
    lr, best, ratio, losses = grounds.lr, grounds.best_lr, grounds.ratio, grounds.result.losses
    numbers = {
        "optimizer": grounds.optimizer,
        "lr": words["peak" if grounds.schedule else "constant"].format(lr=f"{lr:g}", schedule=grounds.schedule),
        "steps": f"{grounds.steps:,}",
        "loss": f"{max(losses):.3g}" if losses else "",
        "chance": f"{CHANCE:.3g}",
        "tolerance": f"{TOLERANCE:g}",
        "confidence": f"{CONFIDENCE:.0%}",
        "best": "" if best is None else f"{best:g}",
        "side": words["equal" if best is None or lr == best else "larger" if lr < best else "smaller"],
    }
    if ratio:
        numbers |= {name: f"{value:.3g}" for name, value in vars(ratio).items()}
    return words[_case(grounds)].format(**numbers) + (words["edge"] if grounds.at_edge else "")


def _case(grounds: Grounds) -> str:
    """The key of the sentence."""
    ratio, verdict = grounds.ratio, grounds.verdict
    if verdict == "reasonable" and grounds.lr == grounds.best_lr:
        return "best"
    if verdict != "undetermined":
        return verdict if verdict in {"reasonable", "borderline"} else f"{verdict} {grounds.result.status}"
    if grounds.best_lr is None:
        return "no best"
    if ratio is None and grounds.result.status == "learning":
        return "best fails"
    if ratio is None or ratio.low > TOLERANCE:
        return "contradiction"
    return "no spread" if ratio.low == 0 else "between"
