"""What doctor finds of the disk; the rest is in the tests of the command."""

from orchestration.cli.doctor import disk
from orchestration.platform.disk_usage import GIB


def test_a_disk_with_room_is_well_a_small_rest_warns_and_none_fails() -> None:
    assert disk(50 * GIB, 100 * GIB) == ("disk", "OK", "50.0 GiB free of 100.0 GiB")
    assert disk(4 * GIB, 100 * GIB)[1] == "WARN"
    assert disk(1 * GIB, 100 * GIB)[1] == "FAIL"
