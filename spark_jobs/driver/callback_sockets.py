"""The sockets by which Spark's JVM calls this process, as `foreachBatch` does.

Belongs here: letting go of them. Does not belong here: queries (run).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def close_callback_sockets(spark: "SparkSession") -> None:
    """Close both ends of each; the next callback connects anew. Only where no query is running.

    Py4J keeps one for each thread of the JVM that has ever called, and closes none. A query has a thread of its own,
    so each would leave one behind at both ends, until the process has no more files to open.
    """
    from py4j.java_gateway import JavaObject  # type: ignore[import-untyped]

    gateway: Any = spark.sparkContext._gateway
    if not gateway.__dict__.get("_callback_server"):
        return
    server = JavaObject("GATEWAY_SERVER", gateway._gateway_client)
    # As PySpark itself does it where it starts the server of callbacks: the client of before is shut down.
    server.resetCallbackClient(server.getCallbackClient().getAddress(), gateway._python_proxy_port)
