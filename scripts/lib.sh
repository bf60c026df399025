# Shared by the scripts: installs what is missing where that can be done, or says exactly what to install.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Shows the script's own head comment, without building anything.
usage() {
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
    exit 0
}

# A JDK of the kind that the laboratory looks for: 17 or later.
have_jdk() {
    local home version
    for home in "${JAVA_HOME:-/nowhere}" /usr/lib/jvm/* ""; do
        version=$({ "${home:+$home/bin/}javac" -version 2>&1 || true; } | sed -n 's/^javac \([0-9]*\).*/\1/p')
        [ "${version:-0}" -ge 17 ] && return 0
    done
    return 1
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

# Runs as root what needs to.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi </dev/null >&2
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

install_missing() {
    local packages
    mapfile -t packages < <(missing_packages "${1:-}")
    if [ ${#packages[@]} -gt 0 ]; then
        have apt-get || die "missing: ${packages[*]} (names of Debian packages); install their like and run this again"
        [ "$(id -u)" = 0 ] || have sudo || die "missing: run as root: apt-get install ${packages[*]}"
        say "installing ${packages[*]}"
        as_root apt-get update -qq || say "apt-get update failed; trying with the lists at hand"
        # The second try is for releases that have another JDK: the servers run with it, too.
        apt_install "${packages[@]}" || apt_install "${packages[@]/openjdk-17-jdk-headless/default-jdk-headless}" ||
            die "cannot install; by hand: apt-get install ${packages[*]}"
    fi
    install_rust
}

# Says what cannot be had from elsewhere. That says nothing about the project: its tests are passed over, and say so.
unreachable() {
    export LAB_UNREACHABLE="${LAB_UNREACHABLE:+$LAB_UNREACHABLE; }$1"
    say "$1: the tests that need it are passed over"
}

# Prometheus, which the tests of alerts and dashboard ask. Its package starts a service, which nobody asked for.
install_prometheus() {
    if have promtool && have prometheus; then return; fi
    if ! have apt-get || { [ "$(id -u)" != 0 ] && ! have sudo; } || ! { as_root apt-get update -qq; apt_install prometheus; }; then
        unreachable "Prometheus cannot be installed"
    elif have systemctl; then
        as_root systemctl disable --now prometheus || say "no service of prometheus to stop"
    fi
}

# Helm and kubeconform, built from their Go modules, and the description of Kubernetes' objects, which is part of its own.
install_tools() {
    local helm=v3.22.0 kubeconform=v0.8.0 kubernetes=v1.34.0 folder source
    mkdir -p "$(target)/tools"
    folder=$(cd "$(target)/tools" && pwd)
    [ "$(cat "$folder/versions" 2>/dev/null)" = "$helm $kubeconform $kubernetes" ] && return
    if ! have go; then
        unreachable "Helm and kubeconform cannot be built without Go"
        return
    fi
    say "building Helm and kubeconform for the tests of the chart (once, some minutes)"
    if GOBIN=$folder go install "helm.sh/helm/v3/cmd/helm@$helm" &&
        GOBIN=$folder go install "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform" &&
        source=$(cd / && go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p') &&
        install -m 644 "$source/api/openapi-spec/swagger.json" "$folder/kubernetes-openapi.json"; then
        printf '%s' "$helm $kubeconform $kubernetes" >"$folder/versions"
        return
    fi
    unreachable "Helm and kubeconform cannot be fetched or built"
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
    if ! have cargo && [ "$(id -u)" = 0 ] && have apt-get && apt-cache show rustup >/dev/null 2>&1; then
        say "installing rustup"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rustup </dev/null >&2 &&
            rustup toolchain install "$wanted" --profile minimal -c rustfmt -c clippy >&2 && return
    fi
    have cargo || die "Rust is missing: install rustup (Debian 13 and later: apt-get install rustup; elsewhere as its home page says), then: rustup toolchain install $wanted"
    [ "$(printf '%s\n' "$wanted" "$(rustc --version | cut -d' ' -f2)" | sort -V | head -n1)" = "$wanted" ] ||
        die "Rust $(rustc --version | cut -d' ' -f2) is too old: $wanted or later is needed; install rustup, then: rustup toolchain install $wanted"
}

# Where cargo puts what it builds.
target() { printf '%s' "${CARGO_TARGET_DIR:-target}"; }
# Where the laboratory keeps jars and runs, as a whole path.
lab_folder() { case "$(target)" in /*) printf '%s/lab' "$(target)" ;; *) printf '%s/%s/lab' "$PWD" "$(target)" ;; esac }

# Builds the binary and the laboratory for use.
build_release() {
    local quiet=--quiet
    if ! [ -x "$(target)/release/examples/lab" ]; then
        say "building: the first time takes some minutes"
        quiet=
    fi
    # shellcheck disable=SC2086
    cargo build --release --locked $quiet --bin kelp --example lab || die "the build failed"
}
