# syntax=docker/dockerfile:1
FROM pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime
ENV PIP_NO_CACHE_DIR=1 \
    HF_HUB_OFFLINE=1 \
    HF_HOME=/safe_data/models \
    TOKENIZERS_PARALLELISM=false
RUN mkdir /safe_data /safe_outputs /scratch
COPY requirements.txt /app/
RUN pip install transformers==4.44.2 -r /app/requirements.txt
COPY train.py /app/
ENV TMP=/scratch
ENTRYPOINT ["python", "/app/train.py"]
