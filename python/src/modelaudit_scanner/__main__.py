"""``python -m modelaudit_scanner``: the console command."""

from ._command import main

main()
