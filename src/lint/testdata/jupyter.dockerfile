FROM quay.io/jupyter/scipy-notebook:2024-10-07
USER root
RUN mkdir /safe_data /safe_outputs /scratch && chown ${NB_UID} /scratch
RUN apt-get update \
 && apt-get install -yq --no-install-recommends graphviz \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
USER ${NB_UID}
RUN mamba install --yes 'pydicom=2.4.*' nibabel && mamba clean --all -f -y
ENV TMPDIR=/scratch JUPYTER_ENABLE_LAB=yes
EXPOSE 8888
