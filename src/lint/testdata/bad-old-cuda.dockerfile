FROM nvidia/cuda:10.2-cudnn8-devel-ubuntu18.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip3 install torch
COPY patients.csv /data/patients.csv
COPY train.py /app/
CMD python3 /app/train.py
