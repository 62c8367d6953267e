"""One process of a distributed run: prints the seconds that its queries took."""

import sys
import time

import genprobe
from genprobe.aggregate.queries import draw_queries, release_ranks, serve_queries
from genprobe.estimators.rate import rate
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.device import choose_device
from genprobe.runtime.ranks import process_group

QUERIES = 16_384


def main(data: str, path: str, device: str = "cpu") -> None:
    """Encode, then time the queries."""
    k = 64
    model = genprobe.Model(
        name="given",
        encode=lambda x: {"loc": x[:, :k], "scale": x[:, k:]},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    with process_group(device) as group:
        genprobe.evaluate(model, data, store=path, estimators={"rate": rate}, device=device)
        place = choose_device(device)
        store = genprobe.open_store(path)
        if not group.leads:
            serve_queries(store, diagonal_normal, place, group)
            return
        start = time.perf_counter()
        draw_queries(
            store,
            diagonal_normal,
            lambda q: 1.0,
            tolerance=1e-9,
            max_queries=QUERIES,
            device=place,
            ranks=group,
        )
        seconds = time.perf_counter() - start
        release_ranks(group)
        print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
