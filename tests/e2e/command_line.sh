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
claim "there is no completion for other shells" code 2 "$PRATIQUE" completion tcsh
says "bash, zsh, fish"
refuse "a remote command without a gate says what to do" "$PRATIQUE" status
says "pratique login URL"
refuse "a gate that is not there is unavailable" env PRATIQUE_USER=a PRATIQUE_PASSWORD=b "$PRATIQUE" status --server http://127.0.0.1:9
says "http://127.0.0.1:9"
refuse "scanning what does not exist says so" "$PRATIQUE" scan oci:"$work"/nowhere
claim "doctor reports in JSON" bash -c '"$PRATIQUE" doctor --format json | python3 -c "import json,sys; assert len(json.load(sys.stdin)[\"findings\"]) >= 5"'

# Wrong values of options, of every kind there is.
for call in 'scan --format xml x' 'scan --tls-verify maybe oci:x' 'scan --platform linux oci:x' 'scan --fail-on bad oci:x' \
  'lint --profile tree x' 'run --cores many x' 'run --memory 4X x' 'run --time soon x' 'run --env x y' 'review waive CVE-1 --days 0' \
  'review waive CVE-1' 'admin user add x' 'admin journal show --after x' 'admin config reference --format html' 'status --format html'; do
  claim "wrong usage: $call" env PRATIQUE_SERVER=http://127.0.0.1:9 PRATIQUE_USER=a PRATIQUE_PASSWORD=b bash -c '
    code=0; "$PRATIQUE" "$@" || code=$?; [ "$code" = 2 ]' - $call
  says "Usage: pratique"
done

# Completion, by the shells themselves.
complete_in_bash() { bash -c 'source <("$PRATIQUE" completion bash); COMP_WORDS=("${@:2}"); COMP_CWORD=$1; _pratique; printf "%s\n" "${COMPREPLY[@]}"' - "$@"; }
claim "bash completes commands" complete_in_bash 1 pratique com
says "completion"
claim "and subcommands" complete_in_bash 2 pratique admin ''
says "journal"
claim "and options" complete_in_bash 2 pratique scan --fo
says "--format"
claim "and their values" complete_in_bash 3 pratique scan --format ''
says "json"
silent "--format"
claim "and values behind a sign" complete_in_bash 4 pratique scan --format = j
says "json"
claim "and operands" complete_in_bash 2 pratique completion z
says "zsh"
touch "$work/report-file.txt"
claim "and files" complete_in_bash 3 pratique scan -o "$work/report-"
says "report-file.txt"
claim "and nothing where nobody can know" complete_in_bash 3 pratique run --cores ''
silent "--cores"
if command -v zsh >/dev/null; then
  in_zsh() { zsh -fc 'compdef() { :; }; _describe() { print -rl -- $next }; _arguments() { print -rl -- "$@" "at $CURRENT ${words[1]}" }
    source <("$PRATIQUE" completion zsh); words=("$@[2,-1]"); CURRENT=$1; _pratique' - "$@"; }
  claim "zsh completes commands" in_zsh 2 pratique sc
  says "scan:Inspect"
  claim "and subcommands" in_zsh 4 pratique admin user ''
  says "password:Set"
  claim "and values" in_zsh 4 pratique scan --format ''
  says "*--format[how to report]:table|json|html:(table json html)"
  says "at 3 scan"
else
  echo "note: zsh is not installed"
fi
if command -v fish >/dev/null; then
  in_fish() { fish --no-config -c 'eval ($PRATIQUE completion fish | string collect); complete -C "$argv"' "$1"; }
  claim "fish completes commands" in_fish 'pratique sc'
  says "scan"
  silent "serve"
  claim "and subcommands" in_fish 'pratique admin user p'
  says "password"
  claim "and values" in_fish 'pratique scan --format '
  says "json"
  silent "serve"
else
  echo "note: fish is not installed"
fi

# Manual pages are made from the same table.
claim "manual pages are written" "$PRATIQUE" admin man "$work/man"
claim "a page for every first word" test -s "$work/man/man1/pratique-admin.1" -a -s "$work/man/man5/pratique.yaml.5"
if command -v mandoc >/dev/null; then
  claim "mandoc finds nothing to complain of" bash -c 'mandoc -T lint -W warning "$1"/man?/*' - "$work/man"
else
  echo "note: mandoc is not installed"
fi
if command -v man >/dev/null; then
  claim "man reads one" env MANWIDTH=100 man -l "$work/man/man1/pratique-scan.1"
  says "--ignore-unfixed"
fi
