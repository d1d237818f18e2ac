"""What the user's own events mean: documents of any shape into the contract's fields, by the user's mapping file.

Belongs here: the language of the file with its checks, and the mapping of documents by it. Does not belong here: bytes
into documents (decoding), what a field may say (parsing), files, Kafka, Spark.
"""
