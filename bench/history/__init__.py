"""A model's figures over commits and dates.

`history.build_history` gathers them from records into one document, with the help of `figures`,
`lines`, `commit_order`, `latency_band` and `jumps`; `history_page` and `history_table` write it,
and find no fact of their own.
"""
