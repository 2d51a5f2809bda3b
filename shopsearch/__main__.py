"""`python -m shopsearch`: the command line, where the script is not on the path."""

from shopsearch.cli import main

main()
