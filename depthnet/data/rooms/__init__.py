"""Indoor scenes with exact depth, drawn by the project itself: no files, any number of pairs.

`scene` samples a furnished room, `cast` finds what each ray meets first, `shading` lights it,
`sensor` makes a photograph of it, and `dataset` numbers the results.
"""
