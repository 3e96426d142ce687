# The commands of clamp_mmpose with the pinned versions of requirements.txt, for the CPU or for NVIDIA GPUs:
#   docker build -t clamp_mmpose .
#   docker build -t clamp_mmpose:cuda --build-arg DEVICE=cuda .
#   docker run --rm -v "$PWD":/work --shm-size 2g clamp_mmpose train CONFIG
#   docker run --rm -v "$PWD":/work --shm-size 2g --gpus all clamp_mmpose:cuda train CONFIG
ARG DEVICE=cpu

FROM python:3.11-slim-bookworm AS cpu
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

# PyTorch's default wheels bring CUDA's libraries; the driver comes from the host
FROM python:3.11-slim-bookworm AS cuda

FROM ${DEVICE} AS builder
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/clamp_mmpose
COPY . .
# the wheels are in this stage only
RUN make setup PYTHON=python3.11 && rm -rf /root/.cache/pip

FROM ${DEVICE}
# for OpenCV
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 pose
COPY --from=builder /opt/clamp_mmpose /opt/clamp_mmpose
ENV PATH=/opt/clamp_mmpose/.venv/bin:$PATH
USER 1000
WORKDIR /work
ENTRYPOINT ["clamp-mmpose"]
CMD ["--help"]
