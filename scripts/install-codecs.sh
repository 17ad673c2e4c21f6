#!/usr/bin/env bash
# Installs the two libraries that read and write photographs, libturbojpeg (JPEG) and libspng (PNG), where they are missing.
# Silent when both are there. Exits with 1 and says what to install by hand when it cannot.
set -euo pipefail

have() { # have NAME: whether the dynamic linker finds libNAME
    local cache
    cache=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || cache=
    [[ $cache == *"lib$1.so"* ]] && return 0
    local folder
    for folder in ${LD_LIBRARY_PATH:+"${LD_LIBRARY_PATH%%:*}"} /lib /usr/lib /usr/lib64 /usr/lib/*-linux-* /usr/local/lib /opt/homebrew/lib; do
        compgen -G "$folder/lib$1.so*" >/dev/null && return 0
        compgen -G "$folder/lib$1*.dylib" >/dev/null && return 0
    done
    return 1
}

missing() {
    have turbojpeg || echo libturbojpeg0
    have spng || echo libspng0
}

fail() {
    echo "$1 missing: install $(paste -sd' ' <<<"$packages") with your package manager" \
        "(Debian: apt-get install libturbojpeg0 libspng0; Ubuntu: libturbojpeg libspng0; macOS: brew install jpeg-turbo libspng)" >&2
    exit 1
}

packages=$(missing)
[[ -z $packages ]] && exit 0
command -v apt-get >/dev/null || fail "no apt-get here, and image codecs are"

as_root=()
if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "not root, no sudo here, and image codecs are"
    as_root=(sudo)
    # Without a terminal nobody can type a password: fail rather than wait for one.
    [[ -t 0 ]] || as_root+=(-n)
fi

install() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }

echo "installing" $packages "(apt-get)…" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
    install $packages ||
        { ${as_root[@]+"${as_root[@]}"} apt-get update -qq && { install $packages || install ${packages/libturbojpeg0/libturbojpeg}; }; }
} >"$log" 2>&1 </dev/null || true
packages=$(missing)
if [[ -n $packages ]]; then
    cat "$log" >&2
    fail "apt-get did not help: image codecs are"
fi
