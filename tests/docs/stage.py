"""What stands on the stack before a reader types a page's commands: payments of each kind, and files of the page.

Belongs here: these data, and the words of this stack for those of a page. Does not belong here: typing (reader).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from handbook import markdown
from handbook.links import ROOT
from orchestration.scenarios.harness.sandbox import event_at
from spark_jobs.source.connection import producer
from tests.docs.reader import Reader
from tests.world import World, event

ACCOUNT = "acct-asked-to-be-erased"
CONFLICT = "told-two-ways"


@dataclass(frozen=True)
class Stage:
    """A sandbox with published payments, and the days on which they were made."""

    world: World
    today: date

    @property
    def over(self) -> date:
        """The day of the payment `payment-1`, which can be sealed."""
        return self.today - timedelta(days=3)


def set_up(world: World) -> Stage:
    """Publish two batches: UNIQUE, DUPLICATE, LATE, QUARANTINED, a conflict, an account, and a day that is over."""
    stage = Stage(world, datetime.now(UTC).date())
    noon = datetime.combine(stage.over, time(12), UTC)
    world.send([event_at("payment-1", noon), event_at("payment-2", noon + timedelta(minutes=5))])
    world.send([event("one"), event("one"), event(CONFLICT, amount="12.30"), event(CONFLICT, amount="99.99")])
    world.send([event("of-the-account", sender_account_id=ACCOUNT), event("odd", currency="ZZZ"), b"no json"])
    world.drain()
    world.send([event("late", minutes_ago=240), event("two")])
    world.drain()
    return stage


type Preparation = Callable[[Stage, Reader], Reader]


def _with(reader: Reader, words: Mapping[str, str]) -> Reader:
    return Reader(reader.world, reader.folder, reader.env, words, reader.instead, reader.before)


def readme(stage: Stage, reader: Reader) -> Reader:
    """The files that the README names, and its days."""
    from orchestration.control_totals.csv_file import COLUMNS, write_totals

    nothing = dict.fromkeys(COLUMNS, 0) | {"source": "shop", "day": stage.today, "currency": "EUR"}
    write_totals(reader.folder / "FILE", [nothing | {"topic": stage.world.settings.topic}])
    provider(stage, reader)
    (reader.folder / "REPORT.csv").rename(reader.folder / "REPORT")
    reader.type("payments seal")
    return _with(
        reader,
        {
            "2026-11-18": str(stage.over),
            "2026-11-20": str(stage.today),
            "2026-11-21": str(stage.today + timedelta(days=1)),
            "DIGEST": stage.world.control().digest,
            "TRANSACTION": CONFLICT,
            "ACCOUNT": ACCOUNT,
        },
    )


def of_the_day(stage: Stage, reader: Reader) -> Reader:
    """The page's day is the one that is over."""
    return _with(reader, {"2026-11-20": str(stage.over)})


def built(stage: Stage, reader: Reader) -> Reader:
    """The page's day is the one that is over, and the models are built: green or, with a provider's report, red."""
    reader.type("payments build")
    return of_the_day(stage, reader)


def of_today(stage: Stage, reader: Reader) -> Reader:
    """The page's day is today, on which everything was published."""
    return _with(reader, {"2026-11-20": str(stage.today)})


def sealed(stage: Stage, reader: Reader) -> Reader:
    """The page's day is over, and its proof is held against the digest of its seal."""

    def written_down() -> None:
        [row] = stage.world.ask("select digest from {day_seals} where cast(day as string) = @day", day=str(stage.over))
        [proof] = reader.folder.glob("proof-*.json")
        found.words = {**found.words, proof_of_the_page: proof.name, "DIGEST": row["digest"]}

    proof_of_the_page = "proof-0123456789abcdef.json"
    command = f"python verify_proof.py {proof_of_the_page} DIGEST"
    found = of_the_day(stage, reader)
    found.before = {command: written_down}
    return found


def provider(_: Stage, reader: Reader) -> Reader:
    """The page's mapping and the page's report, as they stand there."""
    page = markdown.blocks((ROOT / "docs/settlement-reports.md").read_text(encoding="utf-8"))
    [mapping] = [block for block in page if block.language == "toml"]
    report = [block for block in page if block.language == "csv"][-1]
    (reader.folder / "provider.toml").write_text("\n".join(mapping.lines), encoding="utf-8")
    (reader.folder / "REPORT.csv").write_text("\n".join(report.lines) + "\n", encoding="windows-1252")
    return reader


def own_events(stage: Stage, reader: Reader) -> Reader:
    """A topic with a shop's events; the draft is finished by hand, and samples are kept beside it."""
    from local_stack.kafka import ensure_topic

    servers, topic = stage.world.settings.bootstrap_servers, f"{stage.world.settings.topic}-own"
    ensure_topic(servers, topic, partitions=1)
    page = markdown.blocks((ROOT / "docs/tutorial.md").read_text(encoding="utf-8"))
    files = {block.comment.removeprefix("file: "): "\n".join(block.lines) for block in page}
    samples = [json.loads(line) for line in files["samples.jsonl"].splitlines()]
    sender = producer(servers)
    for sample in samples:
        sender.send(topic, json.dumps(sample["value"]).encode(), key=b"shop")
    sender.flush()
    sender.close()

    def finish() -> None:
        for name in ("payment_event.toml", "samples.jsonl"):
            (reader.folder / name).write_text(files[name], encoding="utf-8")

    found = _with(reader, {"kafka.example.com:9092": servers, "your-topic": topic})
    found.before = {"payments mapping check": finish}
    return found


def _as_it_is(_: Stage, reader: Reader) -> Reader:
    return reader


def prepared(page: Path, stage: Stage, reader: Reader) -> Reader:
    """The reader of a page, once all is there that the page takes for granted."""
    return _PAGES.get(page.relative_to(ROOT).as_posix(), _as_it_is)(stage, reader)


_PAGES: dict[str, Preparation] = {
    "README.md": readme,
    "docs/adr/0012-a-backfill-is-a-correction.md": of_today,
    "docs/fraud.md": built,
    "docs/sealed-days.md": sealed,
    "docs/settlement-reports.md": provider,
    "docs/your-own-events.md": own_events,
}
