"""The CD shop of the literature: published parameters, and what a forecast of 39 weeks was worth."""

from __future__ import annotations

import time

import numpy as np
import pytest

from shopwright.models.btyd import (
    PURCHASE_MODELS,
    BgNbd,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    PurchaseHistory,
    forecast,
    independence,
    interval_coverage,
    purchases_between,
    summarise,
    with_uncertainty,
)

END, LATER = "1997-09-30", "1998-06-30"


def known_purchases(file, *, places, header):
    """Customer, day and value of each purchase; dates as 19970101."""
    lines = [line.split() for line in file.read_text().splitlines()[header:] if line.strip()]
    customer, date, value = ([line[place] for line in lines] for place in places)
    days = np.array([f"{each[:4]}-{each[4:6]}-{each[6:]}" for each in date], "datetime64[D]")
    return np.array(customer), days, np.array(value, float)


def until_end(customer, day, value):
    seen = day <= np.datetime64(END)
    return summarise(customer[seen], day[seen], value[seen], end=END)


@pytest.fixture(scope="module")
def folder(real_data):
    found = real_data / "cdnow"
    if not found.is_dir():
        pytest.skip(f"no CDNOW files in {real_data}; set SHOPWRIGHT_REAL_DATA to the folder that has cdnow/")
    return found


@pytest.fixture(scope="module")
def sample(folder):
    return known_purchases(folder / "CDNOW_sample.txt", places=(1, 2, 4), header=0)


@pytest.fixture(scope="module")
def history(sample):
    return until_end(*sample).history


@pytest.fixture(scope="module")
def later(sample):
    customer, day, _ = sample
    return purchases_between(customer, day, customers=np.unique(customer), after=END, until=LATER)


@pytest.fixture(scope="module")
def everyone(folder):
    """The whole shop of 23,570 customers, up to the same day."""
    return until_end(*known_purchases(folder / "CDNOW_master.txt", places=(0, 1, 3), header=1)).history


def top_tenth(mean, actual):
    """Share of purchases made by the tenth of customers with the highest forecasts."""
    best = np.argsort(-mean, kind="stable")[: round(len(mean) / 10)]
    return actual[best].sum() / actual.sum()


def fitted_in_time(model, history):
    begun = time.process_time()
    found = model.fit(history)
    assert time.process_time() - begun < 3
    assert found.report.converged
    assert not found.report.warnings
    return found


@pytest.fixture(scope="module")
def fitted(history):
    """Each model of the sample, by its class; a fit takes under 3 s of a processor."""
    return {model: fitted_in_time(model, history) for model in PURCHASE_MODELS}


def test_the_sample_is_that_of_the_literature(history, later):
    """Fader, Hardie and Lee (2005): 2,357 customers, of whom 946 bought again."""
    assert (len(history), history.repeat_buyers, later.sum()) == (2357, 946, 1882)


def test_published_summaries_are_ours(folder, history):
    rows = np.loadtxt(folder / "cdnow_customers_summary.csv", delimiter=",", skiprows=1)
    assert (rows[:, 1] == history.frequency).all()
    assert rows[:, 2] == pytest.approx(history.recency, abs=0.006)
    assert rows[:, 3] == pytest.approx(history.age, abs=0.006)


def test_bg_nbd_has_the_published_parameters(fitted):
    """Fader, Hardie and Lee (2005), table 2."""
    found = fitted[BgNbd]
    assert np.round(found.parameters, 3) == pytest.approx([0.243, 4.414, 0.793, 2.426])
    assert found.report.log_likelihood == pytest.approx(-9582.43, abs=0.005)


def test_pareto_nbd_has_the_published_parameters(fitted):
    """Fader, Hardie and Lee (2005), table 2."""
    found = fitted[ParetoNbd]
    assert np.round(found.parameters, 3) == pytest.approx([0.553, 10.578, 0.606, 11.669])
    assert found.report.log_likelihood == pytest.approx(-9594.98, abs=0.005)


def test_mbg_nbd_fits_the_sample_slightly_better_than_bg_nbd(fitted):
    assert fitted[MbgNbd].report.log_likelihood > -9582.43


def test_gamma_gamma_has_the_published_parameters(history):
    """Fader and Hardie (2013), section 4; expected values as in their worksheet, for customers 1, 2 and 3."""
    found = GammaGamma.fit(history)
    assert [round(found.p, 2), round(found.q, 2), round(found.v, 2)] == [6.25, 3.74, 15.44]
    assert found.report.customers == 946
    assert found.expected_value(history)[:3] == pytest.approx([24.66, 18.91, 35.17], abs=0.01)


def test_value_and_frequency_hardly_correlate(history):
    """Fader, Hardie and Lee (2005, RFM and CLV) report 0.11 for these customers."""
    assert independence(history).correlation == pytest.approx(0.11, abs=0.005)


def test_bg_nbd_ranks_the_next_39_weeks_as_published(fitted, history, later):
    expected = fitted[BgNbd].expected_purchases(history, 39)
    assert np.corrcoef(expected, later)[0, 1] == pytest.approx(0.6256, abs=5e-5)


def test_the_best_forecast_of_the_next_39_weeks(everyone, history, later):
    """Parameters of the whole shop, forecasts for the sample: nothing after the end is known to either."""
    model = with_uncertainty(ParetoNbd.fit(everyone))
    found = forecast(model, history, 39.0)
    assert np.abs(found.point - later).mean() < 0.7545
    assert abs(found.point.sum() / later.sum() - 1) <= 0.10
    assert top_tenth(found.mean, later) > 0.47
    assert 0.77 <= interval_coverage(model, history, 39.0, later) <= 0.83


@pytest.mark.parametrize("model", PURCHASE_MODELS)
def test_a_model_of_the_sample_alone_comes_close(model, fitted, history, later):
    """All three see fewer purchases than there were; the winter brought more than any summer could tell."""
    spread = with_uncertainty(fitted[model])
    found = forecast(spread, history, 39.0)
    assert np.abs(found.point - later).mean() < 0.7545
    assert -0.17 < found.point.sum() / later.sum() - 1 < -0.10
    assert 0.77 <= interval_coverage(spread, history, 39.0, later) <= 0.83


def test_the_summary_file_gives_the_same_model(folder):
    rows = np.loadtxt(folder / "cdnow_customers_summary.csv", delimiter=",", skiprows=1)
    x, recency, age = rows[:, 1], rows[:, 2], rows[:, 3]
    found = BgNbd.fit(PurchaseHistory(x, np.minimum(recency, age), age, np.full(len(x), np.nan)))
    assert found.report.log_likelihood == pytest.approx(-9582.43, abs=0.01)
