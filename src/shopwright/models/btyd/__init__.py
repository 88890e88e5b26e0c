"""Buy-till-you-die models: how often customers come back who never say that they have left, and what they spend.

Belongs here: histories (``summarise``), models of purchase counts (``PURCHASE_MODELS``) and of purchase values
(``GammaGamma``), and forecasts from them. Does not belong here: reading customers from a warehouse, choosing between
models, or judging them; that is the business of the rooms that use these.

Counts and values are modelled by maximum likelihood, without random numbers anywhere: equal histories give equal
models, and equal forecasts.

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
from shopwright.models.btyd.fitting import FEWEST_REPEAT_BUYERS, FitReport
from shopwright.models.btyd.forecast import LEVEL, Forecast, forecast, interval_coverage
from shopwright.models.btyd.gamma_gamma import GammaGamma, Independence, independence
from shopwright.models.btyd.mbg_nbd import MbgNbd
from shopwright.models.btyd.model import Predicts, PurchaseModel
from shopwright.models.btyd.pareto_nbd import ParetoNbd
from shopwright.models.btyd.summary import PurchaseHistory, Summary, purchases_between, summarise
from shopwright.models.btyd.uncertainty import ParameterMixture, with_uncertainty
from shopwright.models.btyd.value import ValueForecast, value_distribution

PURCHASE_MODELS: tuple[type[PurchaseModel], ...] = (BgNbd, MbgNbd, ParetoNbd)
"""Models of purchase counts; one protocol."""

__all__ = [
    "FEWEST_REPEAT_BUYERS",
    "LEVEL",
    "PURCHASE_MODELS",
    "BgNbd",
    "FitReport",
    "Forecast",
    "GammaGamma",
    "Independence",
    "MbgNbd",
    "ParameterMixture",
    "ParetoNbd",
    "Predicts",
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
