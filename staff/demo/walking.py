"""Walk the clock through a story: what people did until then, and after it all that the engine made due by then.

The clock stops twice a day, so that the engine works in batches. What people did is noted with its own moment, and
delays count from that.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.db import connection, transaction

from automations import ticking
from clinic import clock
from clinic.lanes import lanes
from clinic.wakeups import unheard
from messaging.management.commands.catch_mail import HOST, Keep

STEP = timedelta(hours=12)
"""How often the walk stops: what fell due in between is done up to this much later than it was due."""
MORNING = timedelta(hours=7)
"""The first stop of a day, in UTC."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did at a moment; doing it twice must change nothing."""

    at: datetime
    do: Callable[[datetime], object]


def walk(deeds: Sequence[Deed]) -> None:
    """Live through the deeds from where the clock stands to the present. May be interrupted, and gone on with."""
    waiting = sorted(deeds, key=lambda deed: deed.at)
    times = [deed.at for deed in waiting]
    done = bisect_left(times, clock.now() - 2 * STEP)  # the stop at which a walk was interrupted is repeated
    with catching_mail(), _unhurried(), unheard():
        due = _settle()
        while (stop := _next_stop(times[done:], due)) < clock.present():
            clock.reach(stop)
            until = bisect_right(times, stop)
            due = _do(waiting[done:until])
            done = until
        clock.catch_up()
        _do(waiting[done : bisect_right(times, clock.now())])


def _do(deeds: Sequence[Deed]) -> datetime | None:
    """Do what people did since the last stop, and what the engine makes of it; return when it has work next."""
    with transaction.atomic():
        for deed in deeds:
            deed.do(deed.at)
    return _settle()


def _settle() -> datetime | None:
    """Drain the lanes until none has work that is due; return when one has work next.

    Asking costs less than draining one more time in vain.
    """
    while True:
        drained = sum(lane.drain() for lane in lanes())
        moments, current = ticking.ahead().values(), clock.now()
        if not drained or all(at > current for at in moments):
            return min((at for at in moments if at > current), default=None)


def _next_stop(times: Sequence[datetime], due: datetime | None) -> datetime:
    """Return the next stop at which somebody has done something or the engine has work."""
    current = clock.now()
    moments = [*times[:1], *([due] if due is not None else [])]
    moment = max(min(moments, default=clock.present()), current).astimezone(UTC)
    first = moment.replace(hour=0, minute=0, second=0, microsecond=0) + MORNING - STEP
    return first + STEP * ((moment - first) // STEP + 1)


@contextmanager
def _unhurried() -> Iterator[None]:
    """Let commits not wait for the disk: what a crash takes is lived through again."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")


@contextmanager
def catching_mail() -> Iterator[None]:
    """Take the messages of the history where the demo's mailbox will: it is not running yet."""
    if not settings.MAILCATCHER_PORT:
        yield
        return
    ready, loop = threading.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=[loop, ready], daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _serve(loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
    async def listen() -> asyncio.Server | None:
        try:
            return await loop.create_server(
                lambda: SMTP(Keep(), hostname="localhost", enable_SMTPUTF8=True), HOST, settings.MAILCATCHER_PORT
            )
        except OSError:  # the mailbox of a running demo listens there: it takes them
            return None

    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(listen())
    ready.set()
    loop.run_forever()
    if server is not None:
        server.close()
    loop.close()
