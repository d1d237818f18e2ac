"""Which Java runs. Belongs here: finding it. Does not belong here: its age (orchestration.cli), what is run with it."""

import os
import shutil

from local_stack.processes import StackError


def find_java() -> str:
    """Path of `java`: below JAVA_HOME where that is set, else on PATH.

    Raises:
        StackError: there is none, and what to do about it.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found:
        return found
    if home:
        raise StackError(f"There is no java in {home}/bin: mend or unset JAVA_HOME.")
    raise StackError("Java is not found: install a JDK or JRE of version 17 or newer, or set JAVA_HOME.")
