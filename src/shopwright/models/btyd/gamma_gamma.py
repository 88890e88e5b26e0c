"""Gamma-Gamma: what a purchase of a customer is worth, learned from the own purchases and from everyone's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import pearsonr

from shopwright.core.errors import DataError
from shopwright.models.btyd.fitting import FitReport, Maximum, enough_repeat_buyers, maximise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.btyd.fitting import Objective
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_REHEARSED = 5_000
NO_MEAN = "q is 1 or less: the mean value of customers without repeat purchases is infinite under this model"


@dataclass(frozen=True, slots=True)
class Independence:
    """Whether frequent buyers pay as much per purchase as others, which the model takes for granted."""

    correlation: float | None
    """Pearson's, of frequency and mean value; None where one of them does not vary."""
    pvalue: float | None
    """Two-sided, of no correlation."""
    customers: int


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    Values of one customer's purchases vary as Gamma(p, nu), and nu varies between customers as Gamma(q, v).
    Value and frequency are taken to be independent; ``independence`` says how far that holds.

    Source: Fader and Hardie (2013), "The Gamma-Gamma model of monetary value"; Fader, Hardie and Lee (2005),
    "RFM and CLV: using iso-value curves for customer base analysis", Journal of Marketing Research 42(4).
    """

    p: float
    """Shape of the values of one customer."""
    q: float
    """Shape of the rates over customers."""
    v: float
    """Scale of the values, in currency."""
    report: FitReport

    NAME: ClassVar[str] = "gamma_gamma"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    @classmethod
    def fit(cls, history: PurchaseHistory, *, penalty: float = 0.0) -> Self:
        """Find the parameters under which the mean values are likeliest.

        Learns from customers with a repeat purchase and a positive mean value; the model knows no others.

        Args:
            history: of all customers.
            penalty: precision of a normal prior on each log parameter, centred at 1 (for v: the mean value).

        Raises:
            DataError: too few such customers.
        """
        if not penalty >= 0:
            raise ValueError(f"a penalty is 0 or more, not {penalty}")
        kept = history.only(_valued(history))
        enough_repeat_buyers(kept)
        scale = float(kept.value.mean())
        step = len(kept) // _REHEARSED
        few = kept.only(np.arange(0, len(kept), step)) if step >= 2 else None
        found = maximise(
            _objective(kept, scale),
            names=cls.PARAMETERS,
            customers=len(kept),
            rehearsal=None if few is None else _objective(few, scale),
            penalty=penalty,
        )
        return cls._fitted(found, kept, scale)

    @classmethod
    def _fitted(cls, found: Maximum, kept: PurchaseHistory, scale: float) -> Self:
        p, q, v = (float(each) for each in np.exp(found.theta) * np.array([1, 1, scale]))
        value, _ = _likelihood(np.array([p, q, v]), kept.frequency, kept.value)
        errors = None
        if found.covariance is not None:
            spread = np.array([p, q, v]) * np.sqrt(np.diag(found.covariance))
            errors = dict(zip(cls.PARAMETERS, map(float, spread), strict=True))
        report = FitReport(
            log_likelihood=float(value.sum()),
            customers=len(kept),
            converged=found.converged,
            unit_days=kept.unit_days,
            standard_errors=errors,
            covariance=None if found.covariance is None else tuple(map(tuple, found.covariance.tolist())),
            warnings=found.warnings + ((NO_MEAN,) if q <= 1 else ()),
        )
        return cls(p, q, v, report)

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Log-likelihood of each customer's mean value; NaN without a positive one. Shape (n_customers,)."""
        kept = _valued(history)
        found = np.full(len(history), np.nan)
        parameters = np.array([self.p, self.q, self.v])
        found[kept], _ = _likelihood(parameters, history.frequency[kept], history.value[kept])
        return found

    def posterior(self, history: PurchaseHistory) -> tuple[Floats, Floats]:
        """Shape and rate of each customer's nu, given the own purchases; two arrays of shape (n_customers,).

        Customers without a positive mean value have the shape and rate of everyone: q and v.
        """
        kept = _valued(history)
        spent = np.where(kept, history.frequency * np.where(kept, history.value, 0.0), 0.0)
        return self.q + self.p * np.where(kept, history.frequency, 0.0), self.v + spent

    def expected_value(self, history: PurchaseHistory) -> Floats:
        """Mean value of a customer's future purchases, between the own mean and everyone's.

        Fader and Hardie (2013), equation 5: ``p (v + x m) / (p x + q - 1)``.

        Returns:
            Shape (n_customers,); NaN where the model has no mean (``NO_MEAN``).
        """
        shape, rate = self.posterior(history)
        found = np.full(len(history), np.nan)
        np.divide(self.p * rate, shape - 1, out=found, where=shape > 1)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return {
            "model": self.NAME,
            "parameters": {"p": self.p, "q": self.q, "v": self.v},
            "report": self.report.to_dict(),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``.

        Raises:
            DataError: another model was written.
        """
        if written["model"] != cls.NAME:
            raise DataError(f"this is a {written['model']} model, expected {cls.NAME}")
        return cls(**written["parameters"], report=FitReport.from_dict(written["report"]))


def independence(history: PurchaseHistory) -> Independence:
    """Correlate frequency and mean value over customers with both.

    Example:
        >>> from shopwright.models.btyd import PurchaseHistory
        >>> history = PurchaseHistory([1, 2, 3, 4], [1, 1, 2, 3], [4, 4, 4, 4], [9, 4, 9, 4])
        >>> round(independence(history).correlation, 3)
        -0.447
    """
    kept = _valued(history)
    x, value = history.frequency[kept], history.value[kept]
    if len(x) < 3 or x.min() == x.max() or value.min() == value.max():
        return Independence(None, None, len(x))
    found = pearsonr(x, value)
    return Independence(float(found.statistic), float(found.pvalue), len(x))


def _valued(history: PurchaseHistory) -> NDArray[np.bool_]:
    return (history.frequency > 0) & (np.nan_to_num(history.value, nan=0.0) > 0)


def _objective(history: PurchaseHistory, scale: float) -> Objective:
    x, value = history.frequency, history.value / scale

    def objective(theta: Floats) -> tuple[float, Floats]:
        found, slope = _likelihood(np.exp(theta), x, value)
        return float(found.mean()), slope.mean(axis=0)

    return objective


def _likelihood(parameters: Floats, x: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Fader and Hardie (2013), equation 1a, and its derivatives by the log parameters."""
    p, q, v = parameters
    spent = x * value
    share = np.log(spent) - np.log(v + spent)
    found = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
        + q * (np.log(v) - np.log(v + spent)) + p * x * share - np.log(value)
    )  # fmt: skip
    both = digamma(p * x + q)
    slope_p = x * (both - digamma(p * x) + share)
    slope_q = both - digamma(q) + np.log(v) - np.log(v + spent)
    slope_v = q / v - (p * x + q) / (v + spent)
    return found, np.column_stack((slope_p, slope_q, slope_v)) * parameters
