"""What all packages share: errors, engine connections, SQL quoting and locks.

Imports no other package of Shopwright. What only one package needs belongs in that package.
"""
