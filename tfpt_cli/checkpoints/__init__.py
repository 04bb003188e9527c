"""What is in files of weights, and which entries of two files correspond.

The files themselves are read in a process of their own (`tfpt_cli.workers.checkpoint`), by readers that need no tfpt
(`tfpt_cli.workers.child.weight_files`). Here is what comes of that: the `contents` of a file, the `names` of entries, the
`pairing` of two files, the `differences` of their numbers, and all of it put together (`comparing`).
"""
