"""Which Java runs. Usage: python -m local_stack.java, which prints its JAVA_HOME.

Belongs here: finding it. Does not belong here: its age (orchestration.cli), what is run with it.
"""

import shutil
import sys
from pathlib import Path

from local_stack.processes import StackError
from spark_jobs.settings import java_home, payments_home


def find_java(home: Path) -> str:
    """Path of `java`: below JAVA_HOME, else what `make setup` put into the home folder, else on PATH.

    Raises:
        StackError: there is none, and what to do about it.
    """
    where = java_home(home)
    found = shutil.which("java", path=f"{where}/bin" if where else None)
    if found:
        return found
    if where:
        raise StackError(f"There is no java in {where}/bin: mend or unset JAVA_HOME.")
    raise StackError(
        "Java is not found: run `make setup`, which fetches one, or install a JDK or JRE of version 17 or newer, "
        "or set JAVA_HOME."
    )


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{Path(find_java(payments_home())).resolve().parents[1]}\n")
    except StackError as error:
        sys.exit(str(error))
