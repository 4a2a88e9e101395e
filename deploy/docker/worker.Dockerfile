# tune-worker with tune-trainer. Build from the repository's root:
#   docker build -f deploy/docker/worker.Dockerfile -t tune-worker:0.1.0 .
#   docker build -f deploy/docker/worker.Dockerfile --target cuda -t tune-worker:0.1.0-cuda .
#
# The second has NVIDIA's libraries for a GPU too, 2.6 GB; of the driver it has nothing: that is the
# host's, which the NVIDIA container toolkit shows to the container (docker run --gpus all).
#
# Another base of Debian 12 (a mirror's, a hardened one): --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS deps
# The trainer finds LibTorch by this path, in the build and in the image.
ENV TUNE_DEPS_DIR=/opt/tune/deps
WORKDIR /src
COPY deploy/install-deps.sh deploy/wheels.txt deploy/sources.txt deploy/
RUN deploy/install-deps.sh

FROM deps AS build
COPY . .
RUN cmake --preset release -DTUNE_DEPS_DIR=/opt/tune/deps -DTUNE_BUILD_TESTS=OFF \
 && cmake --build --preset release --target tune-worker tune-trainer

# In a stage of its own, that no change of the sources makes anew.
FROM deps AS cuda-libraries
COPY deploy/wheels-cuda.txt deploy/
RUN deploy/install-deps.sh --cuda

FROM ${BASE_IMAGE} AS worker
# The base image pins the distribution; its security updates are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      libcivetweb1 libgomp1 libgrpc++1.51 libprometheus-cpp-core1.0 libprotobuf32 \
      libspdlog1.10 libssl3 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 /var/lib/tune-worker
COPY --from=build /opt/tune/deps/torch/lib /opt/tune/deps/torch/lib
COPY --from=build /opt/tune/deps/nvidia/cu13/lib /opt/tune/deps/nvidia/cu13/lib
# The trainer looks for the plugin in ../lib, and the plugin for Arrow in pyarrow/ beside it.
COPY --from=build /opt/tune/deps/pyarrow/lib*.so.* /usr/local/lib/pyarrow/
COPY --from=build /src/build/release/lib/libtune_tables.so /usr/local/lib/
# Chat templates are rendered by a program in ../libexec.
COPY --from=build /src/build/release/libexec/tune-chat-template /usr/local/libexec/
COPY --from=build /src/build/release/bin/tune-worker /src/build/release/bin/tune-trainer /usr/local/bin/
USER 10001:10001
VOLUME /var/lib/tune-worker
EXPOSE 7072
# bash speaks enough HTTP to ask, so the image needs no client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7072 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3"]
# To a scheduler elsewhere it wants certificates (--ca-file, and --cert-file, --key-file
# where the scheduler asks for them) or --insecure: the README's section on transport.
ENTRYPOINT ["tune-worker", "--work-dir", "/var/lib/tune-worker", "--metrics-listen", "0.0.0.0:7072"]

FROM worker AS cuda
COPY --from=cuda-libraries /opt/tune/deps/nvidia /opt/tune/deps/nvidia
# What the container toolkit shows of the driver: libcuda and NVML.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The last stage is what a build without --target makes.
FROM worker AS cpu
