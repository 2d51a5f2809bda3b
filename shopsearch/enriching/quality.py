"""How good predictions of one attribute are, by products whose value is known.

    accuracy      predictions that are right, over all products
    precision     of a value: right predictions of it, over all predictions of it
    recall        of a value: right predictions of it, over all products that have it
    f1            2 precision recall / (precision + recall)
    macro         the mean over values, each counting alike; 0 stands where a measure is undefined
    micro         over all predictions together; one prediction a product makes precision, recall
                  and F1 equal to the accuracy
    ece           expected calibration error: the mean gap between probability and share of right
                  predictions, over 15 bins of equal width, weighed by products (Guo et al. 2017)

Letters: N products, C values that can be predicted. A truth that cannot be predicted (a value too
rare to be learned) is numbered C and counts as a wrong prediction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_N_BINS = 15


@dataclass(frozen=True, slots=True)
class ValueQuality:
    """The measures of one value."""

    value: str
    products: int  # that have it
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Bound:
    """What is left when predictions below a probability are not made."""

    min_probability: float
    coverage: float  # share of all products that get a prediction
    precision: float  # share of these predictions that are right; 0 where there is none


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures over all values, and value by value."""

    products: int
    accuracy: float
    majority: float  # accuracy of always saying the most frequent value
    macro: ValueQuality  # over the values that products have and that were `compared`
    micro: ValueQuality
    ece: float
    bound: Bound
    values: tuple[ValueQuality, ...]  # most products first
    given: tuple[str, ...]  # the C values in the order of the confusion matrix
    confusion: NDArray[np.int64]  # (C + 1, C) truth by prediction; the last row is "another value"

    def as_json(self) -> dict[str, Any]:
        """The figures without the confusion matrix."""
        each = [asdict(value) for value in self.values]
        return {
            "products": self.products,
            "accuracy": self.accuracy,
            "majority_accuracy": self.majority,
            "macro": _figures(self.macro),
            "micro": _figures(self.micro),
            "ece": self.ece,
            "at_min_probability": asdict(self.bound),
            "values": each,
        }


def measure(
    shares: NDArray[np.float64],
    truth: NDArray[np.int64],
    values: Sequence[str],
    *,
    min_probability: float,
    compared: Collection[str] | None = None,
) -> Quality:
    """The measures of (N, C) probabilities against the (N,) numbers of the true values.

    Only the values `compared` count in the macro means, so that methods which know more and fewer
    values can be compared; all that products have, where it is None.
    """
    predicted, top = shares.argmax(axis=1), shares.max(axis=1)  # (N,), (N,)
    confusion = np.zeros((len(values) + 1, len(values)), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    each = _by_value(confusion, values)
    known = [one for one in each if one.products and (compared is None or one.value in compared)]
    right = predicted == truth  # (N,)
    accuracy = float(right.mean())
    return Quality(
        products=len(truth),
        accuracy=accuracy,
        majority=float(confusion[:-1].sum(axis=1).max() / len(truth)),
        macro=_mean(known),
        micro=ValueQuality("", len(truth), accuracy, accuracy, accuracy),
        ece=calibration_error(top, right),
        bound=_bounded(top, right, min_probability),
        values=tuple(sorted(each, key=lambda one: -one.products)),
        given=tuple(values),
        confusion=confusion,
    )


def calibration_error(top: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The expected calibration error of N predictions: see above."""
    bins = np.minimum((top * _N_BINS).astype(np.int64), _N_BINS - 1)  # (N,)
    gaps = np.bincount(bins, top - right, minlength=_N_BINS)  # summed over the products of a bin
    return float(np.abs(gaps).sum() / len(top))


def _by_value(confusion: NDArray[np.int64], values: Sequence[str]) -> list[ValueQuality]:
    hits = np.diag(confusion)  # (C,)
    had, said = confusion[:-1].sum(axis=1), confusion.sum(axis=0)  # (C,), (C,)
    return [
        ValueQuality(
            value=value,
            products=int(had[n]),
            precision=_share(hits[n], said[n]),
            recall=_share(hits[n], had[n]),
            f1=_share(2 * hits[n], had[n] + said[n]),
        )
        for n, value in enumerate(values)
    ]


def _mean(each: Sequence[ValueQuality]) -> ValueQuality:
    n_products = sum(one.products for one in each)
    table = np.array([(one.precision, one.recall, one.f1) for one in each])  # (C, 3)
    precision, recall, f1 = table.mean(axis=0) if len(table) else (0.0, 0.0, 0.0)
    return ValueQuality("", n_products, float(precision), float(recall), float(f1))


def _bounded(top: NDArray[np.float64], right: NDArray[np.bool_], min_probability: float) -> Bound:
    made = top >= min_probability  # (N,)
    return Bound(min_probability, float(made.mean()), _share(right[made].sum(), made.sum()))


def _share(part: int | np.int64, whole: int | np.int64) -> float:
    return float(part / whole) if whole else 0.0


def _figures(quality: ValueQuality) -> dict[str, float]:
    return {"precision": quality.precision, "recall": quality.recall, "f1": quality.f1}
