"""The tables that the product owns in the warehouse, declared once.

Belongs here: columns, tables, their full names, the kinds of correction, what a digest is made of. Pure Python, quick
to import. Does not belong here: SQL that reads or writes them.
"""
