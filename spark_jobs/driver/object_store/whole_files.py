"""The jar of WholeFiles, compiled for the Spark that is installed.

Belongs here: compiling it, and where the jar is. Does not belong here: what the class does (WholeFiles.java).
Spark compiles its own plans by Janino, a compiler of Java in Java: so nobody needs a JDK.
"""

import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

CLASS_NAME = "payments.WholeFiles"
RUN = "payments.run"
"""What tells runs apart, in a session's configuration: the class keeps logs while a run lasts."""
_SOURCE = files(__package__) / "WholeFiles.java"
_INTERFACE_PACKAGE = "org.apache.spark.sql.execution.streaming.checkpointing"
"""Where the source says that Spark's interface is, as from Spark 4.1 on."""


def jar_path(home: Path, spark: str) -> Path:
    """Where the jar for a version of Spark is, once it is made. The folders beside it have what others publish."""
    return home / "jars" / f"whole-files-{spark}.jar"


def write_jar(jvm: Any, home: Path, spark: str, interface_package: str) -> Path:
    """Compile the class; the jar.

    Args:
        jvm: a JVM with Spark's jars, as Py4J shows it.
        home: the folder of local state.
        spark: the version of Spark in the JVM.
        interface_package: where that version has `CheckpointFileManager`.

    Raises:
        Py4JJavaError: the source does not fit that Spark.
    """
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.cook(_SOURCE.read_text().replace(_INTERFACE_PACKAGE, interface_package))
    classes = compiler.getBytecodes()
    path = jar_path(home, spark)
    fresh = path.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w") as jar:
        for name in sorted(classes.keySet()):
            jar.writestr(f"{name.replace('.', '/')}.class", bytes(classes[name]))
    return fresh.rename(path)
