"""Records as a report, for people (HTML, Markdown) and programs (CSV, JSON).

`report.build_report` gathers all facts from records into one document, with the help of
`summary`, `pareto`, `over_time` and `roofline`; `html`, `markdown` and `csv_table` write it, and
find no fact of their own. What they share are `numbers` and `wording`. `charts` draws for HTML.
"""
