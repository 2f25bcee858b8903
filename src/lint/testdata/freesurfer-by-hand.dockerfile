FROM ubuntu:22.04
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update
RUN apt-get install -y wget tcsh libgomp1 \
    && for lib in libglu1-mesa libxmu6; do \
         apt-get install -y "$lib"; \
       done
RUN wget https://example.org/freesurfer.tar.gz | tar xz -C /opt
ENV FREESURFER_HOME=/opt/freesurfer FS_LICENSE=/opt/freesurfer/license.txt
COPY license.txt /opt/freesurfer/
RUN mkdir /safe_data && mkdir /safe_outputs && mkdir /scratch
CMD recon-all -s subject -i /safe_data/subject01.nii.gz -all
