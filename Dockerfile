# The executable on an image without a shell or a package manager. scripts/release/image-context lays out what
# it takes, from dist/release. Then: docker buildx build --platform linux/amd64,linux/arm64 .
# The tag of the base is not pinned to a digest: the provenance of a build says which one it took.
FROM gcr.io/distroless/cc-debian13:nonroot
ARG TARGETARCH
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="modelaudit" \
      org.opencontainers.image.description="Static security scanner for machine-learning model files" \
      org.opencontainers.image.source="https://github.com/modelaudit/modelaudit" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --chmod=755 dist/image/${TARGETARCH}/modelaudit /usr/bin/modelaudit
COPY LICENSE dist/image/LICENSE-THIRD-PARTY.txt /usr/share/doc/modelaudit/
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/usr/bin/modelaudit"]
CMD ["--help"]
