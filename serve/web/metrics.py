"""What the API says of itself to Prometheus."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serve.serving import Served

# where processes that share a port keep their figures, a variable of prometheus-client
SHARED = "PROMETHEUS_MULTIPROC_DIR"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_SECONDS = Histogram(
    "http_request_duration_seconds",
    "How long requests took, by route.",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_REQUESTS = Counter(
    "http_requests_total", "Requests by route and status.", ("method", "route", "status")
)
_SPEND = Histogram(
    "predicted_spend",
    "Expected spend that /predict answered, in money.",
    buckets=(0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000),
)
_CHANCE = Histogram(
    "predicted_purchase_probability",
    "Probability of a purchase that /predict answered.",
    buckets=tuple(tenth / 10 for tenth in range(1, 11)),
)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answer; the route is its template, so that no id is a label."""
    # whoever makes up methods makes up no labels
    method = method if method in METHODS else "other"
    _SECONDS.labels(method, route).observe(seconds)
    _REQUESTS.labels(method, route, status).inc()


def observe_forecast(spend: float, chance: float) -> None:
    """Count a forecast that was made for somebody."""
    _SPEND.observe(spend)
    _CHANCE.observe(chance)


class _State(Collector):
    """What is served now, as it is when somebody asks."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        served = self._served
        if served.generation is not None:
            yield GaugeMetricFamily(
                "shop_generation", "Number of the generation served.", served.generation
            )
        if served.made_at is not None:
            age = time.time() - served.made_at
            yield GaugeMetricFamily(
                "shop_served_age_seconds", "Since what is served was published or written.", age
            )
        if served.model:
            champion = GaugeMetricFamily(
                "shop_model", "The model served, by its version.", labels=["version"]
            )
            champion.add_metric([served.model.version], 1)
            yield champion


def text(served: Served) -> bytes:
    """Return all of it in the words of Prometheus; of several processes their sum."""
    state = CollectorRegistry()
    state.register(_State(served))
    if SHARED in os.environ:
        MultiProcessCollector(state)
        return generate_latest(state)
    return generate_latest(REGISTRY) + generate_latest(state)
