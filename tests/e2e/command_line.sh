#!/usr/bin/env bash
# The command line by itself: help, wrong usage, exit codes, completion.
source "$(dirname "$0")/lib.sh"
code() { local want=$1; shift; local got=0; "$@" || got=$?; [ "$got" = "$want" ] || { echo "exit code $got, expected $want"; return 1; }; }

claim "--help lists every command" "$PRATIQUE" --help
for word in serve scan submit review run doctor; do says "$word"; done
claim "no command at all is wrong usage" code 2 "$PRATIQUE"
claim "every command explains itself" bash -c '
  "$PRATIQUE" --help | sed -n "/^Commands:/,/^$/s/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p" | while read -r command; do
    "$PRATIQUE" $command --help | grep -q "^Usage: pratique $command" || { echo "no help for $command"; exit 1; }
  done'
claim "a misspelt command is answered with the right one" code 2 "$PRATIQUE" sumbit
says 'Did you mean `pratique submit`?'
claim "a misspelt subcommand too" code 2 "$PRATIQUE" review aprove
says 'Did you mean `pratique review approve`?'
claim "an unknown option is wrong usage" code 2 "$PRATIQUE" scan --frmat json x
says "pratique scan --help"
claim "a missing operand is named" code 2 "$PRATIQUE" scan
says "TARGET is missing"
claim "an operand too many is named" code 2 "$PRATIQUE" report a b
says '"b" is one word too many'
claim "version in JSON" bash -c '"$PRATIQUE" version --format json | python3 -c "import json,sys; assert json.load(sys.stdin)[\"version\"]"'
claim "completion for bash is valid bash" bash -c '"$PRATIQUE" completion bash | bash -n'
refuse "there is no completion for other shells" "$PRATIQUE" completion tcsh
says "bash, zsh and fish"
refuse "a remote command without a gate says what to do" "$PRATIQUE" status
says "pratique login URL"
refuse "a gate that is not there is unavailable" env PRATIQUE_USER=a PRATIQUE_PASSWORD=b "$PRATIQUE" status --server http://127.0.0.1:9
says "http://127.0.0.1:9"
refuse "scanning what does not exist says so" "$PRATIQUE" scan oci:"$work"/nowhere
claim "doctor reports in JSON" bash -c '"$PRATIQUE" doctor --format json | python3 -c "import json,sys; assert len(json.load(sys.stdin)[\"findings\"]) >= 5"'
