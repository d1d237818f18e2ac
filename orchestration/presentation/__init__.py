"""How results look: tables on a terminal, Markdown, cells.

Belongs here: words, columns and shapes. Does not belong here: where the results come from.
"""
