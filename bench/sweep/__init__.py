"""Many models in many settings: each step of each cell done once, anywhere, and kept.

`plan/` reads what is asked for and expands it into cells, `cell_steps` says which tasks each is
made of. `sweep` carries tasks out, by `executors/` what any worker can do (`steps`), and here what
needs the user's files and devices (`driver_tasks`). A result is a folder (`result`) in a `store`.
`outcome` and `answer` read from these what came of the cells; `session` is all of it in order.
"""
