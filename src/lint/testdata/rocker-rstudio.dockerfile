# Interactive: RStudio on port 8787.
FROM rocker/rstudio:4.4
RUN mkdir /safe_data /safe_outputs /scratch
RUN install2.r --error --skipinstalled tidyverse lme4 \
 && rm -rf /tmp/downloaded_packages
ENV DISABLE_AUTH=true
EXPOSE 8787
CMD ["/init"]
