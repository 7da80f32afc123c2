"""Which of a schedule's choices are the fastest, by measuring them in the network?"""
