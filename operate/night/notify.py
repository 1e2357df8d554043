"""Tell people how a night went, over any service that apprise knows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import apprise

import warehouse
from operate.night.ledger import PUBLISHED, WARNED

# user and password, and what comes after the address, are secrets in most services' URLs
_SECRETS = re.compile(r"(?<=://).*")
LONGEST = 3_500

KINDS = {
    PUBLISHED: apprise.NotifyType.SUCCESS,
    WARNED: apprise.NotifyType.WARNING,
}


class NotifyError(warehouse.ShopError):
    """Somebody could not be told; the message says over which kind of service."""


def notify(urls: Sequence[str], title: str, body: str, exit_code: int) -> None:
    """Send a message to each URL, as in `mailto://user:password@example.com`.

    Raises
    ------
    NotifyError
        If a URL is none that apprise knows, or was not reached; all others were told.
    """
    # its own words on a failure name addresses and passwords
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    failed = []
    for url in urls:
        service = apprise.Apprise()
        reached = service.add(url) and service.notify(
            title=title,
            body=body[:LONGEST],
            notify_type=KINDS.get(exit_code, apprise.NotifyType.FAILURE),
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not reached:
            failed.append(_SECRETS.sub("...", url))
    if failed:
        raise NotifyError(
            f"not told: {', '.join(failed)}; `apprise -vv URL` in the virtual environment says why"
        )
