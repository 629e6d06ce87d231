# syntax=docker/dockerfile:1

# The production image: one static binary, no shell, no root, nothing of the sandbox.
#
#   make image
#   docker run --env-file bot.env redis-upgrade-bot:<version>

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# Dependencies change less often than code, so they have a layer of their own.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY cmd/bot cmd/bot
COPY internal internal
ARG TARGETOS TARGETARCH VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -tags timetzdata -ldflags="-s -w -X main.version=$VERSION" -o /bot ./cmd/bot

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="redis-upgrade-bot" \
      org.opencontainers.image.description="Guided, approved and reversible version upgrades of Redis Cloud databases, in Slack" \
      org.opencontainers.image.version="$VERSION"

# Slack and Redis Cloud are reached over TLS. Time zones are in the binary (timetzdata).
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /bot /bot

# A number, so that Kubernetes can check runAsNonRoot.
USER 65532:65532
ENTRYPOINT ["/bot"]
