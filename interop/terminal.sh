#!/bin/sh
# What runs in the demo's terminal: small coloured text first, which is what remote desktops like to blur; then, with a file
# as its argument, a reader that appends each typed line to it, and to FILE.times when that was (milliseconds), else a shell.
cd "$(dirname "$0")/.." || exit 1
printf '\033[1;36mavl\033[0m  a desktop that may be far away\n\n'
ls -C -w 90 --color=always
printf '\n\033[2m$ sed -n 1,20p protocol/avl_protocol/wire/varint.py\033[0m\n'
sed -n '1,20p' protocol/avl_protocol/wire/varint.py |
    sed 's/^\(".*\)$/\x1b[32m\1\x1b[0m/; s/^\(from\|import\|def\|class\) /\x1b[35m\1\x1b[0m /'
[ $# -eq 1 ] || exec "${SHELL:-/bin/sh}"
: >>"$1.times"
: >>"$1"
printf '\nEvery line typed here is appended to a file.\n> '
while IFS= read -r line; do
    date +%s%3N >>"$1.times"
    printf '%s\n' "$line" >>"$1"
    printf '> '
done
