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
# with "servers", for running the real servers; with "tests", for all that the tests need.
missing_packages() {
    have gcc && have g++ && have make || echo build-essential
    have pkg-config || echo pkg-config
    pkg-config --exists openssl 2>/dev/null || echo libssl-dev
    pkg-config --exists zlib 2>/dev/null || echo zlib1g-dev
    if [ "${1:-}" = servers ] || [ "${1:-}" = tests ]; then
        have_jdk || echo openjdk-17-jdk-headless
        have mvn || echo maven
    fi
    if [ "${1:-}" = tests ]; then
        have promtool || echo prometheus
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
    # The package starts a service, which nobody asked for.
    case " ${packages[*]} " in *" prometheus "*)
        if have systemctl; then
            "${sudo[@]}" systemctl disable --now prometheus >/dev/null 2>&1 || say "no service of prometheus to stop"
        fi
        ;;
    esac
    install_rust
}

# Helm and kubeconform, built from their Go modules, and the description of Kubernetes' objects, which is part of its own.
# Without Go the tests that need them are passed over; with CI=true that is a failure.
install_tools() {
    local helm=v3.22.0 kubeconform=v0.8.0 kubernetes=v1.34.0 folder source
    mkdir -p "$(target)/tools"
    folder=$(cd "$(target)/tools" && pwd)
    [ "$(cat "$folder/versions" 2>/dev/null)" = "$helm $kubeconform $kubernetes" ] && return
    if ! have go; then
        [ "${CI:-}" != true ] || die "Go is missing: it is needed to build Helm and kubeconform for the tests of the chart"
        say "Go is missing: the tests of the chart are passed over"
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
    # What has to be fetched from elsewhere may be out of reach; that says nothing about the project.
    export LAB_UNREACHABLE="Helm and kubeconform cannot be fetched or built"
    say "$LAB_UNREACHABLE: the tests of the chart are passed over"
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
