"""What every sink is asked for: a batch, its checks, its report, the control row, the protocol.

Belongs here: what is the same whatever the sink. Does not belong here: any one sink (sinks).
"""
