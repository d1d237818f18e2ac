"""The process from which Spark forks its Python workers, with the libraries that each of them needs.

Belongs here: what is imported once, before the fork. Does not belong here: what starts threads when it is imported, as
duckdb does: they would be missing in the workers. Run by Spark: `spark.python.daemon.module` names it.
"""

import os


def main() -> None:
    """Import, and fork workers for as long as Spark asks for them."""
    # A worker has one core; and a pool of threads does not outlive a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    import pandas as pd  # noqa: F401
    import pyspark.worker  # noqa: F401
    from pyspark.daemon import manager

    manager()


if __name__ == "__main__":
    main()
