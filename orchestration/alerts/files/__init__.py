"""What is made of the lists: Prometheus' rules, Grafana's dashboard, the tables of the documents.

Belongs here: pure functions from the lists to text, and the command that writes it. Does not belong here: the lists
(alerts, dashboard).
"""
