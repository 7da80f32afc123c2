# The two commands of the README in a container; see docs/container.md.
FROM debian:bookworm-slim AS quickstart

ARG TORCH_INDEX=
ARG UID=1000

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git make openssh-client python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid "$UID" --create-home depth \
    && install -d -o depth /depthbench
WORKDIR /depthbench

COPY --chown=depth . .
RUN make system && rm -rf /var/lib/apt/lists/*
USER depth
RUN PIP_NO_CACHE_DIR=1 make setup TORCH_INDEX="$TORCH_INDEX" \
    && mkdir -p out /home/depth/.cache/depthbench /home/depth/.android

ENV PATH=/depthbench/.venv/bin:$PATH DEPTHBENCH_DATA=/data
CMD ["make", "quickstart"]

FROM quickstart AS test
ARG TORCH_INDEX=
USER root
RUN make system browser board languages && rm -rf /var/lib/apt/lists/*
USER depth
RUN PIP_NO_CACHE_DIR=1 make setup-dev TORCH_INDEX="$TORCH_INDEX"
CMD ["make", "test"]

# What is built where no target is named.
FROM quickstart
