import asyncio
from typing import Optional


class Pace:
    """Spaces requests evenly, so that a server's limit per minute is kept.

    Args:
        per_minute: of requests or tokens; None: no limit.
    """

    def __init__(self, per_minute: Optional[float]):
        self.per_minute = per_minute
        self._next = 0.0

    async def wait(self, amount: float = 1) -> None:
        """Wait for one's turn and take ``amount`` of the minute."""
        if self.per_minute is None:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + 60 * amount / self.per_minute
        await asyncio.sleep(turn - now)
