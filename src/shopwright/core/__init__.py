"""What every room shares and nothing else: errors, identifiers, SQL quoting, locks.

Imports nothing of ours. A thing that only one room needs belongs in that room.
"""
