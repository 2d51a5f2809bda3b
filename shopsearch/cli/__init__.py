"""Command line: words typed in a terminal in, the services' answers out.

In:    arguments, and options that stand above the environment (`--home`, `--log-level`, ...).
Out:   results on standard output (one JSON document with `--json`); progress, logs and errors on
       standard error; an exit code: 0 done, 1 failed, 2 wrong usage, 3 done but products rejected.
Fails: no error of `shopsearch.errors` gets out as a traceback, unless `--debug` asks for it.
More:  write a command in the module of its group and name it in `COMMANDS` of `commands.py`.

Importing this package imports click and nothing heavier; a command imports what it needs when it
runs. tests/cli/test_startup.py holds that.
"""

from shopsearch.cli.commands import main

__all__ = ["main"]
