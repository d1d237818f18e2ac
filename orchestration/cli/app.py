"""The `payments` command: its subcommands, and how errors become lines.

Belongs here: registering the commands, and turning every error that a user can cause into one line. Does not belong
here: what a command does (its module). Exit code 1: something is wrong or unproven; 2: a wrong setting or argument.
"""

import sys

import typer

from local_stack.processes import StackError
from orchestration.cli import audit, backtest, break_, demo, doctor, flow, lifecycle, migrate, scenario, totals, verify
from orchestration.cli.costs import command as costs
from orchestration.cli.decisions import backfill, erase, gaps, promote_field, replay, resolve, start_at
from orchestration.cli.fraud import label, queue
from orchestration.cli.fraud.lists import lists
from orchestration.cli.mapping.group import group
from orchestration.cli.monitoring import certify, dashboard
from orchestration.cli.recovery import backup, restore
from orchestration.cli.sealing import prove, report, seal
from orchestration.errors import CommandError
from spark_jobs.incidents import Incident, one_line
from spark_jobs.settings import SettingError
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.warehouse.retries import failures, what_to_do

app = typer.Typer(
    help="Payments from Kafka to BigQuery, each exactly once, and proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(lifecycle.up)
app.command()(lifecycle.down)
app.command()(lifecycle.status)
app.command()(doctor.doctor)
app.command()(dashboard.dashboard)
app.command()(dashboard.query)
app.command()(start_at.start_at)
app.command()(flow.simulate)
app.command()(flow.process)
app.command()(flow.build)
app.command()(verify.verify)
app.command()(audit.audit)
app.command()(seal.seal)
app.command()(prove.prove)
app.command()(report.report)
app.command()(costs.costs)
app.command()(migrate.migrate)
app.command()(backup.backup)
app.command()(restore.restore)
app.command()(certify.certify)
app.command()(totals.load_totals)
app.command()(gaps.accept_gap)
app.command()(backtest.backtest)
app.command()(queue.alert_queue)
app.command()(label.label)
app.command()(replay.replay)
app.command()(resolve.resolve)
app.command()(backfill.backfill)
app.command()(promote_field.promote_field)
app.command()(erase.erase)
app.command()(scenario.scenario)
app.command(name="break")(break_.break_)
app.command()(demo.demo)
app.add_typer(group, name="mapping")
app.add_typer(lists, name="lists")


def main() -> None:
    """Run the command; what a user can mend is one line on stderr, never a traceback."""
    try:
        app()
    except SettingError as error:
        _leave(error, 2)
    except (CommandError, StackError, Incident, BrokerUnreachable) as error:
        _leave(error, 1)
    # Google's client is imported only once something was raised.
    except failures() as error:
        todo = what_to_do(error, "see `payments doctor`")
        _leave(f"The warehouse refused or was silent: {one_line(error)}; {todo}.", 1)
    except OSError as error:
        # A home that cannot be written to, or a disk that is full.
        _leave(f"{error.filename or 'This machine'}: {error.strerror or error}; see `payments doctor`.", 1)


def _leave(error: Exception | str, code: int) -> None:
    sys.stderr.write(" ".join(str(error).split()) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
