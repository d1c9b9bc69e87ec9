# shellcheck shell=bash
# What the scripts beside this file share: words to the reader, packages, one child at a time.
# Sourced, never run.

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Everything that running and testing leave behind, apart from Cargo's own target folder.
state=$checkout/.letterhead
export checkout state

say() { printf '%s\n' "$*" >&2; }

die() {
    say "letterhead: $*"
    exit 1
}

# need COMMAND WHAT-TO-DO: says in one sentence what is missing.
need() {
    command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"
}

is_root() { [[ $EUID -eq 0 ]]; }

# As root where that needs no question: 1 where it cannot be had.
as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Whether Debian packages could be installed without asking anybody.
can_install() {
    command -v apt-get >/dev/null 2>&1 && as_root true
}

# install_packages NAME...: from the distribution, without a question and without a word
# unless it fails. The index is fetched only when the first try finds a package missing.
install_packages() {
    can_install || return 1
    say "letterhead: installing $*"
    local log
    log=$(mktemp)
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300)
    if as_root "${apt[@]}" install --no-install-recommends "$@" >"$log" 2>&1 ||
        { as_root "${apt[@]}" update >>"$log" 2>&1 &&
            as_root "${apt[@]}" install --no-install-recommends "$@" >>"$log" 2>&1; }; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
}

# install_switched_off NAME...: tests and benches start servers of their own; the packages' stay as
# they would be without them: off.
install_switched_off() {
    local policy=/usr/sbin/policy-rc.d made='' status=0
    if [[ ! -e $policy ]]; then
        made=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
    fi
    install_packages "$@" || status=$?
    [[ -z $made ]] || rm -f -- "$policy"
    return "$status"
}

# The folder for state. Root's is passable for all, because the database server runs as
# another user and must reach its own folder; what is secret in it is secret by its own mode.
prepare_state() {
    mkdir -p -- "$state" 2>/dev/null && [[ -w $state ]] ||
        die "$state cannot be written by $(id -un): remove it or use the account it belongs to"
    if is_root; then chmod 0711 "$state"; else chmod 0700 "$state"; fi
}

# A password or key made of 48 hexadecimal digits.
random_word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# secret FILE: what the file holds; made first, readable by its owner only, if it is missing.
secret() {
    [[ -s $1 ]] || (umask 077 && random_word >"$1")
    cat -- "$1"
}

# login_url URL: what the demonstration's program signs in with, on the private server that its
# superuser reaches at URL.
login_url() {
    local address=${1##*@}
    printf 'postgres://letterhead_login:%s@%s/letterhead\n' \
        "$(secret "$state/postgres-login.password")" "${address%%/*}"
}

child=
stopping=

# The first signal asks the child's whole process group to end, the second ends it.
stop_child() {
    local again=$stopping
    stopping=$1
    [[ -n $child ]] || exit "$stopping"
    if [[ -z $again ]]; then
        kill -TERM -- "-$child" 2>/dev/null || true
    else
        kill -KILL -- "-$child" 2>/dev/null || true
    fi
}

stop_on_signals() {
    trap 'stop_child 130' INT
    trap 'stop_child 143' TERM
    trap 'stop_child 129' HUP
}

# run_child COMMAND...: runs it in a process group of its own, so that a signal to this script
# reaches what the command started as well, and gives back its exit status.
run_child() {
    local status seen
    set -m
    "$@" </dev/null &
    child=$!
    set +m
    while :; do
        seen=$stopping
        status=0
        wait "$child" 2>/dev/null || status=$?
        # A signal ends `wait` without ending the child.
        [[ $seen == "$stopping" ]] && break
    done
    child=
    return "$status"
}
