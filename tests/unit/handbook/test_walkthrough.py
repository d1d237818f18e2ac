import re

from handbook.examples import shown
from handbook.walkthrough import PAGE, examples
from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.deduplication.id_keys import _REST_BYTES, _STARTS_BYTES, HASH_BYTES, KEY_BYTES
from spark_jobs.deduplication.state import SLOT_MICROSECONDS, SPILL_KEYS


def test_the_page_shows_what_the_jobs_own_functions_give() -> None:
    made = examples()
    assert {name: shown(PAGE)[name] for name in made} == made, "python -m handbook.walkthrough writes them anew"


def test_the_numbers_in_words_and_pictures_are_those_of_the_code() -> None:
    pictures = PAGE.parent / "pictures"
    memory, life = ((pictures / name).read_text() for name in ("memory.svg", "state-life.svg"))
    assert f">{KEY_BYTES} bytes an id, sorted<" in memory
    assert f">{_REST_BYTES} bytes an id<" in memory
    assert f">{round(_STARTS_BYTES / 1000)} kB: where each prefix starts<" in memory
    assert len(re.findall('width="30"', memory)) == HASH_BYTES
    assert f"its key is {KEY_BYTES} bytes" in life
    assert f"a slot of {SLOT_MICROSECONDS // 60_000_000} minutes" in life
    assert f"{KEY_BYTES} bytes of its MD5" in " ".join(PAGE.read_text().split())
    assert WATERMARK_DELAY.total_seconds() == 3600, "the pages say one hour"
    assert SPILL_KEYS > 0
