"""The command line: parse, call one room, present.

One file per command or group. Belongs here: options, tables, progress bars, exit codes. Does not belong here: any
rule about the data, and anything a notebook would want to call.
"""
