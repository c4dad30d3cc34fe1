# A container with the page, the HTTP service and the MCP server; docs/containers.md tells of it.
#
#   docker build --build-arg TORCH_INDEX_URL=URL -t transparent-background:cpu .
#   docker build --target cuda -t transparent-background:cuda .
#
# PyTorch's wheels on Linux bring CUDA's libraries, several GB of them. So the CUDA variant needs no other base
# image, only the driver that the NVIDIA container toolkit passes in; and the CPU variant is small only if
# TORCH_INDEX_URL names a package index with CPU wheels, as PyTorch's own set-up page does. Without it the CPU
# variant works as well, large.

ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
ARG TORCH_INDEX_URL=""
ARG EXTRAS="web,video,heif"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# By itself, since it is most of the image and changes least. Bounds are those of pyproject.toml.
# hadolint ignore=DL3013
RUN if [ -z "$TORCH_INDEX_URL" ]; then \
      echo "TORCH_INDEX_URL is not set: CUDA's libraries are installed, 5 GB that a CPU never uses" >&2; \
    fi; \
    pip install ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} "torch>=2.4" "torchvision>=0.19"
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY transparent_background transparent_background
# hadolint ignore=DL3013
RUN pip install ".[$EXTRAS]"

# No system packages: the wheels of OpenCV (headless), PyAV, Pillow and PyTorch hold what they need beside
# libc, libstdc++ and zlib.
FROM python:${PYTHON_VERSION}-slim AS run
RUN groupadd --gid 10001 app \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin app \
 && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/venv /opt/venv
# Weights are kept in /data; all else that is written goes to /tmp, where libraries that look for a home are sent.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRANSPARENT_BACKGROUND_FILE_PATH=/data
VOLUME /data
WORKDIR /tmp
USER 10001:10001
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 \
  CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 7860, timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["transparent-background"]

FROM run AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
CMD ["serve", "--host", "0.0.0.0", "--mode", "lite", "--device", "cuda", "--precision", "auto", "--timeout", "60", "--grace", "20"]

# the last one is what is built when no target is named
FROM run AS cpu
CMD ["serve", "--host", "0.0.0.0", "--mode", "lite", "--device", "cpu", "--timeout", "60", "--grace", "20"]
