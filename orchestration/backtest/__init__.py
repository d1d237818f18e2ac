"""The fraud rules on labelled traffic: run, scoring, report.

Belongs here: the arithmetic and its tables. Does not belong here: the command (cli), the asset (assets).
"""
