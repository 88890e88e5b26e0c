"""Projects that earlier versions made, kept to be opened by every later one."""
