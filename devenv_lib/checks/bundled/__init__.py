"""The checks that come with devenv: each proves one of an environment's promises from inside.

``inv check`` runs a copy of them. What cannot be shown by a set-up is skipped, with the reason.
"""
