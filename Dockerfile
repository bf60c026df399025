# Builds Kelp and leaves the binary, its pipelines and what it links to.
#   docker build --build-arg KELP_REVISION=$(git rev-parse --short HEAD) -t kelp .
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# Declared in Cargo.toml; not built here.
COPY tests tests
# Shown by kelp_build_info.
ARG KELP_REVISION=""
# What was fetched and built stays with the builder, so that the next build is of what has changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    KELP_REVISION="$KELP_REVISION" cargo build --release --locked --bin kelp \
    && cp target/release/kelp /kelp

FROM debian:bookworm-slim
# Whatever is current in this release of Debian: pinned versions leave its archive with the next security fix.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 kelp \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin kelp
COPY --from=build /kelp /usr/local/bin/kelp
COPY pipelines /etc/kelp/pipelines
USER 10001:10001
EXPOSE 9600
ENTRYPOINT ["kelp"]
CMD ["run", "-c", "/etc/kelp/kelp.yaml"]
