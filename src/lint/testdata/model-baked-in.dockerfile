# syntax=docker/dockerfile:1
FROM python:3.12-slim AS fetch
RUN pip install --no-cache-dir huggingface_hub==0.24.6
RUN <<EOF
set -e
python3 - <<'PY'
from huggingface_hub import snapshot_download
snapshot_download("example/model", local_dir="/model")
PY
EOF

FROM pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime
RUN mkdir /safe_data /safe_outputs /scratch
COPY --from=fetch /model /opt/model
RUN pip install --no-cache-dir transformers==4.44.2
COPY predict.py /app/
ENV HF_HUB_OFFLINE=1 MODEL_DIR=/opt/model TMP=/scratch
CMD ["python", "/app/predict.py"]
