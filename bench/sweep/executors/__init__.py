"""Where the steps of a sweep are carried out: an executor a file, all of `executor.Executor`."""
