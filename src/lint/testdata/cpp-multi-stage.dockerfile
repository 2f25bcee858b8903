FROM debian:12 AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ cmake ninja-build \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake -S . -B out -G Ninja && cmake --build out

FROM gcr.io/distroless/cc-debian12@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
COPY --from=build /src/out/simulate /usr/local/bin/simulate
USER nonroot
ENTRYPOINT ["/usr/local/bin/simulate"]
