"""Choose whom to contact, write the list, and keep it in `main.audiences`; or show past audiences.

python serve/audience.py "spring letter" --contacts 500 --cost 2 --margin 0.3 --uplift 0.1 \
    --uplift-error 0.1 --out letter.csv
python serve/audience.py
"""

from __future__ import annotations

import os
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import warehouse
from core.expected_errors import expected_errors
from core.tables import new_table, wide_console
from serve import repository
from serve.campaign import ASSUMED, HOLD_OUT, TREATMENT, AudienceError, Campaign, Choice, Uplift
from serve.choosing import OVERLAPS, TABLE, affordable, choose

# DuckDB lets one process write twice at a time, and neither would see the other's name
_ALONE = threading.Lock()


def save(choice: Choice) -> None:
    """Add an audience to `main.audiences`, all of it or nothing.

    Raises
    ------
    AudienceError
        If there is an audience of that name, or its customers are in another by now.
    warehouse.WarehouseError
        If the warehouse is held by another process, or a night is running.
    """
    campaign = choice.campaign
    rows = choice.members[["customer_id", "arm", "predicted_30d_spend", "expected_gain"]].assign(
        audience=campaign.name,
        as_of_date=choice.as_of,
        starts_on=choice.starts_on,
        cost_per_contact=campaign.cost,
        margin=campaign.margin,
        uplift=choice.uplift.mean,
        uplift_error=choice.uplift.error,
        uplift_basis=choice.uplift.basis,
        created_at=datetime.now(UTC).replace(tzinfo=None),
    )
    with _ALONE, warehouse.writer() as connection, warehouse.transaction(connection):
        connection.register("chosen", rows)
        [(as_of,)] = connection.execute(
            "select max(as_of_date) from marts.customer_predictions"
        ).fetchall()
        if as_of != choice.as_of:
            raise AudienceError(
                f"they were chosen by the forecast of {choice.as_of}, and there is one of {as_of} "
                "meanwhile: choose again"
            )
        [(same_name, busy)] = connection.execute(
            f"""
            select
                count(*) filter (audience = $name),
                count(*) filter (customer_id in (select customer_id from chosen) and {OVERLAPS})
            from main.{TABLE}
            """,
            {"name": campaign.name, "starts_on": choice.starts_on},
        ).fetchall()
        if same_name:
            raise AudienceError(
                f"there is an audience {campaign.name!r} already, and what was chosen is never "
                "changed: give this one another name"
            )
        if busy:
            raise AudienceError(
                f"{busy:,} of them were chosen for another audience meanwhile: choose again"
            )
        connection.execute(f"insert into main.{TABLE} by name from chosen")


def write(choice: Choice, file: Path) -> None:
    """Write an audience as CSV and keep it in `main.audiences`: both, or on any error neither.

    Raises
    ------
    AudienceError
        As `save` does, and if the file is there already.
    """
    if file.exists():
        raise AudienceError(f"{file} is there already: give another one")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".audience-") as scratch:
        written = Path(scratch) / file.name
        written.write_text(csv(choice))
        save(choice)
        os.replace(written, file)


def csv(choice: Choice) -> str:
    """Return an audience as CSV, whoever is held out marked as such, reasons in words."""
    reasons = choice.members["reasons"].map(lambda said: "" if said is None else "; ".join(said))
    return choice.members.assign(reasons=reasons).to_csv(index=False)


def words(choice: Choice) -> list[str]:
    """Say an audience in plain words, what is assumed of it first."""
    campaign, uplift = choice.campaign, choice.uplift
    assumed = uplift.basis == ASSUMED
    pays = "" if choice.break_even is None else f" It pays from {choice.break_even:.1%} on."
    return [
        f"Expected spend is not uplift. {'Assumed' if assumed else uplift.basis.capitalize()}: a "
        f"contact raises what a customer spends by {uplift.mean:.1%}, standard error "
        f"{uplift.error:.1%}.{pays}",
        f"{choice.contacts:,} customers to contact for {choice.cost:,.2f}; without it they will "
        f"spend {choice.expected_spend:,.2f} in the 30 days from {choice.starts_on} on, with a "
        f"chance of 80 % between {choice.spend_low:,.2f} and {choice.spend_high:,.2f}.",
        f"{'If so, contacts' if assumed else 'Contacts'} bring {choice.expected_gain:,.2f} after "
        f"costs at a margin of {campaign.margin:.0%}, with a chance of 80 % between "
        f"{choice.gain_low:,.2f} and {choice.gain_high:,.2f}.",
    ]


def kept(choice: Choice) -> str:
    """Say what `save` has written."""
    return (
        f"{choice.campaign.name} is kept: {choice.contacts:,} customers to contact for "
        f"{choice.cost:,.2f}, and {len(choice.members) - choice.contacts:,} held out by chance. "
        f"The 30 days that tell what it brings begin on {choice.starts_on}."
    )


def _show(choice: Choice) -> None:
    console = wide_console()
    for sentence in words(choice):
        console.print(sentence)
    table = new_table("Not contacted", "kind", "customers", "expected spend", "expected gain")
    for reason, customers, *sums in choice.left_out.itertuples(index=False):
        table.add_row(str(reason), f"{customers:,}", *(f"{money:,.2f}" for money in sums))
    console.print(table)


def past() -> pd.DataFrame:
    """Return all audiences, the newest first, with what is known of their results.

    Returns
    -------
    pandas.DataFrame
        audience, starts_on, treated, held_out, lift, lift_low, lift_high, gain (money; null until
        built after the window) and verdict.
    """
    return repository.frame(
        f"""
        select
            kept.audience, kept.starts_on, kept.treated, kept.held_out,
            results.lift, results.lift_low, results.lift_high, results.gain,
            coalesce(results.verdict, 'not built yet') as verdict
        from (
            select
                audience, starts_on, max(created_at) as created_at,
                count(*) filter (arm = '{TREATMENT}') as treated,
                count(*) filter (arm = '{HOLD_OUT}') as held_out
            from main.{TABLE} group by all
        ) as kept
        left join marts.audience_results as results using (audience)
        order by kept.created_at desc, kept.audience
        """
    )


def _show_past() -> None:
    audiences = past()
    names = ("lift each", "80 % from", "to", "gain")
    table = new_table("Audiences", "kind", "starts", "treated", "held out", *names, "verdict")
    for name, starts_on, treated, held_out, *figures, verdict in audiences.itertuples(index=False):
        cells = ("" if pd.isna(figure) else f"{figure:,.2f}" for figure in figures)
        table.add_row(
            name, f"{starts_on:%Y-%m-%d}", f"{treated:,}", f"{held_out:,}", *cells, verdict
        )
    wide_console().print(table if len(audiences) else "no audience has been chosen yet")


@expected_errors(OSError)
def main(
    name: Annotated[
        str | None, typer.Argument(help="Name of the audience; none: past ones are shown.")
    ] = None,
    contacts: Annotated[int | None, typer.Option(help="How many may be contacted, or ...")] = None,
    money: Annotated[float | None, typer.Option(help="... what contacts may cost in all.")] = None,
    cost: Annotated[float, typer.Option(help="Cost of a contact, in money.")] = 0.0,
    margin: Annotated[float | None, typer.Option(help="Share of spend that is kept.")] = None,
    uplift: Annotated[
        float | None,
        typer.Option(help="Share by which a contact is assumed to raise spend. Default: measured."),
    ] = None,
    uplift_error: Annotated[float | None, typer.Option(help="Standard error of it.")] = None,
    hold_out: Annotated[
        float, typer.Option(help="Share that is not contacted, by chance, to measure.")
    ] = 0.2,
    region: Annotated[list[str] | None, typer.Option(help="Only this one; repeat.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Only this one; repeat.")] = None,
    starts_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of the 30. Default: the as-of date."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write; the audience is kept then, for ever.")
    ] = None,
) -> None:
    """Choose whom to contact with a budget: what that is expected to bring, and who is left out.

    With --out the list is written, and kept in `main.audiences` so that its result can be measured.
    """
    if name is None:
        _show_past()
        return
    if money is not None and contacts is None:
        contacts = affordable(money, cost)
    elif contacts is None or money is not None:
        raise typer.BadParameter("say --contacts or --money")
    if margin is None:
        raise typer.BadParameter("say --margin: the share of spend that is kept")
    if (uplift is None) != (uplift_error is None):
        raise typer.BadParameter("an assumed --uplift has its --uplift-error")
    choice = choose(
        Campaign(
            name=name,
            contacts=contacts,
            cost=cost,
            margin=margin,
            held_out=hold_out,
            uplift=None if uplift is None or uplift_error is None else Uplift(uplift, uplift_error),
            regions=region or (),
            segments=segment or (),
            starts_on=starts_on.date() if starts_on else None,
        )
    )
    _show(choice)
    if out:
        write(choice, out)
        typer.echo(f"{out}: {len(choice.members):,} customers, those held out marked")
        typer.echo(kept(choice))


if __name__ == "__main__":
    typer.run(main)
