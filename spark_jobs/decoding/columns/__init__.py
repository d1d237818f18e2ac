"""Records of a batch into columns at once: texts and numbers at the places that are asked for.

Belongs here: reading many records together, where that provably reads what one by one would read. Does not belong here:
one record, and whatever is wrong with one (decoding), what a place means (mapping).
"""
