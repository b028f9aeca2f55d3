# syntax=docker/dockerfile:1
# A static binary, a user without rights, the certificates of public authorities, and nothing else.
# Both base images are arguments, so that the build works against a mirror:
#   docker build --build-arg BUILD_IMAGE=mirror.example.com/rust:1.95-alpine .
# What is told of the source is an argument too:
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .

ARG BUILD_IMAGE=docker.io/library/rust:1.95-alpine
ARG RUN_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
RUN apk add --no-cache ca-certificates musl-dev
WORKDIR /src
COPY . .
# The base image is the toolchain; the file would only make rustup fetch another.
RUN rm -f rust-toolchain.toml \
    && cargo build --profile dist --locked --bin landwaiter \
    && mkdir -p /out/etc/ssl/certs /out/tmp /out/usr/bin /data \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && cp target/dist/landwaiter /out/usr/bin/ \
    && chmod 1777 /out/tmp

FROM ${RUN_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="landwaiter" \
      org.opencontainers.image.description="Watches container registries and commits new image tags to a GitOps config repository" \
      org.opencontainers.image.source="https://github.com/landwaiter/landwaiter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# All of it belongs to root, but for the data.
COPY --from=build /out /
COPY --from=build --chown=65532:65532 /data /var/lib/landwaiter
USER 65532:65532
VOLUME /var/lib/landwaiter
EXPOSE 8089
ENV LANDWAITER_DATA_DIR=/var/lib/landwaiter
ENTRYPOINT ["/usr/bin/landwaiter"]
CMD ["run"]
