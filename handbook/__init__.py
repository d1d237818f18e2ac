"""The documents as a whole: their links, their order, their examples, and the site that is made of them.

Belongs here: reading Markdown, checking links, running the examples, staging and building the site. Does not belong
here: what the documents say (docs), the figures in them (benchmarks).
"""
