# EPR Gateway: one static binary on an empty base.
#
#   docker build -t eprgw .
#   docker run --rm -p 8575:8575 -p 2575-2578:2575-2578 eprgw

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# A static binary for this machine's own architecture. The target is named so that only the
# product, and not the build scripts, is linked statically. Built once and shipped often, so it is
# optimised as a whole, which a build at a desk is not.
RUN set -eu; \
    host="$(rustc -vV | sed -n 's/^host: //p')"; \
    export CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1; \
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --release --locked --package cli --target "$host"; \
    install -D "target/$host/release/eprgw" /out/eprgw; \
    install -d -m 0700 -o 65532 -g 65532 /out/data; \
    install -d -m 1777 /out/tmp

FROM scratch
LABEL org.opencontainers.image.title="EPR Gateway" \
      org.opencontainers.image.description="Mock EPRs behind a durable HL7 v2 and FHIR gateway, for integration testing" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/ /
COPY fixtures/config /fixtures/config
COPY fixtures/messages /fixtures/messages
USER 65532:65532
VOLUME /data
# Loopback inside a container reaches nobody, so the container is where the open bind is meant.
ENV EPRGW_BIND=0.0.0.0 \
    EPRGW_ALLOW_OPEN_BIND=true \
    EPRGW_DATA=/data
EXPOSE 2575 2576 2577 2578 8575
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["/eprgw", "ready"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/eprgw"]
CMD ["serve"]
