"""From scheduled functions to machine code: what happens to loop nests behind the schedules."""
