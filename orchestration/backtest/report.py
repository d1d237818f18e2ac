"""What a backtest looks like: tables of cells, and its plot as a small SVG.

Belongs here: words, columns and shapes. Does not belong here: the arithmetic (scoring), where it is shown
(cli, assets).
"""

import base64
from typing import Any

from orchestration.backtest.own import OwnBacktest
from orchestration.backtest.scoring import FALSE_POSITIVE_BUDGET, RECALL_GOAL, Backtest, Tally, VersionResult

VERSION_COLUMNS = ("version", "alerts from", "recall", "false positives", "precision", "EUR caught", "of EUR lost")
TEAM_COLUMNS = ("version", "alerts a day", "precision at k", "of at most", "accounts found", "average precision")
RULE_COLUMNS = ("version", "rule", "recall", "false positives", "precision", "EUR caught")

_WIDTH, _HEIGHT, _MARGIN = 480, 320, 40
_PLOTTED_RATE = 0.05
_COLOURS = ("#9aa5b1", "#3366cc", "#109618", "#dc3912", "#990099")

type Cells = list[list[object]]


def version_rows(backtest: Backtest) -> Cells:
    """A row per version, by VERSION_COLUMNS."""
    return [
        [v.rule_version, v.threshold, *_shares(v.tally), f"{v.tally.caught_eur:,.0f}", f"{v.tally.fraud_eur:,.0f}"]
        for v in backtest.versions
    ]


def team_rows(backtest: Backtest) -> Cells:
    """A row per version, by TEAM_COLUMNS: what a team finds that can look at so many alerts a day."""
    return [
        [
            v.rule_version,
            v.daily.alerts_a_day,
            _percent(v.daily.precision),
            _percent(v.daily.ceiling),
            f"{v.daily.found} of {v.daily.findable}",
            f"{v.average_precision:.3f}",
        ]
        for v in backtest.versions
    ]


def rule_rows(backtest: Backtest) -> Cells:
    """A row per rule of each version, by RULE_COLUMNS."""
    return [[r.rule_version, r.signal, *_shares(r.tally), f"{r.tally.caught_eur:,.0f}"] for r in backtest.rules]


def typology_columns(backtest: Backtest) -> list[str]:
    """Columns of `typology_rows`."""
    return ["typology", *(f"recall of version {v.rule_version}" for v in backtest.versions)]


def typology_rows(backtest: Backtest) -> Cells:
    """A row per typology with each version's recall."""
    names = sorted(backtest.current.recall_by_typology)
    return [[name, *(_percent(v.recall_by_typology[name]) for v in backtest.versions)] for name in names]


def as_dict(backtest: Backtest) -> dict[str, Any]:
    """The same for a program; money is text."""
    return {
        "ok": backtest.is_good,
        "versions": [
            {"rule_version": v.rule_version, "threshold": v.threshold, **_numbers(v.tally)}
            | {"recall_by_typology": v.recall_by_typology, "average_precision": v.average_precision}
            | {
                "alerts_a_day": v.daily.alerts_a_day,
                "precision_at_k": v.daily.precision,
                "precision_at_k_of_at_most": v.daily.ceiling,
            }
            for v in backtest.versions
        ],
        "rules": [{"rule_version": r.rule_version, "signal": r.signal, **_numbers(r.tally)} for r in backtest.rules],
    }


def own_as_dict(own: OwnBacktest | None) -> dict[str, Any] | None:
    """The same of one's own payments; None where none is labelled. The goal is of the simulated ones."""
    if own is None:
        return None
    figures = {name: value for name, value in as_dict(own.backtest).items() if name != "ok"}
    return {"since": own.since.isoformat(), "until": own.until.isoformat(), "labelled": own.labelled} | figures


def plot_svg(backtest: Backtest) -> str:
    """Recall over the rate of false positives, a line per version; the budget and the goal as dashed lines."""
    budget, goal = _x(FALSE_POSITIVE_BUDGET), _y(RECALL_GOAL)
    shapes = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _line(_x(0), _y(0), _x(_PLOTTED_RATE), _y(0)),
        _line(_x(0), _y(0), _x(0), _y(1)),
        _line(budget, _y(0), budget, _y(1), dashed=True),
        _line(_x(0), goal, _x(_PLOTTED_RATE), goal, dashed=True),
        _text(budget, _HEIGHT - 22, f"{FALSE_POSITIVE_BUDGET:.0%}"),
        _text(_x(_PLOTTED_RATE), _HEIGHT - 22, f"{_PLOTTED_RATE:.0%}"),
        _text(_WIDTH / 2, _HEIGHT - 6, "honest payments alerted"),
        _text(20, goal + 4, f"{RECALL_GOAL:.0%}"),
        _text(90, 14, "fraud caught"),
    ]
    for number, version in enumerate(backtest.versions):
        colour = _COLOURS[number % len(_COLOURS)]
        shapes.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{_points(version)}"/>')
        shapes.append(_text(_WIDTH - 60, 14 + 16 * number, f"version {version.rule_version}", colour))
    size = f'width="{_WIDTH}" height="{_HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{"".join(shapes)}</svg>'


def plot_markdown(backtest: Backtest) -> str:
    """The plot as an image within Markdown."""
    encoded = base64.b64encode(plot_svg(backtest).encode()).decode()
    return f"![recall over false positives](data:image/svg+xml;base64,{encoded})"


def _shares(tally: Tally) -> list[str]:
    return [_percent(tally.recall), f"{tally.false_positive_rate:.2%}", _percent(tally.precision)]


def _numbers(tally: Tally) -> dict[str, Any]:
    return {
        "recall": tally.recall,
        "precision": tally.precision,
        "false_positive_rate": tally.false_positive_rate,
        "caught": tally.caught,
        "frauds": tally.frauds,
        "caught_eur": str(tally.caught_eur),
        "fraud_eur": str(tally.fraud_eur),
    }


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _points(version: VersionResult) -> str:
    steps = [(0.0, 0.0), *((t.false_positive_rate, t.recall) for score, t in version.curve if score > 0)]
    return " ".join(f"{_x(rate):.1f},{_y(recall):.1f}" for rate, recall in steps if rate <= _PLOTTED_RATE)


def _x(rate: float) -> float:
    return _MARGIN + (_WIDTH - 2 * _MARGIN) * rate / _PLOTTED_RATE


def _y(share: float) -> float:
    return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * share


def _line(x1: float, y1: float, x2: float, y2: float, *, dashed: bool = False) -> str:
    style = 'stroke="#bbb" stroke-dasharray="4"' if dashed else 'stroke="black"'
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def _text(x: float, y: float, words: str, colour: str = "black") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="middle" fill="{colour}">{words}</text>'
