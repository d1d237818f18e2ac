"""Kafka records into judged records, by one contract: the rules, the lists of codes, and the user's mapping.

Belongs here: which contract it is, and the steps in their order: decoding and mapping where there is one, parsing where
not, then the contract's rules. Does not belong here: the steps themselves (decoding, mapping, parsing), which
disposition a payment gets (deduplication).
"""
