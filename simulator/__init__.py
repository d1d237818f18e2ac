"""Sends simulated payments to Kafka and writes down the truth about every one: `python -m simulator`.

config what to simulate; population who pays whom; population when; population the payments; faults labelled
fraud; faults what it looks like; faults broken events; faults the deliveries in sending order;
sending the truth of what was sent; sending and sending the only Kafka I/O; sending the glue;
sending fills a topic fast.
Import the modules: nothing is re-exported here.
"""
