# Builds Kelp and leaves the binary, its pipelines and what it links to.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# Declared in Cargo.toml; not built here.
COPY tests tests
RUN cargo build --release --locked --bin kelp

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home kelp
COPY --from=build /src/target/release/kelp /usr/local/bin/kelp
COPY pipelines /etc/kelp/pipelines
USER 10001
EXPOSE 9600
ENTRYPOINT ["kelp"]
CMD ["run", "-c", "/etc/kelp/kelp.yaml"]
