FROM rocker/r-ver:4.4.1
RUN mkdir /safe_data /safe_outputs /scratch
RUN apt-get update && apt-get install -y --no-install-recommends \
      libxml2-dev \
      # rendering
      pandoc curl \
    && rm -rf /var/lib/apt/lists/*
RUN R -e "install.packages(c('dplyr', 'ggplot2'), repos = 'https://packagemanager.posit.co/cran/2024-06-01')"
RUN curl -fsSL -o /tmp/quarto.deb https://github.com/quarto-dev/quarto-cli/releases/download/v1.5.55/quarto-1.5.55-linux-amd64.deb \
    && dpkg -i /tmp/quarto.deb && rm /tmp/quarto.deb
WORKDIR /report
COPY report.qmd .
CMD quarto render report.qmd --output-dir /safe_outputs
