"""What a contender's process tells of itself: CPU seconds of each step, what it found, and its memory."""

import json
import resource
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stopwatch:
    """CPU seconds (user and system) of this process, by step; what is outside of any step does not count."""

    def __init__(self) -> None:
        self.steps: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done within."""
        begun = time.process_time()
        yield
        self.steps[name] += time.process_time() - begun

    def tell(self, found: Mapping[str, int]) -> None:
        """Print all as the last line of output, for the benchmark to read."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({"steps": self.steps, "found": dict(found), "memory": memory}))
