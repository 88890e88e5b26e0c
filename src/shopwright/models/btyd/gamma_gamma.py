"""Gamma-Gamma: the value of a customer's purchase, learned from their own purchases and from everyone's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import pearsonr

from shopwright.core.errors import DataError
from shopwright.models.btyd.fitting import FitReport, Maximum, check_repeat_buyers, maximise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.btyd.fitting import Objective
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_SUBSAMPLE_SIZE = 5_000
"""Approximate number of histories on which starts of the fit are compared."""
NO_MEAN = "q is 1 or less, so the model's mean value of customers without repeat purchases is infinite"


@dataclass(frozen=True, slots=True)
class Independence:
    """Test of whether frequency and value are independent, which the model assumes."""

    correlation: float | None
    """Pearson's, of frequency and mean value; None where one of them does not vary."""
    pvalue: float | None
    """Two-sided, of no correlation."""
    customers: int


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    Values of one customer's purchases vary as Gamma(p, nu), and nu varies between customers as Gamma(q, v).
    Value and frequency are assumed to be independent; ``independence`` tests that.

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
        """Fit the parameters by maximum likelihood.

        Only customers with a repeat purchase and a positive mean value are used; the model does not cover others.

        Args:
            history: of all customers.
            penalty: precision of a normal prior on each log parameter, centred at 1 (for v: the mean value).

        Raises:
            DataError: too few such customers.
        """
        if not penalty >= 0:
            raise ValueError(f"penalty must be 0 or more, not {penalty}")
        valued = history.take(_valued(history))
        check_repeat_buyers(valued)
        scale = float(valued.value.mean())
        step = len(valued) // _SUBSAMPLE_SIZE
        subset = valued.take(np.arange(0, len(valued), step)) if step >= 2 else None
        maximum = maximise(
            _objective(valued, scale),
            names=cls.PARAMETERS,
            customers=len(valued),
            subsample=None if subset is None else _objective(subset, scale),
            penalty=penalty,
        )
        return cls._fitted(maximum, valued, scale)

    @classmethod
    def _fitted(cls, maximum: Maximum, valued: PurchaseHistory, scale: float) -> Self:
        p, q, v = (float(parameter) for parameter in np.exp(maximum.theta) * np.array([1, 1, scale]))
        value, _ = _likelihood(np.array([p, q, v]), valued.frequency, valued.value)
        errors = None
        if maximum.covariance is not None:
            spread = np.array([p, q, v]) * np.sqrt(np.diag(maximum.covariance))
            errors = dict(zip(cls.PARAMETERS, map(float, spread), strict=True))
        report = FitReport(
            log_likelihood=float(value.sum()),
            customers=len(valued),
            converged=maximum.converged,
            unit_days=valued.unit_days,
            standard_errors=errors,
            covariance=None if maximum.covariance is None else tuple(map(tuple, maximum.covariance.tolist())),
            warnings=maximum.warnings + ((NO_MEAN,) if q <= 1 else ()),
        )
        return cls(p, q, v, report)

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Return the log-likelihood of each customer's mean value, (n_customers,); NaN without a positive one."""
        valued = _valued(history)
        values = np.full(len(history), np.nan)
        parameters = np.array([self.p, self.q, self.v])
        values[valued], _ = _likelihood(parameters, history.frequency[valued], history.value[valued])
        return values

    def posterior(self, history: PurchaseHistory) -> tuple[Floats, Floats]:
        """Return shape and rate of each customer's nu, given their purchases; two arrays of shape (n_customers,).

        Customers without a positive mean value get the prior: q and v.
        """
        valued = _valued(history)
        spent = np.where(valued, history.frequency * np.where(valued, history.value, 0.0), 0.0)
        return self.q + self.p * np.where(valued, history.frequency, 0.0), self.v + spent

    def expected_value(self, history: PurchaseHistory) -> Floats:
        """Return the mean value of each customer's future purchases, between their own mean and everyone's.

        Fader and Hardie (2013), equation 5: ``p (v + x m) / (p x + q - 1)``.

        Returns:
            Shape (n_customers,), in currency; NaN where the model has no mean (``NO_MEAN``).
        """
        shape, rate = self.posterior(history)
        mean = np.full(len(history), np.nan)
        np.divide(self.p * rate, shape - 1, out=mean, where=shape > 1)
        return mean

    def to_dict(self) -> dict[str, Any]:
        """Return the model as values that JSON can hold."""
        return {
            "model": self.NAME,
            "parameters": {"p": self.p, "q": self.q, "v": self.v},
            "report": self.report.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore a model from ``to_dict``.

        Raises:
            DataError: the values are those of another kind of model.
        """
        if data["model"] != cls.NAME:
            raise DataError(f"Found a {data['model']} model, expected {cls.NAME}")
        return cls(**data["parameters"], report=FitReport.from_dict(data["report"]))


def independence(history: PurchaseHistory) -> Independence:
    """Correlate frequency and mean value over customers with both.

    Example:
        >>> from shopwright.models.btyd import PurchaseHistory
        >>> history = PurchaseHistory([1, 2, 3, 4], [1, 1, 2, 3], [4, 4, 4, 4], [9, 4, 9, 4])
        >>> round(independence(history).correlation, 3)
        -0.447
    """
    valued = _valued(history)
    x, value = history.frequency[valued], history.value[valued]
    if len(x) < 3 or x.min() == x.max() or value.min() == value.max():
        return Independence(None, None, len(x))
    test = pearsonr(x, value)
    return Independence(float(test.statistic), float(test.pvalue), len(x))


def _valued(history: PurchaseHistory) -> NDArray[np.bool_]:
    return (history.frequency > 0) & (np.nan_to_num(history.value, nan=0.0) > 0)


def _objective(history: PurchaseHistory, scale: float) -> Objective:
    x, value = history.frequency, history.value / scale

    def objective(theta: Floats) -> tuple[float, Floats]:
        values, slope = _likelihood(np.exp(theta), x, value)
        return float(values.mean()), slope.mean(axis=0)

    return objective


def _likelihood(parameters: Floats, x: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Return Fader and Hardie (2013), equation 1a, and its derivatives by the log parameters."""
    p, q, v = parameters
    spent = x * value
    share = np.log(spent) - np.log(v + spent)
    values = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
        + q * (np.log(v) - np.log(v + spent)) + p * x * share - np.log(value)
    )  # fmt: skip
    digamma_total = digamma(p * x + q)
    slope_p = x * (digamma_total - digamma(p * x) + share)
    slope_q = digamma_total - digamma(q) + np.log(v) - np.log(v + spent)
    slope_v = q / v - (p * x + q) / (v + spent)
    return values, np.column_stack((slope_p, slope_q, slope_v)) * parameters
