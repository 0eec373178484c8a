# whalepipe in a container. It needs the network to be built and none to run.
#
#   docker build -t whalepipe .
#   mkdir -p results    # or the engine makes it, and it is root's
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD/card:/data/card:ro" -v "$PWD/results:/data/out" \
#       whalepipe run card --out out
#
# The page that takes decisions, and the interface, at http://localhost:8765/?token=... (the container cannot know that
# only this computer reaches it, so a token is needed; it is made up and printed where WHALEPIPE_TOKEN does not give one):
#
#   docker run --rm -p 127.0.0.1:8765:8765 -e WHALEPIPE_TOKEN --user "$(id -u):$(id -g)" -v "$PWD/results:/data/out" \
#       whalepipe review out --catalog out/catalogue.sqlite --host 0.0.0.0
#
# TORCH_INDEX_URL picks PyTorch's build by its package index: PyTorch's CPU index makes the image several GB smaller, one
# of its CUDA indexes fits a given driver. Empty: the build that the default index gives (CUDA, on x86-64).
ARG BASE=debian:12-slim
FROM ${BASE}
ARG TORCH_INDEX_URL=""

RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

RUN python3 -m venv /opt/whalepipe \
    && /opt/whalepipe/bin/pip install --no-cache-dir ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch torchvision

COPY pyproject.toml README.md LICENSE /src/
COPY whalepipe /src/whalepipe
COPY weights /src/weights
RUN /opt/whalepipe/bin/pip install --no-cache-dir '/src[explain,fast,postgresql,review,search]' && rm -rf /src

RUN useradd --create-home --uid 1000 whalepipe && mkdir -p /data && chown whalepipe /data
USER whalepipe
WORKDIR /data
# Whoever the container runs as can write there: a user without an entry in it has no home.
ENV PATH=/opt/whalepipe/bin:$PATH WHALEPIPE_CACHE=/tmp/whalepipe
EXPOSE 8765
ENTRYPOINT ["whalepipe"]
CMD ["--help"]
