"""Is a phone fit to be measured, and why did a session break off?"""
