"""`payments mapping`: the group of its commands.

Belongs here: registering them. Does not belong here: what one does.
"""

import typer

from orchestration.cli.mapping.check import check
from orchestration.cli.mapping.diff import diff
from orchestration.cli.mapping.infer import infer
from orchestration.cli.mapping.run_samples import run_samples

group = typer.Typer(
    help="What the events of your topic mean: payment_event.toml, drafted, checked, tested and compared.",
    no_args_is_help=True,
)
group.command()(infer)
group.command()(check)
group.command("test")(run_samples)
group.command()(diff)
