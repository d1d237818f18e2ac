"""Tokens for SASL OAUTHBEARER, for clients that are no JVM.

Belongs here: asking for a token, and the form that a broker wants it in. Does not belong here: how clients connect
(source), the JVM's clients, which ask by themselves.
"""
