"""MP-100 scores: files of predictions, the two protocols, tables; :mod:`.score_file` combines them."""
