"""What every candidate forecasts as of past dates, each fitted on what had matured by its date.

Fits are dear and their forecasts are kept (`train.backtesting.forecast_store`): a date whose data,
features and candidates are the same as in an earlier run is not fitted again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sklearn.base import BaseEstimator

import warehouse
from train import dataset
from train.backtesting import compare, forecast_store
from train.backtesting.forecast_store import FoldForecasts
from train.candidates.models import Blend, Effort, candidates
from train.candidates.own import OwnCandidate, hashes_of
from train.dataset import Rows, Schedule
from train.registry import artefact

# dates fitted at a time: with more the cores are no busier, and the rows of all are held
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Fold:
    """One as-of date of the past, forecast.

    Attributes
    ----------
    day
        The as-of date.
    forecasts
        Of the candidates, before calibration.
    """

    day: dt.date
    forecasts: FoldForecasts


@dataclass(frozen=True)
class FittedFold(Fold):
    """One as-of date of the past, forecast in this run: what was fitted is still there.

    Attributes
    ----------
    fitted
        The candidates by name.
    test
        Rows of the date.
    """

    fitted: Mapping[str, BaseEstimator]
    test: Rows


@dataclass(frozen=True)
class Rolling:
    """Forecasts at past dates of one mart, by one set of candidates."""

    contract: warehouse.Contract
    schedule: Schedule
    models: Mapping[str, BaseEstimator]
    identities: Mapping[dt.date, str]
    fingerprints: Mapping[dt.date, str]
    effort: Effort
    seed: int
    own: Mapping[str, OwnCandidate]

    @classmethod
    def of(
        cls, schedule: Schedule, effort: Effort, seed: int, own: Mapping[str, OwnCandidate]
    ) -> Rolling:
        """Name what each date's forecasts are made from: data, features, candidates, libraries."""
        contract = warehouse.contract()
        with warehouse.connect(read_only=True) as connection:
            fingerprints = dataset.fingerprints(connection, contract, schedule.labelled)
        return cls._made(contract, schedule, fingerprints, effort, seed, own)

    def lighter(self) -> Rolling:
        """Return the same with the lighter effort."""
        return self._made(
            self.contract,
            self.schedule,
            self.fingerprints,
            self.effort.lighter(),
            self.seed,
            self.own,
        )

    @classmethod
    def _made(
        cls,
        contract: warehouse.Contract,
        schedule: Schedule,
        fingerprints: Mapping[dt.date, str],
        effort: Effort,
        seed: int,
        own: Mapping[str, OwnCandidate],
    ) -> Rolling:
        models = candidates(
            contract, horizon_days=schedule.horizon, seed=seed, effort=effort, own=own
        )
        # which candidates are tried beside one changes none of its forecasts
        spent = {name: value for name, value in asdict(effort).items() if name != "everything"}
        common = {
            "contract": contract.hash,
            "seed": seed,
            "effort": spent,
            "candidates": hashes_of(own),
        }
        identities = {
            day: artefact.version_name(
                day,
                common
                | {
                    "data": dataset.joint_fingerprint(
                        fingerprints, [*schedule.known_before(day), day]
                    )
                },
            )
            for day in schedule.latest_folds(len(schedule.labelled))
        }
        return cls(contract, schedule, models, identities, fingerprints, effort, seed, own)

    @property
    def fits(self) -> int:
        """How many estimators are fitted for one date."""
        return sum(not isinstance(model, Blend) for model in self.models.values())

    def rows_of(self, day: dt.date) -> Rows:
        """Read the rows of a date, all where they keep within the limit."""
        return self._read([day], day)

    def kept(self, days: Sequence[dt.date]) -> dict[dt.date, FoldForecasts]:
        """Return the forecasts of those days that an earlier run has left, of all candidates."""
        with warehouse.connect(read_only=True) as connection:
            snapshots = {
                day: forecast_store.stored(connection, day, self.identities[day]) for day in days
            }
        return {
            day: self._in_order(snapshot)
            for day, snapshot in snapshots.items()
            if snapshot and self.models.keys() <= snapshot.by_model.keys()
        }

    def forecast(
        self,
        days: Sequence[dt.date],
        done: Callable[[], None] = lambda: None,
        check: Callable[[Rows, Rows], None] = lambda past, test: None,
    ) -> list[FittedFold]:
        """Fit all candidates as of some days, forecast these, keep the forecasts.

        Parameters
        ----------
        done
            Called once per fitted estimator.
        check
            Called with the rows to learn from and those of the first day, before any fit.
        """
        rows = [self._learned_and_tested(day) for day in days]
        check(*rows[0])
        folds = []
        for day, (_, test), fitted in zip(
            days, rows, compare.fit_folds(rows, self.models, done), strict=True
        ):
            forecasts = FoldForecasts(test.customer_id, fitted.out_of_time, self.identities[day])
            with warehouse.writer() as connection:
                forecast_store.write(connection, day, forecasts)
            folds.append(FittedFold(day, forecasts, fitted.fitted, test))
        return folds

    def forecast_all(
        self, days: Sequence[dt.date], done: Callable[[], None] = lambda: None
    ) -> Iterator[Fold]:
        """Yield the days in order, fitted where no earlier run has left their forecasts."""
        kept = self.kept(days)
        missing = [day for day in days if day not in kept]
        for day in days:
            if day not in kept:
                batch, missing = missing[:SIDE_BY_SIDE], missing[SIDE_BY_SIDE:]
                # of what was fitted only the forecasts are held
                kept |= {fold.day: fold.forecasts for fold in self.forecast(batch, done)}
            yield Fold(day, kept[day])

    def _learned_and_tested(self, day: dt.date) -> tuple[Rows, Rows]:
        # what a fit on that day would have read, so no later row has a say in the sample
        past = self.schedule.known_before(day)
        rows = self._read([*past, day], day)
        return rows.at(past), rows.at([day])

    def _read(self, dates: Sequence[dt.date], measured: dt.date) -> Rows:
        with warehouse.connect(read_only=True) as connection:
            return dataset.read(
                connection,
                self.contract,
                dates,
                limit=self.effort.rows_read,
                whole=[measured],
                seed=self.seed,
            )

    def _in_order(self, forecasts: FoldForecasts) -> FoldForecasts:
        # in the order of the candidates, which settles ties of the choice
        by_model = {name: forecasts.by_model[name] for name in self.models}
        return replace(forecasts, by_model=by_model)
