"""A report as one HTML file that asks for nothing, and prints as it stands.

Belongs here: the template. Does not belong here: what stands in it (day_report).
"""

import base64
import hashlib
from collections.abc import Sequence

from orchestration.compliance.day_report import Report
from orchestration.compliance.sections import SECTIONS
from spark_jobs.tables.row_types import ReadRow

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin-bottom: 1.5rem; }
th, td { border: 1px solid GrayText; padding: .25rem .5rem; text-align: left; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } }
"""

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<title>Payments of {{ report.day }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>Payments of {{ report.day }} (UTC)</h1>
<p>Made at {{ report.made_at }} by {{ report.made_by }}. SHA-256 of the report: <code>{{ sha256 }}</code></p>
{% for signature in signatures %}<p>Signed off by {{ signature.signed_by }}{% if signature.note %}: \
{{ signature.note }}{% endif %}.</p>
{% else %}<p>Not signed off.</p>
{% endfor %}
{% for section in sections %}<h2>{{ section.title }}</h2>
{% set rows = report.sections[section.name] %}
{% if rows is none %}<p>Not known: dbt has not built it.</p>
{% elif not rows %}<p>Nothing.</p>
{% else %}<table tabindex="0">
<thead><tr>{% for name in rows[0] %}<th scope="col">{{ name.replace("_", " ") }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for value in row.values() %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table>
{% endif %}{% endfor %}
</main>
</body>
</html>
"""


def page_of(report: Report, signatures: Sequence[ReadRow]) -> str:
    """The file. `signatures` have `signed_by` and `note`."""
    from jinja2 import Environment
    from markupsafe import Markup

    style_hash = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    template = Environment(autoescape=True).from_string(_TEMPLATE)
    return template.render(
        report=report,
        sha256=report.sha256(),
        signatures=signatures,
        sections=[section for section in SECTIONS if section.name in report.sections],
        style=Markup(STYLE),  # noqa: S704 - our own text
        policy=f"default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'",
    )
