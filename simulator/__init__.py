"""Sends simulated payments to Kafka and writes down the truth about every one: `python -m simulator`.

config.py what to simulate; population.py who pays whom; clock.py when; payments.py the payments; fraud.py labelled
fraud; typologies.py what it looks like; malformed.py broken events; faults.py the deliveries in sending order;
manifest.py the truth of what was sent; producer.py and fast_producer.py the only Kafka I/O; simulate.py the glue;
bulk.py fills a topic fast.
Import the modules: nothing is re-exported here.
"""
