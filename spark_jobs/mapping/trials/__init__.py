"""What a mapping makes of records, tried outside the pipeline.

Belongs here: outcomes, samples with expected outcomes, drafts, comparisons. Does not belong here: the mapping itself
(mapping), where records come from (source), printing.
"""
