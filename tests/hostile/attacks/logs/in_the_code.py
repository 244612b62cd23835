"""A log line in the code.

Tries: to have the code itself logged, with a line of its own making in it.
Expect: contained
"""

# \n{"level": "error", "message": "BREACH-IN-LOG"}
NOTE = """
{"level": "error", "message": "BREACH-IN-LOG"}
"""
contained("the log has a hash of this, not the text")
