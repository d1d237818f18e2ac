"""The dashboard: one page that says whether every payment is counted once, and how well the platform is.

Belongs here: the snapshot that the page shows, how it is read, judged, drawn, kept and served, and its metrics. Does
not belong here: what is measured (dbt's marts), starting the server in the background (platform), the command (cli).
"""
