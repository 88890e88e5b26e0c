"""Buy-till-you-die (BTYD) models: predict how often customers come back and what they spend, when nobody announces leaving.

Belongs here: purchase histories (``summarise``), models of purchase counts (``PURCHASE_MODELS``) and of purchase values
(``GammaGamma``), and forecasts from them. Does not belong here: reading customers from a warehouse, choosing between
models or evaluating them; the packages that use these models do that (``lifetime_value``, ``churn``).

Parameters keep the letters of the papers (r, alpha, s, beta, a, b, p, q, v), and so do frequency and recency; the papers' T
is ``age``. Models are fitted by maximum likelihood without random numbers: the same histories always give the same model
and the same forecasts.

Example:
    >>> import numpy as np
    >>> customer = np.repeat(np.arange(60), 3)
    >>> day = (np.arange(180) * 37) % 180
    >>> bought = summarise(customer, day, np.ones(180), end=180)
    >>> model = BgNbd.fit(bought.history, penalty=1.0)
    >>> bool((forecast(model, bought.history, 26).mean > 0).all())
    True
"""

from shopwright.models.btyd.bg_nbd import BgNbd
from shopwright.models.btyd.fitting import MIN_REPEAT_BUYERS, FitReport
from shopwright.models.btyd.forecast import INTERVAL_LEVEL, Forecast, forecast, interval_coverage
from shopwright.models.btyd.gamma_gamma import GammaGamma, Independence, independence
from shopwright.models.btyd.mbg_nbd import MbgNbd
from shopwright.models.btyd.model import PurchaseForecaster, PurchaseModel
from shopwright.models.btyd.pareto_nbd import ParetoNbd
from shopwright.models.btyd.summary import PurchaseHistory, Summary, purchases_between, summarise
from shopwright.models.btyd.uncertainty import ParameterMixture, with_uncertainty
from shopwright.models.btyd.value import ValueForecast, value_distribution

PURCHASE_MODELS: tuple[type[PurchaseModel], ...] = (BgNbd, MbgNbd, ParetoNbd)
"""Models of purchase counts, all with the interface of ``PurchaseModel``."""

__all__ = [
    "INTERVAL_LEVEL",
    "MIN_REPEAT_BUYERS",
    "PURCHASE_MODELS",
    "BgNbd",
    "FitReport",
    "Forecast",
    "GammaGamma",
    "Independence",
    "MbgNbd",
    "ParameterMixture",
    "ParetoNbd",
    "PurchaseForecaster",
    "PurchaseHistory",
    "PurchaseModel",
    "Summary",
    "ValueForecast",
    "forecast",
    "independence",
    "interval_coverage",
    "purchases_between",
    "summarise",
    "value_distribution",
    "with_uncertainty",
]
