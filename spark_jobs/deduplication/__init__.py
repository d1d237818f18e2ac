"""Which payments are new: dispositions, and the state they are decided from.

Belongs here: exact ids per bucket, the watermark, segment files. Does not belong here: Spark (streaming), the
warehouse.
"""
