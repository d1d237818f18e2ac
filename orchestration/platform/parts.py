"""The parts of a deployment by name, each with the command that it is: what the image's entry point becomes.

Usage: python -m orchestration.platform.parts PART [ARGUMENT...]. Belongs here: that table. Does not belong here: how a
part is placed, its ports and secrets (deploy). No shell is needed: this process becomes the part's.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PARTS: Mapping[str, tuple[str, ...]] = {
    "simulator": ("-m", "simulator"),
    "processor": ("-m", "spark_jobs.processor"),
    "code-location": (
        *("-m", "dagster", "api", "grpc", "-m", "orchestration.definitions", "-a", "defs"),
        *("--location-name", "payments"),
    ),
    "webserver": ("-m", "dagster_webserver"),
    "daemon": ("-m", "dagster._daemon"),
    "dashboard": ("-m", "orchestration.cli.app", "dashboard"),
    "payments": ("-m", "orchestration.cli.app"),
}
EXECUTOR = "executor"
"""What Spark calls a pod of executors; the pod's environment says the rest, as Spark's own image reads it."""

_BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
_OPTION = "SPARK_JAVA_OPT_"


def command_of(part: str, arguments: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The program and its arguments.

    Raises:
        KeyError: there is no such part.
    """
    if part == EXECUTOR:
        return executor_command(env)
    return [sys.executable, *PARTS[part], *arguments]


def executor_command(pod: Mapping[str, str]) -> list[str]:
    """Spark's executor, as the entry point of Spark's own image starts it."""
    options = sorted((name for name in pod if name.startswith(_OPTION)), key=lambda name: int(name.split("_")[-1]))
    memory = pod["SPARK_EXECUTOR_MEMORY"]
    fields = {
        "--driver-url": "SPARK_DRIVER_URL",
        "--executor-id": "SPARK_EXECUTOR_ID",
        "--cores": "SPARK_EXECUTOR_CORES",
        "--app-id": "SPARK_APPLICATION_ID",
        "--hostname": "SPARK_EXECUTOR_POD_IP",
        "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
        "--podName": "SPARK_EXECUTOR_POD_NAME",
    }
    classpath = ":".join(filter(None, (pod.get("SPARK_CLASSPATH"), f"{pod['SPARK_HOME']}/jars/*")))
    return [
        str(Path(pod["JAVA_HOME"], "bin", "java")),
        *(pod[name] for name in options),
        *(f"-Xms{memory}", f"-Xmx{memory}", "-cp", classpath, _BACKEND),
        *(word for option, name in fields.items() for word in (option, pod[name])),
    ]


def usage() -> str:
    """What there is."""
    return f"usage: PART [ARGUMENT...], where PART is one of {', '.join([*PARTS, EXECUTOR])}"


def main(arguments: Sequence[str]) -> None:
    """Become the part, or end with the usage."""
    part, *rest = arguments or ["--help"]
    if part in ("-h", "--help"):
        sys.stdout.write(f"{usage()}\n")
        return
    try:
        command = command_of(part, rest, os.environ)
    except KeyError as unknown:
        sys.stderr.write(f"{unknown.args[0]} is missing or no part; {usage()}\n")
        sys.exit(2)
    os.execv(command[0], command)  # noqa: S606 - no shell, on purpose


if __name__ == "__main__":
    main(sys.argv[1:])
