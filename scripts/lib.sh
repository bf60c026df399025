# Shared by the scripts: installs what is missing where that can be done, or says exactly what to install.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A JDK of the kind that the laboratory looks for.
have_jdk() {
    local home
    for home in "${JAVA_HOME:-/nowhere}" /usr/lib/jvm/*; do
        [ -x "$home/bin/javac" ] && return 0
    done
    have javac
}

# Debian packages that are missing for building (a C and C++ compiler, OpenSSL and zlib for the Kafka client) and,
# with "servers", for running the real servers.
missing_packages() {
    have gcc && have g++ && have make || echo build-essential
    have pkg-config || echo pkg-config
    pkg-config --exists openssl 2>/dev/null || echo libssl-dev
    pkg-config --exists zlib 2>/dev/null || echo zlib1g-dev
    if [ "${1:-}" = servers ]; then
        have_jdk || echo openjdk-17-jdk-headless
        have mvn || echo maven
    fi
}

install_missing() {
    local packages sudo=()
    mapfile -t packages < <(missing_packages "${1:-}")
    if [ ${#packages[@]} -gt 0 ]; then
        have apt-get || die "missing: ${packages[*]} (names of Debian packages); install their like and run this again"
        if [ "$(id -u)" != 0 ]; then
            have sudo || die "missing: run as root: apt-get install ${packages[*]}"
            sudo=(sudo)
        fi
        say "installing ${packages[*]}"
        "${sudo[@]}" apt-get update -qq </dev/null >&2 || say "apt-get update failed; trying with the lists at hand"
        if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${packages[@]}" </dev/null >&2; then
            # Releases that have another JDK: the servers run with it, too.
            packages=("${packages[@]/openjdk-17-jdk-headless/default-jdk-headless}")
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                "${packages[@]}" </dev/null >&2 || die "cannot install; by hand: apt-get install ${packages[*]}"
        fi
    fi
    install_rust
}

install_rust() {
    local wanted
    wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    if have rustup; then
        # Installs what rust-toolchain.toml names, if it is not there.
        rustc --version >/dev/null 2>&1 || rustup toolchain install "$wanted" --profile minimal -c rustfmt -c clippy >&2 ||
            die "rustup cannot install Rust $wanted"
        return
    fi
    have cargo || die "Rust is missing: install rustup (Debian 13 and later: apt-get install rustup; elsewhere as its home page says), then: rustup toolchain install $wanted"
    [ "$(printf '%s\n' "$wanted" "$(rustc --version | cut -d' ' -f2)" | sort -V | head -n1)" = "$wanted" ] ||
        die "Rust $(rustc --version | cut -d' ' -f2) is too old: $wanted or later is needed; install rustup, then: rustup toolchain install $wanted"
}

# Where cargo puts what it builds.
target() { printf '%s' "${CARGO_TARGET_DIR:-target}"; }

# Builds the binary and the laboratory for use.
build_release() {
    say "building (the first time takes some minutes)"
    cargo build --release --locked --bin kelp --example lab || die "the build failed"
}
