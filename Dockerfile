# syntax=docker/dockerfile:1
# A static binary, a user without rights, the certificates of public authorities, and nothing else.
# Both base images are arguments, so that the build works against a mirror:
#   docker build --build-arg BUILD_IMAGE=mirror.example.com/rust:1.95-alpine .

ARG BUILD_IMAGE=docker.io/library/rust:1.95-alpine
ARG RUN_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
RUN apk add --no-cache ca-certificates musl-dev
WORKDIR /src
COPY . .
# The base image is the toolchain; the file would only make rustup fetch another.
RUN rm -f rust-toolchain.toml \
    && cargo build --profile dist --locked --bin landwaiter \
    && mkdir -p /out/etc/ssl/certs /out/var/lib/landwaiter /out/tmp /out/usr/bin \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && cp target/dist/landwaiter /out/usr/bin/ \
    && chmod 1777 /out/tmp

FROM ${RUN_IMAGE}
COPY --from=build --chown=65532:65532 /out /
USER 65532:65532
VOLUME /var/lib/landwaiter
ENV LANDWAITER_DATA_DIR=/var/lib/landwaiter
ENTRYPOINT ["/usr/bin/landwaiter"]
CMD ["run"]
